"""What may go with news is told by its content, and no name does anything."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from delivery.news_files import MOST_BYTES, AttachmentProblem, AttachmentRefused, check_file
from portal.news_text import paragraphs


def picture(kind: str, size: tuple[int, int] = (4, 3)) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.mark.parametrize(
    ("name", "raw", "kept", "media_type"),
    [
        ("Brev.pdf", PDF, "Brev.pdf", "application/pdf"),
        ("bild.png", picture("PNG"), "bild.png", "image/png"),
        ("bild.JPEG", picture("JPEG"), "bild.jpg", "image/jpeg"),
        # It is called what it is, whatever it was called.
        ("brev.exe", PDF, "brev.exe.pdf", "application/pdf"),
        ("../../etc/passwd", PDF, "passwd.pdf", "application/pdf"),
        ("C:\\a\\<b>\x00\r\nSet-Cookie: x;.pdf", PDF, "bSet-Cookie x.pdf", "application/pdf"),
        ("\u202efdp.exe", PDF, "fdp.exe.pdf", "application/pdf"),
        ("", PDF, "file.pdf", "application/pdf"),
        ("å" * 500, PDF, "å" * 120 + ".pdf", "application/pdf"),
    ],
)
def test_a_file_is_called_what_it_is(name: str, raw: bytes, kept: str, media_type: str) -> None:
    checked = check_file(name, raw)
    assert (checked.name, checked.media_type, checked.content) == (kept, media_type, raw)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", AttachmentProblem.EMPTY),
        (b"x" * (MOST_BYTES + 1), AttachmentProblem.TOO_LARGE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", AttachmentProblem.NOT_OF_A_KIND),
        (b"<html><script>alert(1)</script>", AttachmentProblem.NOT_OF_A_KIND),
        (b"GIF89a/*" + picture("PNG"), AttachmentProblem.NOT_OF_A_KIND),
        (b"PK\x03\x04", AttachmentProblem.NOT_OF_A_KIND),
        (b"%PDF-1.7 and no end", AttachmentProblem.NOT_OF_A_KIND),
        (b"<!-- -->" + PDF, AttachmentProblem.NOT_OF_A_KIND),
        (picture("PNG")[:40], AttachmentProblem.NOT_OF_A_KIND),
        (picture("PNG").replace(b"IDAT", b"IDAX"), AttachmentProblem.NOT_OF_A_KIND),
        (b"\xff\xd8\xff" + b"x" * 100, AttachmentProblem.NOT_OF_A_KIND),
        (picture("GIF"), AttachmentProblem.NOT_OF_A_KIND),
    ],
)
def test_what_is_no_paper_and_no_picture_is_refused(raw: bytes, problem: AttachmentProblem) -> None:
    with pytest.raises(AttachmentRefused) as refused:
        check_file("brev.pdf", raw)
    assert refused.value.problem is problem


@settings(max_examples=200, deadline=None)
@given(
    raw=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda rest: b"\x89PNG\r\n\x1a\n" + rest),
        st.binary(max_size=200).map(lambda rest: b"\xff\xd8\xff" + rest),
        st.binary(max_size=200).map(lambda rest: b"%PDF-" + rest),
    ),
    name=st.text(max_size=60),
)
def test_garbage_is_refused_and_nothing_else(raw: bytes, name: str) -> None:
    with suppress(AttachmentRefused):
        checked = check_file(name, raw)
        assert checked.name.endswith((".pdf", ".png", ".jpg"))
        assert not set(checked.name) & set('/\\\r\n\0"<>')


def test_a_text_becomes_paragraphs_of_lines() -> None:
    assert paragraphs("  En rad\nen till\n\n \n\nNästa <b>stycke</b>\n") == (
        ("En rad", "en till"),
        ("Nästa <b>stycke</b>",),
    )
    assert paragraphs(" \n ") == ()
