"""What the claim pages post."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from auth.settings import LONGEST_EMAIL
from core.errors import NotFound
from delivery.complaints.claim_answers import LONGEST_REASON
from delivery.complaints.credits import LONGEST_CREDIT_NO
from portal.fields import DayField, words_on_lines

_AMOUNT = re.compile(r"\d{1,10}(?:[.,]\d{1,2})?", re.ASCII)
LARGEST_ID = 2**63 - 1


def read_amount(text: str) -> Decimal:
    """Read SEK as people write them: 1 234,50, 1234.50, 1.234,50 kr; raise ValueError."""
    text = "".join(text.split()).lower().removesuffix("kr").removesuffix("sek").removesuffix(":-")
    if "," in text and "." in text:
        # Whichever comes last stands before the öre.
        text = text.replace("." if text.rindex(",") > text.rindex(".") else ",", "")
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text.replace(",", "."))


class AmountField(StringField):
    """An amount in SEK; `amount` is what was read."""

    amount: Decimal | None = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if valuelist and str(valuelist[0]).strip():
            try:
                self.amount = read_amount(str(valuelist[0]))
            except ValueError:
                raise ValueError(_("Write the amount with digits, for example 1234,50.")) from None


def _one_line(text: str | None) -> str:
    return " ".join(words_on_lines(text).split())


class SendForm(FlaskForm):
    """Where a claim is sent."""

    email = StringField(
        _l("The supplier's e-mail address for complaints"),
        [Length(max=LONGEST_EMAIL, message=_l("An e-mail address is at most 254 characters."))],
        filters=[_one_line],
    )


class ThrownForm(FlaskForm):
    """That a product is claimed although nobody has it."""

    even_if_thrown = BooleanField(_l("Claim it although the product is thrown away"))


class CloseForm(FlaskForm):
    """Why what is owed is written off."""

    reason = StringField(
        _l("Why does the rest not come?"),
        [Length(max=LONGEST_REASON, message=_l("Write at most 400 characters."))],
        filters=[_one_line],
    )


class UndoForm(FlaskForm):
    """Why a credit note is undone."""

    reason = StringField(
        _l("What was wrong with it?"),
        [
            DataRequired(_l("Write why.")),
            Length(max=LONGEST_REASON, message=_l("Write at most 400 characters.")),
        ],
        filters=[_one_line],
    )


class CreditForm(FlaskForm):
    """A credit note as it lies on the table."""

    credit_no = StringField(
        _l("Number on the credit note"),
        [
            DataRequired(_l("Write the number that stands on the credit note.")),
            Length(max=LONGEST_CREDIT_NO, message=_l("A number is at most 40 characters.")),
        ],
        filters=[_one_line],
    )
    amount = AmountField(
        _l("Amount, SEK"),
        [DataRequired(_l("Write the note's amount, more than nothing.")), Length(max=30)],
        filters=[_one_line],
    )
    dated_on = DayField(
        _l("Date on the credit note"),
        [InputRequired(_l("Write the day as year-month-day, for example 2026-12-03."))],
    )


def ids_of(fields: Iterable[str], prefix: str) -> dict[int, str]:
    """Return the fields whose name is the prefix and an id, by the id."""
    found = {}
    for name in fields:
        number = name.removeprefix(prefix)
        if name.startswith(prefix) and number.isascii() and number.isdigit() and len(number) < 19:
            found[int(number)] = name
    return found


def read_shares(typed: MultiDict[str, str]) -> tuple[dict[int, Decimal], Mapping[int, str]]:
    """Return what each claim line is to get, and what is wrong with what was typed, by line; empty ones get nothing."""
    shares: dict[int, Decimal] = {}
    wrong: dict[int, str] = {}
    for line_id, name in ids_of(typed, "share-").items():
        text = typed[name][:40]
        if text.strip():
            try:
                shares[line_id] = read_amount(text)
            except ValueError:
                wrong[line_id] = _("Write the amount with digits, for example 1234,50.")
    return shares, wrong


def bounded(number: int) -> int:
    """Return the number of an address when it can be anything's; raise NotFound for what the database has no room for."""
    if number > LARGEST_ID:
        raise NotFound
    return number
