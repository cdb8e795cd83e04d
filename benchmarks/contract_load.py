"""Calls a server at a fixed pace, whatever it answers: a client of its own process, so that it does not slow what it measures."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local
from time import perf_counter, sleep

THREADS = 64
_own = local()


def main() -> None:
    """Read what to call from standard input; write milliseconds from when each call was due, and how many failed."""
    asked = json.load(sys.stdin)
    bodies: list[str] = asked["bodies"]
    paths: list[str] = asked["paths"]
    headers: dict[str, str] = asked["headers"]

    def call(number: int, due: float) -> tuple[float, bool]:
        body = bodies[number % len(bodies)].encode()
        is_good = False
        for _attempt in range(2):
            try:
                connection = _connection(asked["port"])
                connection.request("POST", paths[number % len(paths)], body, headers)
                response = connection.getresponse()
                answer = response.read()
                is_good = response.status == 200 and b"ResultCode>OK<" in answer
                break
            except (OSError, http.client.HTTPException):
                # A connection that was kept too long is closed by the server: that is no failed call.
                _own.connection = None
        return (perf_counter() - due) * 1000, is_good

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: call(number, perf_counter()), range(asked["warm"])))
        started = perf_counter() + 0.1
        calls = []
        for number in range(asked["calls"]):
            due = started + number / asked["pace"]
            sleep(max(0.0, due - perf_counter()))
            calls.append(threads.submit(call, asked["warm"] + number, due))
        results = [one.result() for one in calls]
    json.dump({"ms": [ms for ms, _ok in results], "failed": sum(not ok for _ms, ok in results)}, sys.stdout)


def _connection(port: int) -> http.client.HTTPConnection:
    connection: http.client.HTTPConnection | None = getattr(_own, "connection", None)
    if connection is None:
        connection = _own.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    return connection


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))]


if __name__ == "__main__":
    main()
