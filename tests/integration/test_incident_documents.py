"""The report and the letter: filled in from the case, naming nobody, in versions that never change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from auth.identity import Identity
from auth.models import Person, Protection
from core.clock import ManualClock
from core.db import Database
from delivery.complaints.incident_errors import (
    AlreadySent,
    NamesSomebody,
    NewerVersion,
)
from delivery.complaints.incident_models import CaseDocument
from delivery.complaints.incident_queries import draft_document
from delivery.complaints.models import Complaint, ComplaintEventKind, FaultReport
from tests.support.incidents import LETTER, REPORT, TEXTS, Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_the_report_is_filled_in_from_the_case_and_names_nobody(desk: Desk) -> None:
    with desk.database.unit_of_work() as session:
        session.get_one(Person, desk.proxy.id).phone = "070-111 22 33"
        report = session.scalars(select(FaultReport)).one()
        report.description = "Astrid föll ihop. Ring Kim på 070-1112233 eller 0500-00 00 01. Provssons sensor var död."
        report.error_code = "E7 ASTRID"
    desk.assess()
    with desk.database.unit_of_work() as session:
        draft = draft_document(session, desk.eva, desk.case_no, REPORT)
        complaint = session.scalars(select(Complaint)).one()
        article, lot = complaint.article, complaint.lot
    assert "N.N. föll ihop. Ring N.N." in draft.texts.what_happened
    said = desk.pages(desk.write(texts=replace(TEXTS, what_happened=draft.texts.what_happened)))
    assert lot
    for fact in (
        article.article_no,
        str(article.gtin),
        lot.lot_no,
        f"(01){article.gtin}(17){lot.expires_on:%y%m%d}(10){lot.lot_no}",
        f"{desk.case_no[:-3]}\N{NO-BREAK SPACE}{desk.case_no[-3:]}".replace("\N{NO-BREAK SPACE}", " "),
        "Eva Konsulent",
        "0500-00 00 99",
        "sjukhus i två dygn",
        "Batchen är spärrad",
        "Läkemedelsverket",
        "E7 N.N.",
    ):
        assert fact in said, (fact, said)
    with desk.database.session() as session:
        facts = str(session.scalars(select(CaseDocument.facts)).one())
        number = session.get_one(Person, desk.patient.id).number
    for secret in ("Astrid", "ASTRID", "Provsson", "Kim", "Ombudsson", number, number[2:], "0500-00 00 01", "1112233"):
        assert secret not in said, secret
        assert secret not in facts, secret


@pytest.mark.parametrize("field", ["what_happened", "harm", "measures", "product_is"])
def test_a_text_that_names_the_patient_is_refused(desk: Desk, field: str) -> None:
    desk.assess()
    with pytest.raises(NamesSomebody) as refused:
        desk.write(texts=replace(TEXTS, **{field: "Hos ASTRID hemma, 1980 01 01-9804"}))
    assert set(refused.value.found) == {field}
    assert "ASTRID" in refused.value.found[field]
    # The consultant may be called what the patient is called; nobody's number is an address.
    assert desk.write(texts=replace(TEXTS, contact_name="Astrid Konsulent")).version == 1
    with pytest.raises(NamesSomebody):
        desk.write(texts=replace(TEXTS, contact_phone="0500-00 00 01"))


def test_a_version_is_written_for_each_change_and_never_changed(desk: Desk, clock: ManualClock) -> None:
    desk.assess()
    first = desk.write(key="one")
    assert desk.write(key="one").id == first.id
    assert desk.write().id == first.id
    clock.advance(timedelta(hours=1))
    second = desk.write(texts=replace(TEXTS, measures="Batchen är spärrad. Alla är varnade."))
    assert (first.version, second.version) == (1, 2)
    with pytest.raises(NewerVersion):
        desk.send(first)
    desk.send(second)
    with pytest.raises(AlreadySent):
        desk.send(second)
    third = desk.write(texts=replace(TEXTS, harm="Patienten är hemma igen."))
    assert third.version == 3
    assert "Alla är varnade" in desk.pages(second)
    assert "hemma igen" not in desk.pages(second)
    # The letter has versions of its own.
    assert desk.write(LETTER).version == 1
    assert desk.events(ComplaintEventKind.DOCUMENT_WRITTEN)[:2] == ["AUTHORITY_REPORT:1", "AUTHORITY_REPORT:2"]


@pytest.mark.parametrize(
    "change",
    [
        update(CaseDocument).values(facts={"case_no": "0"}),
        update(CaseDocument).values(content=b"something else"),
        update(CaseDocument).values(sent_to="nobody@example.se"),
        text("DELETE FROM case_document"),
    ],
)
def test_the_database_too_refuses_to_change_what_was_sent(desk: Desk, change: object) -> None:
    desk.assess()
    desk.send(desk.write())
    with pytest.raises(IntegrityError), desk.database.unit_of_work() as session:
        session.execute(change)  # type: ignore[call-overload]


def test_two_consultants_who_write_at_once_get_a_version_each(desk: Desk) -> None:
    desk.assess()
    barrier, written, problems = Barrier(2), [], []

    def write(by: Identity, harm: str) -> None:
        try:
            barrier.wait(10)
            written.append(desk.write(texts=replace(TEXTS, harm=harm), key=harm, by=by).version)
        except Exception as problem:
            problems.append(problem)

    for turn in range(5):
        threads = [Thread(target=write, args=(by, f"{by.label} såg det, gång {turn}.")) for by in (desk.eva, desk.per)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert not problems
    assert sorted(written) == list(range(1, 11))


def test_of_a_protected_identity_the_reporters_words_are_left_out(desk: Desk) -> None:
    desk.assess()
    with desk.database.unit_of_work() as session:
        person = session.get_one(Person, desk.patient.id)
        person.protection = Protection.CONFIDENTIALITY_FLAG
        person.given_name = person.family_name = person.street = person.postal_code = person.city = ""
        session.scalars(select(FaultReport)).one().description = "Astrid mådde illa."
    with desk.database.unit_of_work() as session:
        assert draft_document(session, desk.eva, desk.case_no, REPORT).texts.what_happened == ""


def test_the_letter_begins_with_what_the_report_tells(desk: Desk) -> None:
    desk.assess()
    desk.write()
    with desk.database.unit_of_work() as session:
        draft = draft_document(session, desk.eva, desk.case_no, LETTER)
    assert (draft.version, draft.texts.harm) == (1, TEXTS.harm)
    assert draft.texts.receiver != TEXTS.receiver
