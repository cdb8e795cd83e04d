"""A small portal around the log-in, in front of the certified provider or of one that lies."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import event

from auth.oidc import OpenIdClient
from core.db import Database
from portal.config import Settings
from portal.login.setup import provider_settings
from tests.support import fake_idp, idp
from tests.support.fake_idp import FakeProvider
from tests.support.idp import new_key
from tests.support.login_app import make_login_app
from tests.support.login_steps import ANNA, BASE, CALLBACK, CO_ORDINATED, STRANGER, add_person, fill_in_people
from tests.support.settings import make_settings

LOGIN_LOGGERS = ("auth.oidc", "auth.oidc_provider", "portal.login.views")


@pytest.fixture(scope="session")
def client_key() -> RSAKey:
    return idp.new_key()


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory, client_key: RSAKey) -> Iterator[str]:
    people = [
        idp.person("anna", number=ANNA, label="Anna <i>"),
        idp.person("samira", coordination=CO_ORDINATED),
        idp.person("stranger", number=STRANGER, group="relatives"),
        idp.staff("depot", hsa_id="SE2321000131-E1", commission="SE2321000131-C1", unit="SE2321000131-U1"),
        idp.staff("elsewhere", hsa_id="SE2321000131-E1", commission="SE2321000131-C1", unit="SE2321000131-U2"),
        idp.staff("former", hsa_id="SE2321000131-E1", commission="SE2321000131-C9", unit="SE2321000131-U1"),
    ]
    clients = [idp.client_registration(client_key, CALLBACK)]
    with idp.running_provider(tmp_path_factory.mktemp("idp"), people, clients) as issuer:
        yield issuer


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with fake_idp.fake_provider() as provider:
        yield provider


@pytest.fixture
def make_app(database: Database, database_url: str, tmp_path: Path, client_key: RSAKey) -> Any:
    key_file = tmp_path / "client-key.json"
    key_file.write_text(json.dumps(client_key.as_dict(private=True)))
    fill_in_people(database)

    def make(issuer: str) -> Flask:
        settings = make_settings(
            database_url=database_url, base_url=BASE, oidc_issuer=issuer, oidc_client_key_file=key_file
        )
        app = make_login_app(settings, database)
        quick = replace(provider_settings(settings), timeouts=(0.5, 0.5))
        app.extensions["openid_client"] = OpenIdClient(quick)
        return app

    return make


@pytest.fixture
def reasons(caplog: pytest.LogCaptureFixture) -> Any:
    for name in LOGIN_LOGGERS:
        caplog.set_level(logging.INFO, logger=name)

    def read() -> list[str]:
        ours = [record for record in caplog.records if record.name in LOGIN_LOGGERS]
        for record in ours:
            assert ANNA not in str(vars(record))
            assert record.exc_info is None
        return [getattr(record, "reason", getattr(record, "step", "")) for record in ours]

    return read


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    key_file = tmp_path / "client-key.pem"
    key_file.write_bytes(new_key().as_pem(private=True))
    return make_settings(database_url=database_url, oidc_client_key_file=key_file)


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    return make_login_app(settings, database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def people(database: Database) -> list[int]:
    return [add_person(database, number) for number in ("191212121212", "199001629808")]


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    yield seen
    event.remove(database.engine, "before_cursor_execute", listen)
