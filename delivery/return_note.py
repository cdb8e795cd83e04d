"""The list that goes back to the supplier with refused goods, as a PDF. Reads no database; names articles and lots, never a patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from babel.dates import format_date
from fpdf import FPDF

from delivery.sheets import Fonts, Translate, prepared, printable, write

_write = partial(write, leading=0.48)


@dataclass(frozen=True)
class ReturnedGoods:
    """Packages of one lot that go back; `reason` in words."""

    article: str
    article_no: str
    gtin: str
    lot_no: str
    expires_on: date | None
    packages: int
    reason: str


@dataclass(frozen=True)
class ReturnPapers:
    """Everything that the list says; numbers are our own but the delivery note's, which is the supplier's."""

    return_no: str
    supplier: str
    order_no: str
    delivery_note_no: str
    sender: tuple[str, ...]
    written_at: datetime
    language: str
    lines: tuple[ReturnedGoods, ...]


def return_note(papers: ReturnPapers, fonts: Fonts, _: Translate) -> bytes:
    """Return the list as a PDF of A4 pages; `_` translates."""
    pdf = prepared(
        FPDF(unit="mm", format="A4"),
        fonts,
        language=papers.language,
        margin=18,
        written_at=papers.written_at,
        title=papers.return_no,
    )
    pdf.add_page()
    for line in papers.sender:
        _write(pdf, line, 10)
    pdf.ln(6)
    title = _("Return to the supplier")
    _write(pdf, f"{title} {papers.return_no}", 20, bold=True)
    facts = (
        (_("Supplier"), papers.supplier),
        (_("Our order"), papers.order_no),
        (_("Your delivery note"), papers.delivery_note_no),
        (_("Date"), format_date(papers.written_at.date(), "d MMMM y", locale=papers.language)),
    )
    for label, value in facts:
        if value:
            _write(pdf, f"{label}: {value}", 11)
    pdf.ln(5)
    heads = (_("Product"), "GTIN", _("Lot"), _("Use by"), _("Packages"), _("Why"))
    pdf.set_font("text", size=9)
    with pdf.table(
        col_widths=(42, 32, 26, 24, 20, 30),
        borders_layout="HORIZONTAL_LINES",
        line_height=4.6,
        padding=1.1,
        text_align=("LEFT", "LEFT", "LEFT", "LEFT", "RIGHT", "LEFT"),
    ) as table:
        for cells in (heads, *(_cells(line) for line in papers.lines)):
            row = table.row()
            for cell in cells:
                row.cell(printable(cell))
    return bytes(pdf.output())


def _cells(line: ReturnedGoods) -> tuple[str, ...]:
    article = f"{line.article}\n{line.article_no}".strip()
    expires = line.expires_on.isoformat() if line.expires_on else "–"
    return (article or "–", line.gtin or "–", line.lot_no or "–", expires, str(line.packages), line.reason)
