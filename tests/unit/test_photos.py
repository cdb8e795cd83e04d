"""Photos written anew: nothing of where, when and who is left, they stand upright, and what is no photo does not get in."""

from __future__ import annotations

import io
import os
from typing import IO, cast

import pytest
from PIL import Image

from delivery.complaints.photos import PhotoProblem, PhotoRefused
from portal.adapters.photos import LARGEST_BYTES, LONG_SIDE, reencode
from tests.support.photos import MAKER, plain_picture, taken_photo

RED, GREEN = (254, 0, 0), (0, 128, 1)


def _near(found: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) < 25 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_a_photo_of_any_phone_comes_out_as_a_jpeg_without_anything_beside_the_picture(kind: str) -> None:
    photo = reencode(io.BytesIO(taken_photo(kind)))
    assert photo.content.startswith(b"\xff\xd8\xff")
    assert MAKER not in photo.content
    assert b"Exif" not in photo.content
    with Image.open(io.BytesIO(photo.content)) as opened:
        assert opened.format == "JPEG"
        assert dict(opened.getexif()) == {}
        assert set(opened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert (photo.width, photo.height) == opened.size == (800, 600)
        assert _near(opened.getpixel((20, 20)), RED)
        assert _near(opened.getpixel((700, 500)), GREEN)


@pytest.mark.parametrize(
    ("orientation", "red_corner"),
    [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (0, 1)), (5, (0, 0)), (6, (1, 0)), (7, (1, 1)), (8, (0, 1))],
)
def test_it_stands_as_the_camera_was_held(orientation: int, red_corner: tuple[int, int]) -> None:
    photo = reencode(io.BytesIO(taken_photo(orientation=orientation)))
    assert (photo.width, photo.height) == ((800, 600) if orientation < 5 else (600, 800))
    with Image.open(io.BytesIO(photo.content)) as opened:
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            seen = opened.getpixel((20 + right * (photo.width - 40), 20 + down * (photo.height - 40)))
            assert _near(seen, RED if (right, down) == red_corner else GREEN), (orientation, right, down)


def test_it_is_bounded_in_size() -> None:
    photo = reencode(io.BytesIO(taken_photo(size=(4032, 3024))))
    assert (photo.width, photo.height) == (LONG_SIDE, LONG_SIDE * 3 // 4)
    narrow = reencode(io.BytesIO(taken_photo(size=(40, 8000))))
    assert (narrow.width, narrow.height) == (8, LONG_SIDE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_sort_of_picture_is_taken(mode: str) -> None:
    photo = reencode(io.BytesIO(plain_picture(mode, (30, 20))))
    assert (photo.width, photo.height) == (30, 20)


def test_what_was_clear_is_white() -> None:
    photo = reencode(io.BytesIO(plain_picture("RGBA", (30, 20))))
    with Image.open(io.BytesIO(photo.content)) as opened:
        assert _near(opened.getpixel((5, 5)), (255, 255, 255))


def test_what_is_hidden_behind_a_photo_stays_behind() -> None:
    hidden = b"<html><script>alert(1)</script>PK\x03\x04"
    photo = reencode(io.BytesIO(taken_photo() + hidden))
    assert b"script" not in photo.content
    assert b"PK\x03\x04" not in photo.content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a/*\x01\x00*/=1;alert(1)",
        b"%PDF-1.7\n%\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04" + b"\x00" * 200,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
    ],
)
def test_what_only_looks_like_a_photo_is_refused(content: bytes) -> None:
    with pytest.raises(PhotoRefused) as refused:
        reencode(io.BytesIO(content))
    assert refused.value.problem in {PhotoProblem.NOT_A_PHOTO, PhotoProblem.BROKEN}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_half_a_photo_is_refused(kind: str) -> None:
    content = taken_photo(kind)
    with pytest.raises(PhotoRefused) as refused:
        reencode(io.BytesIO(content[: len(content) // 2]))
    assert refused.value.problem in {PhotoProblem.BROKEN, PhotoProblem.NOT_A_PHOTO}


@pytest.mark.parametrize("size", [(20_000, 20_000), (8_000, 7_000)])
def test_a_small_file_of_very_many_pixels_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    bomb = plain_picture("1", size)
    assert len(bomb) < 200_000
    with pytest.raises(PhotoRefused) as refused:
        reencode(io.BytesIO(bomb))
    assert refused.value.problem is PhotoProblem.TOO_MANY_PIXELS


class _Unread:
    """A file of which nobody may read anything."""

    def __init__(self, size: int) -> None:
        self._size = size

    def seek(self, _place: int, whence: int = os.SEEK_SET) -> int:
        return self._size if whence == os.SEEK_END else 0

    def read(self, _size: int = -1) -> bytes:
        raise AssertionError("it was read")


def test_two_hundred_megabytes_are_refused_unread() -> None:
    with pytest.raises(PhotoRefused) as refused:
        reencode(cast("IO[bytes]", _Unread(200 * 1024 * 1024)))
    assert refused.value.problem is PhotoProblem.TOO_LARGE
    assert LARGEST_BYTES < 200 * 1024 * 1024
