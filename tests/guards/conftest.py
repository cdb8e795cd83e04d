"""The whole application on a test's own database."""

from __future__ import annotations

import pytest
from flask import Flask

from core.db import Database
from tests.support.web import make_app


@pytest.fixture
def app(database: Database) -> Flask:
    """The application as it runs, CSRF and all."""
    return make_app(database)
