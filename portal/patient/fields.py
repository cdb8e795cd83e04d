"""Form fields that several of the patient's pages have."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from wtforms import DateField


class DayField(DateField):
    """A day; what cannot be read as one is said in words."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write the day as year-month-day, for example 2026-12-03.")) from None
