"""A standard SOAP client for tests, built from our own descriptions or from others' schemas, that calls the application itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from lxml import etree
from zeep import Client, Settings
from zeep.transports import Transport

from orders.contract.names import Service, Version
from portal.api.contract.callers import KEY_HEADER

ADDRESS = "SE2321000131-F000000000101"
CALLER = "SE2321000131-S000000001177"
SUBJECT = f"C=SE, O=Inera, CN=1177, SERIALNUMBER={CALLER}"
PROXY_KEY = "a-key-that-only-the-proxy-and-tests-know"


class AppTransport(Transport):
    """Carries a client's calls into the application, as the proxy in front would pass them on; keeps the last answer."""

    def __init__(self, app: Flask, *, subject: str = SUBJECT) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._browser = app.test_client()
        self._headers = {"X-Client-Subject": subject, KEY_HEADER: PROXY_KEY}
        self.answer = b""

    def load(self, url: str) -> Any:
        """Fetch a description from the application; a file from the disk."""
        if not url.startswith("http://localhost"):
            return super().load(url)  # type: ignore[no-untyped-call]
        found = self._browser.get(f"{urlsplit(url).path}?wsdl")
        assert found.status_code == 200
        return found.data

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        """Post a call to the application."""
        found = self._browser.post(urlsplit(address).path, data=message, headers={**headers, **self._headers})
        response = requests.Response()
        response.status_code = found.status_code
        response.raw = BytesIO(found.data)
        response._content = found.data
        response.headers.update(found.headers)
        self.answer = found.data
        return response

    def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> requests.Response:
        """Post a call to the application."""
        return self.post(address, etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), headers)


def path_of(service: Service, version: Version) -> str:
    """Return where a service answers."""
    return f"/api/contract/{version.major}.0/{service}"


def client_of(app: Flask, service: Service, version: Version, *, subject: str = SUBJECT) -> Client:
    """Build a client from the description that the application itself gives."""
    return Client(  # type: ignore[no-untyped-call]
        f"http://localhost:8000{path_of(service, version)}?wsdl",
        transport=AppTransport(app, subject=subject),
        settings=Settings(strict=True, xml_huge_tree=False),
    )


def call(client: Any, service: Service, *, address: str = ADDRESS, **values: Any) -> Any:
    """Call a service's one operation."""
    return client.service[str(service)](_soapheaders={"LogicalAddress": address}, **values)
