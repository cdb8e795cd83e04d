"""Responses of the national contract: both versions, every wrapping, and nothing that an attacker could send."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from core.importing import FileRefused
from orders.importing.contract import parse_responses
from orders.models import DeliveryMethod, Notification, PrescriptionStatus, ProductArea
from portal.demo.region.filling import filled
from tests.support.builders import number_text
from tests.support.contract import Item, Past, in_envelope, response

TODAY = date(2026, 12, 1)
NUMBER = number_text(date(1979, 4, 12), 2)
OTHER = number_text(date(1980, 4, 12), 2)
SCHEMAS = Path(__file__).parents[3] / "shared" / "rivta"
RESPONDER = "interactions/GetMedicalSupplyPrescriptionsInteraction/GetMedicalSupplyPrescriptionsResponder"


@pytest.mark.parametrize("version", [1, 2])
def test_a_response_of_either_version(version: int) -> None:
    raw = response(
        NUMBER,
        Item(sub_article_nos=("21002", "21003"), next_earliest="2026-12-24+01:00"),
        version=version,
        history=(Past("J-1"), Past("J-2", delivered='<c:DeliveredDate xsi:nil="true"/>')),
    )
    parsed = parse_responses(raw.encode(), TODAY)
    assert not parsed.refusals
    (subject,) = parsed.subjects
    assert subject.number.extension == NUMBER
    assert subject.full_sources == {"JOURNAL"}
    (item,) = subject.items
    assert item.product_area is ProductArea.DIABETES
    assert item.article_no == "21001"
    assert item.sub_article_nos == ("21002", "21003")
    assert item.status is PrescriptionStatus.ACTIVE
    assert item.next_earliest_order_date == date(2026, 12, 24)
    home, point = item.alternatives
    assert (home.method, home.provider) == (DeliveryMethod.HOME_DELIVERY, "INGEN")
    assert (point.provider, point.allow_choice_of_delivery_points, point.allow_contact_person) == (
        "POSTNORD",
        True,
        True,
    )
    assert point.notifications == (Notification.EMAIL,)
    assert [past.delivered_date for past in subject.history] == [date(2026, 9, 5), None]


@pytest.mark.parametrize("version", [1, 2])
def test_what_tests_and_demo_say_is_valid_by_the_schemas(version: int) -> None:
    schema_file = SCHEMAS / f"v{version}.0" / f"{RESPONDER}_{version}.0.xsd"
    if not schema_file.exists():
        pytest.skip(f"no schemas beside the repository: {schema_file.name}")
    schema = etree.XMLSchema(etree.parse(schema_file))
    schema.assertValid(
        etree.fromstring(response(NUMBER, Item(sub_article_nos=("21002",)), version=version, history=(Past("J-1"),)))
    )
    demo = etree.fromstring(filled(f"prescriptions-{version}.0.xml", TODAY))
    assert len(demo) > 1
    for answer in demo:
        schema.assertValid(answer)


def test_wrapped_in_envelopes_and_several_in_one_file() -> None:
    one, two = response(NUMBER, Item()), response(OTHER, Item(), version=1)
    for raw in (in_envelope(one), f"<all>{one}{in_envelope(two)}</all>"):
        parsed = parse_responses(raw.encode(), TODAY)
        assert not parsed.refusals
        assert len(parsed.subjects) == raw.count("SubjectOfCareId>") // 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_any_encoding_that_xml_declares(encoding: str) -> None:
    declared = encoding.replace("-sig", "")
    raw = f'<?xml version="1.0" encoding="{declared}"?>' + response(NUMBER, Item(status="UTGÅTT"))
    assert parse_responses(raw.encode(encoding), TODAY).subjects[0].items[0].status is PrescriptionStatus.EXPIRED


def test_space_around_namespaces_and_the_other_spelling_of_e_mail() -> None:
    raw = response(NUMBER, Item(notification="EPOST")).replace('medicalsupply:2"', 'medicalsupply:2 \n"')
    (item,) = parse_responses(raw.encode(), TODAY).subjects[0].items
    assert item.alternatives[1].notifications == (Notification.EMAIL,)


def test_no_packages_but_pieces() -> None:
    (item,) = parse_responses(response(NUMBER, Item(packages=0, pieces=6)).encode(), TODAY).subjects[0].items
    assert (item.packages_per_order, item.pieces_per_order) == (0, 6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allowed": 0}, "NoOfOrders is less than 1"),
        ({"remaining": -1}, "NoOfRemainingOrders is less than 0"),
        ({"remaining": 5}, "more withdrawals remain"),
        ({"remaining": "många"}, "NoOfRemainingOrders is not a whole number"),
        ({"pieces": 0}, "NoOfArticlesPerOrder is less than 1"),
        ({"last_valid": "2027-02-30"}, "LastValidDate is not a date"),
        ({"next_earliest": "i morgon"}, "NextEarliestOrderDate is not a date"),
        ({"status": "KLAR"}, "Status is not one of"),
        ({"package_size": 0}, "PackageSize is less than 1"),
        ({"notification": "DUVA"}, "DeliveryNotificationMethod"),
        ({"item_id": ""}, "PrescriptionItemId is missing"),
        ({"item_id": "x" * 81}, "longer than 80"),
        ({"extra": "<c:AllowOtherInvoiceAddress>ja</c:AllowOtherInvoiceAddress>"}, "neither true nor false"),
    ],
)
def test_refused_items_have_line_and_reason(change: dict[str, object], reason: str) -> None:
    raw = response(NUMBER, Item(item_id="I0"), replace(Item(), **change))  # type: ignore[arg-type]
    parsed = parse_responses(raw.encode(), TODAY)
    assert [item.key.item_id for item in parsed.subjects[0].items] == ["I0"]
    ((line, said),) = [(refusal.line, refusal.reason) for refusal in parsed.refusals]
    # Images hold line breaks.
    assert line > 3
    assert reason in said
    assert parsed.subjects[0].is_readable is (change != {"item_id": ""} and change != {"item_id": "x" * 81})


def test_duplicates_are_refused() -> None:
    raw = response(NUMBER, Item(), Item(), history=(Past("J-1"), Past("J-1")))
    parsed = parse_responses(raw.encode(), TODAY)
    assert [refusal.reason for refusal in parsed.refusals] == [
        "the same prescription item is on an earlier line",
        "the same OrderItemId is on an earlier line",
    ]


@pytest.mark.parametrize("number", ["", "123", NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)])
def test_nobody_is_refused_without_the_number(number: str) -> None:
    parsed = parse_responses(response(number, Item()).encode(), TODAY)
    assert not parsed.subjects
    assert not number or number not in parsed.refusals[0].reason


def test_an_error_is_no_empty_delivery() -> None:
    parsed = parse_responses(response(NUMBER, result="ERROR").encode(), TODAY)
    assert not parsed.subjects
    assert "error" in parsed.refusals[0].reason
    assert not parse_responses(response(NUMBER, result="INFO").encode(), TODAY).subjects[0].is_empty_answer
    assert parse_responses(response(NUMBER).encode(), TODAY).subjects[0].is_empty_answer


SECRET = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "<open>",
        "<all/>",
        SECRET + response("&x;", Item()),
        BOMB + response("&b;", Item()),
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">' + response(NUMBER, Item()),
        response(NUMBER, Item()).replace("medicalsupply:2", "medicalsupply:3").replace("Responder:2", "Responder:3"),
        in_envelope(
            "<s:Fault xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><faultstring>x</faultstring></s:Fault>"
        ),
    ],
)
def test_files_that_are_not_read(raw: str) -> None:
    with pytest.raises(FileRefused):
        parse_responses(raw.encode(), TODAY)
