"""The report to Läkemedelsverket and the letter to the manufacturer as PDF. Reads no database; names no patient."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_datetime
from fpdf import FPDF

from core.clock import STOCKHOLM
from delivery.complaints import incident_words
from delivery.complaints.incident_models import DocumentKind, Severity
from delivery.complaints.incident_rules import Answer, Question
from delivery.complaints.models import FaultKind
from delivery.sheets import Fonts, Translate, prepared, printable, write

_INK, _QUIET = 20, 95
_LABEL_WIDTH = 58


class Paper(FPDF):
    """An A4 document whose every page says which case and version it is, and how many pages there are."""

    def __init__(self, fonts: Fonts, language: str, foot: str, written_at: datetime) -> None:
        super().__init__(unit="mm", format="A4")
        self._foot = foot
        prepared(self, fonts, language=language, margin=20, written_at=written_at)
        self.set_auto_page_break(True, 24)
        self.add_page()

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_y(-16)
        self.set_font("text", size=8)
        self.set_text_color(_QUIET)
        self.cell(0, 4, printable(f"{self._foot}  ·  {self.page_no()}/{{nb}}"))
        self.set_text_color(_INK)

    def line_of(self, text: str, size: float, *, bold: bool = False, after: float = 0) -> None:
        """Write a text over the whole width."""
        write(self, text, size, bold=bold, after=after, leading=0.48)

    def heading(self, text: str) -> None:
        """Write a section's heading, never as the last line of a page."""
        # A heading and the first row below it.
        if self.will_page_break(42):
            self.add_page()
        self.ln(4)
        self.line_of(text, 13, bold=True, after=1)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write facts with their labels beside them; empty ones are left out."""
        for label, value in rows:
            if not value:
                continue
            # Room for the longest label: only the value goes on overleaf.
            if self.will_page_break(20):
                self.add_page()
            top, page = self.get_y(), self.page
            self.set_font("text", size=9.5)
            self.set_text_color(_QUIET)
            self.multi_cell(_LABEL_WIDTH - 4, 4.8, printable(label), align="L", new_x="LMARGIN", new_y="NEXT")
            below = self.get_y()
            self.set_xy(self.l_margin + _LABEL_WIDTH, top)
            self.set_text_color(_INK)
            self.set_font("text", size=10.5)
            self.multi_cell(0, 4.8, printable(value), align="L", new_x="LMARGIN", new_y="NEXT")
            if self.page == page:
                self.set_y(max(self.get_y(), below))
            self.ln(1.2)


def case_document(facts: dict[str, Any], version: int, written_at: datetime, fonts: Fonts, _: Translate) -> bytes:
    """Return a version as a PDF of A4 pages; `facts` are those of `incident_facts`, `_` translates into their language."""
    kind, texts, product = DocumentKind(facts["kind"]), facts["texts"], facts["product"]
    language = facts["language"]
    case = _("Our case number %(number)s") % {"number": grouped(facts["case_no"])}
    # Translators: which edition of a document
    edition = _("Version %(number)s") % {"number": version}
    pdf = Paper(fonts, language, f"{case}  ·  {edition}", written_at)
    titles = {
        DocumentKind.AUTHORITY_REPORT: _("Report of a serious incident with a medical device"),
        DocumentKind.MANUFACTURER_LETTER: _("Notification of a serious incident with your product"),
    }
    pdf.set_title(f"{titles[kind]} {facts['case_no']}")
    for line in facts["sender"]:
        pdf.line_of(line, 10)
    pdf.ln(4)
    written = _instant(written_at.isoformat(), language)
    pdf.facts(
        (
            (_("To"), texts["receiver"]),
            (_("Written"), written),
            (_("Contact"), _lines(texts["contact_name"], texts["contact_phone"], texts["contact_email"])),
        )
    )
    pdf.ln(3)
    pdf.line_of(titles[kind], 19, bold=True)
    pdf.line_of(f"{case}  ·  {edition}", 10.5, after=2)
    if kind is DocumentKind.MANUFACTURER_LETTER:
        _what_we_ask(pdf, facts, _)
    pdf.heading(_("The product"))
    pdf.facts(_product_rows(product, language, _))
    pdf.heading(_("What happened"))
    pdf.facts(_happened_rows(facts, _))
    pdf.heading(_("How it was assessed"))
    pdf.facts(_assessed_rows(facts, _))
    pdf.ln(3)
    pdf.line_of(
        _("No name and no personal number stand here. We know the patient by our case number, and the reporter too."), 9
    )
    return bytes(pdf.output())


def _what_we_ask(pdf: Paper, facts: dict[str, Any], _: Translate) -> None:
    days = facts["manufacturer_days"]
    asked = _(
        "We notify you of a serious incident with a product that you make or deliver. By the rules for medical devices the manufacturer"
        " reports it to the authority within %(days)s days of this notification. Tell us when you have, with your reference number, and"
        " what your investigation shows. Does anybody else need to be warned? Then tell us at once."
    ) % {"days": days}
    pdf.line_of(asked, 10.5)


def _product_rows(product: dict[str, Any], language: str, _: Translate) -> list[tuple[str, str]]:
    trade_name = product["trade_name"] if product["trade_name"] != product["name"] else ""
    lot = product["lot_no"]
    if product["lot_is_stated"]:
        lot = _("%(lot)s, as the reporter states it") % {"lot": lot}
    return [
        (_("Product"), _lines(product["name"], trade_name)),
        (_("Article number"), product["article_no"]),
        (_("Manufacturer or supplier"), product["supplier"]),
        (_("Agreement"), product["agreement_no"]),
        (_("UDI-DI (GTIN)"), product["gtin"]),
        (_("Lot"), lot),
        (_("Serial number"), ", ".join(product["serials"])),
        (_("Use by"), _day(product["expires_on"], language)),
        (_("UDI"), udi(product)),
        (_("Faulty packages"), str(product["packages"])),
    ]


def _happened_rows(facts: dict[str, Any], _: Translate) -> list[tuple[str, str]]:
    texts, days, language = facts["texts"], facts["days"], facts["language"]
    yes_no = (_("No"), _("Yes"))
    return [
        (_("Fault"), incident_words.faults(_)[FaultKind(facts["fault"])]),
        (_("What happened"), texts["what_happened"]),
        (_("What it led to"), texts["harm"]),
        (_("What has been done"), texts["measures"]),
        (_("Somebody was harmed"), yes_no[facts["was_harmed"]]),
        (_("Signs of danger"), yes_no[facts["has_danger_sign"]]),
        (_("Error code"), facts["error_code"]),
        (_("Delivered to the patient"), _day(days["delivered"], language)),
        (_("Put on or first used"), _day(days["applied"], language)),
        (_("Failed"), _day(days["failed"], language)),
        (_("Reported to us"), _day(days["reported"], language)),
        *((question, answer) for question, answer in facts["answers"]),
        (_("The product is kept"), yes_no[facts["is_kept"]]),
        (_("Where the product is"), texts["product_is"]),
        (_("Photos that can be had from us"), str(facts["photos"] or "")),
    ]


def _assessed_rows(facts: dict[str, Any], _: Translate) -> list[tuple[str, str]]:
    language = facts["language"]
    checklist = facts["checklist"]
    asked, said = incident_words.questions(_), incident_words.answers(_)
    rows = [
        (_("Assessed as"), incident_words.severities(_)[Severity(facts["severity"])]),
        (_("Assessed"), _instant(facts["assessed_at"], language)),
        (_("The manufacturer was notified"), _instant(facts["notified_at"], language)),
    ]
    rows += [(asked[question], said[Answer(checklist[question])]) for question in Question if question in checklist]
    return rows


def udi(product: dict[str, Any]) -> str:
    """Write the product's identity as GS1 codes say it: (01) GTIN (17) use by (10) lot (21) serial; nothing without a GTIN."""
    if not product["gtin"]:
        return ""
    expires_on = date.fromisoformat(product["expires_on"]) if product["expires_on"] else None
    parts = [f"(01){product['gtin']}"]
    parts += [f"(17){expires_on:%y%m%d}"] if expires_on else []
    parts += [f"(10){product['lot_no']}"] if product["lot_no"] else []
    parts += [f"(21){product['serials'][0]}"] if len(product["serials"]) == 1 else []
    return "".join(parts)


def grouped(number: str) -> str:
    """Write a case number as it is read aloud: "100 016"."""
    return f"{number[:-3]}\N{NO-BREAK SPACE}{number[-3:]}"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _day(day: str, language: str) -> str:
    return format_date(date.fromisoformat(day), "d MMMM y", locale=language) if day else ""


def _instant(instant: str, language: str) -> str:
    if not instant:
        return ""
    shape = "d MMMM y HH.mm" if language == "sv" else "d MMMM y HH:mm"
    return format_datetime(datetime.fromisoformat(instant), shape, tzinfo=STOCKHOLM, locale=language)
