"""The page on which an order is changed: both forms, what is typed and refused, and who gets there."""

from __future__ import annotations

import re
from datetime import date
from itertools import count

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from auth.models import Guardianship, Person, Protection
from core.db import Database
from core.idempotency import new_key
from orders.cancelling import cancel_order
from orders.models import DeliveryAlternative, DeliveryChoice, DeliveryMethod, Order, PrescriptionItem, RowStatus
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_article, add_item, add_person, add_staff, patient_identity
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

_keys = count(1)
HOME = {
    "receiver": "Anna Provsson",
    "care_of": "",
    "street": "Nya gatan 7",
    "postal_code": "541 30",
    "city": "Skövde",
    "door_code": "",
    "phone": "",
    "comment": "",
}


class Pages:
    """A patient with an order of sensors and of a bag in two sizes."""

    def __init__(self, database: Database) -> None:
        self.database, self.app = database, make_app(database)
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Anna Provsson")
            self.sensor = add_article(session)
            generic = add_article(session, name="Stomipåse")
            self.sizes = [add_article(session, name="Stomipåse", generic=generic) for _ in range(2)]
            self.item = add_item(session, self.patient, self.sensor, packages=6)
            self.bags = add_item(session, self.patient, generic, packages=10, sub_articles=tuple(self.sizes))
        self.order_no = self.place(self.patient)
        self.client = self.browser(self.patient)

    def place(self, person: Person) -> str:
        with self.database.unit_of_work() as session:
            lines = (
                OrderLine(self.item.id, {self.sensor.id: 6}, 4),
                OrderLine(self.bags.id, {self.sizes[0].id: 10}, 4),
            )
            command = PlaceOrder(lines, idempotency_key=f"change-page-{next(_keys)}")
            return place_order(session, patient_identity(person), command).order_no

    def browser(self, person: Person, acting_for: Person | None = None) -> FlaskClient:
        return sign_in(self.app.test_client(), person, acting_for=acting_for)

    @property
    def path(self) -> str:
        return f"/orders/{self.order_no}/change"

    def fields(self, client: FlaskClient, part: str) -> dict[str, str | list[str]]:
        """What the form holds as it came."""
        page = client.get(self.path).text
        form = re.search(rf'<form[^>]*id="{"amounts" if part == "amounts" else "order"}".*?</form>', page, re.DOTALL)
        assert form
        held: dict[str, str | list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", form[0]):
            kind = (re.search(r'type="([a-z]+)"', tag) or ["", "text"])[1]
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            if not name or (kind in {"checkbox", "radio"} and "checked" not in tag):
                continue
            if kind == "checkbox":
                held.setdefault(name[1], [])
                held[name[1]].append(value[1] if value else "")  # type: ignore[union-attr]
            else:
                held[name[1]] = value[1] if value else ""
        return held

    def send(self, part: str, **changes: object) -> TestResponse:
        """Send a form with some of its fields changed."""
        return self.send_as(self.client, part, **changes)

    def send_as(self, client: FlaskClient, part: str, **changes: object) -> TestResponse:
        """Send a form from another browser."""
        return client.post(self.path, data={**self.fields(client, part), **changes})

    def rows(self) -> dict[int, int]:
        with self.database.session() as session:
            order = session.scalars(select(Order).where(Order.order_no == self.order_no)).one()
            return {row.article_id: row.packages for row in order.rows if row.status is not RowStatus.CANCELLED}

    def choice(self) -> DeliveryChoice:
        with self.database.session() as session:
            return session.scalars(
                select(DeliveryChoice)
                .join(DeliveryChoice.order)
                .where(Order.order_no == self.order_no, DeliveryChoice.superseded_at.is_(None))
            ).one()

    def amount(self, article_id: int, item: PrescriptionItem) -> str:
        return f"packages-{item.id}-{article_id}"


@pytest.fixture
def pages(database: Database) -> Pages:
    return Pages(database)


def test_the_page_shows_the_order_as_it_is(pages: Pages) -> None:
    assert f'href="{pages.path}"' in pages.client.get(f"/orders/{pages.order_no}").text
    page = pages.client.get(pages.path)
    check_page(page)
    assert 'value="Provgatan 1"' in page.text
    held = pages.fields(pages.client, "amounts")
    assert held[pages.amount(pages.sensor.id, pages.item)] == "6"
    assert held[pages.amount(pages.sizes[1].id, pages.bags)] == "0"


def test_less_and_another_spread(pages: Pages) -> None:
    a, b = pages.sizes
    answer = pages.send(
        "amounts",
        **{
            pages.amount(pages.sensor.id, pages.item): "3",
            pages.amount(a.id, pages.bags): "4",
            pages.amount(b.id, pages.bags): "6",
        },
    )
    assert (answer.status_code, answer.location) == (303, f"/orders/{pages.order_no}")
    assert pages.rows() == {pages.sensor.id: 3, a.id: 4, b.id: 6}
    page = pages.client.get(f"/orders/{pages.order_no}")
    check_page(page)
    assert "The order is changed." in page.text
    assert page.text.count("Glukossensor") == 1


def test_leaving_a_product_out(pages: Pages) -> None:
    assert pages.send("amounts", item=[str(pages.bags.id)]).status_code == 303
    assert pages.rows() == {pages.sizes[0].id: 10}
    with pages.database.session() as session:
        assert session.get_one(PrescriptionItem, pages.item.id).orders_remaining == 4


def test_leaving_out_everything_says_what_to_do_instead(pages: Pages) -> None:
    answer = pages.send("amounts", item=[])
    assert answer.status_code == 422
    check_page(answer)
    assert "Cancel the order instead" in answer.text


@pytest.mark.parametrize("typed", ["7", "abc", "-1", "99999", "٣", "\x00"])
def test_amounts_that_cannot_be_had_are_kept_and_explained(pages: Pages, typed: str) -> None:
    answer = pages.send("amounts", **{pages.amount(pages.sensor.id, pages.item): typed})
    assert answer.status_code == 422
    check_page(answer)
    assert "Something needs to be corrected" in answer.text
    assert pages.rows()[pages.sensor.id] == 6


def test_a_stale_page_is_told_so(pages: Pages) -> None:
    held = pages.fields(pages.client, "amounts")
    pages.send("amounts", **{pages.amount(pages.sensor.id, pages.item): "2"})
    held[pages.amount(pages.sensor.id, pages.item)] = "5"
    answer = pages.client.post(pages.path, data=held)
    assert (answer.status_code, answer.location) == (303, pages.path)
    assert "has been changed since you opened the page" in pages.client.get(pages.path).text
    assert pages.rows()[pages.sensor.id] == 2


def test_the_address(pages: Pages) -> None:
    answer = pages.send("delivery", **HOME)
    assert answer.status_code == 303
    choice = pages.choice()
    assert (choice.street, choice.postal_code) == ("Nya gatan 7", "54130")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"street": "Box 12"}, "post box"),
        ({"postal_code": "5413"}, "five digits"),
        ({"street": ""}, "Write the street"),
        ({"receiver": "x" * 500}, "at most"),
    ],
)
def test_an_address_that_cannot_be_used(pages: Pages, changes: dict[str, str], said: str) -> None:
    answer = pages.send("delivery", **{**HOME, **changes})
    assert answer.status_code == 422
    check_page(answer)
    assert said in answer.text
    assert pages.choice().street == "Provgatan 1"


