"""Form fields that several audiences' pages have: what cannot be read is said in words."""

from __future__ import annotations

import unicodedata
from typing import Any

from flask_babel import gettext as _
from wtforms import DateField, IntegerField


class DayField(DateField):
    """A day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write the day as year-month-day, for example 2026-12-03.")) from None


class WholeNumberField(IntegerField):
    """A whole number."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write the number with digits, for example 4.")) from None


def words_on_lines(text: str | None) -> str:
    """Return what somebody wrote without control characters and without room around it; its lines stay lines."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ("".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in line).rstrip() for line in lines)
    return "\n".join(kept).strip()
