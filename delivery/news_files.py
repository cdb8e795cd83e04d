"""What may go with a piece of news: PDF, PNG and JPEG, told by what they hold and never by what they are called. Pure."""

from __future__ import annotations

import re
import unicodedata
import warnings
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO

from PIL import Image

from core.errors import DomainError

MOST_FILES = 5
MOST_BYTES = 5 * 1024 * 1024
LONGEST_NAME = 120
_PDF_ENDS_WITHIN = 2048
_FORMATS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg")}


class AttachmentProblem(StrEnum):
    """Why a file cannot go with the news."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    NOT_OF_A_KIND = "NOT_OF_A_KIND"
    TOO_MANY = "TOO_MANY"


class AttachmentRefused(DomainError):
    """A file cannot go with the news; `name` is what it was called."""

    def __init__(self, problem: AttachmentProblem, name: str = "") -> None:
        super().__init__(problem.value)
        self.problem, self.name = problem, name


@dataclass(frozen=True)
class CheckedFile:
    """A file whose type is what its content says, with a name that ends accordingly."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


def check_file(stated_name: str, raw: bytes) -> CheckedFile:
    """Return the file as it may be kept; raise AttachmentRefused, and nothing else whatever the bytes are."""
    if not raw:
        raise AttachmentRefused(AttachmentProblem.EMPTY, safe_name(stated_name, ""))
    if len(raw) > MOST_BYTES:
        raise AttachmentRefused(AttachmentProblem.TOO_LARGE, safe_name(stated_name, ""))
    kind = _kind(raw)
    if kind is None:
        raise AttachmentRefused(AttachmentProblem.NOT_OF_A_KIND, safe_name(stated_name, ""))
    media_type, ending = kind
    return CheckedFile(safe_name(stated_name, ending), media_type, raw)


def _kind(raw: bytes) -> tuple[str, str] | None:
    if raw.startswith(b"%PDF-"):
        return ("application/pdf", "pdf") if b"%%EOF" in raw[-_PDF_ENDS_WITHIN:] else None
    if not raw.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return None
    try:
        # A picture that says that it is enormous is warned of: that is no picture for a notice.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(BytesIO(raw), formats=tuple(_FORMATS)) as picture:
                found = _FORMATS.get(picture.format or "")
                picture.verify()
                return found
    except Exception:
        # What a broken picture makes the library raise is of every kind there is.
        return None


def safe_name(stated: str, ending: str) -> str:
    """Return the last part of a file's name without signs that do something, with the ending of its type."""
    last = re.split(r"[/\\]", stated)[-1]
    kept = "".join(sign for sign in last if unicodedata.category(sign)[0] not in "CZ" or sign == " ")
    stem = re.sub(r"[<>:\"|?*%;]", "", kept).strip(" .")
    if ending:
        stem = re.sub(r"\.(pdf|png|jpe?g|jfif)$", "", stem, flags=re.IGNORECASE).strip(" .")
    stem = stem[:LONGEST_NAME].strip(" .") or "file"
    return f"{stem}.{ending}" if ending else stem
