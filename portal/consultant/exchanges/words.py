"""What is wrong with a supplier's file or a row of it, in words that the supplier can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l

from delivery.complaints.exchange_models import ExchangeProblem
from delivery.complaints.exchange_reading import MOST_BYTES, MOST_ROWS, Column, ExchangeFileRefused, FileProblem
from delivery.goods_models import UnitStatus
from portal.formats import number

PROBLEMS: Mapping[ExchangeProblem, Any] = {
    ExchangeProblem.NO_REASON: _l("There is no reason for the exchange. Write why."),
    ExchangeProblem.OLD_SERIAL_MISSING: _l("The old serial number is missing."),
    ExchangeProblem.NEW_SERIAL_MISSING: _l("The new serial number is missing."),
    ExchangeProblem.OLD_SERIAL_UNKNOWN: _l("We have never received that old serial number from you. Check it."),
    ExchangeProblem.OLD_SERIAL_AMBIGUOUS: _l(
        "Several of your products have that old serial number. Write our article number or the GTIN in a column called Article."
    ),
    ExchangeProblem.OLD_SERIAL_NOT_SENT: _l("The old one is not with any patient: not sent, or has come back."),
    ExchangeProblem.OLD_SERIAL_EXCHANGED: _l("The old one has been exchanged before, for another serial number."),
    ExchangeProblem.NEW_SERIAL_TAKEN: _l("The new serial number is already in use here. Check it."),
    ExchangeProblem.NEW_SERIAL_UNREADABLE: _l("The new serial number has signs that no serial number has."),
    ExchangeProblem.SERIAL_ROUNDED: _l(
        "The spreadsheet has rounded the serial number. Format the column as text and write it again."
    ),
    ExchangeProblem.SAME_SERIAL: _l("The old and the new serial number are the same."),
    ExchangeProblem.DATE_UNREADABLE: _l("The date is missing or can be read in two ways. Write it as 2026-12-03."),
    ExchangeProblem.DATE_IN_FUTURE: _l("The date has not come yet."),
    ExchangeProblem.DATE_BEFORE_SENT: _l("The date is before the old one was sent to the patient."),
    ExchangeProblem.TWICE_IN_FILE: _l("The file has one of the serial numbers on several rows. Keep the right one."),
    ExchangeProblem.TOO_LONG: _l("A serial number has at most 20 signs, a reason at most 400."),
}
COLUMNS: Mapping[Column, Any] = {
    Column.OLD_SERIAL: _l("Old serial number"),
    Column.NEW_SERIAL: _l("New serial number"),
    Column.DATE: _l("Date"),
    Column.REASON: _l("Reason"),
    Column.ARTICLE: _l("Article"),
}
UNIT_STATES: Mapping[UnitStatus, tuple[Any, str]] = {
    UnitStatus.IN_STOCK: (_l("At the depot"), "neutral"),
    UnitStatus.PICKED: (_l("In a box at the depot"), "neutral"),
    UnitStatus.SHIPPED: (_l("With the patient"), "success"),
    UnitStatus.RETURNED: (_l("Gone back to the supplier"), "neutral"),
    UnitStatus.SCRAPPED: (_l("Scrapped"), "neutral"),
}


def refusal_words(refused: ExchangeFileRefused) -> str:
    """Say why a file cannot be read, and what to do."""
    columns = ", ".join(str(COLUMNS[column]) for column in refused.columns)
    match refused.problem:
        case FileProblem.EMPTY:
            return _("The file is empty. Choose another.")
        case FileProblem.TOO_LARGE:
            return _(
                "The file is larger than %(size)s MB. Ask for one month at a time.", size=MOST_BYTES // 1024 // 1024
            )
        case FileProblem.TOO_MANY_ROWS:
            return _(
                "The file has more than %(rows)s rows, or is larger inside than it looks. Remove empty rows that are formatted,"
                " or ask for one month at a time.",
                rows=number(MOST_ROWS),
            )
        case FileProblem.OLD_EXCEL:
            return _(
                "The file is an old or a locked Excel file. Open it and save it as an Excel workbook (.xlsx) or as CSV."
            )
        case FileProblem.NOT_A_TABLE:
            return _("The file is no table. Choose the CSV or Excel file from the supplier.")
        case FileProblem.BROKEN if refused.line:
            return _(
                "The quotation marks do not match from line %(line)s on. Ask the supplier to save it anew.",
                line=refused.line,
            )
        case FileProblem.BROKEN:
            return _("The file is broken. Open it in a spreadsheet program, save it anew and choose it again.")
        case FileProblem.NO_HEADING:
            return _(
                "No row near the top names the columns. These were not found: %(columns)s. Write them as headings.",
                columns=columns,
            )
        case FileProblem.COLUMN_TWICE:
            return _(
                "Two columns are called the same: %(columns)s. Remove the one that does not count.", columns=columns
            )
        case FileProblem.SURPLUS_CELLS:
            return _(
                "Line %(line)s has more cells than there are columns. Is a cell that holds the separator not within quotation marks?",
                line=refused.line,
            )
        case FileProblem.NO_ROWS:
            return _("The file has headings, but no rows. Choose another.")
