"""`make bench-depot`: how long it takes to plan a wave, how that grows, and how fast the hand-held's pages are.

The last line is JSON: `wave_10k_seconds` (plan and reserve 10,000 rows over 50,000 lots, without the commit; the median of three),
`growth_10x` (that over the same for 1,000 rows and 5,000 lots), `ratio_to_query` (that over only fetching the rows and lots),
`page_p95_ms` (server time of the pick page at that size).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import select, text

from auth.identity import Identity, Role
from auth.persons import staff_identity
from benchmarks.big_depot import fill_depot
from core.crypto import use_keyring
from core.db import Database
from core.policy import Policies, use_policies
from delivery.models import DepotOrder
from delivery.picking import start_picking
from delivery.waves import plan_wave
from portal.config import PACKAGED_POLICIES
from portal.embedded.postgres import EmbeddedPostgres
from tests.support.builders import add_staff
from tests.support.databases import TestDatabases
from tests.support.settings import TEST_KEYRING
from tests.support.web import make_app, sign_in

ROWS, LOTS = 10_000, 50_000
TIMES, PAGES = 3, 200
_ROWS = """
SELECT l.id, l.depot_order_id, l.article_id, l.packages, l.use_until, o.promised_date
  FROM pick_line l JOIN depot_order o ON o.id = l.depot_order_id JOIN order_row r ON r.id = l.order_row_id
 WHERE o.depot_id = :depot_id AND o.status = 'WAITING' AND r.status <> 'CANCELLED'
"""
_LOTS = """
SELECT b.lot_id, t.article_id, t.expires_on, t.status, b.on_hand - b.reserved
  FROM stock_balance b JOIN lot t ON t.id = b.lot_id WHERE b.depot_id = :depot_id AND b.on_hand > b.reserved
"""


def main() -> None:
    """Measure and print."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(PACKAGED_POLICIES))
    with TemporaryDirectory(prefix="bench-depot-") as folder:
        server = EmbeddedPostgres(Path(folder) / "state", Path(folder) / "postgres.log", max_connections=50)
        server.start()
        try:
            databases = TestDatabases(server)
            small, _query, _pages = _measure(databases, ROWS // 10, LOTS // 10, pages=0)
            large, query, pages = _measure(databases, ROWS, LOTS, pages=PAGES)
        finally:
            server.remove()
    figures = {
        "wave_10k_seconds": round(large, 3),
        "growth_10x": round(large / small, 2),
        "ratio_to_query": round(large / query, 2),
        "page_p95_ms": round(quantiles(pages, n=20)[-1] * 1000, 1),
    }
    print(f"wave of {ROWS // 10:,} rows over {LOTS // 10:,} lots: {small:.3f} s")
    print(f"wave of {ROWS:,} rows over {LOTS:,} lots: {large:.3f} s; only fetching rows and lots: {query:.3f} s")
    print(f"pick page, {len(pages)} times: median {median(pages) * 1000:.1f} ms of server time")
    print(json.dumps(figures))


def _measure(databases: TestDatabases, rows: int, lots: int, *, pages: int) -> tuple[float, float, list[float]]:
    """Return seconds of planning, of the bare query, and of each picking page."""
    with databases.copy() as url, _opened(url) as database:
        with database.unit_of_work() as session:
            depot_id = fill_depot(session, rows, lots).id
            commission = add_staff(session, Role.DEPOT)
            identity = staff_identity(commission)
        _analyse(database)
        planned = [_plan(database, identity) for _time in range(TIMES)]
        fetched = [_fetch(database, depot_id) for _time in range(TIMES)]
        with database.unit_of_work() as session:
            done = plan_wave(session, identity, "PostNord")
            assert done is not None
            print(f"{rows:,} rows: {done.orders:,} orders planned, {done.short_lines:,} lines with less than ordered")
        served = _pages(database, identity, commission, pages) if pages else []
        return median(planned), median(fetched), served


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


def _analyse(database: Database) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _plan(database: Database, identity: Identity) -> float:
    """Plan, write and take it back, so that the next time plans the same; the commit's own time is measured apart."""
    with database.session() as session, session.begin() as transaction:
        started = perf_counter()
        assert plan_wave(session, identity, "PostNord") is not None
        session.flush()
        taken = perf_counter() - started
        transaction.rollback()
    return taken


def _fetch(database: Database, depot_id: int) -> float:
    """Only fetch what a plan needs to know: the rows that wait, and the lots with something on the shelf."""
    with database.session() as session:
        started = perf_counter()
        session.execute(text(_ROWS), {"depot_id": depot_id}).all()
        session.execute(text(_LOTS), {"depot_id": depot_id}).all()
        return perf_counter() - started


def _pages(database: Database, identity: Identity, commission: object, times: int) -> list[float]:
    """Return the server's seconds for the pick page of an order in the middle of the wave."""
    with database.unit_of_work() as session:
        waved = session.scalars(
            select(DepotOrder.id).where(DepotOrder.wave_id.is_not(None)).order_by(DepotOrder.id).limit(20)
        ).all()
        for depot_order_id in waved:
            start_picking(session, identity, depot_order_id)
    client = sign_in(make_app(database).test_client(), commission)  # type: ignore[arg-type]
    seconds = []
    for number in range(times + 10):
        path = f"/depot/picks/{waved[number % len(waved)]}"
        started = perf_counter()
        response = client.get(path)
        seconds.append(perf_counter() - started)
        assert response.status_code == 200, response.status_code
    # The first ones fill caches of templates and statements.
    return seconds[10:]


if __name__ == "__main__":
    main()
