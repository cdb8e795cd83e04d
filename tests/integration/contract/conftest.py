"""The application as a proxy with client certificates in front of it would reach it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from core.db import Database
from tests.support.contract_client import PROXY_KEY
from tests.support.web import make_app


@pytest.fixture
def contract_app(database: Database, tmp_path: Path) -> Flask:
    """The application with the contract open."""
    key = tmp_path / "proxy-key"
    key.write_text(PROXY_KEY, encoding="utf-8")
    return make_app(database, contract_proxy_key_file=key)
