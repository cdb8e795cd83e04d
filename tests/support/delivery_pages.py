"""Deliveries on the review page as a browser meets them: a carrier that says what the test wants, patients, forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from lxml import html as lxml_html
from sqlalchemy import select

from auth.models import Person
from core.db import Database
from orders.kinds import Notification
from orders.models import (
    DeliveryAlternative,
    DeliveryChoice,
    DeliveryMethod,
    PrescriptionItem,
)
from orders.service_points import ServicePoint
from tests.support.builders import add_article, add_item, add_person
from tests.support.order_forms import review_url
from tests.support.pages import check_page
from tests.support.web import sign_in

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


def to_point(*notifications: Notification, **allowed: bool) -> DeliveryAlternative:
    """A way to a service point that the patient chooses."""
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
    """Add so many service points, which the carrier answers with near a postal code."""
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
    """All delivery choices, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(DeliveryChoice).order_by(DeliveryChoice.id)))


def points_shown(text: str) -> list[tuple[str, bool]]:
    """The points that a page shows, and whether each is chosen."""
    tags = re.findall(rf'<input type="radio"[^>]*name="{POINT}point"[^>]*>', text)
    return [(re.search(r'value="([^"]*)"', tag)[1], " checked" in tag) for tag in tags]  # type: ignore[index]


def client_page(client: FlaskClient, person: Person, items: Iterable[PrescriptionItem]) -> str:
    """Sign in and return the review page of some products, checked."""
    answer = sign_in(client, person).get(review_url(*items))
    assert answer.status_code == 200
    check_page(answer)
    return answer.text
