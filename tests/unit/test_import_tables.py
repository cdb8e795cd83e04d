"""Tables as Excel in Swedish saves them, and what is refused without being echoed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from auth.importing.persons import parse_persons
from auth.models import Protection
from core.importing import FileRefused, RowRefused
from core.tables import Row, read_table
from delivery.importing import parse_stock
from orders.importing.articles import parse_articles
from orders.importing.prescription_table import parse_table
from orders.importing.service_points import parse_service_points
from orders.models import DeliveryMethod, Notification, PrescriptionStatus
from tests.support.builders import number_text

TODAY = date(2026, 12, 1)
NUMBER = number_text(date(1979, 4, 12), 2)
CHILD = number_text(date(2017, 8, 3), 6)


def table(raw: bytes) -> list[Row]:
    return read_table(raw, ("a",), ("b", "c"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_way_in_which_a_table_is_saved(encoding: str, separator: str, line_end: str) -> None:
    text = line_end.join([separator.join(cells) for cells in (("A", "b"), ("Åsa – Öberg", '"x, y; ""z"""'))]) + line_end
    (row,) = table(text.encode(encoding))
    assert (row.cells, row.line) == ({"a": "Åsa – Öberg", "b": 'x, y; "z"'}, 2)


def test_excel_leaves_marks_that_are_passed_over() -> None:
    raw = b'sep=;\r\n A ;b;;\r\n="01234";\xa0x\xa0;;\r\n;;;\r\n"two\r\nlines"\r\nlast;\r\n'
    assert [(row.line, row.cells) for row in table(raw)] == [
        (3, {"a": "01234", "b": "x"}),
        (5, {"a": "two\r\nlines", "b": ""}),
        (7, {"a": "last", "b": ""}),
    ]


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        (b"", 1, "the column a is missing"),
        (b"b\n1\n", 1, "the column a is missing"),
        (b"a,a\n1,2\n", 1, "the column a is there twice"),
        (b"a,x\n1,2\n", 1, "the heading of column 2 is not known"),
        (b"a,b\n1,2,3\n", 2, "more cells than the heading"),
        (b'a,b\n1,"2\n', 2, "quotation marks"),
        (b'a\nok\n"x"y\n', 3, "quotation marks"),
        (b"a\nok\n\x81\n", 3, "neither UTF-8 nor Windows-1252"),
        ("a\n1\n".encode("utf-16"), 1, "Unicode text"),
        (b"PK\x03\x04rest", 1, "not a text file"),
        (b"a\n\x07\n", 2, "control characters"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(raw: bytes, line: int, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        table(raw)
    assert refused.value.line == line
    assert reason in refused.value.reason


def test_a_file_without_a_heading_is_refused_without_echoing_a_number() -> None:
    with pytest.raises(FileRefused) as refused:
        parse_persons(f"{NUMBER},14\n".encode(), TODAY)
    assert NUMBER not in refused.value.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x", "not a whole number"),
        ("-1", "less than 0"),
        ("1.0", "not a whole number"),
        ("٣", "not a whole"),
        ("", "missing"),
    ],
)
def test_whole_numbers(value: str, reason: str) -> None:
    with pytest.raises(RowRefused, match=reason):
        Row(2, {"n": value}).number("n", least=0)


@pytest.mark.parametrize(
    "value", ["2026-13-01", "1-1-2026", "2026-02-30", "01/02/2026", "2026-1-2", "9999-01-01", "46357"]
)
def test_wrong_dates(value: str) -> None:
    with pytest.raises(RowRefused, match="not a date"):
        Row(2, {"d": value}).day("d")


def test_dates_and_money() -> None:
    row = Row(2, {"d": "2026-12-03", "e": "20261203", "m": "1\u00a0250,50"})
    assert row.day("d") == row.day("e") == date(2026, 12, 3)
    assert row.decimal("m") == Decimal("1250.50")


def test_a_number_that_the_spreadsheet_rounded_is_named_as_such() -> None:
    with pytest.raises(RowRefused, match="rounded number"):
        Row(2, {"gtin": "7,35E+12"}).digits("gtin", 13)


