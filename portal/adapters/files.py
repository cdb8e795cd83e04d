"""Messages as files, for a demo without other systems."""

from __future__ import annotations

from pathlib import Path


def write_whole(folder: Path, name: str, content: bytes) -> None:
    """Write a file that is there either whole or not at all; its folder is made, readable by its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f"{name}.unfinished"
    unfinished.write_bytes(content)
    unfinished.replace(folder / name)
