"""A second reader of barcodes: ZBar, which shares nothing with the library that makes them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from portal.commands.assets import FRONTEND, Node

ZBAR = FRONTEND / "node_modules" / "@undecaf" / "zbar-wasm" / "dist" / "main.mjs"
_SCRIPT = Path(__file__).parent / "read_codes.mjs"


@dataclass(frozen=True)
class ReadCode:
    """One code on a picture."""

    kind: str
    text: str


def read_codes(picture: Image) -> list[ReadCode]:
    """Return the codes that ZBar finds."""
    grey = picture.convert("L")
    words = [str(Node.find().program), str(_SCRIPT), str(ZBAR), str(grey.width), str(grey.height)]
    outcome = subprocess.run(words, input=grey.tobytes(), capture_output=True, check=True, timeout=60)
    return [ReadCode(**found) for found in json.loads(outcome.stdout)]
