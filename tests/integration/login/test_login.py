"""Logging in and out, the whole way through the certified provider."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey
from sqlalchemy import select

from auth.models import Person
from auth.oidc import OpenIdClient, ProviderSettings
from core.clock import ManualClock
from core.db import Database
from tests.support import idp
from tests.support.login_steps import ANNA, BASE, CALLBACK, STRANGER, log_entries


def test_a_person_logs_in_and_out_and_the_access_log_says_so(certified: str, make_app: Any, database: Database) -> None:
    client = make_app(certified).test_client()
    answer = idp.login_as(client, "anna", base_url=BASE, next_path="/form?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/form?page=2")
    user = client.get("/").text
    assert user.startswith("person:")
    person_id = int(user.split(":")[1])
    client.post("/log-out", data={"csrf_token": client.get("/token").text})
    assert client.get("/").text == "nobody"
    assert log_entries(database) == [
        ("session.logged_in", "PERSON", person_id),
        ("session.logged_out", "PERSON", person_id),
    ]


def test_a_co_ordination_number_finds_its_person(certified: str, make_app: Any) -> None:
    client = make_app(certified).test_client()
    idp.login_as(client, "samira", base_url=BASE)
    assert client.get("/").text.startswith("person:")


def test_staff_log_in_under_a_commission(certified: str, make_app: Any, database: Database) -> None:
    client = make_app(certified).test_client()
    idp.login_as(client, "depot", base_url=BASE)
    assert client.get("/").text.startswith("commission:")
    assert log_entries(database) == [("session.logged_in", "STAFF", None)]


@pytest.mark.parametrize("who", ["stranger", "elsewhere", "former"])
def test_those_whom_the_portal_does_not_know_get_a_calm_page(
    certified: str, make_app: Any, database: Database, reasons: Any, who: str
) -> None:
    client = make_app(certified).test_client()
    answer = idp.login_as(client, who, base_url=BASE)
    assert answer.status_code == 403
    assert "<h1" in answer.text
    assert STRANGER not in answer.text
    assert client.get("/").text == "nobody"
    assert log_entries(database) == []
    assert reasons() in (["unknown_person"], ["unknown_commission"])


def test_somebody_who_has_died_cannot_log_in(certified: str, make_app: Any, database: Database) -> None:
    with database.unit_of_work() as db:
        for person in db.scalars(select(Person)):
            person.deceased_on = date(2026, 11, 1)
    client = make_app(certified).test_client()
    assert idp.login_as(client, "anna", base_url=BASE).status_code == 403


def test_whoever_stops_at_the_provider_can_try_again(certified: str, make_app: Any) -> None:
    client = make_app(certified).test_client()
    address = idp.start_log_in(client)
    with requests.Session() as browser:
        back = urlsplit(idp.pick(browser, address, None, stop_at=BASE))
    answer = client.get(f"{back.path}?{back.query}")
    assert answer.status_code == 200
    assert 'action="/log-in"' in answer.text


def test_two_tabs_can_log_in_beside_each_other_and_each_callback_works_once(certified: str, make_app: Any) -> None:
    client = make_app(certified).test_client()
    first, second = idp.start_log_in(client, "/form?tab=1"), idp.start_log_in(client, "/form?tab=2")
    with requests.Session() as browser:
        backs = [idp.pick(browser, address, "anna", stop_at=BASE) for address in (first, second)]
    paths = [f"/log-in/callback?{urlsplit(back).query}" for back in backs]
    assert client.get(paths[0]).headers["Location"] == "/form?tab=1"
    assert client.get(paths[1]).headers["Location"] == "/form?tab=2"
    assert client.get(paths[0]).headers["Location"] == "/"
    other = client.application.test_client()
    assert other.get(paths[0]).status_code == 400
    assert other.get("/").text == "nobody"


def test_an_attempt_is_good_for_ten_minutes(certified: str, make_app: Any, clock: ManualClock, reasons: Any) -> None:
    client = make_app(certified).test_client()
    address = idp.start_log_in(client)
    with requests.Session() as browser:
        back = urlsplit(idp.pick(browser, address, "anna", stop_at=BASE))
    clock.advance(timedelta(minutes=10, seconds=1))
    assert client.get(f"{back.path}?{back.query}").status_code == 400
    assert reasons() == ["unknown_state"]


def test_the_provider_refuses_a_code_without_its_verifier_and_a_request_without_pkce(
    certified: str, client_key: RSAKey
) -> None:
    client = OpenIdClient(
        ProviderSettings(certified, idp.CLIENT_ID, (idp.PERSON_ACR, idp.STAFF_ACR), client_key=client_key)
    )
    attempt = client.begin(CALLBACK)
    with requests.Session() as browser:
        code = parse_qs(urlsplit(idp.pick(browser, attempt.url, "anna", stop_at=BASE)).query)["code"][0]
        with pytest.raises(Exception, match="code_refused"):
            client.finish(
                code=code, callback_issuer=certified, redirect_uri=CALLBACK, nonce=attempt.nonce, code_verifier="x" * 43
            )
        bare = {"client_id": idp.CLIENT_ID, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
        refused = browser.get(f"{certified}/auth", params=bare, allow_redirects=False, timeout=10)
    assert "error=invalid_request" in refused.headers["location"]
    assert "PKCE" in refused.headers["location"]


def test_the_picker_speaks_both_languages_and_shows_no_numbers(certified: str, client_key: RSAKey) -> None:
    client = OpenIdClient(ProviderSettings(certified, idp.CLIENT_ID, (idp.PERSON_ACR,), client_key=client_key))
    for language, heading in (("sv", "Välj vem du är"), ("en", "Choose who you are")):
        with requests.Session() as browser:
            page = browser.get(client.begin(CALLBACK, ui_locales=language).url, timeout=10)
        assert f'<html lang="{language}">' in page.text
        assert page.text.count("<h1>") == 1
        assert f"<h1>{heading}</h1>" in page.text
        assert "Anna &lt;i&gt;" in page.text
        assert ANNA not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
