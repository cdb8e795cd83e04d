"""Ordering again: last time's address is the next one's beginning, all mistakes are told at once, and the day is for a calendar."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from auth.models import Person, Protection
from core.audit import AccessLogEntry
from core.db import Database
from orders.addresses import last_home_address
from orders.models import Channel, DeliveryChoice, Order, OrderRow, PrescriptionItem, RowStatus
from tests.support.order_forms import add_patient, amounts_of, count_rows, hidden_fields_of, order_form, review_url
from tests.support.statements import counted
from tests.support.web import make_app, sign_in

LAST = {
    "care_of": "Berg",
    "door_code": "1234#",
    "phone": "070-000 00 09",
    "comment": "Ställ den bakom bänken",
}
ELSEWHERE = {"street": "Sommarvägen 9", "postal_code": "457 91", "city": "Tanumshede", "door_code": "99"}


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _order(client: FlaskClient, item: PrescriptionItem, **changes: str) -> str:
    answer = client.post("/order", data=order_form(client, item, **changes))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].split("?")[0]


def _values(html: str) -> dict[str, str]:
    """The address that the page begins with."""
    found = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', html))
    comment = re.search(r'<textarea[^>]* name="comment"[^>]*>\s*(.*?)</textarea>', html, re.DOTALL)
    return {**found, "comment": comment[1] if comment else ""}


def test_last_times_door_code_phone_and_comment_come_back_and_can_be_seen(
    database: Database, client: FlaskClient
) -> None:
    person, (first, second) = add_patient(database, 2)
    sign_in(client, person)
    _order(client, first, street="provgatan  1", receiver="Grannen Prov", **LAST)
    page = client.get(review_url(second)).text
    values = _values(page)
    assert {name: values[name] for name in LAST} == LAST
    assert values["receiver"] == "Grannen Prov"
    for shown in ("c/o Berg", "Door code: 1234#", "Phone: 070-000 00 09", "Ställ den bakom bänken"):
        assert shown in page.split('id="address"')[0]
    assert "Same address as last time" not in page


def test_another_address_of_last_time_is_offered_and_not_taken(database: Database, client: FlaskClient) -> None:
    person, (first, second) = add_patient(database, 2)
    sign_in(client, person)
    _order(client, first, **{**LAST, **ELSEWHERE})
    page = client.get(review_url(second)).text
    values = _values(page)
    assert (values["street"], values["postal_code"], values["comment"]) == ("Provgatan 1", "54130", "")
    # Another door's code is not this one's, and the question is not asked twice.
    assert values.get("door_code", "") == ""
    assert "Does one need a code" not in page
    assert "Same address as last time: Sommarvägen 9, 457\N{NO-BREAK SPACE}91 Tanumshede" in page
    again = _press(client, second, page, "last-address")
    values = _values(again)
    assert (values["street"], values["door_code"], values["comment"]) == ("Sommarvägen 9", "99", LAST["comment"])
    assert amounts_of(again) == {f"packages-{second.id}-{second.article_id}": "3"}
    assert "Send it home instead" in again
    assert _values(_press(client, second, again, "home-address"))["street"] == "Provgatan 1"
    assert count_rows(database, Order) == 1


def _press(client: FlaskClient, item: PrescriptionItem, page: str, button: str) -> str:
    assert f'value="{button}"' in page
    amounts = {f"packages-{item.id}-{item.article_id}": "3"}
    form = {**hidden_fields_of(page), **_values(page), **amounts, "item": str(item.id), "do": button}
    answer = client.post("/order", data=form)
    assert answer.status_code == 200
    return answer.text


def test_the_registers_address_wins_when_one_has_moved(database: Database, client: FlaskClient) -> None:
    person, (first, second) = add_patient(database, 2)
    sign_in(client, person)
    _order(client, first, **LAST)
    with database.unit_of_work() as session:
        session.get_one(Person, person.id).street = "Nygatan 2"
    values = _values(client.get(review_url(second)).text)
    assert (values["street"], values["comment"]) == ("Nygatan 2", "")


@pytest.mark.parametrize("what", ["cancelled", "replacement", "to the unit", "erased"])
def test_what_nobody_chose_is_not_last_time(database: Database, client: FlaskClient, what: str) -> None:
    person, (first, second) = add_patient(database, 2)
    sign_in(client, person)
    _order(client, first, **LAST)
    with database.unit_of_work() as session:
        match what:
            case "cancelled":
                session.execute(update(OrderRow).values(status=RowStatus.CANCELLED))
            case "replacement":
                session.execute(update(Order).values(channel=Channel.COMPLAINT))
            case "to the unit":
                session.execute(update(DeliveryChoice).values(method="UNIT"))
            case _:
                session.execute(update(DeliveryChoice).values(street="", receiver=""))
    assert _values(client.get(review_url(second)).text)["comment"] == ""


def test_a_protected_identity_is_never_shown_where_it_went(database: Database, client: FlaskClient) -> None:
    person, (first, second) = add_patient(database, 2)
    sign_in(client, person)
    _order(client, first, **{**LAST, **ELSEWHERE})
    with database.unit_of_work() as session:
        # By itself: what else happens when the flag arrives takes the address away too.
        flagged = session.get_one(Person, person.id)
        flagged.protection = Protection.CONFIDENTIALITY_FLAG
        for name in ("given_name", "family_name", "street", "postal_code", "city", "door_code", "phone"):
            setattr(flagged, name, "")
    page = client.post("/order", data=order_form(client, second, do="last-address")).text
    assert "Sommarvägen" not in page
    assert LAST["comment"] not in page


def test_somebody_elses_order_is_nobodys_last_time(database: Database, app: Flask) -> None:
    stranger, (theirs,) = add_patient(database, name="Sigrid Främling")
    _order(sign_in(app.test_client(), stranger), theirs, **{**LAST, **ELSEWHERE})
    person, (item,) = add_patient(database)
    page = sign_in(app.test_client(), person).get(f"{review_url(item)}&address=last").text
    assert "Sommarvägen" not in page


def test_last_time_is_found_in_one_statement(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, 3)
    sign_in(client, person)
    for item in items[:2]:
        _order(client, item, comment=f"Nummer {item.id}")
    with database.session() as session:
        loaded = session.get_one(Person, person.id)
        with counted(database) as statements:
            found = last_home_address(session, loaded)
    assert found is not None
    assert found.comment == f"Nummer {items[1].id}"
    assert len(statements) == 1


def test_too_many_and_a_wrong_address_are_told_at_once(database: Database, client: FlaskClient) -> None:
    person, (one, two) = add_patient(database, 2)
    sign_in(client, person)
    amounts = {f"packages-{one.id}-{one.article_id}": "7", f"packages-{two.id}-{two.article_id}": "0"}
    form = order_form(client, one, two, postal_code="5413", **amounts)
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    summary = answer.text.split("error-summary", 1)[1].split("</ul>")[0]
    assert "You can order at most 6 packages at a time." in summary
    assert "Choose at least one package" in summary
    assert "Write the postal code with five digits" in summary
    assert count_rows(database, Order) == 0
    # What is not ordered has no wrong amount.
    form["item"] = [str(two.id)]
    assert "at most 6 packages at a time." not in client.post("/order", data=form).text


def test_nothing_ticked_and_a_wrong_address_are_told_at_once(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    form = order_form(sign_in(client, person), item, postal_code="5413")
    form.pop("item")
    answer = client.post("/order", data=form)
    assert "Tick at least one product" in answer.text
    assert "Write the postal code with five digits" in answer.text


def test_the_day_of_the_parcel_is_a_file_for_the_calendar(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    path = _order(sign_in(client, person, language="sv"), item)
    assert f'href="{path}/calendar"' in client.get(path).text
    answer = client.get(f"{path}/calendar")
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert answer.headers["Content-Disposition"].endswith(".ics")
    text = answer.text.replace("\r\n ", "")
    assert "\r\nSUMMARY:Paket från Hjälpmedelsportalen\r\n" in text
    assert "\r\nDTSTART;VALUE=DATE:20261208\r\n" in text
    for word in ("Glukos", "Provsson", "Provgatan", "Diabetes"):
        assert word not in text
    uid = re.search(r"UID:(\S+)", text)
    assert uid
    assert uid[0] in client.get(f"{path}/calendar").text
    with database.session() as session:
        acts = session.scalars(select(AccessLogEntry.action).order_by(AccessLogEntry.id.desc())).first()
    assert acts == "order.seen"


def test_a_day_that_has_moved_is_the_new_day(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    path = _order(sign_in(client, person), item)
    with database.unit_of_work() as session:
        session.scalars(select(Order)).one().promised_date = date(2027, 1, 7)
    assert "DTSTART;VALUE=DATE:20270107" in client.get(f"{path}/calendar").text


@pytest.mark.parametrize("status", [RowStatus.DELIVERED, RowStatus.CANCELLED])
def test_what_has_come_or_never_comes_has_no_day(database: Database, client: FlaskClient, status: RowStatus) -> None:
    person, (item,) = add_patient(database)
    path = _order(sign_in(client, person), item)
    with database.unit_of_work() as session:
        session.execute(update(OrderRow).values(status=status))
    assert "/calendar" not in client.get(path).text
    assert client.get(f"{path}/calendar").status_code == 404


def test_another_persons_day_does_not_exist(database: Database, app: Flask) -> None:
    stranger, (theirs,) = add_patient(database, name="Sigrid Främling")
    path = _order(sign_in(app.test_client(), stranger), theirs)
    person, _items = add_patient(database)
    assert sign_in(app.test_client(), person).get(f"{path}/calendar").status_code == 404
