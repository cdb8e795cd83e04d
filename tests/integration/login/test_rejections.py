"""Every answer that must not let anybody in, and the one log line that it leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from core.clock import ManualClock
from tests.support import idp
from tests.support.fake_idp import FakeProvider
from tests.support.login_steps import come_back

NOW_WRONG = [
    ({"aud": "another"}, "audience"),
    ({"aud": [idp.CLIENT_ID, "another"], "azp": "another"}, "authorized_party"),
    ({"aud": [idp.CLIENT_ID, "another"]}, "audience"),
    ({"nonce": "another"}, "nonce"),
    ({"nonce": None}, "nonce"),
    ({"acr": "http://id.swedenconnect.se/loa/1.0/loa1"}, "acr"),
    ({"acr": None}, "acr"),
    ({"exp": 1_700_000_000}, "expired"),
    ({"iat": 4_000_000_000}, "issued_at"),
    ({"auth_time": 1_700_000_000}, "auth_time"),
    ({"auth_time": None}, "auth_time"),
    ({"iss": "https://another.example"}, "issuer"),
    ({"sub": None}, "subject"),
    ({"https://id.oidc.se/claim/personalIdentityNumber": None}, "number_missing"),
    ({"https://id.oidc.se/claim/personalIdentityNumber": "191212121213"}, "number_invalid"),
]


def test_the_right_answer_from_the_fake_provider_does_let_somebody_in(fake: FakeProvider, make_app: Any) -> None:
    client = make_app(fake.issuer).test_client()
    answer = come_back(client, idp.start_log_in(client))
    assert answer.status_code == 303
    assert client.get("/").text.startswith("person:")


@pytest.mark.parametrize(("claims", "reason"), NOW_WRONG)
def test_a_token_that_is_wrong_in_one_way_lets_nobody_in_and_leaves_one_log_line(
    fake: FakeProvider, make_app: Any, reasons: Any, claims: dict[str, Any], reason: str
) -> None:
    fake.claims = claims
    client = make_app(fake.issuer).test_client()
    answer = come_back(client, idp.start_log_in(client))
    assert answer.status_code == 403
    assert "<h1" in answer.text
    assert client.get("/").text == "nobody"
    assert reasons() == [reason]


def test_the_issuer_is_checked_even_if_the_provider_does_not_state_one(
    fake: FakeProvider, make_app: Any, reasons: Any
) -> None:
    fake.metadata = {"issuer": None}
    fake.claims = {"iss": "https://another.example"}
    client = make_app(fake.issuer).test_client()
    assert come_back(client, idp.start_log_in(client)).status_code == 403
    assert reasons() == ["issuer"]


def _unsigned(fake: FakeProvider) -> None:
    fake.header = {"alg": "none"}


def _signed_with_our_public_key(fake: FakeProvider) -> None:
    fake.header = {"alg": "RS384"}


def _signed_by_another_key_with_the_same_id(fake: FakeProvider) -> None:
    forged = RSAKey.generate_key(2048, {"kid": fake.key.kid or ""})
    fake.published, fake.key = fake.key, forged


def _signed_by_an_unknown_key(fake: FakeProvider) -> None:
    fake.published, fake.key = fake.key, idp.new_key()


def _no_id_token(fake: FakeProvider) -> None:
    fake.token_answer = lambda nonce: (200, "application/json", b'{"access_token": "a", "token_type": "Bearer"}')


def _garbage_as_id_token(fake: FakeProvider) -> None:
    fake.token_answer = lambda nonce: (200, "application/json", b'{"access_token": "a", "id_token": "a.b.c"}')


def _refused_code(fake: FakeProvider) -> None:
    fake.token_answer = lambda nonce: (400, "application/json", b'{"error": "invalid_grant"}')


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_unsigned, "algorithm"),
        (_signed_with_our_public_key, "algorithm"),
        (_signed_by_another_key_with_the_same_id, "signature"),
        (_signed_by_an_unknown_key, "signature"),
        (_no_id_token, "id_token_missing"),
        (_garbage_as_id_token, "id_token_unreadable"),
        (_refused_code, "code_refused"),
    ],
)
def test_an_answer_that_proves_nothing_lets_nobody_in(
    fake: FakeProvider, make_app: Any, reasons: Any, spoil: Any, reason: str
) -> None:
    spoil(fake)
    client = make_app(fake.issuer).test_client()
    answer = come_back(client, idp.start_log_in(client))
    assert answer.status_code == 403
    assert client.get("/").text == "nobody"
    assert reasons() == [reason]


def test_an_answer_in_the_name_of_another_issuer_is_not_even_exchanged(
    fake: FakeProvider, make_app: Any, reasons: Any
) -> None:
    client = make_app(fake.issuer).test_client()
    answer = come_back(client, idp.start_log_in(client), iss="https://another.example")
    assert answer.status_code == 403
    assert fake.token_requests == []
    assert reasons() == ["callback_issuer"]


def test_a_made_up_state_is_turned_away(fake: FakeProvider, make_app: Any, reasons: Any) -> None:
    client = make_app(fake.issuer).test_client()
    assert come_back(client, idp.start_log_in(client), state="made-up").status_code == 400
    assert client.get("/log-in/callback").status_code == 400
    assert fake.token_requests == []
    assert reasons() == ["unknown_state", "unknown_state"]


def test_one_browsers_attempt_is_worth_nothing_in_another(fake: FakeProvider, make_app: Any) -> None:
    app = make_app(fake.issuer)
    address = idp.start_log_in(app.test_client())
    victim = app.test_client()
    victim.get("/log-in")
    assert come_back(victim, address).status_code == 400
    assert victim.get("/").text == "nobody"


def test_at_most_five_attempts_are_remembered(fake: FakeProvider, make_app: Any, clock: ManualClock) -> None:
    client = make_app(fake.issuer).test_client()
    addresses = []
    for _ in range(6):
        addresses.append(idp.start_log_in(client))
        clock.advance(timedelta(seconds=1))
    assert come_back(client, addresses[0]).status_code == 400
    assert come_back(client, addresses[1]).status_code == 303
