"""How an order comes, chosen on the review page: one form, nothing lost, nothing ordered that was not shown."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.models import Person
from core.db import Database
from orders.kinds import Notification
from orders.models import (
    DeliveryMethod,
    Order,
    OrderRow,
)
from tests.support.builders import add_article, add_item
from tests.support.delivery_pages import (
    HOME,
    POINT,
    POSTNORD,
    Carrier,
    Found,
    add_patient,
    add_points,
    choices,
    client_page,
    form_of,
    points_shown,
    to_point,
)
from tests.support.order_forms import count_rows, review_url
from tests.support.pages import check_page
from tests.support.web import make_app


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
