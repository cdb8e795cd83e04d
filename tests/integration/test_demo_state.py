"""What the demo keeps: secrets made once and readable by their owner only, one run at a time, and a reset that removes all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.config import Settings
from portal.demo.environment import DemoFiles, DemoSecrets, portal_environment, write_environment
from portal.demo.lock import DemoIsRunning, DemoLock
from portal.demo.run import reset
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import Command, KeptProcess


@pytest.fixture
def files(tmp_path: Path) -> DemoFiles:
    """A prepared state folder."""
    prepared = DemoFiles(tmp_path / "demo")
    prepared.prepare()
    return prepared


def test_secrets_are_made_once_and_private(files: DemoFiles) -> None:
    own = DemoSecrets.load_or_make(files)
    assert DemoSecrets.load_or_make(files) == own
    environment = portal_environment(
        files,
        own,
        base_url="http://localhost:8000",
        issuer="http://127.0.0.1:8400",
        database_url="postgresql+psycopg://portal@/portal?host=/nonexistent",
        redis_url="unix:///nonexistent",
    )
    write_environment(files, environment)
    for path in (files.secrets, files.client_key, files.environment):
        assert path.stat().st_mode & 0o077 == 0
    assert "d" not in own.client_public_key
    assert '"d"' in Settings.from_environment(environment).oidc_client_key()


def test_the_lock_is_free_only_when_the_children_are_gone(files: DemoFiles) -> None:
    first, second = DemoLock(files.lock), DemoLock(files.lock)
    first.take(0)
    kept = KeptProcess(
        Command(argv=["sleep", "600"], log=files.log("sleep"), environment={"PATH": os.defpath}),
        hold=[first.descriptor],
    )
    first.release()
    with pytest.raises(DemoIsRunning):
        second.take(0)
    with pytest.raises(DemoIsRunning):
        reset(files.folder)
    kept.stop()
    second.take(0)
    second.release()


def test_reset_removes_data_and_secrets(files: DemoFiles) -> None:
    before = DemoSecrets.load_or_make(files)
    postgres = EmbeddedPostgres(files.postgres, files.log("postgres"))
    postgres.start()
    postgres.create_database("portal")
    postgres.stop()
    assert reset(files.folder)
    assert not files.postgres.exists()
    assert DemoSecrets.load_or_make(files) != before
    again = EmbeddedPostgres(files.postgres, files.log("postgres"))
    again.start()
    with again.connect() as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'portal'").fetchone() is None
    again.remove()
    assert not reset(files.folder / "nothing-here")
