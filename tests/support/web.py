"""The whole application on a test's own database, and being signed in to it without an identity provider."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from auth.models import Commission, Person
from core.db import Database
from portal.app import create_app
from portal.security import ACTING_FOR_KEY
from portal.sessions import CALL_KEY, Owner, ServerSession
from tests.support.idp import csrf_token, new_key
from tests.support.settings import make_settings


@cache
def _client_key_file() -> Path:
    path = Path(mkdtemp(prefix="portal-test-")) / "client-key.json"
    path.write_text(json.dumps(new_key().as_dict(private=True)), encoding="utf-8")
    return path


def _sources_file(policies: Path) -> Path:
    """A source at which nobody answers for every region whose prescriptions live elsewhere: the tests give the application their own."""
    nobody = 'prescriptions = "http://127.0.0.1:9/"\norders = "http://127.0.0.1:9/"\n'
    elsewhere = [path.stem for path in policies.glob("*.toml") if "\n[source]" in path.read_text(encoding="utf-8")]
    path = Path(mkdtemp(prefix="portal-test-")) / "sources.toml"
    path.write_text("".join(f"[{region}]\n{nobody}" for region in elsewhere), encoding="utf-8")
    return path


def make_app(database: Database, **changes: Any) -> Flask:
    """Assemble the real application, with some settings changed; its CSRF check is on, and an error is a page."""
    if "policy_dir" in changes:
        changes = {"contract_sources_file": _sources_file(changes["policy_dir"])} | changes
    app = create_app(make_settings(oidc_client_key_file=_client_key_file(), **changes), database=database)
    app.config["TESTING"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def sign_in(
    client: FlaskClient,
    who: Person | Commission,
    *,
    acting_for: Person | None = None,
    in_call_about: Person | None = None,
    language: str = "en",
) -> FlaskClient:
    """Begin a session of `who` as a log-in does, reading English unless told otherwise; returns the client."""
    database: Database = client.application.extensions["database"]
    owner = Owner(person_id=who.id) if isinstance(who, Person) else Owner(commission_id=who.id)
    session = ServerSession(database, "")
    with database.unit_of_work() as db:
        session.rotate(db, owner)
    session["language"] = language
    if acting_for is not None:
        session[ACTING_FOR_KEY] = acting_for.id
    if in_call_about is not None:
        session[CALL_KEY] = [in_call_about.id, "Var är paketet?", database.clock.now().isoformat()]
    session.save()
    assert session.cookie_to_set
    client.set_cookie(client.application.config["SESSION_COOKIE_NAME"], session.cookie_to_set)
    return client


def token_of(client: FlaskClient, page: str) -> str:
    """Fetch a page and return its CSRF token."""
    return csrf_token(client.get(page).text)
