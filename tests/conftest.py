"""Services and settings for all tests; each pytest process has its own servers, each test its own database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from hypothesis import settings as hypothesis_settings

from core.clock import ManualClock
from core.crypto import use_keyring
from core.db import Database
from core.policy import Policies, use_policies
from portal.config import PACKAGED_POLICIES, Settings
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey
from tests.support.chromium import find_chromium
from tests.support.databases import TestDatabases
from tests.support.settings import TEST_KEYRING, make_settings

# How long an example takes says more about the machine than about the rule.
hypothesis_settings.register_profile("portal", deadline=None)
hypothesis_settings.load_profile("portal")

# A Tuesday in winter time, 10:00 in Stockholm, with the public holidays of Christmas ahead.
TEST_INSTANT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def give_keys_and_policies() -> None:
    """Give this process its keys and policies, as an entry point would."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(PACKAGED_POLICIES))


@pytest.fixture(autouse=True)
def _process_globals() -> None:
    give_keys_and_policies()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server for this pytest process."""
    folder = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder / "state", folder / "postgres.log", durable=False, max_connections=200)
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> TestDatabases:
    """Maker of databases, for tests that need several or longer-lived ones."""
    return TestDatabases(postgres)


@pytest.fixture
def database_url(databases: TestDatabases) -> Iterator[str]:
    """The address of a migrated, empty database of this test's own."""
    with databases.copy() as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock(TEST_INSTANT)


@pytest.fixture
def database(database_url: str, clock: ManualClock) -> Iterator[Database]:
    """A migrated, empty database of this test's own, on the test's clock."""
    opened = Database(database_url, clock=clock)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey server for this pytest process; tests use `valkey`."""
    folder = tmp_path_factory.mktemp("valkey")
    server = EmbeddedValkey(folder / "state", folder / "valkey.log")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def valkey(valkey_server: EmbeddedValkey) -> EmbeddedValkey:
    """An empty Valkey that runs, also when the test before stopped it."""
    if not valkey_server.is_started or valkey_server.exit_status() is not None:
        valkey_server.stop()
        valkey_server.start()
    with redis.Redis.from_url(valkey_server.url) as connection:
        connection.flushall()
    return valkey_server


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings that point at this test's database."""
    return make_settings(database_url=database_url)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser; tests that need it are skipped where there is none."""
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium on PATH and none named by CHROMIUM")
    return Path(found)
