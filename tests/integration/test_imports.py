"""Imports on PostgreSQL: twice is once, a bad file changes nothing, what disappears is cancelled, limits hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.importing.persons import import_persons
from auth.importing.workplaces import import_proxies
from auth.models import Guardianship, Person, ProxyAppointment
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.importing import FileRefused, ImportRefused
from delivery.importing import import_stock
from delivery.models import StockBalance
from orders.importing.articles import import_articles
from orders.importing.prescriptions import import_prescriptions
from orders.importing.service_points import import_service_points
from orders.models import (
    Article,
    Prescription,
)
from portal.commands.imports import import_group
from tests.support.builders import add_depot, number_text
from tests.support.contract import Item, Past, in_envelope, response
from tests.support.imports import (
    ARTICLES,
    NUMBER,
    OTHER,
    PERSONS,
    TABLE,
    Importer,
    everything,
    run,
    tallies,
)

POINTS = "id,provider,name,street,postal_code,city,lat,lon\n1,DHL,Boden,Gatan 1,54130,Skövde,58.39,13.84\n"
STOCK = "article_no,lot,expiry,packages,source_ref\n21001,L1,2027-09-01,5,R1\n21001,L1,2027-09-01,7,R2\n"


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with persons, articles and a depot."""
    run(database, import_persons, PERSONS)
    run(database, import_articles, ARTICLES)
    with database.unit_of_work() as session:
        add_depot(session)
    return database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session to look with."""
    with database.session() as opened:
        yield opened


EVERY_FILE = [
    (import_articles, ARTICLES, 6),
    (import_persons, PERSONS, 3),
    (import_service_points, POINTS, 1),
    (import_stock, STOCK, 2),
    (import_prescriptions, TABLE, 3),
    (
        import_prescriptions,
        response(
            NUMBER,
            Item(),
            Item(item_id="I2", article_no="51000", sub_article_nos=("51002", "51001")),
            history=(Past("J-1"),),
        ),
        2,
    ),
    (import_prescriptions, in_envelope(response(NUMBER, Item(next_earliest="2026-12-24"), version=1)), 1),
    (
        import_proxies,
        f"patient_number,proxy_number,tasks,valid_from,valid_until\n{OTHER},{NUMBER},order,2026-01-01,2027-01-01\n",
        1,
    ),
]


@pytest.mark.parametrize(("importer", "raw", "rows"), EVERY_FILE)
def test_the_same_file_twice_changes_nothing(
    filled: Database, clock: ManualClock, importer: Importer, raw: str, rows: int
) -> None:
    run(filled, importer, raw)
    before = everything(filled)
    clock.advance(timedelta(days=1))
    assert tallies(run(filled, importer, raw)) == (0, 0, rows, 0, 0)
    assert everything(filled) == before


@pytest.mark.parametrize(
    ("importer", "raw", "line", "good"),
    [
        (import_articles, ARTICLES.replace("23101,Stickor", "29999,Stickor") + "24001,Kanyl,100,FEL,,,,,,,\n", 8, 1),
        (import_persons, PERSONS.replace("Anna", "Annika") + "123,,,,,,,14,,,\n", 5, 1),
        (import_service_points, POINTS + "2,UGGLA,Boden,Gatan 1,54130,Skövde,,\n", 3, 1),
        (import_stock, STOCK + "99999,L1,2027-09-01,7,R3\n", 4, 2),
        (import_prescriptions, TABLE.replace("P,2,23101", "P,2,99999"), 3, 2),
        (import_prescriptions, response(NUMBER, Item(), Item(item_id="I2", article_no="99999")), 6, 1),
    ],
)
def test_a_bad_file_changes_nothing_unless_asked_to_skip(
    filled: Database, importer: Importer, raw: str, line: int, good: int
) -> None:
    before = everything(filled)
    with pytest.raises(ImportRefused) as refused:
        run(filled, importer, raw)
    assert [refusal.line for refusal in refused.value.outcome.refused] == [line]
    assert everything(filled) == before
    outcome = run(filled, importer, raw, skip_bad=True)
    assert outcome.added + outcome.changed == good
    assert len(outcome.refused) == 1


def test_each_affected_person_has_a_line_in_the_access_log(filled: Database, session: Session) -> None:
    run(filled, import_prescriptions, f"<all>{response(NUMBER, Item())}{response(OTHER, Item())}</all>")
    run(filled, import_prescriptions, f"<all>{response(NUMBER, Item(allowed=5))}{response(OTHER, Item())}</all>")
    logged = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "prescription.imported")).all()
    assert len(logged) == 3
    assert {entry.actor_kind for entry in logged} == {"SYSTEM"}


def test_protection_wipes_what_was_known_and_needs_a_unit_with_an_address(filled: Database, session: Session) -> None:
    run(filled, import_persons, PERSONS.replace("070,14,NONE", "070,14,01020"))
    person = session.scalars(select(Person).order_by(Person.id).limit(1)).one()
    assert (person.is_protected, person.full_name, person.street, person.phone) == (True, "", "", "")
    with pytest.raises(ImportRefused) as refused:
        run(filled, import_prescriptions, response(NUMBER, Item()))
    assert "no address" in refused.value.outcome.refused[0].reason


def test_guardians_end_and_proxies_stay_withdrawn(filled: Database, session: Session, clock: ManualClock) -> None:
    run(filled, import_persons, PERSONS.replace(f"NONE,,{NUMBER}", "NONE,,"))
    assert session.scalars(select(Guardianship.ended_on)).one() == date(2026, 12, 1)
    proxies = (
        f"patient_number,proxy_number,tasks,valid_from,valid_until\n{OTHER},{NUMBER},order,2026-01-01,2027-01-01\n"
    )
    run(filled, import_proxies, proxies)
    with filled.unit_of_work() as writing:
        writing.scalars(select(ProxyAppointment)).one().withdrawn_at = clock.now()
    assert tallies(run(filled, import_proxies, proxies)) == (0, 0, 1, 0, 0)
    with pytest.raises(ImportRefused):
        run(filled, import_persons, PERSONS.replace(f"NONE,,{NUMBER}", f"NONE,,{number_text(date(1981, 2, 2), 3)}"))


def test_articles_name_successors_variants_and_keep_their_size(filled: Database, session: Session) -> None:
    old = session.scalars(select(Article).where(Article.article_no == "21002")).one()
    assert old.successor is not None
    assert old.successor.article_no == "21001"
    run(filled, import_prescriptions, response(NUMBER, Item()))
    for bad in (
        ARTICLES.replace("Sensor 14,1,", "Sensor 14,2,"),
        ARTICLES.replace(",,51000,,yes,,\n51002", ",,51002,,yes,,\n51002"),
        ARTICLES.replace(",21001,no", ",98765,no"),
        ARTICLES.replace("yes,101,Fjord AB", "yes,199,"),
    ):
        with pytest.raises(ImportRefused):
            run(filled, import_articles, bad)


def test_stock_is_booked_once_and_never_otherwise(filled: Database, session: Session) -> None:
    run(filled, import_stock, STOCK)
    assert session.scalars(select(StockBalance.on_hand)).one() == 12
    with pytest.raises(ImportRefused, match="1 rows"):
        run(filled, import_stock, STOCK.replace(",7,R2", ",8,R2"))
    with pytest.raises(ImportRefused, match="1 rows"):
        run(filled, import_stock, "article_no,lot,expiry,packages,source_ref\n21001,L1,2027-10-01,5,R9\n")


def test_stock_needs_a_depot(database: Database) -> None:
    with pytest.raises(FileRefused, match="no depot"):
        run(database, import_stock, STOCK)


def test_two_prescribers_in_one_prescription_are_refused(filled: Database, session: Session) -> None:
    raw = response(NUMBER, Item(), Item(item_id="I2", unit_id="SE2321000131-E000000000902"))
    assert tallies(run(filled, import_prescriptions, raw, skip_bad=True)) == (1, 0, 0, 0, 1)
    assert session.scalars(select(Prescription)).one().prescribing_unit.hsa_id == "SE2321000131-E000000000901"


@pytest.fixture
def environment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that the command reads."""
    key = tmp_path / "key.json"
    key.write_text("{}")
    for name in list(os.environ):
        if name.startswith(("PORTAL_", "OIDC_")):
            monkeypatch.delenv(name)
    values = {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "PORTAL_BASE_URL": "http://localhost:8000",
        "PORTAL_SECRET_KEY": "s" * 40,
        "PORTAL_DATA_KEYS": "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "PORTAL_INDEX_KEY": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        "OIDC_ISSUER": "http://127.0.0.1:8400",
        "OIDC_CLIENT_ID": "x",
        "OIDC_CLIENT_KEY_FILE": str(key),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_the_command_sums_up_and_names_lines_not_people(tmp_path: Path) -> None:
    articles, persons, prescriptions = (tmp_path / name for name in ("a.csv", "p.csv", "f.csv"))
    articles.write_text(ARTICLES)
    persons.write_text(PERSONS)
    bad = number_text(date(1988, 8, 8), 1)
    prescriptions.write_text(TABLE + TABLE.splitlines()[1].replace(NUMBER, bad) + "\n")
    runner = CliRunner()
    assert "6 added, 0 changed" in runner.invoke(import_group, ["articles", str(articles)]).output
    assert "3 added" in runner.invoke(import_group, ["persons", str(persons)]).output
    refused = runner.invoke(import_group, ["prescriptions", str(prescriptions)])
    assert refused.exit_code == 1
    assert "line 5: the person is not known; import persons first" in refused.output
    assert "Nothing was changed. 1 row was refused" in refused.output
    assert bad not in refused.output
    skipped = runner.invoke(import_group, ["prescriptions", str(prescriptions), "--skip-bad"])
    assert skipped.exit_code == 0
    assert "3 added, 0 changed, 0 unchanged, 0 cancelled, 1 refused." in skipped.output
    unreadable = runner.invoke(import_group, ["articles", str(persons)])
    assert unreadable.exit_code == 1
    assert "line 1: the heading of column 1 is not known" in unreadable.output
    assert (
        "region nowhere is not served"
        in runner.invoke(import_group, ["articles", str(articles), "--region", "nowhere"]).output
    )
