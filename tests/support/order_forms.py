"""Ordering as a browser does it: patients with products, the review page's fields, and the form that it sends."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from flask.testing import FlaskClient
from sqlalchemy import func, select

from auth.models import Guardianship, Person, ProxyAppointment
from core.db import Database
from orders.models import PrescriptionItem
from portal.sessions import Owner, ServerSession
from tests.support.builders import add_article, add_item, add_person

ADDRESS = {
    "receiver": "Test Testsson",
    "care_of": "",
    "street": "Provgatan 1",
    "postal_code": "541 30",
    "city": "Skövde",
    "door_code": "",
    "phone": "",
    "comment": "",
}
# What the page keeps of what it showed: withdrawals left, and how the products come.
_SHOWN = ("seen-", "parcel-", "shown-", "invoiced-")


def add_patient(
    database: Database, products: int = 1, name: str = "Anna Provsson"
) -> tuple[Person, list[PrescriptionItem]]:
    """Add an adult with so many different products to order."""
    with database.unit_of_work() as session:
        person = add_person(session, name=name)
        articles = [add_article(session, name=f"Glukossensor {number + 1}") for number in range(products)]
        items = [add_item(session, person, article) for article in articles]
    return person, items


def review_url(*items: PrescriptionItem) -> str:
    """The address of the review page with these products ticked."""
    return "/order/review?" + "&".join(f"item={item.id}" for item in items)


def _hidden(html: str) -> dict[str, str]:
    return {
        name: value
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
        if name in {"csrf_token", "idempotency_key", "person"} or name.startswith(_SHOWN)
    }


def order_form(client: FlaskClient, *items: PrescriptionItem, **changes: str) -> dict[str, object]:
    """What a browser would send from the review page; changes overwrite or add fields."""
    html = client.get(review_url(*items)).text
    fields: dict[str, object] = {**amounts_of(html), **hidden_fields_of(html), **ADDRESS}
    fields["item"] = [str(item.id) for item in items]
    return {**fields, **changes}


def hidden_fields_of(html: str) -> dict[str, str]:
    """The hidden fields of the order form on a page."""
    # The form's own fields come after those of the header's small forms.
    return _hidden(html[html.index('action="/order"') :])


def amounts_of(html: str) -> dict[str, str]:
    """The amounts that the page begins with, by field name."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*\bdata-sum=[^>]*>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name
        assert value
        found[name[1]] = value[1]
    return found


def count_rows(database: Database, what: type) -> int:
    """Count the rows of a table."""
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


def add_parent_and_child(database: Database) -> tuple[Person, Person, PrescriptionItem]:
    """Add a parent, a child of nine and a product of the child."""
    with database.unit_of_work() as session:
        parent = add_person(session, name="Anna Provsson")
        child = add_person(session, name="Elsa Provsson", born=date(2017, 5, 5))
        session.add(Guardianship(guardian_id=parent.id, child_id=child.id))
        item = add_item(session, child, add_article(session))
    return parent, child, item


def add_patient_and_proxy(database: Database, tasks: list[str]) -> tuple[Person, Person]:
    """Add a patient with a product, and a proxy with these tasks."""
    with database.unit_of_work() as session:
        patient, proxy = add_person(session, name="Anna Provsson"), add_person(session, name="Rolf Ombudsson")
        add_item(session, patient, add_article(session))
        session.add(
            ProxyAppointment(
                patient_id=patient.id,
                proxy_id=proxy.id,
                tasks=tasks,
                valid_from=date(2026, 1, 1),
                valid_until=date(2027, 1, 1),
                accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    return patient, proxy


def log_in_again(client: FlaskClient, person: Person) -> None:
    """What the log-in does with the browser's session: the same row's values, under a new token."""
    app = client.application
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie
    session = ServerSession(app.extensions["database"], cookie.value)
    with app.extensions["database"].unit_of_work() as db:
        session.rotate(db, Owner(person_id=person.id))
    assert session.cookie_to_set
    client.set_cookie(name, session.cookie_to_set)
