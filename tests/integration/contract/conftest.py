"""The application as a proxy with client certificates in front of it would reach it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from core.clock import ManualClock
from core.db import Database
from orders.contract.names import V1, V2, Version
from tests.support.builders import add_article, add_item, add_person
from tests.support.contract_calls import Caller, Row
from tests.support.contract_client import PROXY_KEY
from tests.support.databases import TestDatabases
from tests.support.pair import Pair, TickingClock, running_pair
from tests.support.web import make_app


@pytest.fixture
def contract_app(database: Database, tmp_path: Path) -> Flask:
    """The application with the contract open."""
    key = tmp_path / "proxy-key"
    key.write_text(PROXY_KEY, encoding="utf-8")
    return make_app(database, contract_proxy_key_file=key)


@dataclass(frozen=True)
class Scene:
    """A person with two prescription items, and a stranger with one."""

    caller: Caller
    number: str
    first: Row
    second: Row
    stranger: Row


@pytest.fixture
def scene(contract_app: Flask, database: Database) -> Scene:
    """Somebody who can order two things."""
    with database.unit_of_work() as session:
        person, stranger = add_person(session), add_person(session)
        items = [
            add_item(session, person, add_article(session)),
            add_item(session, person, add_article(session, package_size=50)),
            add_item(session, stranger, add_article(session)),
        ]
        rows = [Row(item.external_id, item.article.article_no, item.prescription.external_id) for item in items]
        return Scene(Caller(contract_app), person.number, *rows)


@pytest.fixture(params=[V2, V1], ids=["2.0", "1.0"])
def pair(
    databases: TestDatabases, tmp_path: Path, clock: ManualClock, request: pytest.FixtureRequest
) -> Iterator[Pair]:
    """A portal and a source that speak one of the two versions with each other."""
    version = request.param
    assert isinstance(version, Version)
    with (
        databases.copy() as portal_url,
        databases.copy() as source_url,
        running_pair(tmp_path, portal_url, source_url, TickingClock(clock.now()), version) as running,
    ):
        yield running
