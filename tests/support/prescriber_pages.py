"""The prescriber's pages and the patient's question to renew, as browsers send them."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from auth.models import Commission, Person
from core.db import Database
from core.idempotency import new_key
from orders.models import Article, PrescriptionItem
from tests.support.builders import add_staff, add_unit
from tests.support.prescribing import Clinic
from tests.support.web import make_app, sign_in


class ClinicPages:
    """A clinic whose nurse and patient each sit at their own browser; a nurse of another unit too."""

    def __init__(self, database: Database) -> None:
        self.database, self.app, self.clinic = database, make_app(database), Clinic(database)
        with database.unit_of_work() as session:
            elsewhere = add_staff(session, Role.PRESCRIBER, unit=add_unit(session, "Stomimottagningen"))
            mine = session.scalars(select(Commission).where(Commission.staff_id == self.clinic.nurse.staff_id)).one()
            _ = mine.unit, mine.staff_member
        self.nurse = sign_in(self.app.test_client(), mine)
        self.other_nurse = sign_in(self.app.test_client(), elsewhere)
        self.patient = sign_in(self.app.test_client(), self.clinic.person)

    def browser_of(self, person: Person, acting_for: Person | None = None) -> FlaskClient:
        """Return the browser of somebody else."""
        return sign_in(self.app.test_client(), person, acting_for=acting_for)

    def post(self, client: FlaskClient, url: str, **fields: object) -> TestResponse:
        """Send a form; an idempotency key of its own unless one is given."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/accessibility-statement").text)
        assert token
        return client.post(url, data={"csrf_token": token[1], "idempotency_key": new_key(), **fields})

    def ask(self, item: PrescriptionItem, note: str = "", client: FlaskClient | None = None) -> TestResponse:
        """Ask to renew an item."""
        return self.post(client or self.patient, f"/my-products/{item.id}/renewal", note=note)

    def prescribe_url(self, article: Article, person: Person | None = None) -> str:
        """The address of a new prescription's terms."""
        return f"/prescriber/patients/{(person or self.clinic.person).id}/prescribe/{article.id}"

    def prescribe(self, article: Article, step: str = "review", **changes: object) -> TestResponse:
        """Send good terms, except for those given."""
        fields: dict[str, object] = {"packages": "6", "days": "84", "orders": "4", "valid_until": "2027-11-30"}
        return self.post(self.nurse, self.prescribe_url(article), **{**fields, "step": step, **changes})
