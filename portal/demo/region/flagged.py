"""The demo's flagged lot: sensors whose adhesive lets go after a few days, next to lots of the same article that are as usual."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from auth.identity import Identity, Relation, system_identity
from core.clock import STOCKHOLM, now
from core.policy import policy_of
from delivery.complaints.clock import add_working_minutes
from delivery.complaints.models import (
    CASE_NO_SEQUENCE,
    Complaint,
    ComplaintEvent,
    ComplaintEventKind,
    ComplaintState,
    FaultKind,
    FaultReport,
    LookFirst,
)
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.signals import look_for_signals
from delivery.models import Lot, PickedLot
from orders.models import Article
from portal.demo.region.crowd import Patient, add_crowd, send_lot

SENSOR, BAD_LOT = "21002", "L26118"
PATIENTS = 44
LOOSE, STOPPED, CODE = FaultKind.CAME_LOOSE, FaultKind.STOPPED_WORKING, FaultKind.ERROR_CODE
# Which patient reported what of the bad lot, and how many days ago.
REPORTS = (
    (3, 34, LOOSE, "Klistret släppte tredje dagen. Hade duschat som vanligt."),
    (11, 29, LOOSE, "Lossnade på natten efter fyra dagar."),
    (19, 26, STOPPED, "Slutade visa värden. Den satt snett när jag tittade."),
    (0, 22, LOOSE, "Två i rad har lossnat efter några dagar. Har aldrig hänt förut."),
    (27, 19, LOOSE, "Kanten rullade upp sig, sedan satt den inte kvar."),
    (8, 15, CODE, "Felkod 17 och sedan ingen kontakt. Kanylen var ute."),
    (33, 12, LOOSE, "Ramlade av på jobbet dag tre."),
    (14, 9, STOPPED, "Fick 18,2 på sticka men sensorn visade inget. Ketoner 1,6, mådde illa."),
    (40, 6, LOOSE, "Släppte efter två dygn."),
    (22, 3, LOOSE, "Klistret är torrt i kanten redan i förpackningen."),
)
# Lot, days ago, which patients, and who of them reported how many days later.
USUAL_LOTS = (
    ("L25311", 190, range(PATIENTS), ((5, 31), (30, 44))),
    ("L25402", 121, range(26), ((17, 25),)),
    ("L26077", 117, range(26, PATIENTS), ()),
)


def let_a_lot_stand_out(session: Session, loaded_on: date, consultant: Identity) -> None:
    """Let the crowd be sent four lots and report, and look at the lots; the session's clock says when that is."""
    article = session.scalars(
        select(Article).where(Article.region == consultant.region, Article.article_no == SENSOR)
    ).one()
    patients = add_crowd(session, loaded_on, article, PATIENTS)
    for lot_no, days_ago, who, reported in USUAL_LOTS:
        sent = send_lot(
            session, loaded_on, _lot(session, article, lot_no, loaded_on), [patients[n] for n in who], days_ago
        )
        for number, days_later in reported:
            place = list(who).index(number)
            _report(
                session, consultant, patients[number], sent[place], _at(loaded_on, days_ago - days_later), STOPPED, ""
            )
    bad = send_lot(session, loaded_on, _lot(session, article, BAD_LOT, loaded_on), patients, 50)
    for number, days_ago, kind, words in REPORTS:
        _report(session, consultant, patients[number], bad[number], _at(loaded_on, days_ago), kind, words)
    session.flush()
    look_for_signals(session, system_identity(consultant.region, "look at lots"))


def _lot(session: Session, article: Article, lot_no: str, loaded_on: date) -> Lot:
    lot = Lot(article=article, lot_no=lot_no, expires_on=loaded_on + timedelta(days=300))
    session.add(lot)
    session.flush()
    return lot


def _report(
    session: Session,
    consultant: Identity,
    patient: Patient,
    picked: PickedLot,
    at: datetime,
    kind: FaultKind,
    words: str,
) -> None:
    """What is older than three weeks is closed; the newest wait, and what could have harmed somebody first of them."""
    is_red = "Ketoner" in words
    is_closed = at < now(session) - timedelta(days=21)
    number = str(session.scalar(CASE_NO_SEQUENCE))
    policy = policy_of(patient.person.region).section(ComplaintsPolicy)
    complaint = Complaint(
        case_no=number + luhn.calc_check_digit(number),
        region=patient.person.region,
        person_id=patient.person.id,
        article_id=patient.item.article_id,
        lot_id=picked.lot_id,
        state=ComplaintState.CLOSED if is_closed else ComplaintState.RECEIVED,
        has_red_flag=is_red,
        received_at=at,
        routed_at=at + timedelta(minutes=1),
        due_at=add_working_minutes(at, policy.due_minutes(is_red=is_red), policy.working_hours),
        owner_id=consultant.staff_id if is_closed else None,
        route=ComplaintRoute.DEPOT_REPLACES,
        look_first=LookFirst.RED_FLAG if is_red else LookFirst.NO_REPLACEMENT_WANTED,
        triaged_at=at + timedelta(hours=5) if is_closed else None,
        closed_at=at + timedelta(days=6) if is_closed else None,
    )
    complaint.report = FaultReport(
        picked_lot_id=picked.id,
        reporter_person_id=patient.person.id,
        reporter_name=patient.person.full_name,
        relation=Relation.SELF,
        kind=kind,
        description=words,
        error_code="17" if kind is CODE else "",
        failed_on=at.date() - timedelta(days=1),
        was_harmed=False,
        has_danger_sign=is_red,
        is_kept=True,
        wants_replacement=False,
        reported_at=at,
    )
    happened = [(at, ComplaintEventKind.REPORTED), (at + timedelta(minutes=1), ComplaintEventKind.ROUTED)]
    happened += [(at + timedelta(days=6), ComplaintEventKind.CLOSED)] if is_closed else []
    complaint.events = [ComplaintEvent(at=when, kind=what) for when, what in happened]
    session.add(complaint)


def _at(loaded_on: date, days_ago: int) -> datetime:
    return datetime.combine(loaded_on - timedelta(days=days_ago), time(19, 40), STOCKHOLM)
