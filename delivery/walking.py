"""In which order shelves are walked past. Pure."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\d+|\D+")


def walking_key(location: str) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts locations as one walks: A-2 before A-10, letters without regard to case, no location last."""
    if not location:
        return ((2, 0, ""),)
    return tuple(
        (0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece.casefold())
        for piece in _PIECE.findall(location)
    )
