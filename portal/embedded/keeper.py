"""Runs one command and makes sure that nothing of it outlives the process that asked for it.

A script of its own that needs only the standard library (started as `python -I -S keeper.py SPEC`). It holds the read end of a
pipe whose write end only its owner has: when the owner closes it, or dies in any way, the command gets its stop signal, then a grace
period, and then everything that descends from it is killed, processes that changed session or process group included.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 1.0


def _load_prctl() -> Any:
    return ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


_prctl = _load_prctl()


def _descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return found


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _kill_everything(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    while left := _descendants(os.getpid()):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _reap()
        time.sleep(0.01)


def _start(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    keeper = os.getpid()

    def prepare() -> None:
        if spec["uid"] is not None:
            os.setgroups([])
            os.setgid(spec["gid"])
            os.setuid(spec["uid"])
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        if _prctl is not None:
            # The second net, for the day the keeper itself is killed; set last because changing user clears it.
            _prctl(_PR_SET_PDEATHSIG, spec["stop_signal"], 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)

    with Path(spec["log"]).open("ab") as log:
        return subprocess.Popen(
            spec["argv"],
            cwd=spec["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,
        )


def _wait(child: subprocess.Popen[bytes], owner: int, wakeup: int) -> bool:
    """Return True when the child ended by itself, False when the owner no longer wants it."""
    while child.poll() is None:
        readable, _, _ = select.select([0, wakeup], [], [], _POLL_SECONDS)
        if 0 in readable or os.getppid() != owner:
            return False
        if wakeup in readable and set(os.read(wakeup, 64)) - {signal.SIGCHLD}:
            return False
    return True


def main() -> int:
    """Run the command described in the first argument and return its exit status as a shell would."""
    spec = json.loads(sys.argv[1])
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = _start(spec)
    os.write(1, f"{child.pid}\n".encode())
    if not _wait(child, spec["owner"], wakeup):
        child.send_signal(spec["stop_signal"])
        try:
            child.wait(spec["grace"])
        except subprocess.TimeoutExpired:
            child.kill()
    status = child.wait()
    _kill_everything(child.pid)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
