"""The access log as its auditor reads it: who, what, when and why; one region; filters; pages; and their own look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from auth.access_log import PAGE_SIZE, read_access_log
from auth.identity import Role, system_identity
from auth.persons import staff_identity
from core.audit import AccessLogEntry, record
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from tests.support.builders import add_person, add_staff, add_unit, patient_identity
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


class Archive:
    """An auditor, and a log to read."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        with database.unit_of_work() as session:
            self.commission = add_staff(session, Role.AUDITOR, name="Åsa Granskare")
            self.auditor = staff_identity(self.commission)
            office = add_unit(session, "Kundtjänst Skövde")
            self.siv = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE, unit=office, name="Siv 100% Ärlig"))
            self.person = add_person(session, name="Astrid Provsson")

    def log(self, identity: object, action: str, **facts: str) -> None:
        """Write one entry now."""
        with self.database.unit_of_work() as session:
            record(
                session,
                identity.actor,  # type: ignore[attr-defined]
                action,
                subject_person_id=self.person.id,
                manner="LOOK",
                **facts,
            )

    def actions(self, **filters: object) -> list[str]:
        """Read the first page and return its actions."""
        with self.database.unit_of_work() as session:
            page = read_access_log(session, self.auditor, **filters)  # type: ignore[arg-type]
        return [line.entry.action for line in page.lines]


@pytest.fixture
def archive(database: Database, clock: ManualClock) -> Archive:
    return Archive(database, clock)


def test_the_page_says_it_in_words_and_names_no_patient(archive: Archive) -> None:
    archive.log(archive.siv, "order.enquired", object_ref="order:1000017", reason="Var är <paketet>?")
    archive.log(patient_identity(archive.person), "products.seen")
    archive.log(system_identity("vgr", "fault routing"), "fault.routed", object_ref="case:100016")
    archive.log(archive.siv, "something.new", object_ref="thing:1")
    client = sign_in(make_app(archive.database).test_client(), archive.commission)
    page = client.get("/access-log")
    check_page(page)
    for words in (
        "Siv 100% Ärlig",
        "Kundtjänst Skövde",
        "Looked up an order for a caller",
        "Order 1000\N{NO-BREAK SPACE}017",
        "Var är &lt;paketet&gt;?",
        "Patient or relative",
        "2026-12-01 10:00:00",
        "The system",
        "something.new",
    ):
        assert words in page.text, words
    assert "Astrid" not in page.text
    again = client.get("/access-log")
    assert "Read the access log" in again.text
    assert "Åsa Granskare" in again.text


def test_a_day_is_a_swedish_day(archive: Archive) -> None:
    for hour, action in [(22, "monday"), (23, "tuesday")]:
        archive.clock.set(datetime(2026, 11, 30, hour, 30, tzinfo=UTC))
        archive.log(archive.siv, action)
    assert archive.actions(day=date(2026, 11, 30)) == ["monday"]
    assert archive.actions(day=date(2026, 12, 1))[-1] == "tuesday"


def test_a_staff_members_name_is_found_by_a_part_of_it(archive: Archive) -> None:
    archive.log(archive.siv, "mine")
    archive.log(patient_identity(archive.person), "not.mine")
    archive.log(system_identity("vgr", "siv 100% import"), "not.mine")
    assert archive.actions(staff_name="siv 100%") == ["mine"]
    assert archive.actions(staff_name="100_") == []
    assert archive.actions(staff_name="astrid") == []


def test_other_regions_entries_are_not_shown(archive: Archive) -> None:
    archive.log(replace(archive.siv, region="other"), "elsewhere")
    archive.log(archive.siv, "here")
    assert archive.actions() == ["here"]


def test_pages_hold_every_entry_once_in_one_statement_each(archive: Archive) -> None:
    for number in range(PAGE_SIZE + 2):
        archive.clock.advance(timedelta(seconds=1))
        archive.log(archive.siv, f"number.{number}")
    with counted(archive.database) as statements, archive.database.unit_of_work() as session:
        first = read_access_log(session, archive.auditor)
    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    # What is written meanwhile moves nothing from one page to the next.
    archive.log(archive.siv, "meanwhile")
    with archive.database.unit_of_work() as session:
        second = read_access_log(session, archive.auditor, older_than=first.older_than)
    read = [line.entry.action for line in (*first.lines, *second.lines)]
    assert read == [f"number.{number}" for number in reversed(range(PAGE_SIZE + 2))]
    assert second.older_than is None


def test_the_auditors_own_look_is_logged(archive: Archive) -> None:
    archive.actions(day=date(2026, 12, 1))
    with archive.database.session() as session:
        entry = session.scalars(select(AccessLogEntry)).one()
        assert (entry.action, entry.manner, entry.actor_label, entry.object_ref) == (
            "access_log.read",
            "LOOK",
            "Åsa Granskare",
            "day:2026-12-01",
        )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_nobody_else_may_read_it(archive: Archive, role: Role) -> None:
    with archive.database.unit_of_work() as session, pytest.raises(NotPermitted):
        read_access_log(session, replace(archive.auditor, role=role))


@pytest.mark.parametrize(
    "query",
    ["?day=2026-12-01&staff=siv", "?day=i+går", "?day=9999-12-31", "?day=0001-01-01", "?older-than=x",
     "?older-than=-99999999999999999999999", "?staff=%00", "?day=1999-01-01"],
)  # fmt: skip
def test_odd_filters_are_pages_too(archive: Archive, query: str) -> None:
    archive.log(archive.siv, "here")
    client = sign_in(make_app(archive.database).test_client(), archive.commission)
    page = client.get(f"/access-log{query}")
    assert page.status_code == 200
    check_page(page)
