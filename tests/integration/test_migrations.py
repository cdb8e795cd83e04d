"""The database's history leads to the models, and back."""

from __future__ import annotations

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, text

from portal.embedded.postgres import EmbeddedPostgres
from portal.migrations import alembic_config, migrate, newest_revision, revision_of


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> str:
    """A database that nobody has migrated."""
    name = "unmigrated"
    postgres.drop_database(name)
    postgres.create_database(name)
    return postgres.url(name)


def test_the_migrations_make_what_the_models_say(empty_database: str) -> None:
    migrate(empty_database)
    command.check(alembic_config(empty_database))


def test_a_database_can_be_taken_down_and_up_again(empty_database: str) -> None:
    engine = create_engine(empty_database)
    try:
        assert revision_of(engine) is None
        migrate(empty_database)
        assert revision_of(engine) == newest_revision()
        command.downgrade(alembic_config(empty_database), "base")
        with engine.connect() as connection:
            left = connection.execute(
                text(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                    " AND relkind IN ('r', 'S') AND relname <> 'alembic_version'"
                )
            ).all()
            assert left == []
        migrate(empty_database)
        assert revision_of(engine) == newest_revision()
    finally:
        engine.dispose()


def test_a_migration_does_not_wait_for_a_busy_table(empty_database: str, postgres: EmbeddedPostgres) -> None:
    migrate(empty_database)
    with postgres.connect("unmigrated") as connection, connection.transaction():
        connection.execute("LOCK TABLE access_log")
        with pytest.raises(Exception, match="lock timeout") as refused:
            command.downgrade(alembic_config(empty_database), "base")
    assert isinstance(refused.value.__cause__, psycopg.errors.LockNotAvailable)
