"""The claim office with a consultant in front of her screen."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.db import Database
from core.idempotency import new_key
from tests.support.claims import ClaimOffice
from tests.support.pages import check_page
from tests.support.web import sign_in, token_of


class Desk(ClaimOffice):
    """The office with Eva in front of her screen."""

    def __init__(self, database: Database, app: Flask) -> None:
        super().__init__(database)
        self.client: FlaskClient = sign_in(app.test_client(), self.commissions[0])

    def get(self, path: str) -> str:
        """Fetch a page that must be right."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.location)
        check_page(answer)
        return answer.text.replace("\N{NO-BREAK SPACE}", " ")

    def post(self, path: str, **fields: str) -> TestResponse:
        """Press a button; a refused form must be a page that is right."""
        token = token_of(self.client, "/claims")
        answer = self.client.post(path, data={"csrf_token": token, "idempotency_key": new_key()} | fields)
        if answer.status_code != 303:
            check_page(answer)
        return answer

    def credit_form(self, claim_no: str, shares: dict[str, str], **changes: str) -> TestResponse:
        """Send the credit form of a claim."""
        fields = {"credit_no": "KF-1", "amount": "450,00", "dated_on": "2026-12-01"} | changes
        typed = {f"share-{self.line(case).id}": share for case, share in shares.items()}
        return self.post(f"/claims/suppliers/{self.supplier.id}/credit?claim={claim_no}", **fields, **typed)
