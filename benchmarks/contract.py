"""`make bench-contract`: how fast the national contract is answered at region size, by the server as it is deployed.

First 10 calls a second to each of the three services at once, then 100 a second for ten seconds to each in turn; counted from when a call
was due, so that queueing counts. The last line is JSON: `p95_ms_10rps` and `p99_ms_100rps` (the worst of the three services), `failed`
(calls that were not answered OK), `patients`.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, sleep

from sqlalchemy import text

from benchmarks.big_region import fill_region
from benchmarks.contract_load import percentile
from core.crypto import use_keyring
from core.db import Database
from core.policy import Policies, use_policies
from orders.contract.names import V2, Service
from orders.nearest_points import FoundPoint
from orders.service_points import keep_points
from portal.api.contract.callers import KEY_HEADER
from portal.config import PACKAGED_POLICIES
from portal.demo.services import free_port
from portal.embedded.postgres import EmbeddedPostgres
from tests.support.contract_calls import Row, envelope, order, request
from tests.support.contract_client import PROXY_KEY, SUBJECT, path_of
from tests.support.databases import TestDatabases
from tests.support.idp import new_key
from tests.support.settings import TEST_KEYRING

PATIENTS = 47_000
CALM_SECONDS, PEAK_SECONDS = 20, 10
CALM_PACE, PEAK_PACE = 10, 100
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figures:
    """One service under one pace: milliseconds of each call, and how many were not answered OK."""

    ms: list[float]
    failed: int


def main() -> None:
    """Measure and print."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(PACKAGED_POLICIES))
    with TemporaryDirectory(prefix="bench-contract-") as folder:
        server = EmbeddedPostgres(Path(folder) / "state", Path(folder) / "postgres.log", max_connections=60)
        server.start()
        try:
            with TestDatabases(server).copy() as url:
                figures = _measure(url, Path(folder))
        finally:
            server.remove()
    print(json.dumps(figures))


def _measure(url: str, folder: Path) -> dict[str, float]:
    started = perf_counter()
    database = Database(url)
    with database.unit_of_work() as session:
        numbers = fill_region(session, PATIENTS)
        keep_points(session, "POSTNORD", "54130", [_point(number) for number in range(10)])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    calls = _calls(database, numbers)
    database.dispose()
    print(f"{PATIENTS:,} patients in {perf_counter() - started:.0f} s")
    with _serving(url, folder) as port:
        calm = _run_at_once(port, calls)
        peak = {}
        for service in Service:
            peak[service] = _finish(_start(port, service, calls[service][6000:], PEAK_PACE, PEAK_PACE * PEAK_SECONDS))
    failed = sum(found.failed for found in (*calm.values(), *peak.values()))
    for name, runs, share in (("10 calls/s", calm, 0.95), ("100 calls/s", peak, 0.99)):
        for service, found in runs.items():
            print(
                f"{service}, {name}: p50 {percentile(found.ms, 0.5):.0f} ms, p{share * 100:.0f} {percentile(found.ms, share):.0f} ms"
            )
    return {
        "p95_ms_10rps": round(max(percentile(found.ms, 0.95) for found in calm.values()), 1),
        "p99_ms_100rps": round(max(percentile(found.ms, 0.99) for found in peak.values()), 1),
        "failed": failed,
        "patients": PATIENTS,
    }


def _point(number: int) -> FoundPoint:
    return FoundPoint("POSTNORD", str(number), f"Butiken {number}", f"Gatan {number}", "54130", "Skövde", None, None)


def _calls(database: Database, numbers: list[str]) -> dict[Service, list[str]]:
    """Bodies for each service, each order of another patient: what has been ordered once cannot be ordered again so soon."""
    with database.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT ON (prescription.person_id) prescription.person_id, prescription_item.external_id,"
                " article.article_no, prescription.external_id FROM prescription_item"
                " JOIN prescription ON prescription.id = prescription_item.prescription_id"
                " JOIN article ON article.id = prescription_item.article_id ORDER BY prescription.person_id, prescription_item.id DESC"
            )
        ).all()
    first = rows[0][0]
    of_person = {
        person_id - first: Row(item, article, prescription, source="JOURNAL", packages=6)
        for person_id, item, article, prescription in rows
    }
    asked = (
        "<m:PostalCode>54130</m:PostalCode><m:ServicePointProvider><c:code>POSTNORD</c:code></m:ServicePointProvider>"
    )
    chosen = range(0, PATIENTS, 5)
    return {
        Service.PRESCRIPTIONS: [
            _body(Service.PRESCRIPTIONS, f"<m:SubjectOfCareId>{numbers[n]}</m:SubjectOfCareId>") for n in chosen
        ],
        Service.POINTS: [_body(Service.POINTS, asked)] * len(chosen),
        Service.ORDER: [_body(Service.ORDER, order(V2, numbers[n], of_person[n])) for n in chosen],
    }


def _body(service: Service, content: str) -> str:
    return envelope(request(service, V2, content))


def _run_at_once(port: int, calls: dict[Service, list[str]]) -> dict[Service, Figures]:
    running = {
        service: _start(port, service, calls[service], CALM_PACE, CALM_PACE * CALM_SECONDS) for service in Service
    }
    return {service: _finish(process) for service, process in running.items()}


def _start(port: int, service: Service, bodies: list[str], pace: int, calls: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.contract_load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    json.dump(
        {
            "port": port,
            "paths": [path_of(service, V2)],
            "bodies": bodies[: calls + 100],
            "headers": {"Content-Type": "text/xml; charset=utf-8", "X-Client-Subject": SUBJECT, KEY_HEADER: PROXY_KEY},
            "pace": pace,
            "calls": calls,
            "warm": 40,
        },
        process.stdin,
    )
    process.stdin.close()
    return process


def _finish(process: subprocess.Popen[str]) -> Figures:
    assert process.stdout is not None
    found = json.load(process.stdout)
    process.wait(60)
    return Figures(found["ms"], found["failed"])


@contextmanager
def _serving(url: str, folder: Path) -> Iterator[int]:
    """The web server as deploy/ runs it, on loopback."""
    port = free_port(8600)
    (folder / "client-key.json").write_text(json.dumps(new_key().as_dict(private=True)), encoding="utf-8")
    (folder / "proxy-key").write_text(PROXY_KEY, encoding="utf-8")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ},
        "DATABASE_URL": url,
        "REDIS_URL": "unix:///nonexistent/valkey.sock",
        "PORTAL_BASE_URL": f"http://localhost:{port}",
        "PORTAL_SECRET_KEY": "a-secret-that-only-benchmarks-know-0123456789",
        "PORTAL_DATA_KEYS": f"test:{base64.b64encode(bytes(range(32))).decode()}",
        "PORTAL_INDEX_KEY": base64.b64encode(bytes(reversed(range(32)))).decode(),
        "PORTAL_LOG_LEVEL": "INFO",
        "OIDC_ISSUER": "http://127.0.0.1:8400",
        "OIDC_CLIENT_ID": "hjalpmedelsportalen",
        "OIDC_CLIENT_KEY_FILE": str(folder / "client-key.json"),
        "CONTRACT_PROXY_KEY_FILE": str(folder / "proxy-key"),
    }
    words = [
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "2",
        "--blocking-threads",
        "8",
        "--no-ws",
    ]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *words, "wsgi:app"], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            _await(port)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _await(port: int) -> None:
    until = monotonic() + 30
    while monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
            return
        sleep(0.1)
    raise TimeoutError("the web server did not start")


if __name__ == "__main__":
    main()
