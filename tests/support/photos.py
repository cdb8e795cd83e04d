"""Photos as phones take them: with where and when, lying on their side, in every format; and what only looks like one."""

from __future__ import annotations

import io
from typing import Any

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener(thumbnails=False)
MAKER = b"Fotofabriken"
_ORIENTATION, _MAKE, _GPS = 0x0112, 0x010F, 0x8825


def taken_photo(kind: str = "JPEG", size: tuple[int, int] = (800, 600), *, orientation: int = 1, **how: Any) -> bytes:
    """Return a photo with a maker and a position in it: red in its upper left corner as the sensor saw it, green elsewhere."""
    picture = Image.new("RGB", size, "green")
    picture.paste("red", (0, 0, size[0] // 4, size[1] // 4))
    exif = Image.Exif()
    exif[_ORIENTATION], exif[_MAKE] = orientation, MAKER.decode()
    position = exif.get_ifd(_GPS)
    position[1], position[2], position[3], position[4] = "N", (57.0, 42.0, 11.0), "E", (11.0, 58.0, 22.0)
    written = io.BytesIO()
    picture.save(written, kind, exif=exif.tobytes(), **how)
    assert MAKER in written.getvalue(), "the photo has nothing to take away"
    return written.getvalue()


def plain_picture(mode: str, size: tuple[int, int], kind: str = "PNG") -> bytes:
    """Return an empty picture in one of Pillow's modes."""
    written = io.BytesIO()
    Image.new(mode, size).save(written, kind)
    return written.getvalue()
