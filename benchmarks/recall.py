"""`make bench-recall`: how long it takes to find everybody who has something of a recall, among 1.2 million shipped units.

The last line is JSON: `units` (shipped units with numbers), `trace_ms` (the slower of tracing a whole lot and a range of a thousand
serial numbers, as the preview and the opening do; the median of five), `ratio_to_query` (a lot's trace over one bare join that only
counts who the lot went to).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import select, text

from auth.identity import Role
from auth.persons import staff_identity
from core.crypto import use_keyring
from core.db import Database
from core.policy import Policies, use_policies
from delivery.complaints.recall_finding import find_recalled
from delivery.complaints.recall_trace import affected_by, traced
from portal.config import PACKAGED_POLICIES
from portal.embedded.postgres import EmbeddedPostgres
from tests.support.builders import add_article, add_depot, add_item, add_person, add_staff
from tests.support.databases import TestDatabases
from tests.support.settings import TEST_KEYRING

UNITS, PICKS, LOTS, PEOPLE = 1_200_000, 300_000, 600, 60_000
TIMES = 5
SECONDS_AT_MOST = 1.0

# Copies of one true row each, by the thousand: four units to a pick, two thousand to a lot.
_FILL = """
CREATE TEMPORARY TABLE sample AS SELECT * FROM person ORDER BY id LIMIT 1;
INSERT INTO person (region, number_root, number, number_index, birth_date, given_name, family_name, care_of, street, postal_code, city,
                    phone, email, door_code, door_code_asked, county_code, category, home_care_municipality, alias, protection, language)
SELECT region, number_root, number, decode(md5(n::text) || md5((-n)::text), 'hex'), birth_date, 'Prov', 'Prov' || n, '', street,
       postal_code, city, '', '', '', false, county_code, category, '', '', 'NONE', 'sv'
  FROM sample, generate_series(1, :people - 1) n;
INSERT INTO lot (article_id, lot_no, expires_on, status, status_note)
SELECT :article_id, 'LOT' || n, DATE '2029-12-31', 'AVAILABLE', '' FROM generate_series(1, :lots) n;
INSERT INTO "order" (order_no, region, person_id, placed_at, channel, orderer_name, by_delegate, promised_date)
SELECT 'B' || n, 'vgr', p.id, now(), 'WEB', '', false, current_date
  FROM generate_series(1, :picks) n JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM person) p ON p.place = 1 + n % :people;
INSERT INTO delivery_choice (order_id, method_id, method, receiver, care_of, street, postal_code, city, door_code, phone, comment)
SELECT id, 'HOME', 'HOME_DELIVERY', '', '', '', '', '', '', '', '' FROM "order" WHERE order_no LIKE 'B%';
INSERT INTO withdrawal (order_id, prescription_item_id, packages, limit_packages, withdrawn_on)
SELECT id, :item_id, 4, 4, current_date FROM "order" WHERE order_no LIKE 'B%';
INSERT INTO order_row (order_id, delivery_choice_id, withdrawal_id, article_id, kind, packages, status, status_at)
SELECT c.order_id, c.id, w.id, :article_id, 'WITHDRAWAL', 4, 'DELIVERED', now()
  FROM delivery_choice c JOIN withdrawal w ON w.order_id = c.order_id;
INSERT INTO depot_order (region, depot_id, order_id, delivery_choice_id, part, status, promised_date, created_at)
SELECT 'vgr', :depot_id, order_id, id, 0, 'DELIVERED', current_date, now() FROM delivery_choice;
INSERT INTO pick_line (depot_order_id, order_row_id, article_id, packages, picked, short, use_until)
SELECT d.id, r.id, :article_id, 4, 4, 0, current_date FROM depot_order d JOIN order_row r ON r.order_id = d.order_id;
INSERT INTO picked_lot (pick_line_id, lot_id, packages, picked_at, scanned)
SELECT l.id, t.id, 4, now(), true
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM pick_line) l
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM lot) t ON t.place = 1 + l.place % :lots;
INSERT INTO stock_balance (depot_id, lot_id, on_hand, reserved, location) SELECT :depot_id, id, 10, 0, '' FROM lot;
INSERT INTO stock_movement (depot_id, lot_id, packages, reason, object_ref, note, at)
SELECT :depot_id, id, 10, 'RECEIVED', '', '', now() FROM lot;
INSERT INTO stock_movement (depot_id, lot_id, packages, reason, object_ref, note, at)
SELECT :depot_id, lot_id, 1, 'RETURNED', 'picked_lot:' || id, '', now() FROM picked_lot WHERE id % 50 = 0;
INSERT INTO serialised_unit (article_id, serial_no, lot_id, status, arrived_on, picked_lot_id, person_id, shipped_on, is_recalled)
SELECT :article_id, 'A' || lpad((4 * k.place + n)::text, 8, '0'), k.lot_id, 'SHIPPED', current_date, k.id, k.person_id, current_date, false
  FROM (SELECT p.id, p.lot_id, o.person_id, row_number() OVER (ORDER BY p.id) AS place
          FROM picked_lot p JOIN pick_line l ON p.pick_line_id = l.id JOIN depot_order d ON l.depot_order_id = d.id
          JOIN "order" o ON d.order_id = o.id) k, generate_series(1, 4) n;