def test_persons_with_every_column() -> None:
    raw = (
        "number;given_name;postal_code;county_code;protection;deceased_on;guardian_numbers;language\r\n"
        f"{CHILD[:8]}-{CHILD[8:]};Alva;433 51;14;;;{NUMBER} ;sv\r\n"
        f"{NUMBER};;;14;01003;2026-11-30;;\r\n"
    ).encode("cp1252")
    (child, adult), outcome = parse_persons(raw, TODAY)
    assert not outcome.refused
    assert child.number.extension == CHILD
    assert child.guardians == (adult.number,)
    assert child.values["postal_code"] == "43351"
    assert "phone" not in child.values
    assert adult.values["protection"] is Protection.CONFIDENTIALITY_FLAG
    assert adult.values["deceased_on"] == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("123,14,,,", "number is not a personal"),
        (f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 10},14,,,", "number is not a personal"),
        ("1.97904E+11,14,,,", "number is not a personal"),
        (f"{NUMBER},1,,,", "county_code is not 2 digits"),
        (f"{NUMBER},14,MAYBE,,", "protection is not one of"),
        (f"{NUMBER},14,,2027-01-01,", "in the future"),
        (f"{NUMBER},14,,1970-01-01,", "before the day of birth"),
        (f"{NUMBER},14,,,{NUMBER}", "the person themselves"),
    ],
)
def test_refused_persons_say_why_and_never_who(cells: str, reason: str) -> None:
    rows, outcome = parse_persons(
        f"number,county_code,protection,deceased_on,guardian_numbers\n{cells}\n".encode(), TODAY
    )
    assert not rows
    ((line, said),) = [(refusal.line, refusal.reason) for refusal in outcome.refused]
    assert line == 2
    assert reason in said
    assert cells.split(",")[0] not in said


ARTICLES = "article_no,name,package_size,product_area,gtin,price,successor_no,supplier_no,supplier_name\n"


def test_articles() -> None:
    rows, outcome = parse_articles(
        (ARTICLES + '21001,Sensor,1,diabetes,7350000210019,"498,5",,101,Fjord AB\n').encode()
    )
    assert not outcome.refused
    assert rows[0].values["gtin"] == "07350000210019"
    assert rows[0].values["price"] == Decimal("498.50")
    assert rows[0].supplier == {"name": "Fjord AB"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2100,S,1,DIABETES,,,,,", "article_no is not 5 digits"),
        ("21001,,1,DIABETES,,,,,", "name is missing"),
        ("21001,S,0,DIABETES,,,,,", "package_size is less than 1"),
        ("21001,S,-1,DIABETES,,,,,", "package_size is less than 1"),
        ("21001,S,1,FOOD,,,,,", "product_area is not one of"),
        ("21001,S,1,DIABETES,7350000210010,,,,", "gtin has a wrong check digit"),
        ("21001,S,1,DIABETES,,1.005,,,", "more than two decimals"),
        ("21001,S,1,DIABETES,,-1,,,", "from zero up"),
        ("21001,S,1,DIABETES,,1e99,,,", "far too high"),
        ("21001,S,1,DIABETES,,,21001,,", "points at itself"),
    ],
)
def test_refused_articles(row: str, reason: str) -> None:
    rows, outcome = parse_articles((ARTICLES + row + "\n").encode())
    assert not rows
    assert reason in outcome.refused[0].reason


def test_articles_that_contradict_each_other() -> None:
    raw = ARTICLES + "21001,S,1,DIABETES,7350000210019,,,101,A\n21001,T,1,DIABETES,,,,,\n"
    raw += "21002,S,1,DIABETES,7350000210019,,,,\n21003,S,1,DIABETES,,,,101,B\n"
    rows, outcome = parse_articles(raw.encode())
    assert [row.article_no for row in rows] == ["21001"]
    assert [refusal.line for refusal in outcome.refused] == [3, 4, 5]


STOCK = "article_no;lot;expiry;packages;source_ref\n"


def test_stock() -> None:
    rows, outcome = parse_stock((STOCK + "21001;L1;2027-01-31;5;R1\n").encode())
    assert (rows[0].lot_no, rows[0].expires_on, rows[0].packages) == ("L1", date(2027, 1, 31), 5)
    assert not outcome.refused


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("21001;L1;2027-02-31;5;R1", "expiry is not a date"),
        ("21001;L1;2027-02-01;0;R1", "packages is less than 1"),
        ("21001;L 1;2027-02-01;1;R1", "lot holds characters"),
        ("21001;L1;2027-02-01;1;", "source_ref is missing"),
    ],
)
def test_refused_stock(row: str, reason: str) -> None:
    rows, outcome = parse_stock((STOCK + row + "\n").encode())
    assert not rows
    assert reason in outcome.refused[0].reason


