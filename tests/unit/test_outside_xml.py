"""XML from outside: what is read of it, what is refused, and that refusals quote nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.xml import HasDocumentType, NotWellFormed, parse_xml

BOMB = "<!DOCTYPE x [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12)) + "]>"


def test_comments_and_instructions_are_gone() -> None:
    root = parse_xml(b"<?xml version='1.0'?><a><!-- b --><?c d?><e/></a>")
    assert [child.tag for child in root] == ["e"]


@pytest.mark.parametrize(
    "raw", [b"", b"hej", b"<a>", b"<a>\x00</a>", b"<a/><a/>", b'<?xml version="1.0" encoding="klingon"?><a/>']
)
def test_what_is_not_well_formed_is_told_by_line(raw: bytes) -> None:
    with pytest.raises(NotWellFormed) as caught:
        parse_xml(raw)
    assert caught.value.line == 1
    with pytest.raises(NotWellFormed) as later:
        parse_xml(b"<a>\n\n<secret></a>")
    assert (later.value.line, "secret" in str(later.value)) == (3, False)


def test_a_document_type_is_refused_whatever_it_holds(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    for head, body in (
        ("<!DOCTYPE a>", "<a/>"),
        (BOMB, "<a>&e11;</a>"),
        (f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{outside}">]>', "<a>&e;</a>"),
        (f'<!DOCTYPE a SYSTEM "file://{outside}">', "<a/>"),
    ):
        with pytest.raises((HasDocumentType, NotWellFormed)) as caught:
            parse_xml((head + body).encode())
        assert "secret" not in str(caught.value)
    with pytest.raises(HasDocumentType):
        parse_xml(b'<!DOCTYPE a [<!ENTITY e "ha">]><a>&e;</a>')


@pytest.mark.parametrize("spaced", [b'" urn:x"', b'"urn:x "', b"'\n urn:x\t'", b'"\turn:x\n"'])
def test_white_space_around_a_namespace_is_read_where_that_is_asked_for(spaced: bytes) -> None:
    raw = b"<r:a xmlns:r=" + spaced + b"><b>\n</a></r:a>"
    lines = raw[: raw.index(b"</a>")].count(b"\n") + 1
    with pytest.raises(NotWellFormed) as caught:
        parse_xml(raw, tidies_namespaces=True)
    assert caught.value.line == lines, "moved, not removed"
    good = b"<r:a xmlns:r=" + spaced + b"/>"
    assert parse_xml(good, tidies_namespaces=True).tag == "{urn:x}a"
    with pytest.raises(NotWellFormed):
        parse_xml(good)


def test_an_encoding_goes_before_what_the_message_says() -> None:
    raw = '<?xml version="1.0" encoding="iso-8859-1"?><a>å</a>'.encode()
    assert parse_xml(raw, encoding="utf-8").text == "å"
    assert parse_xml(raw).text == "Ã¥"
