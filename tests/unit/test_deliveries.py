"""Sharing parcels, and what may be wished of a delivery: values in, values out. Handbook §5."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given, strategies as st

from core.phones import is_phone_number, swedish_mobile
from orders.deliveries import DeliveryProblem, Option, Terms, Trouble, check_wish, share_parcels, terms_of
from orders.kinds import DeliveryMethod, Notification
from orders.wishes import HOME_WAY, DeliveryWish, HomeAddress, InvoiceAddress, Way
from portal.delivery_reasons import explain_delivery

POINT_WAY = Way(DeliveryMethod.SERVICE_POINT, "POSTNORD")
WAYS = (HOME_WAY, POINT_WAY, Way(DeliveryMethod.SERVICE_POINT, "DHL"), Way(DeliveryMethod.HEALTH_CENTRE))

products = st.dictionaries(
    st.integers(1, 9), st.lists(st.sampled_from(WAYS), max_size=len(WAYS), unique=True), max_size=9
)


@given(products, st.lists(st.sampled_from(WAYS), unique=True))
def test_every_product_is_in_one_delivery_of_a_way_that_it_may_go(
    ways: dict[int, list[Way]], preferred: list[Way]
) -> None:
    groups = share_parcels(ways, preferred)
    assert sorted(i for group in groups.values() for i in group) == sorted(
        i for i, possible in ways.items() if possible
    )
    assert all(way in ways[product] for way, group in groups.items() for product in group)
    assert all(groups.values())


@given(products)
def test_there_are_as_few_deliveries_as_can_be(ways: dict[int, list[Way]]) -> None:
    needed = [set(possible) for possible in ways.values() if possible]
    fewest = next(
        count
        for count in range(len(WAYS) + 1)
        if any(all(possible & set(used) for possible in needed) for used in combinations(WAYS, count))
    )
    assert len(share_parcels(ways)) == fewest


@given(products, st.lists(st.sampled_from(WAYS), unique=True, min_size=1))
def test_what_may_go_a_preferred_way_does(ways: dict[int, list[Way]], preferred: list[Way]) -> None:
    groups = share_parcels(ways, preferred)
    for product, possible in ways.items():
        wanted = next((way for way in preferred if way in possible), None)
        if wanted is not None:
            assert product in groups[wanted]


def test_the_usual_way_is_kept_where_it_costs_no_delivery() -> None:
    assert share_parcels({1: [HOME_WAY, POINT_WAY], 2: [HOME_WAY, POINT_WAY]}) == {HOME_WAY: (1, 2)}
    assert share_parcels({1: [HOME_WAY, POINT_WAY], 2: [POINT_WAY]}) == {POINT_WAY: (1, 2)}


def test_what_all_allow_is_what_each_allows() -> None:
    one = Option(*_way(POINT_WAY), "A", (Notification.SMS, Notification.EMAIL), True, True, True)
    other = Option(*_way(POINT_WAY), "B", (Notification.EMAIL, Notification.LETTER), True, False, True)
    terms = terms_of([one, other])
    assert terms == Terms(POINT_WAY, (Notification.EMAIL,), True, False, True, False)
    assert not terms_of([one, replace(other, notifications=(Notification.LETTER,))]).needs_notification
    assert not terms_of([one, replace(other, allows_choice_of_point=False)]).allows_choice_of_point


def _way(way: Way) -> tuple[DeliveryMethod, str]:
    return way.method, way.provider


HOME = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde")
INVOICE = InvoiceAddress("Firman Prov", "Provvägen 2", "54131", "Skövde")
AT_HOME = Terms(HOME_WAY)
AT_POINT = Terms(
    POINT_WAY,
    tuple(Notification),
    allows_choice_of_point=True,
    allows_comment=True,
    allows_contact_person=True,
    allows_invoice_address=True,
)
BY_SMS = DeliveryWish(POINT_WAY, point_id="730001", notification=Notification.SMS, notify_to="070-000 00 01")


def _home(**changes: str) -> DeliveryWish:
    return DeliveryWish(address=replace(HOME, **changes))


def _point(**changes: object) -> DeliveryWish:
    return replace(BY_SMS, **changes)  # type: ignore[arg-type]


GOOD = [
    (DeliveryWish(), AT_HOME),
    (_home(), AT_HOME),
    (_home(comment="x" * 100), AT_HOME),
    (_home(street="Boxarvägen 4"), AT_HOME),
    (replace(_home(), comment="Ring på"), AT_HOME),
    (DeliveryWish(), replace(AT_HOME, notifications=(Notification.SMS,))),
    (BY_SMS, AT_POINT),
    (_point(notify_to="+46 70 000 00 01", contact_person="Prova Testsson", comment="Tack", invoice=INVOICE), AT_POINT),
    (_point(notification=Notification.EMAIL, notify_to="prov@example.se"), AT_POINT),
    (_point(notification=Notification.PHONE, notify_to="0500-00 00 00"), AT_POINT),
    (_point(notification=Notification.LETTER, notify_to="ignored"), AT_POINT),
    (_point(notification=None, notify_to=""), replace(AT_POINT, notifications=())),
    (_point(point_id=""), replace(AT_POINT, allows_choice_of_point=False)),
    (DeliveryWish(Way(DeliveryMethod.HEALTH_CENTRE)), Terms(Way(DeliveryMethod.HEALTH_CENTRE))),
]

BAD = [
    (_home(), AT_POINT, Trouble.NOT_OFFERED, "way"),
    (_home(receiver=" "), AT_HOME, Trouble.MISSING, "receiver"),
    (_home(street=""), AT_HOME, Trouble.MISSING, "street"),
    (_home(city=""), AT_HOME, Trouble.MISSING, "city"),
    (_home(postal_code=""), AT_HOME, Trouble.MISSING, "postal_code"),
    (_home(street="Box 12"), AT_HOME, Trouble.PO_BOX, "street"),
    (_home(street=" P.O. Box 7"), AT_HOME, Trouble.PO_BOX, "street"),
    (_home(care_of="postbox 3"), AT_HOME, Trouble.PO_BOX, "care_of"),
    (_home(postal_code="541 30"), AT_HOME, Trouble.POSTAL_CODE, "postal_code"),
    (_home(postal_code="5413"), AT_HOME, Trouble.POSTAL_CODE, "postal_code"),
    (_home(postal_code="54130\n"), AT_HOME, Trouble.POSTAL_CODE, "postal_code"),
    (_home(postal_code="٥٤١٣٠"), AT_HOME, Trouble.POSTAL_CODE, "postal_code"),
    (_home(comment="x" * 101), AT_HOME, Trouble.TOO_LONG, "comment"),
    (replace(_home(), comment="x" * 101), AT_HOME, Trouble.TOO_LONG, "comment"),
    (_home(city="y" * 101), AT_HOME, Trouble.TOO_LONG, "city"),
    (replace(_home(), contact_person="Prova"), AT_HOME, Trouble.NOT_OFFERED, "contact_person"),
    (replace(_home(), invoice=INVOICE), AT_HOME, Trouble.NOT_OFFERED, "invoice"),
    (
        replace(_home(), notification=Notification.SMS, notify_to="0700000001"),
        AT_HOME,
        Trouble.NOT_OFFERED,
        "notification",
    ),
    (_point(point_id=""), AT_POINT, Trouble.MISSING, "point_id"),
    (BY_SMS, replace(AT_POINT, allows_choice_of_point=False), Trouble.NOT_OFFERED, "point_id"),
    (_point(notification=None), AT_POINT, Trouble.MISSING, "notification"),
    (BY_SMS, replace(AT_POINT, notifications=(Notification.EMAIL,)), Trouble.NOT_OFFERED, "notification"),
    (BY_SMS, replace(AT_POINT, notifications=()), Trouble.NOT_OFFERED, "notification"),
    (_point(notify_to=""), AT_POINT, Trouble.MISSING, "notify_to"),
    (_point(notify_to="0500-00 00 00"), AT_POINT, Trouble.NOT_A_SWEDISH_MOBILE, "notify_to"),
    (_point(notify_to="+47 912 34 567"), AT_POINT, Trouble.NOT_A_SWEDISH_MOBILE, "notify_to"),
    (_point(notification=Notification.EMAIL, notify_to="prov"), AT_POINT, Trouble.NOT_AN_EMAIL, "notify_to"),
    (
        _point(notification=Notification.EMAIL, notify_to="a@b.se" + "e" * 250),
        AT_POINT,
        Trouble.TOO_LONG,
        "notify_to",
    ),
    (_point(notification=Notification.PHONE, notify_to="ring mig"), AT_POINT, Trouble.NOT_A_PHONE, "notify_to"),
    (_point(contact_person="x" * 201), AT_POINT, Trouble.TOO_LONG, "contact_person"),
    (
        _point(contact_person="Prova"),
        replace(AT_POINT, allows_contact_person=False),
        Trouble.NOT_OFFERED,
        "contact_person",
    ),
    (_point(comment="Hej"), replace(AT_POINT, allows_comment=False), Trouble.NOT_OFFERED, "comment"),
    (_point(comment="x" * 101), AT_POINT, Trouble.TOO_LONG, "comment"),
    (_point(invoice=replace(INVOICE, city="")), AT_POINT, Trouble.MISSING, "invoice_city"),
    (_point(invoice=replace(INVOICE, postal_code="1")), AT_POINT, Trouble.POSTAL_CODE, "invoice_postal_code"),
    (_point(invoice=replace(INVOICE, receiver="x" * 201)), AT_POINT, Trouble.TOO_LONG, "invoice_receiver"),
]


@pytest.mark.parametrize(("wish", "terms"), GOOD)
def test_a_wish_that_can_be_met(wish: DeliveryWish, terms: Terms) -> None:
    assert check_wish(wish, terms, registered=HOME, point_is_known=True) is None


@pytest.mark.parametrize(("wish", "terms", "trouble", "field"), BAD)
def test_a_wish_that_cannot_be_met_names_the_field(
    wish: DeliveryWish, terms: Terms, trouble: Trouble, field: str
) -> None:
    problem = check_wish(wish, terms, registered=HOME, point_is_known=True)
    assert problem is not None
    assert (problem.trouble, problem.field) == (trouble, field)


def test_a_point_must_be_known_and_a_letter_needs_a_registered_address() -> None:
    unknown = check_wish(BY_SMS, AT_POINT, registered=HOME, point_is_known=False)
    assert unknown == DeliveryProblem(Trouble.POINT_UNKNOWN, "point_id")
    letter = _point(notification=Notification.LETTER, notify_to="")
    nowhere = check_wish(letter, AT_POINT, registered=None, point_is_known=True)
    assert nowhere == DeliveryProblem(Trouble.NO_REGISTERED_ADDRESS, "notification")
    assert check_wish(DeliveryWish(), AT_HOME, registered=None) == DeliveryProblem(Trouble.MISSING, "street")


def test_a_wish_shows_nobodys_data_when_printed() -> None:
    wish = _point(contact_person="Prova Hemlig", comment="Grind", invoice=INVOICE, address=HOME)
    for secret in ("Prova", "070", "Grind", "Firman", "Provgatan", "Test"):
        assert secret not in repr(wish)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("070-123 45 67", "+46701234567"),
        ("+46 (0)70 123 45 67", "+46701234567"),
        ("0046701234567", "+46701234567"),
        ("46701234567", "+46701234567"),
        ("072\N{NON-BREAKING HYPHEN}123 45 67", "+46721234567"),
        ("0701234", None),
        ("07012345678", None),
        ("010-123 45 67", None),
        ("074-123 45 67", None),
        ("٠٧٠١٢٣٤٥٦٧", None),
        ("", None),
    ],
)
def test_swedish_mobile_numbers_are_told_from_others(text: str, number: str | None) -> None:
    assert swedish_mobile(text) == number


def test_phone_numbers() -> None:
    assert is_phone_number("+47 912 34 567")
    assert is_phone_number("0500-00 00 00")
    assert not is_phone_number("1234")
    assert not is_phone_number("070-ABC")


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize(
    "field",
    [
        "way",
        "point_id",
        "notification",
        "notify_to",
        "contact_person",
        "comment",
        "invoice",
        "street",
        "invoice_receiver",
    ],
)
def test_every_problem_is_a_sentence(trouble: Trouble, field: str) -> None:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        text = explain_delivery(
            DeliveryProblem(trouble, field, offered=(Notification.SMS, Notification.LETTER), most=100)
        )
    assert text.endswith(".")
    assert "%(" not in text