def test_a_lot_has_one_expiry_and_a_reference_is_used_once() -> None:
    raw = STOCK + "21001;L1;2027-01-31;5;R1\n21001;L1;2027-02-28;5;R2\n21001;L2;2027-02-28;5;R1\n"
    _, outcome = parse_stock(raw.encode())
    assert [refusal.line for refusal in outcome.refused] == [3, 4]


def test_service_points() -> None:
    raw = "id;provider;name;street;postal_code;city;lat;lon\n1;dhl;Boden;Gatan 1;413 04;Göteborg;57,69990;11,9529\n"
    raw += "2;OWL;Boden;Gatan 1;41304;Göteborg;;\n3;DHL;Boden;Gatan 1;41304;Göteborg;97;1\n4;DHL;B;G;41304;X;57;\n"
    points, outcome = parse_service_points(raw.encode("cp1252"))
    assert points[0][1]["latitude"] == Decimal("57.69990")
    assert [refusal.line for refusal in outcome.refused] == [3, 4, 5]


COLUMNS = (
    "number;source;prescription_id;item_id;article_no;sub_article_nos;orders_allowed;orders_remaining;packages_per_order;"
    "pieces_per_order;days_per_order;last_valid_date;status;prescriber_id;prescriber_name;unit_id;unit_name;delivery_methods;"
    "service_point_provider;notifications"
)
GOOD = (
    f"{NUMBER};S;P;1;31000;31001 31002;4;3;2;;90;2027-05-01;AKTIV;X1;Karin;SE2321000131-E1;Enheten;"
    "HEMLEVERANS|UTLÄMNINGSSTÄLLE;POSTNORD;E-POST EPOST SMS"
)


def test_prescriptions_as_a_table() -> None:
    parsed = parse_table(f"{COLUMNS}\r\n{GOOD}\r\n".encode("cp1252"), TODAY, is_full=True)
    assert not parsed.refusals
    assert parsed.full_sources == {"S"}
    item = parsed.subjects[0].items[0]
    assert item.sub_article_nos == ("31001", "31002")
    assert item.status is PrescriptionStatus.ACTIVE
    assert [way.method for way in item.alternatives] == [DeliveryMethod.HOME_DELIVERY, DeliveryMethod.SERVICE_POINT]
    assert item.alternatives[1].notifications == (Notification.EMAIL, Notification.SMS)


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (NUMBER, "190001010000", "number is not"),
        (";4;3;", ";4;5;", "more withdrawals remain"),
        (";4;3;", ";0;0;", "orders_allowed is less than 1"),
        (";4;3;", ";4;-1;", "orders_remaining is less than 0"),
        (";3;2;;", ";3;0;;", "neither pieces nor packages"),
        (";3;2;;", ";3;2;0;", "pieces_per_order is less than 1"),
        ("2027-05-01", "2027-05-32", "last_valid_date is not a date"),
        ("AKTIV", "BORTA", "status is not one of"),
        ("HEMLEVERANS|", "BREVDUVA|", "delivery_methods"),
        ("31001 31002", "31001 31001", "same sub-article"),
    ],
)
def test_refused_prescriptions(good: str, bad: str, reason: str) -> None:
    assert GOOD.count(good) == 1
    parsed = parse_table(f"{COLUMNS}\n{GOOD.replace(good, bad)}\n".encode(), TODAY, is_full=False)
    assert not any(subject.items for subject in parsed.subjects)
    assert reason in parsed.refusals[0].reason
    assert NUMBER not in parsed.refusals[0].reason


def test_the_same_item_twice_and_a_row_of_nobody_known() -> None:
    parsed = parse_table(f"{COLUMNS}\n{GOOD}\n{GOOD}\n".encode(), TODAY, is_full=True)
    assert [(refusal.line, refusal.reason) for refusal in parsed.refusals] == [
        (3, "the same prescription item is on an earlier line")
    ]
    assert parsed.is_readable
    assert not parse_table(f"{COLUMNS}\n{GOOD.replace(NUMBER, '1')}\n".encode(), TODAY, is_full=True).is_readable


def test_an_empty_full_delivery_cancels_nothing() -> None:
    with pytest.raises(FileRefused, match="would cancel everything"):
        parse_table(f"{COLUMNS}\n".encode(), TODAY, is_full=True)
