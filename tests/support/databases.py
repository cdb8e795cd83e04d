"""One migrated database as a template, and a copy of it for each test: 20 ms, and whatever a test commits is its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from psycopg import sql

from portal.embedded.postgres import EmbeddedPostgres
from portal.migrations import migrate

TEMPLATE = "template_migrated"


class TestDatabases:
    """Makes databases on the session's server."""

    __test__ = False

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self._numbers = count(1)
        postgres.create_database(TEMPLATE)
        migrate(postgres.url(TEMPLATE))

    @contextmanager
    def copy(self, template: str = TEMPLATE) -> Iterator[str]:
        """Give the address of a new copy of a database that nobody is connected to; it is dropped afterwards."""
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with self.postgres.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.postgres.url(name)
        finally:
            self.postgres.drop_database(name)
