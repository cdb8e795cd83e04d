"""Alive and ready: what a load balancer and an operator are told."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import text

from core import outbox
from core.db import Database
from portal.commands.background import outbox as outbox_command
from portal.embedded.valkey import EmbeddedValkey
from tests.support.processes import environment
from tests.support.web import make_app


def test_without_the_queue_people_can_still_be_served(database: Database) -> None:
    client = make_app(database).test_client()
    assert client.get("/healthz").json == {"status": "alive"}
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (200, {"database": "ready", "queue": "away"})


def test_the_queue_is_told_of_when_it_is_there(database: Database, valkey: EmbeddedValkey) -> None:
    app = make_app(database)
    app.extensions["redis_url"] = valkey.url
    assert app.test_client().get("/readyz").json == {"database": "ready", "queue": "ready"}


def test_a_database_of_another_release_is_not_ready(database: Database) -> None:
    client = make_app(database).test_client()
    with database.unit_of_work() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    response = client.get("/readyz")
    assert (response.status_code, response.json and response.json["database"]) == (503, "not migrated")
    assert client.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_a_calm_page_and_not_ready() -> None:
    away = Database("postgresql+psycopg://nobody@/nothing?host=/nonexistent")
    client = make_app(away).test_client()
    assert client.get("/readyz").status_code == 503
    client.set_cookie("session", "somebody's")
    page = client.get("/my-products")
    assert page.status_code == 503
    assert "Traceback" not in page.text
    away.dispose()


def test_dead_messages_are_listed_and_revived(database: Database, database_url: str, tmp_path: Path) -> None:
    with database.unit_of_work() as session:
        outbox.publish(session, "order.placed", order_id=1)
    with database.unit_of_work() as session:
        (message_id,) = outbox.claim(session)
    for _ in range(outbox.MAX_ATTEMPTS):
        with database.unit_of_work() as session:
            outbox.record_failure(session, message_id, "NoResultFound")
    key = tmp_path / "key.pem"
    key.write_text("not used here")
    run = CliRunner(env=environment(database_url, "redis://localhost:1", key))
    listed = run.invoke(outbox_command)
    assert f"{message_id}\torder.placed" in listed.output
    assert "NoResultFound" in listed.output
    assert "tried again" in run.invoke(outbox_command, ["--revive", str(message_id)]).output
    assert run.invoke(outbox_command).output == ""
    assert "is not dead" in run.invoke(outbox_command, ["--revive", str(message_id)]).output
