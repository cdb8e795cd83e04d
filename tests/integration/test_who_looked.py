"""Who has seen my data: whose entries one reads, what they say, pages, the file, and that the look is logged too."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import select

from auth.access_log import OWN_PAGE_SIZE, extract_of_log, who_looked
from auth.identity import Identity, Relation, Role, Task, system_identity
from auth.models import Guardianship, Person, ProxyAppointment
from auth.permissions import Permission, permits
from auth.persons import staff_identity
from core.audit import AccessLogEntry, record
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from portal.csv_download import safe_cell
from tests.support.builders import add_person, add_staff, add_unit, patient_identity
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


class Household:
    """A patient, a stranger, a child with a guardian, a proxy, and Siv who answers the phone."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        with database.unit_of_work() as session:
            office = add_unit(session, "Kundtjänst Skövde")
            self.siv = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE, unit=office, name="Siv Ärlig"))
            self.astrid = add_person(session, name="Astrid Provsson")
            self.stranger = add_person(session, name="Sven Främling")
            self.proxy = add_person(session, name="Petra Ombud")
            # Thirteen on 2 December 2026.
            self.child = add_person(session, name="Bo Provsson", born=date(2013, 12, 2))
            session.add(Guardianship(guardian_id=self.astrid.id, child_id=self.child.id))
            session.add(
                ProxyAppointment(
                    patient_id=self.astrid.id, proxy_id=self.proxy.id, tasks=[task.value for task in Task],
                    valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31), accepted_at=clock.now(),
                )
            )  # fmt: skip
        self.me = patient_identity(self.astrid)
        self.by_proxy = patient_identity(self.astrid, actor=self.proxy, relation=Relation.PROXY)

    def log(self, identity: Identity, action: str, about: Person | None = None, **facts: str) -> None:
        """Write one entry, a second after the last."""
        self.clock.advance(timedelta(seconds=1))
        with self.database.unit_of_work() as session:
            person = about or self.astrid
            record(session, identity.actor, action, subject_person_id=person.id, manner="LOOK", **facts)

    def seen(self, identity: Identity | None = None, **filters: object) -> list[str]:
        """Return the actions of the first page."""
        with self.database.unit_of_work() as session:
            page = who_looked(session, identity or self.me, **filters)  # type: ignore[arg-type]
        return [line.entry.action for line in page.lines]


@pytest.fixture
def household(database: Database, clock: ManualClock) -> Household:
    return Household(database, clock)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def test_one_reads_what_is_about_oneself_and_nothing_else(household: Household) -> None:
    household.log(household.siv, "mine")
    household.log(household.siv, "not.mine", household.stranger)
    household.log(household.siv, "not.mine", household.child)
    household.log(household.me, "not.mine", household.stranger)
    assert household.seen() == ["mine"]
    with household.database.unit_of_work() as session:
        of_stranger = session.scalars(
            select(AccessLogEntry.id).where(AccessLogEntry.subject_person_id == household.stranger.id)
        ).first()
    # Another's entry as the place to go on from tells nothing.
    assert household.seen(older_than=of_stranger) == []


def test_ones_own_looks_are_shown_only_when_asked_for(household: Household) -> None:
    household.log(household.me, "by.me")
    household.log(household.by_proxy, "by.proxy")
    household.log(system_identity("vgr", "routing"), "by.system")
    assert household.seen() == ["by.system", "by.proxy"]
    assert household.seen(others_only=False) == ["own_log.seen", "by.system", "by.proxy", "by.me"]


def test_the_page_says_it_in_words(household: Household, app: Flask) -> None:
    household.log(household.siv, "order.enquired", object_ref="order:1000017", reason="Var är <paketet>?")
    household.log(household.siv, "line.short", object_ref="order:1000018", reason="CODE_NOT_WORDS")
    household.log(household.by_proxy, "orders.seen", object_ref="message:77")
    household.log(system_identity("vgr", "fault routing"), "fault.routed", object_ref="case:100016")
    page = sign_in(app.test_client(), household.astrid).get("/my-access-log?show=all")
    check_page(page)
    for words in (
        "Tuesday 1 December", "Siv Ärlig", "Kundtjänst Skövde", "Looked up an order for a caller", "Var är &lt;paketet&gt;?",
        "Order 1000\N{NO-BREAK SPACE}017", "Petra Ombud", "Relative or proxy", "Automatic", "10:00",
    ):  # fmt: skip
        assert words in page.text, words
    assert "CODE_NOT_WORDS" not in page.text
    assert "message:77" not in page.text
    assert "Message 77" not in page.text
    assert 'href="/my-access-log"' in sign_in(app.test_client(), household.astrid).get("/my-products").text
    again = sign_in(app.test_client(), household.astrid).get("/my-access-log?show=all")
    assert "Looked at who has seen the data" in again.text
    assert "You" in again.text


def test_what_is_alike_within_a_minute_is_one_line(household: Household, app: Flask) -> None:
    for _package in range(4):
        household.log(household.siv, "package.picked", object_ref="order:1000017")
    household.log(household.siv, "pick.finished", object_ref="order:1000017")
    page = sign_in(app.test_client(), household.astrid).get("/my-access-log")
    assert page.text.count("Picked a package") == 1
    assert "4 times" in page.text
    assert page.text.count("Finished picking") == 1


