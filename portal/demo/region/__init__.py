"""The demo region: files in `data/`, read by the real importers, and a little that has already happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from auth.identity import system_identity
from auth.importing.persons import import_persons
from auth.importing.workplaces import import_proxies, import_staff, import_units
from core import idempotency
from core.clock import STOCKHOLM, Clock, ManualClock, SystemClock, swedish_date, today
from core.db import Database
from core.importing import Outcome
from delivery.importing import import_depots, import_stock
from orders.importing.articles import import_articles
from orders.importing.prescriptions import import_prescriptions
from orders.importing.service_points import import_service_points
from portal.config import Settings
from portal.demo.region import people
from portal.demo.region.filling import filled
from portal.demo.region.life import live

REGION = "vgr"
# File → importer, and how many days before the loading it was read: goods must be there before the first order.
FILES: tuple[tuple[str, Callable[..., Outcome], int], ...] = (
    ("units.csv", import_units, 0),
    ("staff.csv", import_staff, 0),
    ("depots.csv", import_depots, 0),
    ("articles.csv", import_articles, 0),
    ("service-points.csv", import_service_points, 0),
    ("persons.csv", import_persons, 0),
    ("proxies.csv", import_proxies, 0),
    ("prescriptions-2.0.xml", import_prescriptions, 0),
    ("prescriptions-1.0.xml", import_prescriptions, 0),
    ("prescriptions.csv", import_prescriptions, 0),
    ("stock.csv", import_stock, 120),
    ("stock-refill.csv", import_stock, 10),
)
PEOPLE = ("units.csv", "staff.csv", "articles.csv", "persons.csv", "proxies.csv")
_SCOPE, _OWNER = "demo", "region"
_loaded_on: date | None = None


def load_demo_region(database: Database, settings: Settings, say: Callable[[str], None]) -> None:
    """Import the demo's files and let its past happen, once: a second call changes nothing and finds the first one's day.

    Days in the files count from the day of the first loading, so children are the age they should be and dates wait where they should.
    """
    loaded_on = _begin(database, None)
    if _is_loaded(database):
        say("it is there already")
        return
    _import_all(database, FILES, say)
    with database.unit_of_work() as session:
        idempotency.spend(session, _SCOPE, _OWNER, "lived").settle(session, "yes")
        live(session, loaded_on)
    say("orders, parcels and a fault report of the last months")


def load_people(database: Database, settings: Settings, say: Callable[[str], None]) -> None:
    """Import who lives and works in the region and what its articles are called, and nothing that they may order, once.

    No depot: another installation sends what is ordered.

    Children's numbers are made of the day of loading: it is that of the region that this process loaded before, another installation's.
    """
    _begin(database, _loaded_on)
    if _is_loaded(database):
        say("they are there already")
        return
    _import_all(database, [file for file in FILES if file[0] in PEOPLE], say)
    with database.unit_of_work() as session:
        idempotency.spend(session, _SCOPE, _OWNER, "lived").settle(session, "yes")


def who_can_log_in() -> list[tuple[str, str, str]]:
    """Return name, number and what they show, of everybody who can log in; call after `load_demo_region`."""
    return people.listed(_day())


def people_at_identity_provider() -> list[dict[str, Any]]:
    """Return everybody who can log in as the identity provider wants them; call after `load_demo_region`."""
    return people.at_identity_provider(_day())


def _day() -> date:
    return _loaded_on or swedish_date(SystemClock().now())


def _begin(database: Database, day: date | None) -> date:
    """Note the day of loading (today unless told) for good, and return it."""
    global _loaded_on
    with database.unit_of_work() as session:
        claim = idempotency.spend(session, _SCOPE, _OWNER, "loaded-on")
        began = day or today(session)
        if claim.is_first:
            claim.settle(session, began.isoformat())
        _loaded_on = date.fromisoformat(claim.earlier_result or began.isoformat())
    return _loaded_on


def _is_loaded(database: Database) -> bool:
    with database.session() as session, session.begin() as transaction:
        is_first = idempotency.spend(session, _SCOPE, _OWNER, "lived").is_first
        # Only asked, not spent.
        transaction.rollback()
        return not is_first


def _import_all(
    database: Database, files: Iterable[tuple[str, Callable[..., Outcome], int]], say: Callable[[str], None]
) -> None:
    for name, importer, days_ago in files:
        outcome = _import(database, name, importer, _clock(database, _day(), days_ago))
        say(f"{name}: {outcome.added} added")


def _clock(database: Database, loaded_on: date, days_ago: int) -> Clock:
    if not days_ago:
        return database.clock
    return ManualClock(datetime.combine(loaded_on - timedelta(days=days_ago), time(9), STOCKHOLM))


def _import(database: Database, name: str, importer: Callable[..., Outcome], clock: Clock) -> Outcome:
    assert _loaded_on is not None
    with database.unit_of_work(clock=clock) as session:
        return importer(session, system_identity(REGION, f"import {name}"), filled(name, _loaded_on))
