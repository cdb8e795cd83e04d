"""Claims of the demo: older cases whose suppliers have answered, paid or kept silent, and newer ones that have just been claimed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Unit
from auth.numbers import parse_number
from core.clock import now, swedish_date
from delivery.complaints.claim_answers import Answer, answer_lines, close_pack
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack
from delivery.complaints.claim_sending import mark_chased, mark_sent, send_pack
from delivery.complaints.claims import claim_all, claim_case
from delivery.complaints.credits import BookCredit, book_credit
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint, ComplaintState, FaultKind
from delivery.complaints.services import ReportFault, report_fault
from delivery.complaints.triage import Triage, triage
from delivery.models import Lot
from orders.models import Article
from portal.demo.region.acting import acting_for
from portal.demo.region.crowd import Patient, prescribe, send_lot
from portal.demo.region.filling import number_of

_NAMES = ("Alva Björkbacken", "Melker Fagerhöjd", "Tuva Lindesjö", "Sixten Rönnås")
# Article → its lot, and what went wrong with it for whom of them (place among the names).
_FAULTS: dict[str, tuple[str, tuple[tuple[int, FaultKind, str], ...]]] = {
    "21001": (
        "FS26H017",
        (
            (0, FaultKind.STOPPED_WORKING, "Dog efter fem dygn, den ska hålla i fjorton."),
            (1, FaultKind.CAME_LOOSE, "Klistret släppte första natten."),
            (2, FaultKind.ERROR_CODE, "Felkod 6 redan när jag startade den."),
        ),
    ),
    "22101": (
        "PI2604",
        (
            (1, FaultKind.BLOCKED, "Stopp redan vid påfyllningen."),
            (3, FaultKind.LEAKS, "Det läckte vid kopplingen, hela tröjan blev blöt."),
        ),
    ),
    "24001": (
        "PK7702",
        (
            (2, FaultKind.BLOCKED, "Tre kanyler i samma ask går inte att spruta med."),
            (3, FaultKind.BROKEN_PACKAGE, "Skyddshylsorna låg lösa i asken."),
        ),
    ),
}
YES = Answer(ClaimOutcome.ACCEPTED)


def claim_in_the_past(
    session: Session, loaded_on: date, who: Identity, at: Callable[[int, int], None], work: Callable[[], None]
) -> None:
    """Let three suppliers be claimed some weeks ago: one has not answered, one has paid a part, one has paid all and is closed."""
    cases = _report(session, loaded_on, who, at, work)
    at(56, 10)
    packs = {number: [claim_case(session, who, case_no) for case_no in found][-1] for number, found in cases.items()}
    at(55, 9)
    for number, pack in packs.items():
        mark_sent(session, who, pack.claim_no, f"demo-sent-{number}")
    late, paid, closed = packs["21001"], packs["22101"], packs["24001"]
    at(30, 13)
    lines = _lines(session, paid)
    refused = Answer(ClaimOutcome.REJECTED, "Slangen är klippt, så kopplingen går inte att undersöka.")
    answer_lines(session, who, paid.claim_no, {lines[1].id: refused}, YES)
    answer_lines(session, who, closed.claim_no, {}, YES)
    at(20, 14)
    _credit(session, who, "KN-20418", _lines(session, paid)[:1])
    _credit(session, who, "TV 77031", _lines(session, closed))
    at(15, 9)
    close_pack(session, who, closed.claim_no)
    at(8, 10)
    mark_chased(session, who, late.claim_no)


def claim_lately(session: Session, who: Identity, at: Callable[[int, int], None]) -> None:
    """Claim some of the cases on the board: one claim is being put together, one leaves by e-mail when the workers start."""
    at(1, 14)
    replaced = select(Complaint).where(Complaint.region == "vgr", Complaint.state == ComplaintState.REPLACEMENT_ORDERED)
    for case in session.scalars(
        replaced.join(Article, Complaint.article_id == Article.id)
        .where(Article.article_no == "21001")
        .order_by(Complaint.id)
        .limit(2)
    ):
        claim_case(session, who, case.case_no)
    article = session.scalars(select(Article).where(Article.region == "vgr", Article.article_no == "51001")).one()
    assert article.supplier_id is not None
    assert article.supplier is not None
    for case in session.scalars(replaced.where(Complaint.article_id == article.id)):
        _photograph(session, case)
    done = claim_all(session, who, article.supplier_id)
    at(1, 15)
    for claim_no in done.claim_nos:
        send_pack(session, who, claim_no, article.supplier.complaints_email, "demo-sent-51001")


def _credit(session: Session, who: Identity, credit_no: str, lines: list[ClaimLine]) -> None:
    shares = {line.id: line.value for line in lines}
    book_credit(
        session,
        who,
        BookCredit(
            supplier_id=lines[0].pack.supplier_id,
            credit_no=credit_no,
            amount=sum(shares.values(), Decimal(0)),
            dated_on=swedish_date(now(session)) - timedelta(days=2),
            shares=shares,
            idempotency_key=f"demo-{credit_no}",
        ),
    )


def _lines(session: Session, pack: ClaimPack) -> list[ClaimLine]:
    return list(session.scalars(select(ClaimLine).where(ClaimLine.pack_id == pack.id).order_by(ClaimLine.id)))


def _report(
    session: Session, loaded_on: date, who: Identity, at: Callable[[int, int], None], work: Callable[[], None]
) -> dict[str, list[str]]:
    persons = _people(session, loaded_on)
    unit = session.scalars(select(Unit).where(Unit.hsa_id == "SE2321000131-E000000000201")).one()
    cases: dict[str, list[str]] = {}
    for number, (lot_no, faults) in _FAULTS.items():
        article = session.scalars(select(Article).where(Article.region == "vgr", Article.article_no == number)).one()
        lot = Lot(article=article, lot_no=lot_no, expires_on=loaded_on + timedelta(days=300))
        session.add(lot)
        patients = [
            Patient(persons[place], prescribe(session, persons[place], article, unit, loaded_on, packages=3))
            for place, _kind, _words in faults
        ]
        session.flush()
        at(80, 8)
        sent = send_lot(session, loaded_on, lot, patients, 75, packages=3)
        for (place, kind, words), picked in zip(faults, sent, strict=True):
            at(62 - place, 17)
            report = ReportFault(
                picked_lot_id=picked.id,
                kind=kind,
                was_harmed=False,
                has_danger_sign=False,
                is_kept=True,
                wants_replacement=False,
                idempotency_key=f"demo-claim-{number}-{place}",
                description=words,
                error_code="6" if kind is FaultKind.ERROR_CODE else "",
                call_on="070-000 00 98",
            )
            case_no = report_fault(session, acting_for(session, persons[place], persons[place]), report).case_no
            work()
            at(59, 9)
            triage(session, who, Triage(case_no, note="Har redan bytt till en ny, vill bara att vi vet. Reklameras."))
            cases.setdefault(number, []).append(case_no)
    return cases


def _people(session: Session, loaded_on: date) -> list[Person]:
    persons = []
    for place, name in enumerate(_NAMES):
        given, _space, family = name.partition(" ")
        person = Person(
            region="vgr",
            county_code="14",
            given_name=given,
            family_name=family,
            street=f"Hasselstigen {place + 1}",
            postal_code="54131",
            city="Skövde",
        )
        # Nobody has the serials from 980 on.
        person.set_number(parse_number(number_of(loaded_on, 28 + 9 * place, 90 + 11 * place, 986 + place), loaded_on))
        persons.append(person)
    session.add_all(persons)
    session.flush()
    return persons


def _photograph(session: Session, case: Complaint) -> None:
    """A drawn picture of a bottle, where a reporter would have taken a photo."""
    picture = Image.new("RGB", (900, 1200), "#e9e4d8")
    drawing = ImageDraw.Draw(picture)
    drawing.ellipse((180, 1000, 760, 1130), fill="#cfc6b4")
    drawing.rounded_rectangle((320, 330, 580, 1080), 60, fill="#f7f7f2", outline="#8d8778", width=6)
    drawing.rounded_rectangle((385, 200, 515, 340), 24, fill="#2f6f5e")
    drawing.rectangle((340, 560, 560, 860), fill="#d8e7df")
    drawing.polygon(((575, 700), (700, 960), (640, 1090), (560, 1075)), fill="#e7d2a4")
    written = BytesIO()
    picture.save(written, "JPEG", quality=82)
    content = written.getvalue()
    session.add(
        Photo(
            complaint_id=case.id,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            width=picture.width,
            height=picture.height,
            added_at=now(session),
        )
    )
    session.flush()
