"""Reading packages and building parcel numbers."""

from __future__ import annotations

from datetime import date

import pytest
from biip import parse
from hypothesis import example, given, strategies as st

from delivery.udi import NotACode, ScannedCode, build_sscc, normalise_gtin, read_code

GTIN = "07350000000016"
FULL = ScannedCode(gtin=GTIN, lot_no="LOT1", serial_no="ABC", expires_on=date(2028, 12, 31))


@pytest.mark.parametrize(
    "raw",
    [
        f"01{GTIN}1728123110LOT1\x1d21ABC",
        f"]d201{GTIN}1728123110LOT1\x1d21ABC",
        f"]C101{GTIN}1728123110LOT1|21ABC",
        f"]Q3\x1d01{GTIN}1728123110LOT1~21ABC\r\n",
        f"(01){GTIN}(17)281231(10)LOT1(21)ABC",
        f"https://id.gs1.org/01/{GTIN}/10/LOT1/21/ABC?17=281231",
    ],
)
def test_every_way_that_scanners_type_gs1_says_the_same(raw: str) -> None:
    assert read_code(raw) == FULL


@pytest.mark.parametrize(("typed", "day"), [("280200", date(2028, 2, 29)), ("271200", date(2027, 12, 31))])
def test_day_00_is_the_end_of_the_month(typed: str, day: date) -> None:
    assert read_code(f"01{GTIN}17{typed}10L").expires_on == day


@pytest.mark.parametrize("raw", ["7350000000016", GTIN, "]E07350000000016"])
def test_a_plain_product_number_says_the_article_alone(raw: str) -> None:
    assert read_code(raw) == ScannedCode(gtin=GTIN)


@pytest.mark.parametrize("raw", ["10023 LOT9", "10023;LOT9", "10023/LOT9"])
def test_article_number_and_lot_can_be_typed(raw: str) -> None:
    assert read_code(raw) == ScannedCode(article_no="10023", lot_no="LOT9")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "hello",
        "10LOT1",
        f"01{GTIN[:-1]}71728123110L",
        "7350000000017",
        f"01{GTIN}17289931",
        "1" * 300,
        "https://example.org/",
        "(01)",
        f"(01){GTIN}(17)289931",
        "\x1d",
        "å" * 13,
    ],
)
def test_what_names_no_article_is_refused(raw: str) -> None:
    with pytest.raises(NotACode):
        read_code(raw)


@given(st.text(max_size=60))
@example("]")
@example("]C")
@example("]C1")
def test_no_scan_is_more_than_refused(raw: str) -> None:
    try:
        code = read_code(raw)
    except NotACode:
        return
    assert (code.gtin is None) != (code.article_no is None)


@given(st.from_regex(r"[A-Z0-9/-]{1,20}", fullmatch=True), st.dates(date(2026, 1, 1), date(2050, 1, 1)))
def test_lot_and_expiry_survive_the_way_through_a_code(lot_no: str, expires: date) -> None:
    code = read_code(f"01{GTIN}17{expires:%y%m%d}10{lot_no}")
    assert (code.lot_no, code.expires_on) == (lot_no, expires)


def test_a_short_product_number_is_filled_up() -> None:
    assert normalise_gtin("7350000000016") == GTIN


@given(st.sampled_from(["7350000", "73500001", "735000012"]), st.integers(0, 10**12))
def test_a_parcel_number_is_a_valid_sscc(prefix: str, serial: int) -> None:
    sscc = build_sscc(prefix, serial)
    assert len(sscc) == 18
    parsed = parse(sscc).sscc
    assert parsed is not None
    assert parsed.value[1 : 1 + len(prefix)] == prefix


def test_neighbouring_serials_give_different_parcel_numbers() -> None:
    assert len({build_sscc("7350000", serial) for serial in range(500)}) == 500


@pytest.mark.parametrize(("prefix", "serial"), [("735", 1), ("7350000", -1), ("73500000000", 1), ("73500ab", 1)])
def test_a_wrong_prefix_makes_no_parcel_number(prefix: str, serial: int) -> None:
    with pytest.raises(ValueError, match="company prefix"):
        build_sscc(prefix, serial)