def test_a_relative_with_protected_identity_has_no_name_there(household: Household) -> None:
    household.log(household.by_proxy, "orders.seen")
    with household.database.unit_of_work() as session:
        proxy = session.get_one(Person, household.proxy.id)
        proxy.given_name = proxy.family_name = proxy.street = proxy.postal_code = proxy.city = ""
        proxy.protection = type(proxy.protection).PROTECTED_REGISTRATION
    client = sign_in(make_app(household.database).test_client(), household.astrid)
    page = client.get("/my-access-log")
    assert "A relative or proxy" in page.text
    assert "Petra" not in page.text


def test_a_guardian_reads_a_childs_until_the_birthday(household: Household, app: Flask) -> None:
    household.log(household.siv, "order.seen", household.child)
    client = sign_in(app.test_client(), household.astrid, acting_for=household.child)
    page = client.get("/my-access-log")
    check_page(page)
    assert "Siv Ärlig" in page.text
    assert "Who has seen Bo's data" in page.text
    household.clock.set(datetime(2026, 12, 2, 8, 0, tzinfo=UTC))
    after = client.get("/my-access-log")
    assert "Siv Ärlig" not in after.text
    assert "Bo" not in after.text
    child = sign_in(app.test_client(), household.child)
    assert child.get("/my-access-log").status_code == 403


def test_a_proxy_reads_it_never(household: Household, app: Flask) -> None:
    assert not permits(household.by_proxy, Permission.SEE_WHO_LOOKED)
    client = sign_in(app.test_client(), household.proxy, acting_for=household.astrid)
    assert client.get("/my-access-log").status_code == 403
    assert client.get("/my-access-log/download").status_code == 403
    assert "/my-access-log" not in client.get("/my-products").text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PATIENT])
def test_staff_do_not_read_it_here(household: Household, role: Role) -> None:
    with household.database.unit_of_work() as session:
        for read in (who_looked, extract_of_log):
            with pytest.raises(NotPermitted):
                read(session, replace(household.siv, role=role))


def test_pages_hold_every_entry_once_in_one_statement_each(household: Household) -> None:
    with household.database.unit_of_work() as session:
        # Half of them at the same instant: the order is whole all the same.
        for number in range(OWN_PAGE_SIZE + 2):
            if number % 2:
                household.clock.advance(timedelta(seconds=1))
            record(session, household.siv.actor, f"number.{number}", subject_person_id=household.astrid.id)
            session.flush()
    with counted(household.database) as statements, household.database.unit_of_work() as session:
        first = who_looked(session, household.me)
    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    household.log(household.siv, "meanwhile")
    with household.database.unit_of_work() as session:
        second = who_looked(session, household.me, older_than=first.older_than)
    read = [line.entry.action for line in (*first.lines, *second.lines)]
    assert read == [f"number.{number}" for number in reversed(range(OWN_PAGE_SIZE + 2))]
    assert second.older_than is None


def test_the_look_and_the_download_are_logged(household: Household, app: Flask) -> None:
    client = sign_in(app.test_client(), household.astrid)
    client.get("/my-access-log")
    client.get("/my-access-log/download")
    with household.database.session() as session:
        entries = session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id)).all()
    assert [(entry.action, entry.manner, entry.actor_id, entry.subject_person_id) for entry in entries] == [
        (action, "LOOK", household.astrid.id, household.astrid.id) for action in ("own_log.seen", "own_log.downloaded")
    ]


def test_the_file_holds_five_years_and_no_formulas(household: Household, app: Flask) -> None:
    now = household.clock.now()
    household.clock.set(datetime(2021, 11, 30, 22, 59, tzinfo=UTC))
    household.log(household.siv, "too.old")
    household.clock.set(now)
    evil = replace(household.siv, label='=HYPERLINK("http://example.org";"Siv")')
    household.log(evil, "order.enquired", reason="+46 500; ring\nmig", object_ref="order:1000017")
    household.log(household.me, "products.seen")
    with counted(household.database) as statements:
        answer = sign_in(app.test_client(), household.astrid).get("/my-access-log/download")
    assert len([text for text in statements if "FROM access_log" in text]) == 1
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    header, mine, looked_up = csv.reader(StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";")
    assert header[0] == "When"
    assert mine[1] == "You"
    assert looked_up == [
        "2026-12-01 10:00:01", '\'=HYPERLINK("http://example.org";"Siv")', "Kundtjänst Skövde", "Looked",
        "Looked up an order for a caller", "Order 1000\N{NO-BREAK SPACE}017", "'+46 500; ring\nmig",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1", "\n@a", "＝1"])
def test_what_a_spreadsheet_would_compute_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Siv", "a=b", "2026-12-01", "'"])
def test_what_it_would_not_compute_stands_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


@pytest.mark.parametrize(
    "query", ["?older-than=x", "?older-than=-9999999999999999999999", "?show=%00", "?older-than=9"]
)
def test_odd_addresses_are_pages_too(household: Household, app: Flask, query: str) -> None:
    page = sign_in(app.test_client(), household.astrid).get(f"/my-access-log{query}")
    assert page.status_code == 200
    check_page(page)
