"""Customer service at the phone: somebody signed in who takes calls."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Identity, Role
from auth.models import Person
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from tests.support.builders import add_staff
from tests.support.web import make_app, sign_in, token_of

SEARCH = "/customer-service"
REASON = "Vill beställa sensorer"


class Desk:
    """A signed-in member of customer service."""

    def __init__(self, database: Database, app: Flask | None = None, *, name: str = "Siv Kundtjänst") -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.commission = add_staff(session, Role.CUSTOMER_SERVICE, name=name)
            self.identity: Identity = staff_identity(self.commission)
        self.app = app or make_app(database)
        self.client: FlaskClient = sign_in(self.app.test_client(), self.commission)

    def search(self, number: str, reason: str = REASON) -> TestResponse:
        """Send the search form."""
        fields = {"csrf_token": token_of(self.client, SEARCH), "number": number, "reason": reason}
        return self.client.post(SEARCH, data=fields)

    def take_call(self, person: Person, reason: str = REASON) -> FlaskClient:
        """Open a person's pages by their number."""
        answer = self.search(person.number, reason)
        assert (answer.status_code, answer.location) == (303, "/my-products"), answer.text
        return self.client

    def end_call(self) -> TestResponse:
        """End the call by the button on the page."""
        return self.client.post(f"{SEARCH}/end", data={"csrf_token": token_of(self.client, SEARCH)})

    def entries(self, *actions: str) -> list[AccessLogEntry]:
        """Return what the access log says of these actions, oldest first."""
        statement = select(AccessLogEntry).where(AccessLogEntry.action.in_(actions)).order_by(AccessLogEntry.id)
        with self.database.session() as session:
            return list(session.scalars(statement))
