"""What every paper is written with: the fonts, a PDF that is ready for text, and text without what no PDF may hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from fpdf import FPDF

Translate = Callable[[str], str]
Sheet = TypeVar("Sheet", bound=FPDF)

# They log the letters of names, and a line for every table of a font.
for _noisy in ("fontTools", "fpdf"):
    logging.getLogger(_noisy).setLevel(logging.ERROR)


@dataclass(frozen=True)
class Fonts:
    """TrueType files that cover the scripts that names are written in."""

    regular: Path
    bold: Path


def prepared(
    pdf: Sheet, fonts: Fonts, *, language: str, margin: float, written_at: datetime | None = None, title: str = ""
) -> Sheet:
    """Give a PDF its fonts, language, margin (mm), title and instant, and return it; the pages are the caller's."""
    if written_at is not None:
        pdf.set_creation_date(written_at)
    if title:
        pdf.set_title(title)
    pdf.set_lang(language)
    pdf.set_margin(margin)
    pdf.add_font("text", "", fonts.regular)
    pdf.add_font("text", "B", fonts.bold)
    pdf.set_font("text", size=11)
    return pdf


def write(
    pdf: FPDF, text: str, size: float, *, bold: bool = False, after: float = 0, leading: float = 0.47, width: float = 0
) -> None:
    """Write a text of `size` points from the left margin, over the whole width or `width` mm, and go `after` mm further down."""
    pdf.set_font("text", "B" if bold else "", size)
    pdf.multi_cell(width, size * leading, printable(text), align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(after)


def printable(text: str) -> str:
    """Return the text without the control characters and lone surrogates that no PDF text may hold.

    What the font lacks becomes its empty box.
    """
    return "".join(
        sign
        for sign in text.replace("\r\n", "\n").replace("\t", " ")
        if sign in "\n\N{NO-BREAK SPACE}" or (sign.isprintable() and not 0xD800 <= ord(sign) <= 0xDFFF)
    )
