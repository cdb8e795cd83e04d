"""A patient at a browser in a region whose prescriptions live elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.models import Commission, InboxMessage, Person
from core.clock import ManualClock, swedish_date
from core.db import Database
from orders.models import Article, Order, Prescription, PrescriptionItem
from orders.source.policy import source_of
from portal.prescriptions import Prescriptions
from tests.support.builders import add_person
from tests.support.order_forms import ADDRESS, amounts_of, hidden_fields_of
from tests.support.source import FakeSource, SourceItem, policies_elsewhere
from tests.support.web import make_app, sign_in

REGION = "vgr"


class PagesElsewhere:
    """The whole application with a source in memory, and one patient, signed in, with one product there."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database, self.clock = database, clock
        self.app = make_app(database, policy_dir=policies_elsewhere(folder))
        assert source_of(REGION).lives_elsewhere
        self.source = FakeSource(day=lambda: swedish_date(clock.now()))
        self.app.extensions["prescriptions"] = Prescriptions(database, self.source)
        with database.unit_of_work() as session:
            self.person = add_person(session, name="Anna Provsson")
        self.source.prescribe(self.person.number, SourceItem("R1", "20001"))
        self.client = sign_in(self.app.test_client(), self.person)

    def browser_of(
        self, who: Person | Commission, *, acting_for: Person | None = None, in_call_about: Person | None = None
    ) -> FlaskClient:
        """Return the browser of somebody else."""
        return sign_in(self.app.test_client(), who, acting_for=acting_for, in_call_about=in_call_about)

    def later(self, **by: float) -> None:
        """Let time pass; the patient logs in anew."""
        self.clock.advance(timedelta(**by))
        sign_in(self.client, self.person)

    def items(self) -> list[PrescriptionItem]:
        """Return the patient's items as we have them."""
        with self.database.session() as session:
            mine = select(PrescriptionItem).join(Prescription).where(Prescription.person_id == self.person.id)
            return list(session.scalars(mine.order_by(PrescriptionItem.external_id)))

    def article(self) -> Article:
        """Return the article of the patient's first item."""
        with self.database.session() as session:
            return session.get_one(Article, self.items()[0].article_id)

    def orders(self) -> list[Order]:
        """Return all our orders, oldest first."""
        with self.database.session() as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def inbox(self) -> list[str]:
        """Return the kinds of the patient's messages, oldest first."""
        with self.database.session() as session:
            mine = select(InboxMessage.kind).where(InboxMessage.receiver_id == self.person.id)
            return list(session.scalars(mine.order_by(InboxMessage.id)))

    def form(self, **changes: str) -> dict[str, object]:
        """What a browser would send from the review page of everything that the patient has."""
        self.client.get("/my-products")
        items = self.items()
        html = self.client.get("/order/review?" + "&".join(f"item={item.id}" for item in items)).text
        fields: dict[str, object] = {**amounts_of(html), **hidden_fields_of(html), **ADDRESS}
        return {**fields, "item": [str(item.id) for item in items], **changes}

    def order(self, **changes: str) -> TestResponse:
        """Order everything, with some of what is typed changed."""
        return self.client.post("/order", data=self.form(**changes))

    def let_it_arrive(self) -> None:
        """Let what was ordered be delivered today, and read that."""
        self.later(days=3)
        self.source.deliver(self.person.number, swedish_date(self.clock.now()))
        self.client.get("/orders")