@pytest.mark.parametrize("name", ["O'Brien-Åse", "محمد علي", "🦉 Uggla", "<script>alert(1)</script>"])
def test_names_of_any_script(pages: Pages, name: str) -> None:
    assert pages.send("delivery", **{**HOME, "receiver": name}).status_code == 303
    assert pages.choice().receiver == name
    check_page(pages.client.get(pages.path))


def test_another_way_is_shown_before_it_is_chosen(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        for item_id in (pages.item.id, pages.bags.id):
            session.add(
                DeliveryAlternative(
                    prescription_item_id=item_id,
                    method_id="POINT",
                    name="Utlämningsställe",
                    method=DeliveryMethod.SERVICE_POINT,
                    provider="POSTNORD",
                    notifications=["SMS"],
                )
            )
    wished = {"way-0": "SERVICE_POINT-POSTNORD"}
    looked = pages.send("delivery", **wished, do="look")
    check_page(looked)
    assert looked.status_code == 200
    assert pages.send("delivery", **wished).status_code == 422
    assert pages.choice().method is DeliveryMethod.HOME_DELIVERY
    chosen = {
        **wished,
        "shown-0": "SERVICE_POINT-POSTNORD",
        "service_point-postnord-notification": "SMS",
        "service_point-postnord-sms": "070-123 45 67",
    }
    assert pages.send("delivery", **{**chosen, "service_point-postnord-sms": "1"}).status_code == 422
    assert pages.send("delivery", **chosen).status_code == 303
    choice = pages.choice()
    assert (choice.method, choice.provider, choice.notify_to) == (
        DeliveryMethod.SERVICE_POINT,
        "POSTNORD",
        "+46701234567",
    )
    assert choice.door_code == ""
    check_page(pages.client.get(pages.path))


def test_too_late(pages: Pages) -> None:
    held = pages.fields(pages.client, "amounts")
    with pages.database.unit_of_work() as session:
        cancel_order(session, patient_identity(pages.patient), pages.order_no)
    for answer in (pages.client.get(pages.path), pages.client.post(pages.path, data=held)):
        assert (answer.status_code, answer.location) == (303, f"/orders/{pages.order_no}")
    page = pages.client.get(f"/orders/{pages.order_no}")
    assert "can no longer be changed" in page.text
    assert f'href="{pages.path}"' not in page.text


def test_nobody_elses_order(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        stranger = add_person(session)
    client = pages.browser(stranger)
    assert client.get(pages.path).status_code == 404
    data = {"csrf_token": token_of(client, "/my-products"), "part": "amounts", "idempotency_key": new_key()}
    assert client.post(pages.path, data=data).status_code == 404
    assert client.post("/orders/x/change", data=data).status_code == 404
    assert client.get("/orders/x/change").status_code == 404


def test_hostile_fields_are_no_error_of_ours(pages: Pages) -> None:
    for hostile in ("", "x", "\x00", "9" * 40, "-1"):
        for part in ("amounts", "delivery"):
            answer = pages.send(
                part, choice=hostile, version=hostile, **{"parcel-0": hostile, "shown-0": hostile, "way-0": hostile}
            )
            assert answer.status_code < 500, (part, hostile)
        assert pages.client.get(f"{pages.path}?delivery={hostile.replace(chr(0), '%00')}").status_code == 200
    assert pages.send("delivery", do="dance").status_code == 400
    assert pages.send("delivery", idempotency_key="").status_code == 400


def test_with_protected_identity_only_amounts_can_be_changed(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        person = session.get_one(Person, pages.patient.id)
        person.protection = Protection.CONFIDENTIALITY_FLAG
        person.given_name = person.family_name = person.street = person.postal_code = person.city = ""
    page = pages.client.get(pages.path)
    check_page(page)
    assert "Your identity is protected" in page.text
    assert "Provgatan" not in page.text
    assert 'name="street"' not in page.text


def test_a_guardian_and_customer_service(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        guardian = add_person(session)
        child = add_person(session, born=date(2018, 1, 2), name="Barn Provsson")
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        item = add_item(session, child, pages.sensor)
        staff = add_staff(session, Role.CUSTOMER_SERVICE)
    with pages.database.unit_of_work() as session:
        line = OrderLine(item.id, {pages.sensor.id: 6}, 4)
        command = PlaceOrder((line,), idempotency_key="child")
        of_child = place_order(session, patient_identity(child, actor=guardian), command).order_no
    client = pages.browser(guardian, acting_for=child)
    page = client.get(f"/orders/{of_child}/change")
    check_page(page)
    call = sign_in(pages.app.test_client(), staff, in_call_about=pages.patient)
    check_page(call.get(pages.path))
    assert pages.send_as(call, "delivery", **HOME).status_code == 303
    assert pages.choice().street == "Nya gatan 7"


def test_statements(pages: Pages) -> None:
    with counted(pages.database) as statements:
        pages.client.get(pages.path)
    assert len(statements) <= 30
