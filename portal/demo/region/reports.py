"""Reports with photos, one that was only begun, and one about which the consultant has asked, in the demo region."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, timedelta

from PIL import Image, ImageDraw
from sqlalchemy.orm import Session

from auth.identity import Identity
from delivery.complaints.adding import AddToCase, add_to_case
from delivery.complaints.asking import ask
from delivery.complaints.drafts import keep_draft
from delivery.complaints.models import Complaint, FaultKind
from delivery.complaints.photos import CleanPhoto
from delivery.complaints.products import ProductRef
from delivery.complaints.services import ReportFault, report_fault
from portal.adapters.photos import reencode

SKIN, CLOTH, PLASTIC, SHADOW = "#d9a98b", "#c9c4b8", "#f3f1ec", "#8f7a6c"


def sensor_photo(*, is_loose: bool) -> CleanPhoto:
    """Draw a sensor on an arm, holding or coming loose."""
    picture, pen = _canvas(SKIN)
    pen.ellipse((330, 230, 870, 770), fill="#e8c3a8")
    pen.ellipse((420, 320, 780, 680), fill=SHADOW)
    place = (450, 290, 810, 650) if is_loose else (420, 310, 780, 670)
    pen.ellipse(place, fill=PLASTIC, outline="#bdb7ab", width=8)
    middle = ((place[0] + place[2]) // 2, (place[1] + place[3]) // 2)
    pen.ellipse((middle[0] - 18, middle[1] - 18, middle[0] + 18, middle[1] + 18), fill="#7d776c")
    if is_loose:
        pen.arc((400, 330, 760, 700), 70, 180, fill="#b3574a", width=14)
    return _taken(picture)


def label_photo(lot_no: str) -> CleanPhoto:
    """Draw the label of a package."""
    picture, pen = _canvas(CLOTH)
    pen.rounded_rectangle((160, 180, 1040, 720), 28, fill="white", outline="#9a958a", width=6)
    pen.rectangle((160, 180, 1040, 290), fill="#2f6f73")
    for place in range(12):
        for line in range(12):
            if (place * 7 + line * 5 + place * line) % 3:
                pen.rectangle((800 + place * 16, 400 + line * 16, 815 + place * 16, 415 + line * 16), fill="black")
    pen.text((220, 380), "LOT", fill="#555555", font_size=44)
    pen.text((220, 440), lot_no, fill="black", font_size=84)
    return _taken(picture)


def report_with_photos(
    session: Session, identity: Identity, command: ReportFault, photos: Sequence[CleanPhoto]
) -> Complaint:
    """File a report with photos, as the page does: they lie in a draft first."""
    keep_draft(session, identity, command.product, {}, photos=photos)
    return report_fault(session, identity, command)


def begin_report(session: Session, identity: Identity, picked_lot_id: int, loaded_on: date) -> None:
    """Begin a report of test strips, and leave it."""
    typed = {
        "kind": FaultKind.WRONG_READING.value,
        "about-shown_value": "14,2",
        "about-compared_value": "8,9",
        "failed_on": loaded_on.isoformat(),
        "description": "Stickorna visar mycket högre än",
    }
    keep_draft(session, identity, ProductRef(picked_lot_id=picked_lot_id), typed, photos=[label_photo("L24847")])


def ask_about_needles(
    session: Session, reporter: Identity, consultant: Identity, picked_lot_id: int, loaded_on: date
) -> None:
    """Have pen needles reported, something added to the case, and the consultant ask."""
    command = ReportFault(
        picked_lot_id=picked_lot_id,
        kind=FaultKind.BLOCKED,
        was_harmed=False,
        has_danger_sign=False,
        is_kept=True,
        wants_replacement=False,
        idempotency_key="demo-needles",
        failed_on=loaded_on - timedelta(days=4),
        description="Det kommer inget insulin genom flera av kanylerna.",
        answers={"needle_when": "before"},
    )
    complaint = report_fault(session, reporter, command)
    session.flush()
    add_to_case(
        session, reporter, AddToCase(complaint.case_no, "demo-needles-more", "Det var fem av tjugo i samma ask.")
    )
    ask(
        session,
        consultant,
        complaint.case_no,
        "Vilken insulinpenna använder du? Skriv märket, och om kanylen var rak när du tog av skyddet.",
        "demo-needles-asked",
    )


def _canvas(ground: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (1200, 900), ground)
    return picture, ImageDraw.Draw(picture)


def _taken(picture: Image.Image) -> CleanPhoto:
    written = io.BytesIO()
    picture.save(written, "JPEG")
    return reencode(written)
