"""The papers of a parcel as PDF: the delivery note inside, the address label outside. Neither reads the database.

What is inside is said on the note only; the label says who gets the parcel and nothing of what it is. Handbook §5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import zxingcpp
from babel.dates import format_date
from fpdf import FPDF

from delivery.sheets import Fonts, Translate, prepared, printable, write

_text = partial(write, leading=0.45)


@dataclass(frozen=True)
class Address:
    """Where a parcel goes or comes from; never shown in a representation.

    `reference` is a name that is nobody's; `point` is the service point that the street is of, `collected_by` who may fetch it there.
    """

    name: str = field(repr=False)
    street: str = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)
    care_of: str = field(default="", repr=False)
    door_code: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    reference: str = field(default="", repr=False)
    point: str = field(default="", repr=False)
    collected_by: str = field(default="", repr=False)

    @property
    def lines(self) -> list[str]:
        """The lines as a postman reads them."""
        code = self.postal_code
        place = f"{code[:3]} {code[3:]}  {self.city}" if len(code) == 5 else f"{code} {self.city}"
        care_of = self.care_of and f"c/o {self.care_of}"
        return [line for line in (self.name, self.reference, care_of, self.point, self.street, place.strip()) if line]


@dataclass(frozen=True)
class NoteLine:
    """One lot of one article in the box; packages."""

    article: str
    article_no: str
    packages: int
    lot_no: str
    expires_on: date


@dataclass(frozen=True)
class ShortLine:
    """What comes later; packages."""

    article: str
    packages: int
    expected_on: date | None


@dataclass(frozen=True)
class ParcelPapers:
    """Everything that the papers of one parcel say. `language` is the patient's; `packages` is how many are in the box.

    `is_for_store` is a unit's own order: nobody is asked to report faults as a patient.
    """

    order_no: str
    ordered_on: date
    packed_at: datetime
    sscc: str
    language: str
    sender: Address
    receiver: Address
    lines: tuple[NoteLine, ...]
    short: tuple[ShortLine, ...] = ()
    weight_grams: int | None = None
    packages: int = 0
    is_for_store: bool = False


def delivery_note(papers: ParcelPapers, fault_url: str, fonts: Fonts, _: Translate) -> bytes:
    """Return the note as a PDF of A4 pages; `fault_url` is the absolute address that its QR code opens, `_` translates."""
    pdf = prepared(
        FPDF(unit="mm", format="A4"), fonts, language=papers.language, margin=18, written_at=papers.packed_at
    )
    pdf.set_title(_("Delivery note"))
    pdf.add_page()
    top = pdf.get_y()
    _text(pdf, papers.sender.name, 10)
    _text(pdf, _("Delivery note"), 24, bold=True, after=2)
    order, ordered = _("Order"), _("ordered")
    _text(
        pdf,
        f"{order} {_grouped(papers.order_no)}  ·  {ordered} {_day(papers.ordered_on, papers.language)}",
        11,
        after=5,
    )
    for line in papers.receiver.lines:
        _text(pdf, line, 11)
    below = pdf.get_y()
    if not papers.is_for_store:
        _qr_code(pdf, fault_url, x=152, y=top, size=36)
        pdf.set_xy(146, top + 37)
        pdf.set_font("text", size=10)
        pdf.multi_cell(46, 4.5, _("Does something not work? Scan and tell us. Keep the product."), align="C")
    pdf.set_xy(pdf.l_margin, max(below, pdf.get_y()) + 7)
    _table(
        pdf,
        (_("Product"), _("Packages"), _("Lot"), _("Use by")),
        [
            (
                f"{line.article}\n{line.article_no}",
                str(line.packages),
                line.lot_no,
                _day(line.expires_on, papers.language),
            )
            for line in papers.lines
        ],
        widths=(76, 34, 32, 32),
    )
    if papers.short:
        pdf.ln(5)
        _text(pdf, _("Comes later, without you doing anything"), 13, bold=True, after=1)
        _table(
            pdf,
            (_("Product"), _("Packages"), _("Expected")),
            [
                (line.article, str(line.packages), _day(line.expected_on, papers.language) if line.expected_on else "–")
                for line in papers.short
            ],
            widths=(94, 34, 46),
        )
    pdf.ln(6)
    parcel = _("Parcel")
    _text(pdf, f"{parcel} {papers.sscc}", 8.5)
    return bytes(pdf.output())


def address_label(papers: ParcelPapers, fonts: Fonts, _: Translate) -> bytes:
    """Return the label as a PDF of 105 × 148 mm: neutral sender, receiver in large type, SSCC as GS1-128."""
    pdf = prepared(
        FPDF(unit="mm", format=(105, 148)), fonts, language=papers.language, margin=7, written_at=papers.packed_at
    )
    pdf.set_auto_page_break(False)
    pdf.set_title(papers.sscc)
    pdf.add_page()
    _text(pdf, _("Sender"), 7)
    _text(pdf, ", ".join(papers.sender.lines), 8, after=2)
    pdf.line(7, pdf.get_y(), 98, pdf.get_y())
    pdf.ln(3)
    _text(pdf, _("Receiver"), 8)
    name, *rest = papers.receiver.lines
    _text(pdf, name, _fitting(pdf, name, 18), bold=True)
    for line in rest[:-1]:
        _text(pdf, line, _fitting(pdf, line, 15))
    _text(pdf, rest[-1], _fitting(pdf, rest[-1], 18), bold=True, after=2)
    for label, value in (
        (_("Collected by"), papers.receiver.collected_by),
        (_("Door code"), papers.receiver.door_code),
        (_("Phone"), papers.receiver.phone),
        (_("To the driver"), papers.receiver.comment),
    ):
        if value:
            _text(pdf, f"{label}: {value}", 11)
    _sscc_barcode(pdf, papers.sscc, x=10, y=106, width=85, height=28)
    pdf.set_xy(7, 136)
    pdf.set_font("text", "B", 12)
    pdf.cell(91, 6, f"(00) {papers.sscc[0]} {papers.sscc[1:8]} {papers.sscc[8:17]} {papers.sscc[17]}", align="C")
    pdf.set_xy(7, 142)
    pdf.set_font("text", size=8)
    # Translators: packages in a parcel, on its label
    packages = _("Packages")
    facts = [weight_words(papers.weight_grams), papers.packages and f"{packages}: {papers.packages}"]
    pdf.cell(91, 4, "  ·  ".join(fact for fact in facts if fact), align="C")
    return bytes(pdf.output())


def weight_words(grams: int | None) -> str:
    """Write a weight as Swedish papers do: "850 g", "1,2 kg"; nothing when nobody knows."""
    if grams is None:
        return ""
    return f"{grams} g" if grams < 1000 else f"{grams / 1000:.1f} kg".replace(".", ",")


def _grouped(order_no: str) -> str:
    """As the pages write it and as it is read aloud: "1000 017"."""
    return f"{order_no[:-3]}\N{NO-BREAK SPACE}{order_no[-3:]}"


def _fitting(pdf: FPDF, text: str, size: float) -> float:
    """The size at which the line fits the label, down to 9 points: below that it is broken instead."""
    pdf.set_font("text", "B", size)
    width = pdf.get_string_width(printable(text))
    return max(9.0, min(size, size * 89 / width)) if width else size


def _table(pdf: FPDF, heads: tuple[str, ...], rows: list[tuple[str, ...]], *, widths: tuple[int, ...]) -> None:
    pdf.set_font("text", size=10)
    with pdf.table(
        col_widths=widths,
        borders_layout="HORIZONTAL_LINES",
        line_height=5,
        padding=1.2,
        text_align=("LEFT", "RIGHT", *("LEFT",) * (len(widths) - 2)),
    ) as table:
        for cells in (heads, *rows):
            row = table.row()
            for cell in cells:
                row.cell(printable(cell))


def _day(day: date, language: str) -> str:
    return format_date(day, "d MMM y", locale=language if language in ("sv", "en") else "sv")


def _qr_code(pdf: FPDF, text: str, *, x: float, y: float, size: float) -> None:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules = _modules(code)
    rows, columns = modules.shape or (0, 0)
    step = size / max(rows, columns)
    for row in range(rows):
        _draw_bars(pdf, [modules[row, column] for column in range(columns)], x, y + row * step, step, step)


def _sscc_barcode(pdf: FPDF, sscc: str, *, x: float, y: float, width: float, height: float) -> None:
    code = zxingcpp.create_barcode(f"(00){sscc}", zxingcpp.BarcodeFormat.Code128, gs1=True)
    modules = _modules(code)
    columns = (modules.shape or (0, 0))[1]
    _draw_bars(pdf, [modules[0, column] for column in range(columns)], x, y, width / columns, height)


def _modules(code: zxingcpp.Barcode) -> memoryview:
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    return memoryview(image)


def _draw_bars(pdf: FPDF, shades: list[int], x: float, y: float, step: float, height: float) -> None:
    """Draw each run of dark modules as one rectangle, so that no seam shows between them."""
    pdf.set_fill_color(0)
    start = 0
    while start < len(shades):
        end = start
        while end < len(shades) and (shades[end] < 128) == (shades[start] < 128):
            end += 1
        if shades[start] < 128:
            pdf.rect(x + start * step, y, (end - start) * step, height, style="F")
        start = end
