"""How an order comes, chosen on the review page: one form, nothing lost, nothing ordered that was not shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html as lxml_html
from sqlalchemy import select

from auth.models import Person, Protection
from core.clock import ManualClock
from core.db import Database
from orders.kinds import Notification
from orders.models import (
    Channel,
    DeliveryAlternative,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    PrescriptionItem,
    PrescriptionStatus,
)
from orders.service_points import ServicePoint
from tests.support.builders import add_article, add_item, add_person, add_unit
from tests.support.order_forms import add_parent_and_child, count_rows, review_url
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in

POINT = "service_point-postnord-"
HOME, POSTNORD = "HOME_DELIVERY-INGEN", "SERVICE_POINT-POSTNORD"


@dataclass
class Found:
    """What a provider answers."""

    points: tuple[ServicePoint, ...] = ()
    is_stale: bool = False
    is_down: bool = False


@dataclass
class Carrier:
    """A provider of service points that says what the test wants."""

    answers: dict[str, Found] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def near(self, provider: str, postal_code: str) -> Found:
        self.asked.append((provider, postal_code))
        return self.answers.get(postal_code, Found())


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def app(database: Database, carrier: Carrier) -> Flask:
    app = make_app(database)
    app.extensions["service_points"] = carrier
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def to_point(*notifications: Notification, **allowed: bool) -> DeliveryAlternative:
    return DeliveryAlternative(
        method_id="SERVICE_POINT",
        name="Utlämningsställe",
        method=DeliveryMethod.SERVICE_POINT,
        provider="POSTNORD",
        allow_choice_of_delivery_points=True,
        allow_contact_person=True,
        notifications=[notification.value for notification in notifications or (Notification.SMS, Notification.LETTER)],
        **allowed,
    )


def add_points(database: Database, carrier: Carrier, count: int = 10, postal_code: str = "54130") -> list[ServicePoint]:
    with database.unit_of_work() as session:
        points = [
            ServicePoint(
                provider="POSTNORD",
                point_id=f"73{number:04d}",
                name=f"Kiosk {number}",
                street=f"Torget {number}",
                postal_code="54130",
                city="Skövde",
            )
            for number in range(1, count + 1)
        ]
        session.add_all(points)
    carrier.answers[postal_code] = Found(tuple(points))
    return points


def add_patient(database: Database, *ways: str, **person: object) -> tuple[Person, list[PrescriptionItem]]:
    """Add a patient with one product for each of `ways`: h(ome), p(oint), b(oth), c(entre)."""
    with database.unit_of_work() as session:
        patient = add_person(session, **person)  # type: ignore[arg-type]
        items = []
        for number, way in enumerate(ways, 1):
            item = add_item(session, patient, add_article(session, name=f"Vara {number}"))
            home = item.delivery_alternatives[:]
            centre = DeliveryAlternative(method_id="C", name="Vårdcentral", method=DeliveryMethod.HEALTH_CENTRE)
            item.delivery_alternatives = {"h": home, "p": [to_point()], "b": [*home, to_point()], "c": [centre]}[way]
            items.append(item)
    return patient, items


def form_of(text: str, **changes: str) -> dict[str, list[str]]:
    """What a browser without JavaScript would send from the order form of a page, with some of it changed."""
    page: Any = lxml_html.fromstring(text)
    form = next(form for form in page.forms if form.get("action") == "/order")
    fields: dict[str, list[str]] = {}
    for name, value in form.form_values():
        # The first line break of a text area is none of its text.
        fields.setdefault(name, []).append(value.removeprefix("\n"))
    return {**fields, **{name: [value] for name, value in changes.items()}}


def choices(database: Database) -> list[DeliveryChoice]:
    with database.session() as session:
        return list(session.scalars(select(DeliveryChoice).order_by(DeliveryChoice.id)))


def points_shown(text: str) -> list[tuple[str, bool]]:
    tags = re.findall(rf'<input type="radio"[^>]*name="{POINT}point"[^>]*>', text)
    return [(re.search(r'value="([^"]*)"', tag)[1], " checked" in tag) for tag in tags]  # type: ignore[index]


def test_two_products_that_share_no_way_are_two_deliveries_explained(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    points = add_points(database, carrier)
    person, items = add_patient(database, "h", "p")
    page = client_page(client, person, items)
    assert "It comes in 2 deliveries" in page
    assert "Vara 1 can only be sent home." in page
    assert "Vara 2 can only be fetched at a collection point of PostNord." in page
    form = form_of(page, **{f"{POINT}notification": "SMS", f"{POINT}sms": "070-123 45 67"})
    assert client.post("/order", data=form).status_code == 303
    home, point = choices(database)
    assert (home.method, home.street) == (DeliveryMethod.HOME_DELIVERY, "Provgatan 1")
    assert (point.point_id, point.point_name) == (points[0].point_id, "Kiosk 1")
    assert (point.notification, point.notify_to) == (Notification.SMS, "+46701234567")
    with database.session() as session:
        rows = session.scalars(select(OrderRow).order_by(OrderRow.id)).all()
        order_no = session.scalars(select(Order.order_no)).one()
    assert [row.delivery_choice_id for row in rows] == [home.id, point.id]
    shown = client.get(f"/orders/{order_no}")
    check_page(shown)
    for text in ("Delivery 1 of 2", "Delivery 2 of 2", "Kiosk 1", "Text message to 070-123 45 67", "Provgatan 1"):
        assert text in shown.text


def client_page(client: FlaskClient, person: Person, items: Iterable[PrescriptionItem]) -> str:
    answer = sign_in(client, person).get(review_url(*items))
    assert answer.status_code == 200
    check_page(answer)
    return answer.text


def test_another_way_is_chosen_on_the_same_page_and_nothing_is_ordered_unseen(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    points = add_points(database, carrier)
    person, items = add_patient(database, "b", "b")
    page = client_page(client, person, items)
    assert "2 deliveries" not in page
    assert carrier.asked == []
    amount = f"packages-{items[0].id}-{items[0].article_id}"
    changes = {"way-0": POSTNORD, amount: "3", "comment": "Ring på hos grannen"}
    # Without JavaScript the button for it may be passed by: what was not shown is not ordered.
    hasty = client.post("/order", data=form_of(page, **changes))
    assert hasty.status_code == 422
    assert "You changed how it comes. Nothing is ordered yet" in hasty.text
    looked = client.post("/order", data=form_of(page, do="look", **changes))
    assert looked.status_code == 200
    check_page(looked)
    assert carrier.asked == [("POSTNORD", "54130")] * 2
    assert points_shown(looked.text) == [(point.point_id, point is points[0]) for point in points]
    again = form_of(looked.text)
    assert (again[amount], again["comment"]) == (["3"], ["Ring på hos grannen"])
    assert count_rows(database, Order) == 0
    again = form_of(
        looked.text,
        **{
            f"{POINT}point": points[4].point_id,
            f"{POINT}notification": "LETTER",
            f"{POINT}contact_person": "Zoë O'Neill 👩‍👧",
        },
    )
    assert client.post("/order", data=again).status_code == 303
    (choice,) = choices(database)
    assert (choice.point_id, choice.notification, choice.contact_person) == (
        points[4].point_id,
        Notification.LETTER,
        "Zoë O'Neill 👩‍👧",
    )


def test_last_times_point_and_notification_are_the_next_default(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    points = add_points(database, carrier)
    person, (first, second) = add_patient(database, "b", "b")
    page = client_page(client, person, [first])
    looked = client.post("/order", data=form_of(page, do="look", **{"way-0": POSTNORD})).text
    chosen = {
        f"{POINT}point": points[6].point_id,
        f"{POINT}notification": "SMS",
        f"{POINT}sms": "070 123 45 67",
        f"{POINT}contact_person": "Elsa",
    }
    assert client.post("/order", data=form_of(looked, **chosen)).status_code == 303
    page = client.get(review_url(second)).text
    assert points_shown(page)[0] == (points[6].point_id, True)
    assert len(points_shown(page)) == 10
    assert "Where you fetched last time" in page
    assert client.post("/order", data=form_of(page)).status_code == 303
    again = choices(database)[1]
    assert (again.point_id, again.notify_to, again.contact_person) == (points[6].point_id, "+46701234567", "Elsa")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"notification": "SMS", "sms": "08-123 45 67"}, "A text message needs a Swedish mobile number"),
        ({"notification": "SMS", "sms": ""}, "Write where the message is to go."),
        ({"notification": ""}, "Choose how we tell you that the parcel has come."),
        ({"notification": "EMAIL", "email": "a@b.se"}, "These products cannot be announced that way."),
        ({"notification": "LETTER", "contact_person": "x" * 201}, "Write at most 200 characters."),
        ({"notification": "LETTER", "comment": "Hej"}, "No comment can be sent with this delivery."),
        ({"notification": "LETTER", "point": "no such point"}, "That collection point can no longer be used."),
        ({"notification": "LETTER", "point": ""}, "Choose where you want to collect the parcel."),
    ],
)
def test_a_wrong_wish_is_told_beside_its_field_and_everything_is_kept(
    database: Database, client: FlaskClient, carrier: Carrier, typed: dict[str, str], said: str
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "p")
    page = client_page(client, person, items)
    amount = f"packages-{items[0].id}-{items[0].article_id}"
    changes = {f"{POINT}{name}": value for name, value in typed.items()} | {amount: "2"}
    answer = client.post("/order", data=form_of(page, **changes))
    assert answer.status_code == 422
    assert said in answer.text
    assert "ds-error-summary" in answer.text
    check_page(answer)
    assert form_of(answer.text)[amount] == ["2"]
    for name in ("sms", "contact_person"):
        if typed.get(name):
            assert f'value="{typed[name]}"' in answer.text
    assert count_rows(database, Order) == 0


def test_several_mistakes_are_told_at_once(database: Database, client: FlaskClient, carrier: Carrier) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "h", "p")
    page = client_page(client, person, items)
    wrong = {"postal_code": "5413", f"{POINT}point": "", f"{POINT}notification": "SMS", f"{POINT}sms": "ring"}
    summary = client.post("/order", data=form_of(page, **wrong)).text.split("ds-error-summary")[1].split("</ul>")[0]
    for said in (
        "Write the postal code",
        "Choose where you want to collect the parcel.",
        "A text message needs a Swedish mobile number",
    ):
        assert said in summary


def test_a_provider_that_is_down_leaves_home_delivery_and_last_time(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    points = add_points(database, carrier)
    person, (first, second) = add_patient(database, "b", "b")
    page = client_page(client, person, [first, second])
    carrier.answers = {"54130": Found(is_down=True)}
    down = client.post("/order", data=form_of(page, do="look", **{"way-0": POSTNORD}))
    check_page(down)
    assert (
        "PostNord does not answer just now. So we cannot show any collection points. You can have it another way"
        in down.text
    )
    assert "Try again" in down.text
    refused = client.post("/order", data=form_of(down.text, **{f"{POINT}notification": "LETTER"}))
    assert "Choose where you want to collect the parcel." in refused.text
    home = client.post("/order", data=form_of(down.text, do="look", **{"way-0": HOME})).text
    assert client.post("/order", data={**form_of(home), "item": [str(first.id)]}).status_code == 303
    carrier.answers = {"54130": Found(tuple(points))}
    looked = client.post(
        "/order", data=form_of(client.get(review_url(second)).text, do="look", **{"way-0": POSTNORD})
    ).text
    assert client.post("/order", data=form_of(looked, **{f"{POINT}notification": "LETTER"})).status_code == 303
    # Next time it is known where it was fetched, whoever answers.
    with database.unit_of_work() as session:
        third = add_item(session, session.get_one(Person, person.id), add_article(session))
        session.flush()
        third.delivery_alternatives = [to_point()]
    carrier.answers = {"54130": Found(is_down=True)}
    page = client.get(review_url(third)).text
    assert "You can choose the one you had last time." in page
    assert points_shown(page) == [(points[0].point_id, True)]
    carrier.answers = {"54130": Found(tuple(points[3:6]), is_stale=True, is_down=True)}
    page = client.get(review_url(third)).text
    assert "These are the collection points that we knew of before." in page
    assert client.post("/order", data=form_of(page)).status_code == 303
    assert choices(database)[-1].point_id == points[0].point_id


@pytest.mark.parametrize(
    ("code", "said"),
    [("99999", "There is no collection point near 999"), ("Skövde", "Write the postal code with five digits")],
)
def test_a_postal_code_of_nowhere_is_answered_in_words(
    database: Database, client: FlaskClient, carrier: Carrier, code: str, said: str
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "p")
    page = client_page(client, person, items)
    answer = client.post("/order", data=form_of(page, do="look", **{f"{POINT}search": code}))
    assert answer.status_code == 200
    assert said in answer.text
    check_page(answer)


def test_the_language_is_switched_with_everything_typed_kept(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "b")
    page = client_page(client, person, items)
    assert re.search(r'<button type="submit" lang="sv" form="order" name="do" value="language-sv">', page)
    answer = client.post("/order", data=form_of(page, do="language-sv", comment="Ring två gånger", receiver="שרה כהן"))
    assert answer.status_code == 200
    assert 'lang="sv"' in answer.text
    assert "Bekräfta beställningen" in answer.text
    form = form_of(answer.text)
    assert (form["comment"], form["receiver"]) == (["Ring två gånger"], ["שרה כהן"])
    with database.session() as session:
        assert session.get_one(Person, person.id).language == "sv"
    assert client.post("/order", data=form_of(page, do="language-xx")).status_code == 404
    assert client.post("/order", data=form_of(page, do="dance")).status_code == 400
    assert client.post("/order", data=form).status_code == 303


def test_what_happened_meanwhile_is_told_and_nothing_is_ordered(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, (kept, stopped, discontinued, homeless) = add_patient(database, "b", "b", "b", "b")
    form = form_of(client_page(client, person, [kept, stopped, discontinued, homeless]), comment="Hej")
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, stopped.id).status = PrescriptionStatus.CANCELLED
        session.get_one(PrescriptionItem, discontinued.id).article.is_orderable = False
        fetched = session.get_one(PrescriptionItem, homeless.id)
        fetched.delivery_alternatives.pop(0)
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    check_page(answer)
    assert "Your prescription has ended." in answer.text
    assert "It cannot be ordered here." in answer.text
    assert "Vara 4 can no longer be delivered the way you chose." in answer.text
    assert form_of(answer.text)["comment"] == ["Hej"]
    assert count_rows(database, Order) == 0
    again = form_of(answer.text, **{f"{POINT}notification": "LETTER"})
    assert client.post("/order", data=again).status_code == 303
    assert {choice.method for choice in choices(database)} == {
        DeliveryMethod.HOME_DELIVERY,
        DeliveryMethod.SERVICE_POINT,
    }


def test_a_child_who_turned_thirteen_at_midnight_is_not_ordered_for(
    database: Database, client: FlaskClient, clock: ManualClock
) -> None:
    parent, child, item = add_parent_and_child(database)
    clock.set(datetime(2030, 5, 4, 20, 0, tzinfo=UTC))
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).last_valid_date = date(2031, 1, 1)
    sign_in(client, parent, acting_for=child)
    form = form_of(client.get(review_url(item)).text)
    clock.set(datetime(2030, 5, 4, 22, 5, tzinfo=UTC))
    sign_in(client, parent, acting_for=child)
    form["csrf_token"] = [re.search(r'name="csrf_token" value="([^"]+)"', client.get("/my-products").text)[1]]  # type: ignore[index]
    answer = client.post("/order", data=form)
    assert answer.status_code == 403
    assert "You can no longer order for this person" in answer.text
    assert "a child turns 13" in answer.text
    check_page(answer)
    assert count_rows(database, Order) == 0


def test_a_name_of_three_hundred_characters_is_ordered_as_it_is(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, name=f"{'Å' * 150} {'Ö' * 149}")
        item = add_item(session, person, add_article(session))
    page = client_page(client, person, [item])
    assert client.post("/order", data=form_of(page)).status_code == 303
    assert choices(database)[0].receiver == person.full_name


def test_the_same_is_ordered_again_with_its_amounts_and_what_is_gone_is_told(
    database: Database, client: FlaskClient
) -> None:
    person, (first, second) = add_patient(database, "h", "h")
    amounts = {f"packages-{first.id}-{first.article_id}": "2", f"packages-{second.id}-{second.article_id}": "5"}
    page = client_page(client, person, [first, second])
    location = client.post("/order", data=form_of(page, **amounts)).headers["Location"]
    order_no = re.search(r"\d+", location)[0]  # type: ignore[index]
    assert f'href="/order/review?again={order_no}"' in client.get(f"/orders/{order_no}").text
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, first.id).next_earliest_order_date = None
        gone = session.get_one(PrescriptionItem, second.id)
        gone.status, gone.ended_on = PrescriptionStatus.CANCELLED, date(2020, 1, 1)
    answer = client.get(f"/order/review?again={order_no}")
    check_page(answer)
    assert "This is what order" in answer.text
    assert form_of(answer.text)[f"packages-{first.id}-{first.article_id}"] == ["2"]
    assert "Your prescription of it has ended." in answer.text
    assert client.post("/order", data=form_of(answer.text)).status_code == 303
    for nobody in ("1", "%00", "9" * 500):
        assert client.get(f"/order/review?again={nobody}").status_code == 404


def test_an_order_of_a_replacement_has_nothing_to_order_again(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database, "h")
    location = client.post("/order", data=form_of(client_page(client, person, [item]))).headers["Location"]
    order_no = re.search(r"\d+", location)[0]  # type: ignore[index]
    with database.unit_of_work() as session:
        row = session.scalars(select(OrderRow)).one()
        row.withdrawal, row.kind, row.complaint_ref = None, "REPLACEMENT", 1  # type: ignore[assignment]
    assert "again=" not in client.get(f"/orders/{order_no}").text
    assert client.get(f"/order/review?again={order_no}").headers["Location"] == "/my-products"


def test_what_is_fetched_at_the_health_centre_says_where(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, "c")
    with database.unit_of_work() as session:
        centre = add_unit(session, "Vårdcentralen Provhaga")
        moved = session.get_one(Person, person.id)
        moved.region, moved.county_code, moved.health_centre_id = "norrbotten", "25", centre.id
    page = client_page(client, person, items)
    for text in ("Your health centre", "Vårdcentralen Provhaga", "Vårdvägen 2", "Bring identification"):
        assert text in page
    assert 'name="street"' not in page
    answer = client.post("/order", data=form_of(page))
    assert answer.status_code == 303
    (choice,) = choices(database)
    assert choice.method is DeliveryMethod.HEALTH_CENTRE
    shown = client.get(answer.headers["Location"]).text
    assert "You fetch it at Vårdcentralen Provhaga." in shown


def test_an_invoice_goes_elsewhere_only_where_a_product_allows_it(database: Database, client: FlaskClient) -> None:
    person, (plain, other) = add_patient(database, "h", "h")
    assert "Another address for the invoice" not in client_page(client, person, [plain])
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, other.id).allow_other_invoice_address = True
    page = client_page(client, person, [other])
    incomplete = client.post("/order", data=form_of(page, **{"invoice-receiver": "God man"}))
    assert incomplete.status_code == 422
    assert "Write the street and the number" in incomplete.text
    whole = {
        "invoice-receiver": "God man",
        "invoice-street": "Box 12",
        "invoice-postal_code": "541 30",
        "invoice-city": "Skövde",
    }
    assert client.post("/order", data=form_of(page, **whole)).status_code == 303
    (choice,) = choices(database)
    assert (choice.invoice_receiver, choice.invoice_street, choice.invoice_postal_code) == (
        "God man",
        "Box 12",
        "54130",
    )


def test_a_protected_identity_sees_its_units_and_no_fields(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "p", "b", protection=Protection.CONFIDENTIALITY_FLAG)
    page = client_page(client, person, items)
    with database.session() as session:
        for item in items:
            assert session.get_one(PrescriptionItem, item.id).prescription.prescribing_unit.name in page
    for name in ("street", "postal_code", POINT, "invoice-", "way-", "shown-"):
        assert f'name="{name}' not in page
    smuggled = {"shown-0": POSTNORD, "parcel-0": str(items[0].id), f"{POINT}sms": "0701234567", "do": "last-address"}
    assert client.post("/order", data=form_of(page, **smuggled)).status_code == 200
    assert client.post("/order", data=form_of(page)).status_code == 303
    assert {choice.method for choice in choices(database)} == {DeliveryMethod.UNIT}
    assert carrier.asked == []


def test_what_was_not_shown_is_not_ordered(database: Database, client: FlaskClient, carrier: Carrier) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "h", "p")
    form = form_of(client_page(client, person, items[:1]))
    form["item"] = [str(item.id) for item in items]
    form[f"seen-{items[1].id}"], form[f"packages-{items[1].id}-{items[1].article_id}"] = ["4"], ["6"]
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    assert "It comes in 2 deliveries" in answer.text
    assert count_rows(database, Order) == 0


def test_the_page_reads_as_much_however_many_products(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, *"hpb" * 5)
    sign_in(client, person)
    client.get(review_url(*items))
    with counted(database) as few:
        client.get(review_url(*items[:3]))
    with counted(database) as many:
        client.get(review_url(*items))
    assert len(many) == len(few)
    assert len(many) <= 24


def test_channel_is_the_web_when_a_patient_orders(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, "h")
    client.post("/order", data=form_of(client_page(client, person, items)))
    with database.session() as session:
        assert session.scalars(select(Order.channel)).one() is Channel.WEB
