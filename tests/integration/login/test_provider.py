"""How we ask the provider, and what people see when it is ill."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from auth.oidc import OpenIdClient, ProviderSettings, load_client_key
from auth.oidc_claims import AuthenticatedPerson, ClaimMap
from core.clock import ManualClock
from tests.support import idp
from tests.support.fake_idp import FakeProvider
from tests.support.login_steps import ANNA, BASE, CALLBACK, come_back


@pytest.mark.parametrize(
    "answer",
    [
        (500, "text/plain", b"boom"),
        (200, "text/html", b"<html>Maintenance</html>"),
        (200, "application/json", b"[]"),
        (200, "application/json", b"{}"),
        (200, "application/json", b'{"issuer": "https://another.example"}'),
        (200, "application/json", b'"' + b"x" * 300_000 + b'"'),
        (302, "text/plain", b""),
    ],
)
def test_a_provider_that_talks_nonsense_gives_a_page_that_says_so(
    fake: FakeProvider, make_app: Any, reasons: Any, answer: tuple[int, str, bytes]
) -> None:
    fake.discovery_answer = answer
    client = make_app(fake.issuer).test_client()
    page = client.post("/log-in", data={"csrf_token": client.get("/token").text, "next": "/form"})
    assert page.status_code == 503
    assert 'name="next" value="/form"' in page.text
    assert "Traceback" not in page.text
    assert reasons() == ["discovery"]


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", b"<html>Maintenance</html>"),
        (502, "text/html", b"<html>Bad gateway</html>"),
        (200, "application/json", b"null"),
        (401, "application/json", b'{"error": "invalid_client"}'),
        (302, "text/plain", b""),
    ],
)
def test_a_token_endpoint_that_talks_nonsense_gives_the_same_page(
    fake: FakeProvider, make_app: Any, status: int, content_type: str, body: bytes
) -> None:
    fake.token_answer = lambda nonce: (status, content_type, body)
    client = make_app(fake.issuer).test_client()
    assert come_back(client, idp.start_log_in(client)).status_code == 503
    assert client.get("/").text == "nobody"


@pytest.mark.parametrize("place", ["openid-configuration", "/token", "/jwks"])
def test_a_provider_that_hangs_is_given_up_on(fake: FakeProvider, make_app: Any, place: str) -> None:
    fake.hang_at = place
    client = make_app(fake.issuer).test_client()
    page = client.post("/log-in", data={"csrf_token": client.get("/token").text})
    if place != "openid-configuration":
        page = come_back(client, page.headers["Location"])
    assert page.status_code == 503


def test_a_provider_that_is_gone_costs_one_call_then_an_answer_at_once(make_app: Any, reasons: Any) -> None:
    client = make_app(f"http://127.0.0.1:{idp.free_port()}").test_client()
    token = client.get("/token").text
    for _ in range(3):
        assert client.post("/log-in", data={"csrf_token": token}).status_code == 503
    assert reasons() == ["discovery"]


def test_discovery_and_keys_are_fetched_once_and_keys_again_when_they_change(fake: FakeProvider, make_app: Any) -> None:
    app = make_app(fake.issuer)
    instant = ManualClock(app.extensions["openid_client"]._clock.now())
    app.extensions["openid_client"] = OpenIdClient(app.extensions["openid_client"].settings, instant)
    for _ in range(3):
        client = app.test_client()
        assert come_back(client, idp.start_log_in(client)).status_code == 303
    assert fake.asked.count("/jwks") == 1
    assert fake.asked.count("/.well-known/openid-configuration") == 1
    fake.key = idp.new_key()
    instant.advance(timedelta(seconds=11))
    client = app.test_client()
    assert come_back(client, idp.start_log_in(client)).status_code == 303
    assert fake.asked.count("/jwks") == 2


def test_the_request_and_the_client_assertion_say_what_the_profile_asks_for(
    fake: FakeProvider, make_app: Any, client_key: RSAKey
) -> None:
    client = make_app(fake.issuer).test_client()
    address = idp.start_log_in(client)
    sent = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert sent["response_type"] == "code"
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert sent["redirect_uri"] == CALLBACK
    assert sent["scope"] == "openid https://id.oidc.se/scope/naturalPersonNumber"
    assert set(sent["acr_values"].split()) >= {idp.PERSON_ACR, idp.STAFF_ACR}
    assert sent["ui_locales"] in ("sv", "en")
    assert int(sent["max_age"]) == 600
    come_back(client, address)
    [form] = fake.token_requests
    assert "client_secret" not in form
    keys = client.get("/oidc/jwks.json").get_json()["keys"]
    assert not {"d", "p", "q"} & keys[0].keys()
    assertion = jwt.decode(form["client_assertion"][0], RSAKey.import_key(keys[0]), algorithms=["RS256"])
    assert assertion.header["kid"] == keys[0]["kid"] == client_key.kid
    assert assertion.claims["iss"] == assertion.claims["sub"] == idp.CLIENT_ID
    assert assertion.claims["aud"] == f"{fake.issuer}/token"
    assert assertion.claims["exp"] - assertion.claims["iat"] <= 61


def test_a_broker_with_a_client_secret_and_the_number_in_userinfo_works_by_configuration(
    fake: FakeProvider,
) -> None:
    fake.claims = {"https://id.oidc.se/claim/personalIdentityNumber": None, "acr": "substantial"}
    fake.userinfo = {"sub": "opaque-subject", "nin": ANNA}
    claim_map = ClaimMap.from_mapping({"personal_number": "nin"})
    client = OpenIdClient(
        ProviderSettings(
            fake.issuer,
            idp.CLIENT_ID,
            ("substantial",),
            client_secret="a-secret",
            client_authentication="client_secret_post",
            claim_map=claim_map,
        )
    )
    attempt = client.begin(CALLBACK)
    who = client.finish(
        code=attempt.nonce,
        callback_issuer=None,
        redirect_uri=CALLBACK,
        nonce=attempt.nonce,
        code_verifier=attempt.code_verifier,
    )
    assert isinstance(who, AuthenticatedPerson)
    assert who.number.extension == ANNA
    assert fake.token_requests[0]["client_secret"] == ["a-secret"]
    fake.userinfo = {"sub": "somebody-else", "nin": ANNA}
    with pytest.raises(Exception, match="subject"):
        client.finish(
            code=attempt.nonce, callback_issuer=None, redirect_uri=CALLBACK, nonce=attempt.nonce, code_verifier="v" * 43
        )


def test_logging_in_at_the_same_time_from_many_threads_fetches_discovery_once(fake: FakeProvider) -> None:
    client = OpenIdClient(ProviderSettings(fake.issuer, idp.CLIENT_ID, ("a",), client_key=fake.key))
    threads = [threading.Thread(target=client.begin, args=(CALLBACK,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fake.asked) == 1


@pytest.mark.parametrize("kind", [RSAKey, ECKey])
@pytest.mark.parametrize("form", ["jwk", "pem"])
def test_the_client_key_may_be_a_jwk_or_a_pem(tmp_path: Path, kind: type[RSAKey | ECKey], form: str) -> None:
    key = idp.new_key() if kind is RSAKey else ECKey.generate_key("P-256")
    path = tmp_path / "key"
    path.write_bytes(json.dumps(key.as_dict(private=True)).encode() if form == "jwk" else key.as_pem(private=True))
    assert load_client_key(path).is_private


def test_a_public_key_or_rubbish_is_refused_as_client_key_without_being_shown(tmp_path: Path) -> None:
    for text in (json.dumps(idp.new_key().as_dict(private=False)), "rubbish", "{}"):
        path = tmp_path / "key"
        path.write_text(text)
        with pytest.raises(ValueError, match="holds no private RSA or P-256 key"):
            load_client_key(path)


def test_an_elliptic_curve_key_authenticates_us_at_the_certified_provider(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    registration = {**idp.client_registration(key, CALLBACK), "token_endpoint_auth_signing_alg": "ES256"}
    with idp.running_provider(tmp_path, [idp.person("anna", number=ANNA)], [registration]) as issuer:
        client = OpenIdClient(ProviderSettings(issuer, idp.CLIENT_ID, (idp.PERSON_ACR,), client_key=key))
        attempt = client.begin(CALLBACK)
        with requests.Session() as browser:
            sent = parse_qs(urlsplit(idp.pick(browser, attempt.url, "anna", stop_at=BASE)).query)
        who = client.finish(
            code=sent["code"][0],
            callback_issuer=sent["iss"][0],
            redirect_uri=CALLBACK,
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
        )
    assert isinstance(who, AuthenticatedPerson)
    assert client.public_keys()["keys"][0]["alg"] == "ES256"
