"""What a prescriber decided here survives every later file, old ones and full ones too. Handbook §§3.3, 3.4 and 3.6."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from auth.identity import Identity, Role
from auth.importing.persons import import_persons
from auth.models import Unit
from auth.persons import staff_identity
from core.db import Database
from orders.importing.articles import import_articles
from orders.importing.prescriptions import import_prescriptions
from orders.kinds import OWN_SOURCE
from orders.models import Article, PrescriptionItem, PrescriptionStatus
from orders.prescribing import ExtendItem, StopItem, extend_item, prescribe, stop_by_prescriber
from tests.support.builders import add_staff
from tests.support.contract import Item, response
from tests.support.imports import ARTICLES, NUMBER, PERSONS, TABLE, run, tallies, the_item
from tests.support.prescribing import good_terms, key

ITEM = Item(allowed=4, remaining=3)


class Imported:
    """One item that a source has delivered, and the nurse of its unit."""

    def __init__(self, database: Database, item: Item = ITEM) -> None:
        self.database = database
        run(database, import_persons, PERSONS)
        run(database, import_articles, ARTICLES)
        self.deliver(item)
        with database.unit_of_work() as session:
            unit = session.scalars(select(Unit).where(Unit.hsa_id == item.unit_id)).one()
            self.nurse: Identity = staff_identity(add_staff(session, Role.PRESCRIBER, unit=unit))

    def deliver(self, *items: Item, **options: object) -> tuple[int, int, int, int, int]:
        return tallies(run(self.database, import_prescriptions, response(NUMBER, *items), **options))

    def extend(self, more: int = 0, until: date | None = None) -> None:
        with self.database.unit_of_work() as session:
            extend_item(session, self.nurse, ExtendItem(the_item(session).id, key(), more, until))

    def stop(self) -> None:
        with self.database.unit_of_work() as session:
            stop_by_prescriber(session, self.nurse, StopItem(the_item(session).id, "Används inte"))

    def prescribe(self) -> int:
        with self.database.unit_of_work() as session:
            person = the_item(session).prescription.person
            article = session.scalars(select(Article).where(Article.article_no == "23101")).one()
            article.agreement_no = "A-1"
            return prescribe(session, self.nurse, good_terms(person, article)).id

    def now(self) -> tuple[PrescriptionStatus, int, int, date]:
        with self.database.session() as session:
            item = the_item(session)
            return item.status, item.orders_allowed, item.orders_remaining, item.last_valid_date


@pytest.fixture
def imported(database: Database) -> Imported:
    return Imported(database)


ACTIVE, CANCELLED, EXPIRED = (
    PrescriptionStatus.ACTIVE,
    PrescriptionStatus.CANCELLED,
    PrescriptionStatus.EXPIRED,
)


def test_added_withdrawals_lie_on_top_of_whatever_the_source_says(imported: Imported) -> None:
    imported.extend(more=2)
    assert imported.now()[1:3] == (6, 5)
    assert imported.deliver(ITEM) == (0, 0, 1, 0, 0)
    imported.deliver(replace(ITEM, remaining=1))
    assert imported.now()[1:3] == (6, 3)
    imported.deliver(ITEM)  # an old file gives nothing back
    assert imported.now()[1:3] == (6, 3)
    imported.deliver(replace(ITEM, allowed=8, remaining=5))
    assert imported.now()[1:3] == (10, 7)


def test_the_later_last_day_wins(imported: Imported) -> None:
    imported.extend(until=date(2027, 12, 1))
    imported.deliver(ITEM)
    assert imported.now()[3] == date(2027, 12, 1)
    imported.deliver(replace(ITEM, last_valid="2027-12-24"))
    assert imported.now()[3] == date(2027, 12, 24)
    imported.deliver(replace(ITEM, last_valid="2027-01-31"))
    assert imported.now()[3] == date(2027, 12, 1)


def test_expired_at_the_source_lives_on_as_long_as_it_was_extended(imported: Imported) -> None:
    imported.deliver(replace(ITEM, status="UTGÅTT", last_valid="2026-11-01"))
    assert imported.now()[0] is EXPIRED
    imported.extend(until=date(2027, 12, 1))
    imported.deliver(replace(ITEM, status="UTGÅTT", last_valid="2026-11-01"))
    assert (imported.now()[0], imported.now()[3]) == (ACTIVE, date(2027, 12, 1))
    # Sources drop what has expired: here it is the prescriber's by now.
    assert imported.deliver(replace(ITEM, item_id="I2")) == (1, 0, 0, 0, 0)
    assert imported.now()[0] is ACTIVE
    # A cancelled one is not a dropped one.
    imported.deliver(replace(ITEM, status="MAKULERAD"), replace(ITEM, item_id="I2"))
    assert imported.now()[0] is CANCELLED


def test_delivered_out_at_the_source_is_open_while_withdrawals_were_added(imported: Imported) -> None:
    imported.deliver(replace(ITEM, status="LEVERERAD", remaining=0))
    assert imported.now()[0] is PrescriptionStatus.DELIVERED
    imported.extend(more=2)
    imported.deliver(replace(ITEM, status="LEVERERAD", remaining=0))
    assert imported.now()[:3] == (ACTIVE, 6, 2)


@pytest.mark.parametrize("status", ["AKTIV", "UTGÅTT", "LEVERERAD", "MAKULERAD"])
def test_stopped_stays_stopped(imported: Imported, status: str) -> None:
    imported.stop()
    imported.deliver(replace(ITEM, status=status, allowed=9, remaining=9, last_valid="2028-01-01"))
    assert imported.now()[0] is CANCELLED
    with imported.database.session() as session:
        assert the_item(session).stopped_at is not None


def test_what_was_only_imported_is_still_cancelled_when_it_is_gone(imported: Imported) -> None:
    assert imported.deliver(replace(ITEM, item_id="I2")) == (1, 0, 0, 1, 0)
    assert imported.now()[0] is CANCELLED


def test_no_full_delivery_cancels_what_was_prescribed_here(imported: Imported) -> None:
    item_id = imported.prescribe()
    imported.deliver(replace(ITEM, item_id="I2"))
    imported.deliver(source="JOURNAL")
    imported.deliver(source=OWN_SOURCE)
    run(imported.database, import_prescriptions, TABLE, is_full=True, source=OWN_SOURCE)
    with imported.database.session() as session:
        assert session.get_one(PrescriptionItem, item_id).status is ACTIVE
        assert the_item(session).status is CANCELLED


def test_an_empty_answer_about_somebody_with_nothing_but_ours_is_no_problem(imported: Imported) -> None:
    item_id = imported.prescribe()
    imported.deliver(source="JOURNAL")
    assert imported.deliver() == (0, 0, 0, 0, 0)
    with imported.database.session() as session:
        assert session.get_one(PrescriptionItem, item_id).status is ACTIVE


def test_no_file_speaks_for_this_program(imported: Imported) -> None:
    item_id = imported.prescribe()
    with imported.database.session() as session:
        item = session.get_one(PrescriptionItem, item_id)
        ours = Item(
            item_id=item.external_id,
            prescription_id=item.prescription.external_id,
            source=OWN_SOURCE,
            article_no="23101",
            package_size=50,
            pieces=300,
            status="MAKULERAD",
        )
    outcome = run(imported.database, import_prescriptions, response(NUMBER, ITEM, ours), skip_bad=True)
    assert [one.reason for one in outcome.refused] == ["the source is what this program calls its own prescriptions"]
    with imported.database.session() as session:
        assert session.get_one(PrescriptionItem, item_id).status is ACTIVE
