"""The yearly compilation for Läkemedelsverket as PDF and as a table. Reads no database; names articles and lots, never a patient."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date

from core.clock import STOCKHOLM
from delivery.complaints import incident_words
from delivery.complaints.incident_models import Severity
from delivery.complaints.incident_papers import Paper, grouped
from delivery.complaints.incident_years import YearCompilation, YearIncident, YearRow
from delivery.sheets import Fonts, Translate, printable

_COUNTED = (
    Severity.PUBLIC_HEALTH_THREAT,
    Severity.DEATH_OR_UNANTICIPATED,
    Severity.OTHER_SERIOUS,
    Severity.NOT_SERIOUS,
)


def year_table(found: YearCompilation, _: Translate) -> list[list[str]]:
    """Return the counts as rows of text, the columns' names first; the caller makes them safe for spreadsheets."""
    names = incident_words.severities(_)
    heads = [_("Supplier"), _("Article number"), _("Product"), _("Reports of faults")]
    heads += [names[severity] for severity in _COUNTED]
    heads += [_("Reported to Läkemedelsverket"), _("Answered by the manufacturer")]
    return [heads, *(_row(row) for row in found.rows)]


def _row(row: YearRow) -> list[str]:
    counts = [row.reports, *(row.severities[severity] for severity in _COUNTED), row.reported, row.answered]
    return [row.supplier, row.article_no, row.article, *(str(count) for count in counts)]


def year_document(found: YearCompilation, fonts: Fonts, _: Translate, language: str) -> bytes:
    """Return the compilation as a PDF of A4 pages; `_` translates into `language`."""
    title = _("Serious incidents with medical devices %(year)s") % {"year": found.year}
    pdf = Paper(fonts, language, title, found.made_at)
    pdf.set_title(title)
    if found.sender:
        pdf.line_of(found.sender, 10, after=4)
    pdf.line_of(title, 19, bold=True, after=1)
    made = format_date(found.made_at.astimezone(STOCKHOLM).date(), "d MMMM y", locale=language)
    pdf.line_of(_("Compiled for Läkemedelsverket %(day)s") % {"day": made}, 10.5, after=2)
    pdf.facts(
        [
            (_("Reports of faults during the year"), str(found.reports)),
            (_("Serious incidents"), str(found.serious)),
            (_("Red flags not yet assessed"), str(found.unassessed or "")),
            (_("The year is not over"), "" if found.is_over else _("This is the compilation so far.")),
        ]
    )
    pdf.heading(_("Per supplier and product"))
    _counts(pdf, found, _)
    pdf.heading(_("Each serious incident"))
    _each(pdf, found, _, language)
    return bytes(pdf.output())


def _counts(pdf: Paper, found: YearCompilation, _: Translate) -> None:
    if not found.rows:
        pdf.line_of(_("None."), 10.5)
        return
    heads = (
        _("Supplier and product"),
        _("Reports"),
        _("Public health"),
        _("Death or unexpected"),
        _("Other serious"),
        _("Not serious"),
        _("Reported"),
    )
    rows = [
        (
            f"{row.supplier}\n{row.article_no} {row.article}".strip(),
            str(row.reports),
            *(str(row.severities[severity]) for severity in _COUNTED),
            str(row.reported),
        )
        for row in found.rows
    ]
    total = (
        _("All"),
        str(sum(row.reports for row in found.rows)),
        *(str(found.total(severity)) for severity in _COUNTED),
        str(sum(row.reported for row in found.rows)),
    )
    _table(pdf, [heads, *rows, total], widths=(50, 18, 20, 24, 20, 20, 20), align=("LEFT", *("RIGHT",) * 6))


def _each(pdf: Paper, found: YearCompilation, _: Translate, language: str) -> None:
    if not found.incidents:
        pdf.line_of(_("None."), 10.5)
        return
    heads = (_("Case"), _("Product and lot"), _("Assessed as"), _("Reported"), _("Manufacturer"))
    names = incident_words.severities(_)
    rows = [
        (
            grouped(one.case_no),
            f"{one.article_no} {one.article}\n{one.lot_no}".strip(),
            names[one.severity],
            "\n".join(filter(None, (_day(one.reported_at, language), one.authority_ref))) or "–",
            _manufacturer(one, _, language),
        )
        for one in found.incidents
    ]
    _table(pdf, [heads, *rows], widths=(20, 52, 38, 30, 32), align=("LEFT",) * 5)


def _manufacturer(one: YearIncident, _: Translate, language: str) -> str:
    lines = []
    if one.notified_at:
        lines.append(_("notified %(day)s") % {"day": _day(one.notified_at, language)})
    if one.answered_at:
        lines.append(_("answered %(day)s") % {"day": _day(one.answered_at, language)})
    return "\n".join(lines) or "–"


def _table(pdf: Paper, rows: list[tuple[str, ...]], *, widths: tuple[int, ...], align: tuple[str, ...]) -> None:
    pdf.set_font("text", size=8.5)
    with pdf.table(
        col_widths=widths, borders_layout="HORIZONTAL_LINES", line_height=4.4, padding=1, text_align=align
    ) as table:
        for cells in rows:
            row = table.row()
            for cell in cells:
                row.cell(printable(cell))


def _day(instant: datetime | None, language: str) -> str:
    return format_date(instant.astimezone(STOCKHOLM).date(), "d MMM y", locale=language) if instant else ""
