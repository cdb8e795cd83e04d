"""Photos from any phone, written anew: what a camera adds to a picture, or somebody hides in one, does not come with it.

A photo is opened only as one of the formats that phones write, its size in bytes and pixels is looked at before anything is decoded, and
one is decoded at a time. What is kept is our own JPEG, the right way up and without metadata; the original's bytes are never kept.
"""

from __future__ import annotations

import io
import os
from threading import Lock
from typing import IO

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from delivery.complaints.photos import CleanPhoto, PhotoProblem, PhotoRefused

LARGEST_BYTES = 30 * 1024 * 1024
# Phones take up to 200 million; a JPEG is decoded at a fraction of its size, the others and progressive ones whole.
MOST_PIXELS = 205_000_000
MOST_PIXELS_WHOLE = 51_000_000
LONG_SIDE = 1600
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
# A JPEG with more than one picture, as some phones write them, is opened as MPO; the first picture is taken.
_DECODED_SMALL = frozenset({"JPEG", "MPO"})

Image.init()
pillow_heif.register_heif_opener(thumbnails=False)
# Our own limits are the ones that count; this one is for whoever opens a picture elsewhere.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# A decoded picture takes hundreds of megabytes for a moment: one at a time.
_one_at_a_time = Lock()


def reencode(stream: IO[bytes]) -> CleanPhoto:
    """Read a photo of any phone and return it as a JPEG of ours; raise PhotoRefused."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size > LARGEST_BYTES:
        raise PhotoRefused(PhotoProblem.TOO_LARGE)
    with _one_at_a_time:
        return _reencode(stream)


def _reencode(stream: IO[bytes]) -> CleanPhoto:
    try:
        with Image.open(stream, formats=FORMATS) as opened:
            _check_pixels(opened)
            # A hint to the JPEG decoder, which then skips what would be thrown away.
            opened.draft("RGB", (LONG_SIDE, LONG_SIDE))
            opened.load()
            picture = _upright(opened)
    except PhotoRefused:
        raise
    except UnidentifiedImageError:
        raise PhotoRefused(PhotoProblem.NOT_A_PHOTO) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise PhotoRefused(PhotoProblem.TOO_MANY_PIXELS) from None
    except Exception:
        raise PhotoRefused(PhotoProblem.BROKEN) from None
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=QUALITY, optimize=True)
    return CleanPhoto(written.getvalue(), picture.width, picture.height)


def _check_pixels(opened: Image.Image) -> None:
    pixels = opened.width * opened.height
    is_whole = opened.format not in _DECODED_SMALL or bool(opened.info.get("progressive"))
    if pixels > (MOST_PIXELS_WHOLE if is_whole else MOST_PIXELS):
        raise PhotoRefused(PhotoProblem.TOO_MANY_PIXELS)


def _upright(opened: Image.Image) -> Image.Image:
    """Return the pixels alone, small and turned as the camera was held, on white where they were clear."""
    orientation = opened.getexif().get(0x0112)
    opened.thumbnail((LONG_SIDE, LONG_SIDE), reducing_gap=2.0)
    picture = opened.convert("RGBA") if "transparency" in opened.info or opened.mode in {"RGBA", "LA", "PA"} else opened
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    picture = picture.convert("RGB")
    fresh = Image.new("RGB", picture.size)
    fresh.paste(picture)
    if orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        fresh.info["exif"] = exif.tobytes()
        fresh = ImageOps.exif_transpose(fresh)
        fresh.info.clear()
    return fresh
