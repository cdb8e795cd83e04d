"""Personal and co-ordination numbers. Handbook §11."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st
from stdnum import luhn

from auth.numbers import PNR_ROOT, SNR_ROOT, MalformedNumber, is_hsa_id, parse_number

TODAY = date(2026, 12, 1)


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999), st.booleans())
def test_twelve_digits_are_read_back(born: date, serial: int, co_ordination: bool) -> None:
    day = born.day + 60 if co_ordination else born.day
    short = f"{born:%y%m}{day:02d}{serial:03d}"
    text = f"{born.year // 100}{short}{luhn.calc_check_digit(short)}"
    number = parse_number(text, TODAY)
    assert number.extension == text
    assert number.birth_date == born
    assert number.root == (SNR_ROOT if co_ordination else PNR_ROOT)
    assert parse_number(f"{text[:8]}-{text[8:]}", TODAY) == number


@given(st.dates(date(1927, 1, 1), TODAY), st.integers(0, 999))
def test_ten_digits_mean_the_latest_century_that_has_been(born: date, serial: int) -> None:
    short = f"{born:%y%m%d}{serial:03d}"
    text = short + luhn.calc_check_digit(short)
    if born.year + 100 > TODAY.year:
        assert parse_number(f"{text[:6]}-{text[6:]}", TODAY).birth_date == born


def test_a_plus_sign_means_a_hundred_years_or_more() -> None:
    assert parse_number("121212+1212", date(2020, 1, 1)).extension == "191212121212"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "191212121213",
        "19121212121",
        "1912121212123",
        "191213121212",
        "abcdefghijkl",
        "٢٠٠٠٠١٠١٢٣٤٥",
        "209912121212",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedNumber):
        parse_number(text, TODAY)


def test_a_number_does_not_show_itself() -> None:
    assert "1212" not in repr(parse_number("191212121212", TODAY))


def test_hsa_ids() -> None:
    assert is_hsa_id("SE2321000131-E000000000101")
    assert not is_hsa_id("SE2321000131-")
    assert not is_hsa_id("SE2321000131-E0000000001011234567")
    assert not is_hsa_id("2321000131-E1")
