"""The list that a driver signs for: numbers and weights, and nobody's name. Reads no database."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_datetime
from fpdf import FPDF

from core.clock import STOCKHOLM
from delivery.documents import Fonts, Translate, weight_words
from delivery.hand_over import HandOverList


def hand_over_pdf(load: HandOverList, fonts: Fonts, _: Translate) -> bytes:
    """Return the list as a PDF of A4 pages, with room for a signature; `_` translates into Swedish."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_creation_date(load.made_at)
    pdf.set_lang("sv")
    pdf.set_margin(18)
    pdf.add_font("text", "", fonts.regular)
    pdf.add_font("text", "B", fonts.bold)
    pdf.set_title(_("Hand-over list"))
    pdf.add_page()
    _line(pdf, load.depot, 10)
    _line(pdf, f"{_('Hand-over list')} · {load.carrier}", 22, bold=True)
    _line(pdf, _instant(load.made_at), 11)
    total = [f"{_('Parcels')}: {len(load.lines)}", f"{_('Packages')}: {sum(line.packages for line in load.lines)}"]
    if load.weight_grams is not None:
        total.append(weight_words(load.weight_grams))
    _line(pdf, "  ·  ".join(total), 13, bold=True)
    pdf.ln(4)
    pdf.set_font("text", size=10)
    with pdf.table(
        col_widths=(10, 50, 56, 32, 26),
        borders_layout="HORIZONTAL_LINES",
        line_height=5,
        padding=1.2,
        text_align=("RIGHT", "LEFT", "LEFT", "RIGHT", "RIGHT"),
    ) as table:
        for cells in (
            ("", "SSCC", _("Tracking number"), _("Packages"), _("Weight")),
            *(
                (str(number), line.sscc, line.tracking_no, str(line.packages), weight_words(line.weight_grams) or "–")
                for number, line in enumerate(load.lines, start=1)
            ),
        ):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    if pdf.will_page_break(40):
        pdf.add_page()
    pdf.ln(22)
    for label, x in ((_("Handed over by"), 18), (_("Taken over by"), 108)):
        pdf.line(x, pdf.get_y(), x + 84, pdf.get_y())
        pdf.set_xy(x, pdf.get_y() + 1)
        pdf.cell(84, 5, label)
        pdf.set_y(pdf.get_y() - 1)
    return bytes(pdf.output())


def _line(pdf: FPDF, text: str, size: float, *, bold: bool = False) -> None:
    pdf.set_font("text", "B" if bold else "", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _instant(instant: datetime) -> str:
    return format_datetime(instant, "EEEE d MMMM y HH.mm", tzinfo=STOCKHOLM, locale="sv")
