"""Embedded servers start, keep their data, and never outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from portal.embedded.places import own_shared_directory
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import Command, KeptProcess, ProcessFailed
from portal.embedded.valkey import EmbeddedValkey

# Starts both servers and a command whose grandchild leaves session and process group, prints all process ids, and sleeps.
OWNER = """
import sys, time
from pathlib import Path
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import Command, KeptProcess
from portal.embedded.valkey import EmbeddedValkey
folder = Path(sys.argv[1])
postgres = EmbeddedPostgres(folder / "postgres", folder / "postgres.log", durable=False)
postgres.start()
valkey = EmbeddedValkey(folder / "valkey", folder / "valkey.log")
valkey.start()
runaway = "import os, time, pathlib; os.fork() and os._exit(0); os.setsid(); " \\
    f"pathlib.Path({str(folder / 'runaway')!r}).write_text(str(os.getpid())); time.sleep(600)"
patient = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]).wait(); time.sleep(600)"
worker = KeptProcess(Command(argv=[sys.executable, "-c", patient, runaway], log=folder / "worker.log", environment={}))
while not (folder / "runaway").exists() or not (folder / "runaway").read_text():
    time.sleep(0.01)
print(postgres.pid, valkey.pid, worker.pid, (folder / "runaway").read_text(), flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process exists and is more than an entry waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def postgres_state(tmp_path: Path) -> EmbeddedPostgres:
    """A server that is not started."""
    return EmbeddedPostgres(tmp_path / "state", tmp_path / "postgres.log", durable=False)


def test_postgres_keeps_its_data_over_a_restart(postgres_state: EmbeddedPostgres, tmp_path: Path) -> None:
    postgres_state.start()
    postgres_state.create_database("kept")
    with postgres_state.connect("kept") as connection:
        connection.execute("CREATE TABLE thing AS SELECT 'räksmörgås' AS name")
    postgres_state.stop()
    again = EmbeddedPostgres(tmp_path / "state", tmp_path / "postgres.log", durable=False)
    again.start()
    with again.connect("kept") as connection:
        assert connection.execute("SELECT upper(name) FROM thing").fetchone() == ("RÄKSMÖRGÅS",)
    pid = again.pid
    again.remove()
    assert not alive(pid)
    assert not (tmp_path / "state").exists()
    if os.geteuid() == 0:
        owners = own_shared_directory().glob("service-*.owner")
        assert str((tmp_path / "state").resolve()) not in [owner.read_text() for owner in owners]


def test_postgres_starts_after_its_number_was_given_to_somebody_else(postgres_state: EmbeddedPostgres) -> None:
    postgres_state.start()
    postgres_state.stop()
    stale = f"{os.getpid()}\n{postgres_state._data}\n0\n5432\n\n\n"
    (postgres_state._data / "postmaster.pid").write_text(stale)
    postgres_state.start()
    postgres_state.remove()


@pytest.mark.skipif(sys.platform != "linux", reason="processes that change session are found on Linux only")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_killed_owner(tmp_path: Path, how: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as report:
        pids = [int(word) for word in report.readline().split()]
    assert len(pids) == 4
    assert all(alive(pid) for pid in pids)
    owner.send_signal(how)
    owner.wait()
    assert eventually(lambda: not any(alive(pid) for pid in pids))
    EmbeddedPostgres(tmp_path / "postgres", tmp_path / "postgres.log").remove()
    EmbeddedValkey(tmp_path / "valkey", tmp_path / "valkey.log").remove()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of a killed keeper on Linux only")
def test_a_killed_keeper_takes_its_command_along(tmp_path: Path) -> None:
    kept = KeptProcess(Command(argv=["sleep", "600"], log=tmp_path / "log", environment={"PATH": os.defpath}))
    os.kill(kept._keeper.pid, signal.SIGKILL)
    assert eventually(lambda: not alive(kept.pid))
    kept.stop()


def test_a_command_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    log = tmp_path / "log"
    kept = KeptProcess(Command(argv=[sys.executable, "-c", stubborn], log=log, environment={}, grace=0.3))
    assert eventually(lambda: log.read_text() == "ready\n")
    assert kept.stop() == 128 + signal.SIGKILL
    assert not alive(kept.pid)


def test_the_exit_status_of_a_command_is_known(tmp_path: Path) -> None:
    kept = KeptProcess(
        Command(argv=[sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "log", environment={})
    )
    assert eventually(lambda: kept.exit_status() is not None)
    assert kept.exit_status() == 3
    kept.stop()


def test_a_command_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="/nonexistent/program"):
        KeptProcess(Command(argv=["/nonexistent/program"], log=tmp_path / "log", environment={}))


def test_valkey_comes_back_at_the_same_address(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "state", tmp_path / "valkey.log")
    address = server.url
    for _ in range(2):
        server.start()
        with redis.Redis.from_url(address) as client:
            assert client.dbsize() == 0
            client.set("bell", "rung")
        server.stop()
    with redis.Redis.from_url(address) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    server.remove()


def test_a_long_path_does_not_hinder(tmp_path: Path) -> None:
    deep = tmp_path / ("a-long-name-" * 8) / ("another-one-" * 8)
    server = EmbeddedValkey(deep, tmp_path / "valkey.log")
    server.start()
    server.remove()
