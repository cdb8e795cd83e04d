"""The label of a returned product: its case number, so that product and case find each other. Names no patient. Handbook §7."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any

import zxingcpp
from fpdf import FPDF
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from delivery.complaints import rules
from delivery.complaints.incident_papers import grouped
from delivery.complaints.models import Complaint
from delivery.documents import Address
from delivery.models import Depot
from delivery.sheets import Fonts, Translate, prepared, write

_write = partial(write, leading=0.46, width=60)


@dataclass(frozen=True)
class ReturnLabel:
    """What the label says; `receiver` is the depot."""

    case_no: str
    article: str
    article_no: str
    lot_no: str
    serial_no: str
    packages: int
    receiver: Address | None
    printed_at: datetime


def label_of_case(session: Session, identity: Identity, case_no: str) -> ReturnLabel:
    """Return what the label of a case's product says and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.CLAIM)
    if not rules.is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        select(Complaint)
        .where(Complaint.case_no == case_no, Complaint.region == identity.region)
        .options(joinedload(Complaint.article), joinedload(Complaint.lot), joinedload(Complaint.report))
    )
    if complaint is None:
        raise NotFound
    depot = session.scalar(select(Depot).where(Depot.region == identity.region).order_by(Depot.id).limit(1))
    unit = depot.unit if depot else None
    record(
        session,
        identity.actor,
        "return_label.printed",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
    return ReturnLabel(
        case_no=complaint.case_no,
        article=complaint.article.name,
        article_no=complaint.article.article_no,
        lot_no=complaint.lot.lot_no if complaint.lot else complaint.report.stated_lot_no,
        serial_no=complaint.report.stated_serial_no,
        packages=complaint.report.packages,
        receiver=Address(unit.name, unit.street, unit.postal_code, unit.city) if unit else None,
        printed_at=now(session),
    )


def return_label(label: ReturnLabel, fonts: Fonts, _: Translate) -> bytes:
    """Return the label as a PDF of 105 × 74 mm, with the case number in digits and as a QR code."""
    pdf = prepared(
        FPDF(unit="mm", format=(105, 74)),
        fonts,
        language="sv",
        margin=6,
        written_at=label.printed_at,
        title=label.case_no,
    )
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.image(_code(label.case_no), x=69, y=5, w=31)
    _write(pdf, _("Returned for a complaint"), 10)
    _write(pdf, _("Case"), 10)
    _write(pdf, grouped(label.case_no), 30, bold=True)
    pdf.set_y(max(pdf.get_y(), 34))
    _write(pdf, f"{label.article}, {label.article_no}", 10, bold=True, width=93)
    facts = (
        (_("Lot"), label.lot_no),
        (_("Serial number"), label.serial_no),
        (_("Faulty packages"), str(label.packages)),
    )
    _write(pdf, "  ·  ".join(f"{name} {value}" for name, value in facts if value), 9.5, width=93)
    if label.receiver is not None:
        pdf.ln(2)
        _write(pdf, _("To"), 8)
        _write(pdf, ", ".join(label.receiver.lines), 9.5, width=93)
    return bytes(pdf.output())


def _code(text: str) -> BytesIO:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = code.to_image(scale=8, add_quiet_zones=True)
    shades = memoryview(image)
    height, width = shades.shape or (0, 0)
    written = BytesIO()
    Image.frombytes("L", (width, height), shades.tobytes()).save(written, "PNG")
    written.seek(0)
    return written
