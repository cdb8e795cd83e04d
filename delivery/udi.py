"""Reading what a scanner types, and building the SSCC of a parcel: GS1 general specifications; handbook §6. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from biip import ParseConfig, ParseError, parse
from biip.gs1_element_strings import GS1ElementStrings
from biip.gs1_messages import GS1Message
from stdnum import ean

# A browser's text field swallows the FNC1 control character, so scanners are set to type a printable one in its place. None of these
# occurs in GS1 data (character set 82).
_SEPARATORS = "\x1d|~^#@$\t"
_CONFIG = ParseConfig(separator_chars=("\x1d",))
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_ARTICLE_AND_LOT = re.compile(r"^(?P<article_no>\d{5})(?:[\s;,/]+(?P<lot_no>\S{1,20}))?$")
_ASKED_FOR = ("01", "10", "17", "21")
_GTIN_LENGTHS = (8, 12, 13, 14)


class NotACode(ValueError):
    """The text names no article."""


@dataclass(frozen=True)
class ScannedCode:
    """What a package says of itself: a GTIN of 14 digits or our article number, and what else the code carries."""

    gtin: str | None = None
    article_no: str | None = None
    lot_no: str | None = None
    serial_no: str | None = None
    expires_on: date | None = None
    # Application identifiers that nothing here asks for, as (identifier, value).
    others: tuple[tuple[str, str], ...] = ()


def normalise_gtin(gtin: str) -> str:
    """Return the GTIN as 14 digits; raise NotACode when it is no GTIN or its check digit is wrong."""
    if len(gtin) not in _GTIN_LENGTHS or not gtin.isascii() or not gtin.isdigit():
        raise NotACode("not a GTIN")
    full = gtin.rjust(14, "0")
    if ean.calc_check_digit(full[:-1]) != full[-1]:
        raise NotACode("wrong check digit")
    return full


def read_code(raw: str) -> ScannedCode:
    """Read GS1 (FNC1 or symbology prefix, brackets, digital link), a plain GTIN, or article number and lot; raise NotACode.

    An expiry with day 00 is the last day of the month.
    """
    text = raw.strip(" \r\n").removesuffix("\t")
    if not text or len(text) > 200:
        raise NotACode("empty or too long")
    plain = _SYMBOLOGY.sub("", text)
    if plain.isascii() and plain.isdigit() and len(plain) in _GTIN_LENGTHS:
        return ScannedCode(gtin=normalise_gtin(plain))
    if typed := _ARTICLE_AND_LOT.match(plain):
        return ScannedCode(article_no=typed["article_no"], lot_no=typed["lot_no"])
    return _from_elements(_elements(text))


def _elements(text: str) -> GS1ElementStrings:
    try:
        if text.startswith("("):
            return GS1Message.parse_hri(text).element_strings
        if text.lower().startswith(("http://", "https://")):
            link = parse(text, config=_CONFIG).gs1_digital_link_uri
            if link is None:
                raise NotACode("not a GS1 link")
            return link.element_strings
        for character in _SEPARATORS:
            text = text.replace(character, "\x1d")
        message = parse(text.lstrip("\x1d"), config=_CONFIG).gs1_message
    # biip looks for more characters after a lone "]" than there are.
    except (ParseError, ValueError, IndexError) as problem:
        raise NotACode("not GS1") from problem
    if message is None:
        raise NotACode("not GS1")
    return message.element_strings


def _from_elements(elements: GS1ElementStrings) -> ScannedCode:
    found = {element.ai.ai: element for element in reversed(elements)}
    if "01" not in found:
        raise NotACode("no article in the code")
    expiry = found.get("17")
    if expiry is not None and expiry.date is None:
        raise NotACode("not a date")
    lot, serial = found.get("10"), found.get("21")
    return ScannedCode(
        gtin=normalise_gtin(found["01"].value),
        lot_no=lot.value if lot else None,
        serial_no=serial.value if serial else None,
        expires_on=expiry.date if expiry else None,
        others=tuple(
            (identifier, element.value) for identifier, element in sorted(found.items()) if identifier not in _ASKED_FOR
        ),
    )


def build_sscc(company_prefix: str, serial: int) -> str:
    """Return the 18 digits of an SSCC: extension digit 0, company prefix, serial (which starts over when it is full), check digit."""
    room = 16 - len(company_prefix)
    if not company_prefix.isdigit() or not 7 <= len(company_prefix) <= 10 or serial < 0:
        raise ValueError("a company prefix is 7 to 10 digits, a serial not negative")
    digits = f"0{company_prefix}{serial % 10**room:0{room}d}"
    return digits + ean.calc_check_digit(digits)