"""
_BARE = """
SELECT count(DISTINCT o.person_id) FROM picked_lot p JOIN pick_line l ON p.pick_line_id = l.id
  JOIN depot_order d ON l.depot_order_id = d.id JOIN "order" o ON d.order_id = o.id WHERE p.lot_id = :lot_id
"""


def main() -> None:
    """Measure and print; fails when a trace takes a second or more."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(PACKAGED_POLICIES))
    with TemporaryDirectory(prefix="bench-recall-") as folder:
        server = EmbeddedPostgres(
            Path(folder) / "state", Path(folder) / "postgres.log", durable=False, max_connections=20
        )
        server.start()
        try:
            with TestDatabases(server).copy() as url:
                database = Database(url)
                units = _fill(database)
                by_lot, by_range, bare = _measure(database)
                database.dispose()
        finally:
            server.remove()
    trace = max(by_lot, by_range)
    print(
        f"a whole lot: {by_lot * 1000:.0f} ms; a thousand serial numbers: {by_range * 1000:.0f} ms; bare join: {bare * 1000:.1f} ms"
    )
    print(json.dumps({"units": units, "trace_ms": round(trace * 1000), "ratio_to_query": round(by_lot / bare, 1)}))
    if trace >= SECONDS_AT_MOST:
        raise SystemExit("a trace took a second or more")


def _fill(database: Database) -> int:
    begun = perf_counter()
    with database.unit_of_work() as session:
        article = add_article(session, name="Pump")
        article.is_serialised = True
        values = {
            "article_id": article.id,
            "depot_id": add_depot(session).id,
            "item_id": add_item(session, add_person(session), article).id,
            "people": PEOPLE,
            "lots": LOTS,
            "picks": PICKS,
        }
        # Two minutes instead of twenty: nothing here refers to what is not there.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in _FILL.split(";\n"):
            if statement.strip():
                session.execute(text(statement), {name: values[name] for name in values if f":{name}" in statement})
        units = session.scalars(text("SELECT count(*) FROM serialised_unit")).one()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    print(f"{units:,} shipped units to {PEOPLE:,} patients built in {perf_counter() - begun:.0f} s")
    return int(units)


def _measure(database: Database) -> tuple[float, float, float]:
    with database.unit_of_work() as session:
        identity = staff_identity(add_staff(session, Role.CONSULTANT))
    with database.session() as session:
        lot_id = session.scalars(text("SELECT id FROM lot WHERE lot_no = 'LOT300'")).one()

        def trace(what: str) -> Callable[[], object]:
            def run() -> object:
                found = find_recalled(session, identity, what)
                affected = affected_by(session, found.lot_ids, found.unit_ids)
                recipients = session.execute(select(traced(found.lot_ids, found.unit_ids))).all()
                assert len({row.person_id for row in recipients}) == affected.persons > 0
                session.expunge_all()
                return affected

            return run

        return (
            _timed(trace("LOT300")),
            _timed(trace("A00600001–A00601000")),
            _timed(lambda: session.execute(text(_BARE), {"lot_id": lot_id}).one()),
        )


def _timed(act: Callable[[], object]) -> float:
    taken = []
    for _each in range(TIMES):
        begun = perf_counter()
        act()
        taken.append(perf_counter() - begun)
    return median(taken)


if __name__ == "__main__":
    main()
