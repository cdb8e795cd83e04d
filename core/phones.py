"""Phone numbers as people write them."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s()\-\u2010-\u2013./]+")
_SWEDISH_MOBILE = re.compile(r"(?:\+46|0046|46|0)0?(7[02369][0-9]{7})", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{5,15}", re.ASCII)


def swedish_mobile(text: str) -> str | None:
    """Return a Swedish mobile number as +467…, None for what is none."""
    found = _SWEDISH_MOBILE.fullmatch(_SEPARATORS.sub("", text))
    return f"+46{found[1]}" if found else None


def is_phone_number(text: str) -> bool:
    """Whether somebody could be called on the number, in Sweden or abroad."""
    return _PHONE.fullmatch(_SEPARATORS.sub("", text)) is not None
