"""The papers as printed: read back as text, and by a barcode reader from the picture of the page."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from delivery.documents import Address, NoteLine, ParcelPapers, ShortLine, address_label, delivery_note
from delivery.sheets import Fonts
from portal.assets import AssetManifest
from tests.support.zbar import ReadCode, read_codes

SSCC = "073500000000000016"
URL = f"https://portal.example/fault-reports/new?parcel={SSCC}"
RECEIVER = Address(
    name="Prov Provsson",
    street="Storgatan 12 B lgh 1102",
    postal_code="54130",
    city="Skövde",
    care_of="Familjen Test",
    door_code="1234#",
    phone="070-000 00 00",
    comment="Ring på hos grannen om ingen öppnar.",
)
PAPERS = ParcelPapers(
    order_no="1000017",
    ordered_on=date(2026, 11, 30),
    packed_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    sscc=SSCC,
    language="sv",
    sender=Address("Depån i Skövde", "Depåvägen 1", "54139", "Skövde"),
    receiver=RECEIVER,
    lines=(
        NoteLine("Glukossensor", "10023", 4, "LOT1", date(2028, 12, 31)),
        NoteLine("Teststickor", "10024", 2, "ABCDEFGHIJKLMNOPQRST", date(2027, 3, 31)),
    ),
    short=(ShortLine("Lansetter", 3, date(2026, 12, 15)),),
)


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    manifest = AssetManifest.load()
    return Fonts(*(manifest.folder / manifest.names[f"document-{face}.ttf"] for face in ("regular", "bold")))


def words(pdf: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def codes(pdf: bytes) -> list[tuple[str, str]]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[0].render(scale=3).to_pil()
    finally:
        document.close()
    return [(found.text, found.symbology_identifier) for found in zxingcpp.read_barcodes(picture)]


def size_of(pdf: bytes, word: str) -> float:
    """The size of the type that a word is set in, in points."""
    found: list[float] = []

    def note(text: str, _matrix: object, _place: object, _font: object, size: float) -> None:
        if word in text:
            found.append(size)

    PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=note)
    assert found, word
    return min(found)


def swedish(text: str) -> str:
    return {"Delivery note": "Följesedel", "Use by": "Bäst före"}.get(text, text)


def test_the_note_says_what_is_in_the_box_and_where_to_report_a_fault(fonts: Fonts) -> None:
    note = delivery_note(PAPERS, URL, fonts, swedish)
    text = words(note)
    for word in (
        "Följesedel",
        "1000 017",
        "Glukossensor",
        "10023",
        "LOT1",
        "31 dec. 2028",
        "Lansetter",
        "15 dec. 2026",
    ):
        assert word in text
    assert codes(note) == [(URL, "]Q1")]
    # Under the QR code; many of those who read it see badly.
    assert size_of(note, "Scan and tell") >= 10
    assert PdfReader(io.BytesIO(note)).pages[0].mediabox.width == pytest.approx(595.28, abs=0.1)


def test_the_label_says_who_and_nothing_of_what(fonts: Fonts) -> None:
    label = address_label(PAPERS, fonts, swedish)
    text = words(label)
    for word in ("Prov Provsson", "c/o Familjen Test", "541 30", "Skövde", "1234#", "070-000 00 00", "grannen"):
        assert word in text
    assert f"(00) {SSCC[0]} {SSCC[1:8]} {SSCC[8:17]} {SSCC[17]}" in text
    for word in ("Glukossensor", "Teststickor", "Lansetter", "LOT1", "1000017", "1000 017", "10023"):
        assert word not in text
    assert codes(label) == [(f"(00){SSCC}", "]C1")]
    box = PdfReader(io.BytesIO(label)).pages[0].mediabox
    assert (box.width / 72 * 25.4, box.height / 72 * 25.4) == (pytest.approx(105, abs=0.1), pytest.approx(148, abs=0.1))


@pytest.mark.parametrize(
    "name",
    [
        "Łukasz Čapek-O’Brien",
        "Đặng Thị Ngọc Ánh",
        "محمد علي",
        "王小明",
        "Zoë 🙂",
        "a\x00b\ud800c",
        "W" * 400,
        "x " * 200,
    ],
)
def test_no_name_breaks_the_papers(fonts: Fonts, name: str) -> None:
    papers = replace(PAPERS, receiver=replace(RECEIVER, name=name, comment=name[:100]))
    label = address_label(papers, fonts, swedish)
    delivery_note(papers, URL, fonts, swedish)
    assert codes(label) == [(f"(00){SSCC}", "]C1")]
    assert len(PdfReader(io.BytesIO(label)).pages) == 1


def test_letters_beyond_latin_1_are_printed_as_they_are(fonts: Fonts) -> None:
    label = address_label(replace(PAPERS, receiver=replace(RECEIVER, name="Łucja Čečová")), fonts, swedish)
    assert "Łucja Čečová" in words(label)


def test_a_long_order_runs_over_several_pages(fonts: Fonts) -> None:
    note = delivery_note(replace(PAPERS, lines=PAPERS.lines * 40), URL, fonts, swedish)
    assert len(PdfReader(io.BytesIO(note)).pages) > 1


def test_an_unknown_language_still_gives_dates(fonts: Fonts) -> None:
    assert "31 dec. 2028" in words(delivery_note(replace(PAPERS, language="tlh"), URL, fonts, str))


AT_POINT = Address(
    name="Prov Provsson",
    street="Storgatan 40",
    postal_code="53131",
    city="Lidköping",
    point="Livs på hörnet",
    collected_by="Prova Provsdotter",
    comment="Kommer efter klockan sex.",
)


def test_the_label_to_a_service_point_says_whose_it_is_where_and_who_fetches_it(fonts: Fonts) -> None:
    label = address_label(
        replace(PAPERS, receiver=AT_POINT), fonts, lambda text: {"Collected by": "Hämtas av"}.get(text, text)
    )
    text = words(label)
    assert "Prov Provsson Livs på hörnet Storgatan 40 531 31 Lidköping" in text
    assert "Hämtas av: Prova Provsdotter" in text
    assert codes(label) == [(f"(00){SSCC}", "]C1")]


def test_the_label_to_a_health_centre_is_in_its_care(fonts: Fonts) -> None:
    centre = Address(
        "Prov Provsson", "Ekvägen 1", "54130", "Skövde", care_of="Vårdcentralen Eken", phone="0500-00 00 00"
    )
    assert "Prov Provsson c/o Vårdcentralen Eken Ekvägen 1" in words(
        address_label(replace(PAPERS, receiver=centre), fonts, str)
    )


def test_the_label_to_a_unit_has_the_name_that_is_nobodys_under_the_units(fonts: Fonts) -> None:
    unit = Address("Mottagning A", "Vårdvägen 2", "54185", "Skövde", reference="Björken")
    text = words(address_label(replace(PAPERS, receiver=unit), fonts, str))
    assert "Mottagning A Björken Vårdvägen 2" in text
    assert "c/o" not in text


@pytest.mark.parametrize("long", ["x " * 50, "W" * 100, "Ö" * 100])
def test_a_label_with_everything_at_its_longest_leaves_the_code_alone(fonts: Fonts, long: str) -> None:
    full = Address(
        name=long * 2,
        street=long,
        postal_code="54130",
        city=long,
        care_of=long,
        point=long,
        collected_by=long * 2,
        door_code=long[:40],
        phone=long[:40],
        comment=long,
    )
    label = address_label(replace(PAPERS, receiver=full), fonts, swedish)
    assert codes(label) == [(f"(00){SSCC}", "]C1")]
    assert len(PdfReader(io.BytesIO(label)).pages) == 1


def seen_by_zbar(pdf: bytes, *, scale: float, grey: bool = False) -> list[ReadCode]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[0].render(scale=scale).to_pil()
    finally:
        document.close()
    # A worn thermal printer: black that is not black, white that is not white.
    return read_codes(picture.convert("L").point(lambda shade: 70 + shade * 110 // 255) if grey else picture)


@pytest.mark.parametrize("scale", [2, 3, 4.17])
def test_another_reader_than_the_one_that_makes_them_reads_the_codes_of_the_printed_pages(
    fonts: Fonts, scale: float
) -> None:
    """PDFium draws the page and ZBar reads it; the codes are made by zxing-cpp, which shares no line with either.

    ZBar says nothing of the FNC1 that makes a Code 128 a GS1-128: the other reader does, in `codes` above ("]C1").
    """
    label = address_label(replace(PAPERS, weight_grams=1234, packages=6), fonts, swedish)
    for grey in (False, True):
        assert seen_by_zbar(label, scale=scale, grey=grey) == [ReadCode("ZBAR_CODE128", f"00{SSCC}")]
    note = delivery_note(PAPERS, URL, fonts, swedish)
    assert seen_by_zbar(note, scale=scale) == [ReadCode("ZBAR_QRCODE", URL)]


def test_the_label_says_the_weight_and_how_many_packages(fonts: Fonts) -> None:
    for grams, words_of_it in ((850, "850 g"), (1234, "1,2 kg"), (12_000, "12,0 kg")):
        label = address_label(replace(PAPERS, weight_grams=grams, packages=6), fonts, swedish)
        assert f"{words_of_it} · Packages: 6" in words(label)
    assert " kg" not in words(address_label(replace(PAPERS, packages=6), fonts, swedish))
