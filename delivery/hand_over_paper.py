"""The list that a driver signs for: numbers and weights, and nobody's name. Reads no database."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from babel.dates import format_datetime
from fpdf import FPDF

from core.clock import STOCKHOLM
from delivery.documents import weight_words
from delivery.hand_over import HandOverList
from delivery.sheets import Fonts, Translate, prepared, write

_line = partial(write, leading=0.5)


def hand_over_pdf(load: HandOverList, fonts: Fonts, _: Translate) -> bytes:
    """Return the list as a PDF of A4 pages, with room for a signature; `_` translates into Swedish."""
    title = _("Hand-over list")
    pdf = prepared(
        FPDF(unit="mm", format="A4"),
        fonts,
        language="sv",
        margin=18,
        written_at=load.made_at,
        title=title,
    )
    pdf.add_page()
    _line(pdf, load.depot, 10)
    _line(pdf, f"{title} · {load.carrier}", 22, bold=True)
    _line(pdf, _instant(load.made_at), 11)
    counts = ((_("Parcels"), len(load.lines)), (_("Packages"), sum(line.packages for line in load.lines)))
    total = [f"{word}: {count}" for word, count in counts]
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


def _instant(instant: datetime) -> str:
    return format_datetime(instant, "EEEE d MMMM y HH.mm", tzinfo=STOCKHOLM, locale="sv")
