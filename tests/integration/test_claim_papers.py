"""A claim's document, table and e-mail read back: everything a supplier needs, nobody's patient, no formula, no lost message."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select, update

from auth.identity import Role
from auth.models import Person, Protection
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound
from delivery.complaints import claim_document
from delivery.complaints.claim_papers import ClaimPapers, papers_to_print
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import FaultKind
from delivery.complaints.return_label import label_of_case, return_label
from portal.claim_mail import answers_in_words, claim_pdf, claim_table
from portal.csv_download import csv_bytes
from portal.document_fonts import document_fonts
from tests.support.builders import add_person, add_staff
from tests.support.claims import ClaimOffice

SENDER = "no-reply@portal.example.org"
MAIL = "reklamation@sensorbolaget.example"


def jpeg(shade: int = 120, size: tuple[int, int] = (60, 40)) -> bytes:
    written = io.BytesIO()
    Image.effect_noise(size, shade).convert("RGB").save(written, "JPEG", quality=95)
    return written.getvalue()


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


def printed(office: ClaimOffice, claim_no: str, photo_bytes: int = 10**7) -> tuple[ClaimPapers, bytes]:
    with office.database.unit_of_work() as session:
        papers = papers_to_print(session, office.eva, claim_no, answers_in_words)
        return papers, claim_pdf(session, papers, photo_bytes)


def words(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_the_document_says_what_a_supplier_judges_by(office: ClaimOffice) -> None:
    first = office.case(packages=2, paid="400.25", error_code="E6", photos=(jpeg(), jpeg(90)))
    second = office.case(photos=(jpeg(30),), kind=FaultKind.LEAKS)
    claim_no = office.sent(first, second)
    papers, pdf = printed(office, claim_no)
    said = words(pdf)
    assert papers.value == Decimal("1250.50")
    for expected in (
        "20 016",
        "Sensorbolaget AB",
        "AVT-1",
        f"{first[:-3]} {first[-3:]}",
        "L24A88",
        "800,50 kr",
        "1 250,50 kr",
        "E6",
        "Den lossnade när hon sov.",
        "Astrid Provsson",
        "0500-00 00 01",
        office.sensor.article_no,
        str(office.sensor.gtin),
        "4 januari 2027",
    ):
        assert expected in said, expected
    # Numbered through the pack, each with its case; the third one is the second case's.
    assert "1–2" in said
    assert f"3 · Ärende {second[:-3]} {second[-3:]}" in said or f"3 · Case {second[:-3]} {second[-3:]}" in said
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(pdf)).pages) == 3
    with office.database.session() as session:
        seen = select(AccessLogEntry).where(AccessLogEntry.action == "complaint.claim_printed")
        assert {entry.object_ref for entry in session.scalars(seen)} == {f"case:{first}", f"case:{second}"}


def test_the_patient_is_named_nowhere_even_in_the_reporters_words(office: ClaimOffice) -> None:
    with office.database.unit_of_work() as session:
        mother = add_person(session, name="Siv Ombudsson")
    case_no = office.case(
        description="Astrids sensor dog. Astrid Provsson sov.",
        reporter_person_id=mother.id,
        reporter_name="Siv Ombudsson",
        error_code="Provsson",
    )
    papers, pdf = printed(office, office.claim(case_no))
    table = csv_bytes(claim_table(papers)).decode("utf-8-sig")
    for text in (words(pdf), table):
        assert "Astrid" not in text
        assert "Provsson" not in text
        assert "Siv Ombudsson" in text
        assert "N.N." in text
    assert "Astrid" not in repr(papers)
    assert "Siv" not in repr(papers)


@pytest.mark.parametrize("who", ["patient", "reporter"])
def test_with_protected_identity_nobody_is_named_or_quoted_or_shown(office: ClaimOffice, who: str) -> None:
    with office.database.unit_of_work() as session:
        reporter = add_person(session, name="Siv Ombudsson")
    case_no = office.case(
        reporter_person_id=reporter.id,
        reporter_name="Siv Ombudsson",
        description="Vid oss i Gläntan.",
        photos=(jpeg(),),
    )
    protected = office.patient.id if who == "patient" else reporter.id
    with office.database.unit_of_work() as session:
        nothing = dict.fromkeys(("given_name", "family_name", "street", "postal_code", "city"), "")
        flag = Protection.CONFIDENTIALITY_FLAG
        session.execute(update(Person).where(Person.id == protected).values(protection=flag, **nothing))
    papers, pdf = printed(office, office.claim(case_no))
    for text in (words(pdf), csv_bytes(claim_table(papers)).decode("utf-8-sig")):
        for hidden in ("Siv", "0500-00 00 01", "Gläntan"):
            assert hidden not in text
        assert "L24A88" in text
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(pdf)).pages) == 0


def test_photos_that_make_the_file_too_large_are_left_out_and_named(office: ClaimOffice) -> None:
    photos = tuple(jpeg(100, (1600, 1200)) for _ in range(4))
    claim_no = office.claim(office.case(photos=photos))
    _papers, whole = printed(office, claim_no)
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(whole)).pages) == 4
    room = len(claim_document._smaller(photos[0])) * 5 // 2
    _papers, pdf = printed(office, claim_no, room)
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(pdf)).pages) == 2
    assert "3–4" in words(pdf)
    assert len(pdf) < room + 200_000 < len(whole)


def test_a_sent_pack_is_printed_as_it_was_sent(office: ClaimOffice, clock: ManualClock) -> None:
    case_no = office.case(photos=(jpeg(),))
    claim_no = office.sent(case_no)
    before = printed(office, claim_no)[0]
    clock.set(clock.now().replace(hour=23))
    with office.database.unit_of_work() as session:
        line = office.line(case_no)
        session.add(
            Photo(
                complaint_id=line.complaint_id, content=jpeg(), sha256="1" * 64, width=1, height=1, added_at=clock.now()
            )
        )
    assert printed(office, claim_no)[0] == before


def test_the_table_is_read_back_and_holds_no_formula(office: ClaimOffice) -> None:
    hostile = '=HYPERLINK("http://x";"y")'
    case_no = office.case(
        description=f"{hostile}\nrad två; med semikolon",
        error_code="+46",
        reporter_name="@Siv",
        call_on="-1",
        answers={"restarted": "yes", "shown_value": "7.4"},
    )
    papers, _pdf = printed(office, office.claim(case_no))
    heading, row = rows(csv_bytes(claim_table(papers)))
    assert len(heading) == len(row) == 23
    assert row[:2] == ["20016", case_no]
    assert "450,00" in row
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert f"'{hostile}\nrad två; med semikolon" in row
    assert "2026-11-20" in row


def test_a_pack_of_another_region_is_not_there(office: ClaimOffice) -> None:
    claim_no = office.claim(office.case())
    with office.database.unit_of_work() as session:
        northern = staff_identity(add_staff(session, Role.CONSULTANT, region="norrbotten"))
        with pytest.raises(NotFound):
            papers_to_print(session, northern, claim_no, answers_in_words)


def test_the_label_of_a_returned_product_is_its_case_number(office: ClaimOffice) -> None:
    case_no = office.case()
    with office.database.unit_of_work() as session:
        label = label_of_case(session, office.eva, case_no)
        with pytest.raises(NotFound):
            label_of_case(session, office.eva, "1")
    pdf = return_label(label, document_fonts(), str)
    said = words(pdf)
    for expected in (f"{case_no[:-3]} {case_no[-3:]}", "Glukossensor", "L24A88", "Depån i Skövde, Depåvägen 1"):
        assert expected in said, expected
    assert "Astrid" not in said
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 1
        picture = document[0].render(scale=3).to_pil()
    finally:
        document.close()
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [case_no]


def test_whatever_a_reporter_writes_becomes_a_document(office: ClaimOffice) -> None:
    claim_no = office.claim(
        office.case(
            description="💩 \u202e مرحبا <b>&amp; \x07" + "å" * 3000,
            error_code="E" * 40,
            applied_on=date(1901, 1, 1),
        )
    )
    _papers, pdf = printed(office, claim_no)
    assert len(PdfReader(io.BytesIO(pdf)).pages) < 6
