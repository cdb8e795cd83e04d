"""What a document about a serious incident says, gathered from its case. Never who the patient or the reporter is. Handbook §7.

What people typed is kept without the names and numbers that it held; the clocks and addresses are those of the instant it was written.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Unit
from core.clock import STOCKHOLM, swedish_date, today
from delivery.complaints.draft_models import Photo
from delivery.complaints.incident_models import DocumentKind, Incident
from delivery.complaints.incident_rules import MANUFACTURER_DAYS
from delivery.complaints.models import Complaint, FaultReport
from delivery.complaints.nameless import Known, found_in, without
from delivery.models import DepotOrder, Parcel, PickedLot, PickLine
from delivery.unit_chain import units_sent

LANGUAGES = ("sv", "en")
AUTHORITY = "Läkemedelsverket"


@dataclass(frozen=True)
class DocumentTexts:
    """What the consultant writes of a document; the rest is filled in from the case. `receiver` is a name and address in lines."""

    receiver: str = ""
    what_happened: str = ""
    harm: str = ""
    measures: str = ""
    product_is: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    language: str = "sv"


# These tell of people; the others are addresses, in which the consultant may have the patient's name.
TOLD = ("what_happened", "harm", "measures", "product_is")


def known_people(session: Session, complaint: Complaint) -> Known:
    """Return who must not be told of: the patient, and whoever reported. Two statements at most."""
    report, patient = complaint.report, complaint.person
    names, numbers = [patient.full_name, report.reporter_name], [patient.number[-10:], patient.number, patient.phone]
    if report.reporter_person_id is not None and report.reporter_person_id != patient.id:
        reporter = session.get_one(Person, report.reporter_person_id)
        names.append(reporter.full_name)
        numbers += [reporter.number[-10:], reporter.number, reporter.phone]
    return Known(tuple(filter(None, names)), tuple(filter(None, (*numbers, report.call_on))), today(session))


def names_in(texts: DocumentTexts, known: Known) -> dict[str, tuple[str, ...]]:
    """Return by field what of a text says who somebody is; of addresses only numbers are looked at."""
    numbers_only = Known((), known.numbers, known.today)
    found = {
        field.name: found_in(getattr(texts, field.name), known if field.name in TOLD else numbers_only)
        for field in fields(texts)
        if field.name != "language"
    }
    return {name: words for name, words in found.items() if words}


def first_texts(session: Session, identity: Identity, complaint: Complaint, kind: DocumentKind) -> DocumentTexts:
    """Return what a first version would say: the reporter's words without names, the supplier, and who writes it.

    With protected identity nobody knows which names to take out, so the reporter's words are left out.
    """
    unit = session.get(Unit, identity.unit_id) if identity.unit_id is not None else None
    is_protected = complaint.person.is_protected or _reporter_is_protected(session, complaint.report)
    supplier = complaint.article.supplier
    to_manufacturer = "\n".join(filter(None, (supplier.name, supplier.complaints_email))) if supplier else ""
    return DocumentTexts(
        receiver=AUTHORITY if kind is DocumentKind.AUTHORITY_REPORT else to_manufacturer,
        what_happened="" if is_protected else without(complaint.report.description, known_people(session, complaint)),
        contact_name=identity.label,
        contact_phone=unit.phone if unit else "",
    )


def facts_of_case(
    session: Session,
    identity: Identity,
    incident: Incident,
    kind: DocumentKind,
    texts: DocumentTexts,
    answers: list[tuple[str, str]],
) -> dict[str, Any]:
    """Return all that a document says, as JSON; `answers` are the questions that fit the product, in the document's language.

    A fixed number of statements. The caller has locked the case and refused texts that name somebody.
    """
    complaint, report, article = incident.complaint, incident.complaint.report, incident.complaint.article
    known = known_people(session, complaint)
    unit = session.get(Unit, identity.unit_id) if identity.unit_id is not None else None
    serials = [report.stated_serial_no] if report.stated_serial_no else _serials_sent(session, complaint)
    days = {
        "reported": swedish_date(report.reported_at),
        "delivered": _delivered_on(session, report),
        "applied": report.applied_on,
        "failed": report.failed_on,
    }
    return {
        "kind": kind.value,
        "case_no": complaint.case_no,
        "language": texts.language,
        "sender": [line for line in _unit_lines(unit) if line],
        "product": {
            "name": article.display_name,
            "trade_name": article.name,
            "article_no": article.article_no,
            "gtin": article.gtin or "",
            "supplier": article.supplier.name if article.supplier else "",
            "agreement_no": article.agreement_no,
            "lot_no": complaint.lot.lot_no if complaint.lot else without(report.stated_lot_no, known),
            "lot_is_stated": complaint.lot is None and bool(report.stated_lot_no),
            "expires_on": _iso(complaint.lot.expires_on if complaint.lot else None),
            "serials": [without(serial, known) for serial in serials],
            "packages": report.packages,
        },
        "fault": report.kind.value,
        "error_code": without(report.error_code, known),
        "days": {name: _iso(day) for name, day in days.items()},
        "was_harmed": report.was_harmed,
        "has_danger_sign": report.has_danger_sign,
        "is_kept": report.is_kept,
        "answers": [[question, without(answer, known)] for question, answer in answers],
        "photos": session.scalars(
            select(func.count()).select_from(Photo).where(Photo.complaint_id == complaint.id)
        ).one(),
        "severity": incident.severity.value,
        "manufacturer_days": MANUFACTURER_DAYS.get(incident.severity, 0),
        "checklist": dict(incident.checklist),
        "assessed_at": incident.assessed_at.astimezone(STOCKHOLM).isoformat(timespec="minutes"),
        "notified_at": _minute(incident.manufacturer_notified_at),
        "texts": {field.name: getattr(texts, field.name) for field in fields(texts)},
    }


def _reporter_is_protected(session: Session, report: FaultReport) -> bool:
    reporter = session.get(Person, report.reporter_person_id) if report.reporter_person_id is not None else None
    return reporter is not None and reporter.is_protected


def texts_of(facts: dict[str, Any]) -> DocumentTexts:
    """Return what the consultant wrote of a version; what a later release calls otherwise is left empty."""
    kept: dict[str, str] = facts.get("texts", {})
    return DocumentTexts(**{field.name: kept[field.name] for field in fields(DocumentTexts) if field.name in kept})


def _serials_sent(session: Session, complaint: Complaint) -> list[str]:
    picked_lot_id = complaint.report.picked_lot_id
    if picked_lot_id is None or not complaint.article.is_serialised:
        return []
    return [unit.serial_no for unit in units_sent(session, picked_lot_id)]


def _delivered_on(session: Session, report: FaultReport) -> date | None:
    if report.picked_lot_id is None:
        return None
    instant = session.scalar(
        select(func.max(func.coalesce(Parcel.delivered_at, Parcel.shipped_at)))
        .join(DepotOrder, Parcel.depot_order_id == DepotOrder.id)
        .join(PickLine, PickLine.depot_order_id == DepotOrder.id)
        .join(PickedLot, PickedLot.pick_line_id == PickLine.id)
        .where(PickedLot.id == report.picked_lot_id)
    )
    return swedish_date(instant) if instant else None


def _unit_lines(unit: Unit | None) -> tuple[str, ...]:
    if unit is None:
        return ()
    code = unit.postal_code
    place = f"{code[:3]} {code[3:]} {unit.city}".strip() if code else unit.city
    return (unit.name, unit.street, place)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _minute(instant: datetime | None) -> str:
    return instant.astimezone(STOCKHOLM).isoformat(timespec="minutes") if instant else ""
