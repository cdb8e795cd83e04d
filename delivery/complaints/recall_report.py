"""The effectiveness report of a recall: what was called back, who was reached, who answered, what came back. No names. Handbook §7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date, format_datetime
from fpdf import FPDF
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from core.audit import record
from core.clock import STOCKHOLM, now
from delivery.complaints.recall_models import RecallItem, RecallRecipient
from delivery.complaints.recall_queries import RecallPage, recall_page
from delivery.sheets import Fonts, Translate, prepared, printable, write
from orders.models import Order


@dataclass(frozen=True)
class ReportLine:
    """One receiver, by a number that is nobody's: what they were sent, how they were told and answered, what came back."""

    number: int
    is_unit: bool
    is_deceased: bool
    packages: int
    returned: int
    told_at: datetime | None
    told_by: str
    answered_at: datetime | None
    answer: str
    replacement: str


@dataclass(frozen=True)
class Report:
    """What the report says, and when it was made."""

    page: RecallPage
    made_at: datetime
    lines: tuple[ReportLine, ...]


def recall_report(session: Session, identity: Identity, recall_no: str) -> Report:
    """Return everything that the report says, in a fixed number of statements; making it is logged. Raises NotPermitted, NotFound."""
    page = recall_page(session, identity, recall_no)
    returned = (
        select(RecallItem.recipient_id, func.sum(RecallItem.returned).label("returned"))
        .group_by(RecallItem.recipient_id)
        .subquery()
    )
    rows = session.execute(
        select(RecallRecipient, Person.deceased_on, func.coalesce(returned.c.returned, 0), Order.order_no)
        .outerjoin(Person, RecallRecipient.person_id == Person.id)
        .outerjoin(returned, returned.c.recipient_id == RecallRecipient.id)
        .outerjoin(Order, RecallRecipient.replacement_order_id == Order.id)
        .where(RecallRecipient.recall_id == page.recall.id)
        .order_by(RecallRecipient.id)
    )
    lines = tuple(
        ReportLine(
            number=number,
            is_unit=one.unit_id is not None,
            is_deceased=deceased_on is not None,
            packages=one.packages,
            returned=int(back),
            told_at=one.told_at,
            told_by=one.told_by.value if one.told_by and one.told_at else "",
            answered_at=one.acknowledged_at,
            answer=one.answer.value if one.answer else "",
            replacement=order_no or "",
        )
        for number, (one, deceased_on, back, order_no) in enumerate(rows, start=1)
    )
    record(session, identity.actor, "recall.reported", subject_person_id=None, object_ref=f"recall:{recall_no}")
    return Report(page, now(session), lines)


def report_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Return the report's receivers as rows of a table; the first names the columns."""
    yield (
        *("number", "receiver", "deceased", "packages_sent", "packages_returned"),
        *("told_at", "told_by", "answered_at", "answer", "replacement_order"),
    )
    for line in report.lines:
        yield (
            str(line.number),
            "unit" if line.is_unit else "patient",
            "yes" if line.is_deceased else "no",
            str(line.packages),
            str(line.returned),
            _stamp(line.told_at),
            line.told_by,
            _stamp(line.answered_at),
            line.answer,
            line.replacement,
        )


def report_pdf(report: Report, fonts: Fonts, language: str, what_to_do: str, _: Translate) -> bytes:
    """Return the report as a PDF of A4 pages, in a language."""
    page, numbers, recall = report.page, report.page.numbers, report.page.recall
    pdf = prepared(
        FPDF(unit="mm", format="A4"),
        fonts,
        language=language,
        margin=20,
        written_at=report.made_at,
        title=_("Effectiveness report"),
    )
    pdf.add_page()
    write(pdf, _("Effectiveness report"), 22, bold=True, after=1)
    word = _("Recall")
    write(pdf, f"{word} {recall.recall_no} · {recall.title}", 13, after=4)
    _pairs(
        pdf,
        [
            (_("Supplier"), recall.supplier.name if recall.supplier else "–"),
            (_("The supplier's reference"), recall.notice_ref or "–"),
            (_("What to do"), what_to_do),
            (_("Opened"), _instant(recall.opened_at, language)),
            (_("Told"), _instant(recall.told_at, language)),
            (_("Closed"), _instant(recall.closed_at, language)),
            (_("Taken back"), _instant(recall.undone_at, language)),
            (_("Report made"), _instant(report.made_at, language)),
        ],
    )
    write(pdf, _("How well it worked"), 15, bold=True, after=1)
    _pairs(
        pdf,
        [
            (
                _("Affected"),
                _("{affected} (patients: {persons}, units: {units})").format(
                    affected=numbers.affected, persons=numbers.persons, units=numbers.units
                ),
            ),
            (_("Of these deceased"), str(numbers.deceased)),
            (_("Reached"), _share(numbers.reached, numbers.alive)),
            (_("Acknowledged"), _share(numbers.answered, numbers.alive)),
            (_("Not reached"), str(numbers.unreached)),
            (_("Packages sent"), str(numbers.packages)),
            (_("Packages returned"), _share(numbers.returned, numbers.packages)),
            (_("Replacements ordered"), str(numbers.replaced)),
            (_("Replacements sent"), str(numbers.replaced_sent)),
            (_("Packages held at the depot"), str(sum(lot.on_hand for lot in page.lots) + page.units_in_stock)),
        ],
    )
    if page.lots:
        write(pdf, _("Lots"), 15, bold=True, after=1)
        _table(
            pdf,
            (_("Product"), _("Lot"), _("Use by"), _("At the depot")),
            [
                (
                    f"{one.lot.article.display_name} ({one.lot.article.article_no})",
                    one.lot.lot_no,
                    format_date(one.lot.expires_on, "d MMM y", locale=language),
                    str(one.on_hand),
                )
                for one in page.lots
            ],
            (82, 38, 28, 22),
        )
    if page.units:
        word = _("Serial numbers")
        write(pdf, f"{word}: {page.units_all}", 15, bold=True, after=1)
        write(
            pdf,
            ", ".join(unit.serial_no for unit in page.units) + (" …" if page.units_all > len(page.units) else ""),
            10,
        )
    if page.days:
        pdf.ln(3)
        write(pdf, _("Day by day"), 15, bold=True, after=1)
        _table(
            pdf,
            (_("Day"), _("Reached"), _("Acknowledged")),
            [
                (format_date(day.day, "d MMM y", locale=language), str(day.reached), str(day.answered))
                for day in page.days
            ],
            (60, 55, 55),
        )
    return bytes(pdf.output())


def _share(part: int, whole: int) -> str:
    return f"{part} / {whole} ({round(100 * part / whole)} %)" if whole else f"{part}"


def _stamp(at: datetime | None) -> str:
    return f"{at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" if at else ""


def _instant(at: datetime | None, language: str) -> str:
    return format_datetime(at, "d MMM y HH:mm", tzinfo=STOCKHOLM, locale=language) if at else "–"


def _pairs(pdf: FPDF, pairs: list[tuple[str, str]]) -> None:
    _table(pdf, (), [pair for pair in pairs if pair[1] != "–"], (70, 100))
    pdf.ln(5)


def _table(pdf: FPDF, heads: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[int, ...]) -> None:
    pdf.set_font("text", size=10)
    with pdf.table(
        col_widths=widths,
        borders_layout="HORIZONTAL_LINES",
        line_height=5,
        padding=1.2,
        text_align="LEFT",
        first_row_as_headings=bool(heads),
    ) as table:
        for cells in ([heads] if heads else []) + rows:
            row = table.row()
            for cell in cells:
                row.cell(printable(cell))
    pdf.ln(2)
