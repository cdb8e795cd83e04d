"""Texts that leave the house without saying who the patient is: finds names and numbers in them, or takes them out. Reads nothing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from auth.numbers import MalformedNumber, parse_number

NOBODY = "N.N."
# Names that are words too count only as a name is written, with a capital; so do the shortest.
_WORD_TOO = re.compile(
    "alm|berg|björn|blad|blom|bo|dag|dan|de|den|din|ek|ester|frisk|frost|gran|gren|kall|kvist|lind|liv|love|lund|lång|maj|man|max"
    "|min|mina|modig|per|rask|ros|sin|sol|sommar|stark|sten|stig|ström|tom|van|von|vår"
)
_SHORTEST_NAME = 3
_NUMBER = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+\s]?\d{4}(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Known:
    """Whom a text may not give away; never shown in a representation. `today` settles a personal number's missing century."""

    names: tuple[str, ...] = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    today: date


def found_in(text: str, known: Known) -> tuple[str, ...]:
    """Return what in the text says who somebody is: their names, their numbers, and any personal number at all; as it stands there."""
    text = _normal(text)
    found = [match[0] for pattern in _patterns(known) for match in pattern.finditer(text)]
    found += [match[0] for match in _NUMBER.finditer(text) if _is_personal_number(match[0], known.today)]
    return tuple(dict.fromkeys(found))


def without(text: str, known: Known) -> str:
    """Return the text with each of those replaced by "N.N."."""
    text = _normal(text)
    for pattern in _patterns(known):
        text = pattern.sub(NOBODY, text)
    return _NUMBER.sub(lambda match: NOBODY if _is_personal_number(match[0], known.today) else match[0], text)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _patterns(known: Known) -> list[re.Pattern[str]]:
    tokens = {token for name in known.names for token in re.split(r"[\s\-]+", _normal(name))}
    telling = {token for token in tokens if _is_name(token) or (len(token) > 1 and token[0].isupper())}
    words = sorted(telling, key=lambda token: (-len(token), token))
    patterns = [_word(word) for word in words]
    for number in known.numbers:
        digits = re.sub(r"\D", "", number, flags=re.ASCII)
        if len(digits) >= 6:
            patterns.append(re.compile(r"(?<!\d)" + r"[\s\-+]{0,3}".join(digits) + r"(?!\d)"))
    return patterns


def _is_name(token: str) -> bool:
    return len(token) >= _SHORTEST_NAME and not _WORD_TOO.fullmatch(token.casefold())


def _word(word: str) -> re.Pattern[str]:
    # With the Swedish genitive's s, which needs no apostrophe.
    if _is_name(word):
        return re.compile(rf"(?<!\w){re.escape(word)}s?(?!\w)", re.IGNORECASE)
    return re.compile(rf"(?<!\w)(?:{re.escape(word)}|{re.escape(word.upper())})[sS]?(?!\w)")


def _is_personal_number(text: str, today: date) -> bool:
    try:
        parse_number(text, today)
    except MalformedNumber:
        return False
    return True
