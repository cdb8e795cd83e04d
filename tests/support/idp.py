"""The certified identity provider for tests, and how to log in through it without a browser."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc.jwk import ECKey, RSAKey

from portal.commands.assets import IDENTITY_PROVIDER, Node, install_identity_provider

PERSON_ACR = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
STAFF_ACR = "http://id.sambi.se/loa/loa3"
CLIENT_ID = "hjalpmedelsportalen"
_CSRF = re.compile(r'name="csrf_token"[^>]*\bvalue="([^"]+)"')


def new_key() -> RSAKey:
    """Make an RSA key with a key id."""
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def client_registration(key: RSAKey | ECKey, redirect_uri: str, client_id: str = CLIENT_ID) -> dict[str, Any]:
    """Describe the portal to the provider, with only the public half of its key."""
    return {"client_id": client_id, "redirect_uris": [redirect_uri], "jwks": {"keys": [key.as_dict(private=False)]}}


def person(
    person_id: str, *, number: str = "", coordination: str = "", group: str = "patients", label: str = ""
) -> dict[str, Any]:
    """Describe somebody of the public as the provider knows them."""
    name = "coordinationNumber" if coordination else "personalIdentityNumber"
    claims = {f"https://id.oidc.se/claim/{name}": coordination or number}
    claims |= {"given_name": label or person_id, "family_name": "Prov"}
    description = {"sv": "Övningsperson", "en": "Practice person"}
    return {
        "id": person_id,
        "label": label or person_id,
        "group": group,
        "description": description,
        "claims": claims,
        "acr": PERSON_ACR,
    }


def staff(person_id: str, *, hsa_id: str, commission: str, unit: str, label: str = "") -> dict[str, Any]:
    """Describe a member of staff under one commission as the provider knows them."""
    claims = {
        "employeeHsaId": hsa_id,
        "commissionHsaId": commission,
        "commissionPurpose": "Vård och behandling",
        "healthCareUnitHsaId": unit,
        "healthCareUnitName": "Provenheten",
        "given_name": label or person_id,
        "family_name": "Prov",
    }
    return {
        "id": person_id,
        "label": label or person_id,
        "group": "staff",
        "description": "Personal",
        "claims": claims,
        "acr": STAFF_ACR,
    }


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_provider(
    folder: Path, people: Sequence[Mapping[str, Any]], clients: Sequence[Mapping[str, Any]], node: str | None = None
) -> Iterator[str]:
    """Run the certified provider on a free port and give its issuer; its configuration is written into `folder`."""
    found = Node.find()
    install_identity_provider(found)
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    config = {
        "issuer": issuer,
        "port": port,
        "jwks": {"keys": [new_key().as_dict(private=True)]},
        "cookie_keys": ["test-only"],
        "clients": list(clients),
        "people": list(people),
    }
    path = folder / "identity-provider.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    process = subprocess.Popen(
        [node or str(found.program), "server.mjs"],
        cwd=IDENTITY_PROVIDER,
        env={**os.environ, "CONFIG": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert b"identity provider ready" in line, line.decode() + process.stdout.read().decode()
        yield issuer
    finally:
        process.terminate()
        process.communicate(timeout=10)


def pick(browser: requests.Session, address: str, person_id: str | None, *, stop_at: str) -> str:
    """Follow the provider's pages, pick somebody (None cancels), and return the callback address it sends the browser to."""
    answer = browser.get(address, timeout=10)
    assert answer.ok, answer.text
    choice = {"cancel": "yes"} if person_id is None else {"person": person_id}
    answer = browser.post(answer.url, data=choice, allow_redirects=False, timeout=10)
    while answer.is_redirect:
        target = requests.compat.urljoin(answer.url, answer.headers["location"])
        if target.startswith(stop_at):
            return target
        answer = browser.get(target, allow_redirects=False, timeout=10)
    raise AssertionError(f"no way back to the portal: {answer.status_code} {answer.text}")


def csrf_token(html: str) -> str:
    """Return the CSRF token of the first form on a page."""
    found = _CSRF.search(html)
    assert found, "no CSRF token on the page"
    return found[1]


def start_log_in(client: Any, next_path: str = "") -> str:
    """Press the log-in button in a Flask test client and return the provider's address."""
    page = client.get("/log-in", query_string={"next": next_path} if next_path else {})
    assert page.status_code == 200, page.status
    answer = client.post("/log-in", data={"csrf_token": csrf_token(page.text), "next": next_path})
    assert answer.status_code in (302, 303), answer.text
    location: str = answer.headers["Location"]
    return location


def login_as(client: Any, person_id: str, *, base_url: str, next_path: str = "") -> Any:
    """Log a Flask test client in through the certified provider; return the answer to the callback."""
    address = start_log_in(client, next_path)
    with requests.Session() as browser:
        back = urlsplit(pick(browser, address, person_id, stop_at=base_url))
    return client.get(f"{back.path}?{back.query}")
