"""Calls of the contract as text, for what no client library would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

from orders.contract.names import V2, Service, Version
from portal.api.contract.callers import KEY_HEADER
from tests.support.contract_client import ADDRESS, PROXY_KEY, SUBJECT, path_of

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True)
class Row:
    """One row of an order; the defaults are what `builders.add_item` makes, one package of it."""

    item_id: str
    article_no: str
    prescription_id: str
    source: str = "TEST"
    packages: object = 1
    pieces: object = ""
    choice: str = "<c:DeliveryMethodId>HOME</c:DeliveryMethodId><c:DeliveryMethod>HEMLEVERANS</c:DeliveryMethod>"
    extra: str = ""


@dataclass
class Caller:
    """Somebody who calls the application with text."""

    app: Flask
    version: Version = V2
    headers: dict[str, str] = field(default_factory=lambda: {"X-Client-Subject": SUBJECT, KEY_HEADER: PROXY_KEY})

    @property
    def browser(self) -> FlaskClient:
        """A client of the application's."""
        return self.app.test_client()

    def post(self, service: Service, raw: str | bytes, **headers: str) -> TestResponse:
        """Post whatever to a service."""
        return self.browser.post(path_of(service, self.version), data=raw, headers={**self.headers, **headers})

    def call(self, service: Service, content: str, address: str = ADDRESS) -> TestResponse:
        """Post a request's content in its element and an envelope."""
        return self.post(service, envelope(request(service, self.version, content), address))

    def prescriptions(self, number: str) -> TestResponse:
        """Ask for somebody's prescriptions."""
        return self.call(Service.PRESCRIPTIONS, f"<m:SubjectOfCareId>{escape(number)}</m:SubjectOfCareId>")

    def order(self, number: str, *rows: Row, orderer: str = "Test Testsson", delegate: str = "false") -> TestResponse:
        """Order."""
        return self.call(Service.ORDER, order(self.version, number, *rows, orderer=orderer, delegate=delegate))


def request(service: Service, version: Version, content: str) -> str:
    """Return a request's element with its content."""
    return (
        f'<m:{service} xmlns:m="{version.responder(service)}" xmlns:c="{version.core}"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{content}</m:{service}>'
    )


def envelope(body: str, address: str = ADDRESS) -> str:
    """Return an envelope."""
    header = f'<r:LogicalAddress xmlns:r="urn:riv:itintegration:registry:1">{address}</r:LogicalAddress>'
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'


def order(version: Version, number: str, *rows: Row, orderer: str = "Test Testsson", delegate: str = "false") -> str:
    """Return an order's content."""
    return (
        f"<m:Order><c:SubjectOfCareId>{number}</c:SubjectOfCareId><c:Orderer>{escape(orderer)}</c:Orderer>"
        f"<c:OrderByDelegate>{delegate}</c:OrderByDelegate>{''.join(_row(row, version) for row in rows)}</m:Order>"
    )


def _row(row: Row, version: Version) -> str:
    area = "<c:code>DIABETES</c:code>" if version.has_coded_values else "DIABETES"
    return (
        f"<c:OrderRow><c:PrescriptionId>{row.prescription_id}</c:PrescriptionId>"
        f"<c:PrescriptionItemId>{row.item_id}</c:PrescriptionItemId><c:DeliveryChoice>{row.choice}</c:DeliveryChoice>"
        f"<c:Article><c:ArticleNo>{row.article_no}</c:ArticleNo><c:ArticleName>Namn</c:ArticleName>"
        f"<c:PackageSize>1</c:PackageSize><c:ProductArea>{area}</c:ProductArea><c:IsOrderable>true</c:IsOrderable></c:Article>"
        f"<c:NoOfPackages>{row.packages}</c:NoOfPackages><c:NoOfPcs>{row.pieces}</c:NoOfPcs><c:Source>{row.source}</c:Source>"
        f"{row.extra}</c:OrderRow>"
    )


def result(response: TestResponse) -> tuple[str, str]:
    """Return an answer's result code and comment."""
    root = etree.fromstring(response.data)
    found = {etree.QName(one).localname: one.text or "" for one in root.iter(etree.Element)}
    return found.get("ResultCode", ""), found.get("comment", "")


def fault(response: TestResponse) -> tuple[str, str]:
    """Return a fault's code and text; empty when it is none."""
    root = etree.fromstring(response.data)
    found = {etree.QName(one).localname: one.text or "" for one in root.iter(etree.Element)}
    return found.get("faultcode", ""), found.get("faultstring", "")
