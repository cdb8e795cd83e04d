"""The fourth migration: where an order is registered, and what a source elsewhere was asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from portal.embedded.postgres import EmbeddedPostgres
from portal.migrations import alembic_config, migrate
from tests.integration.test_migrations import AT_0001, AT_0002, _contents, _fill


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> str:
    """A database that nobody has migrated."""
    name = "unmigrated_source"
    postgres.drop_database(name)
    postgres.create_database(name)
    return postgres.url(name)


# And an item of the source's history, as revision 0003 keeps it.
AT_0003: dict[str, dict[str, Any]] = {
    "external_withdrawal": {
        "prescription_item_id": 1,
        "order_item_id": "K1",
        "article_id": 1,
        "pieces": 6,
        "order_date": date(2026, 10, 1),
        "delivered_date": None,
    },
}


def test_the_fourth_migration_keeps_what_was_there_and_every_order_is_ours(empty_database: str) -> None:
    engine = create_engine(empty_database)
    everything = {**AT_0001, **AT_0002, **AT_0003}
    try:
        migrate(empty_database, "0002")
        _fill(engine, {**AT_0001, **AT_0002})
        migrate(empty_database, "0003")
        _fill(engine, AT_0003)
        with engine.connect() as connection:
            before = _contents(connection, everything)
        migrate(empty_database, "0004")
        with engine.begin() as connection:
            after = _contents(connection, everything)
            # The previous release goes on writing orders meanwhile, and knows nothing of where they are registered.
            connection.execute(
                text(
                    'INSERT INTO "order" (order_no, region, person_id, placed_at, channel, orderer_name, by_delegate,'
                    " promised_date) SELECT '1000025', region, person_id, placed_at, channel, orderer_name, by_delegate,"
                    ' promised_date FROM "order"'
                )
            )
            assert set(connection.scalars(text('SELECT registration FROM "order"'))) == {"HERE"}
            assert connection.scalar(text("SELECT count(*) FROM source_reading")) == 0
            assert connection.scalar(text("SELECT count(*) FROM awaited_order")) == 0
            connection.execute(text("DELETE FROM \"order\" WHERE order_no = '1000025'"))
        assert {name: {column: row[column] for column in before[name]} for name, row in after.items()} == before
        assert (after["order"]["registration"], after["order_row"]["source_item_id"]) == ("HERE", None)
        command.downgrade(alembic_config(empty_database), "0003")
        with engine.connect() as connection:
            assert _contents(connection, everything) == before
    finally:
        engine.dispose()


def test_the_database_lets_nobody_await_two_orders(empty_database: str) -> None:
    engine = create_engine(empty_database)
    try:
        migrate(empty_database)
        _fill(engine, AT_0001)
        second = {**AT_0001["order"], "order_no": "1000025"}
        awaited = {"person_id": 1, "sent_at": datetime(2026, 12, 1, tzinfo=UTC), "known_item_ids": ["K1"]}
        _fill(engine, {"order": second, "awaited_order": {**awaited, "order_id": 1}})
        with pytest.raises(IntegrityError, match="uq_awaited_order_person_id"):
            _fill(engine, {"awaited_order": {**awaited, "order_id": 2}})
    finally:
        engine.dispose()
