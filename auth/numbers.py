"""Swedish personal identity numbers as root (OID) and extension. Handbook §11."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from stdnum import luhn

from core.errors import DomainError

PNR_ROOT = "1.2.752.129.2.1.3.1"
SNR_ROOT = "1.2.752.129.2.1.3.3"
CO_ORDINATION_DAY_OFFSET = 60

_SHAPE = re.compile(r"(?P<century>\d{2})?(?P<rest>\d{6})(?P<sign>[-+]?)(?P<last>\d{4})")
_HSA_ID = re.compile(r"SE\d{10}-[A-Za-z0-9]+")


class MalformedNumber(DomainError):
    """The text is not a personal or co-ordination number."""


@dataclass(frozen=True)
class PersonNumber:
    """A personal number (PNR) or co-ordination number (SNR); never printed by accident."""

    root: str
    extension: str = field(repr=False)

    @property
    def birth_date(self) -> date:
        """The day of birth that the number states."""
        year, month, day = int(self.extension[:4]), int(self.extension[4:6]), int(self.extension[6:8])
        return date(year, month, day - CO_ORDINATION_DAY_OFFSET if day > CO_ORDINATION_DAY_OFFSET else day)

    @property
    def index_text(self) -> str:
        """The text that the blind index is taken of."""
        return f"{self.root}|{self.extension}"


def parse_number(text: str, today: date) -> PersonNumber:
    """Read ten or twelve digits, with or without separator; raise MalformedNumber. `today` settles a missing century."""
    match = _SHAPE.fullmatch(re.sub(r"\s", "", text))
    if match is None or not match["rest"].isascii() or not luhn.is_valid(match["rest"] + match["last"]):
        raise MalformedNumber
    century = match["century"] or _century(match["rest"], match["sign"], today)
    extension = century + match["rest"] + match["last"]
    is_co_ordination = int(extension[6:8]) > CO_ORDINATION_DAY_OFFSET
    number = PersonNumber(SNR_ROOT if is_co_ordination else PNR_ROOT, extension)
    try:
        born = number.birth_date
    except ValueError:
        raise MalformedNumber from None
    if born > today or born.year < 1870:
        raise MalformedNumber
    return number


def _century(rest: str, sign: str, today: date) -> str:
    year = today.year - today.year % 100 + int(rest[:2])
    if year > today.year:
        year -= 100
    if sign == "+":
        year -= 100
    return f"{year // 100:02d}"


def is_hsa_id(text: str) -> bool:
    """Tell whether the text is an HSA-id (handbook §11: at most 31 characters)."""
    return len(text) <= 31 and _HSA_ID.fullmatch(text) is not None
