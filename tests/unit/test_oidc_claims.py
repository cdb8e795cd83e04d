"""What an id token must say, claim by claim; every check is shown to refuse on a token that is right but for one thing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from auth.numbers import PNR_ROOT, SNR_ROOT
from auth.oidc_claims import (
    AuthenticatedPerson,
    AuthenticatedStaff,
    ClaimMap,
    Expected,
    Rejection,
    TokenRejected,
    check_claims,
    has_number,
    who,
)

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
TODAY = date(2026, 12, 1)
SECONDS = int(NOW.timestamp())
PERSONAL = "https://id.oidc.se/claim/personalIdentityNumber"
COORDINATION = "https://id.oidc.se/claim/coordinationNumber"
NUMBER = "191212121212"
COORDINATION_NUMBER = "199001629808"
EXPECTED = Expected(issuer="https://id.example", client_id="portal", nonce="n-1", accepted_acr=frozenset({"loa3"}))
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "portal",
    "sub": "opaque",
    "nonce": "n-1",
    "iat": SECONDS,
    "exp": SECONDS + 300,
    "auth_time": SECONDS - 5,
    "acr": "loa3",
}
STAFF: dict[str, Any] = {
    "employeeHsaId": "SE2321000131-E000000000001",
    "commissionHsaId": "SE2321000131-C001",
    "commissionPurpose": "Vård och behandling",
    "healthCareUnitHsaId": "SE2321000131-U001",
    "given_name": "Prov",
    "family_name": "Personal",
}
ABSENT = object()


def claims(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not ABSENT}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["portal"]},
        {"azp": "portal"},
        {"exp": SECONDS - 20},
        {"iat": SECONDS + 20},
        {"nbf": SECONDS + 20},
        {"auth_time": SECONDS - 610},
        {"exp": SECONDS + 0.5},
    ],
)
def test_a_token_that_says_what_was_asked_for_is_accepted(changes: dict[str, Any]) -> None:
    check_claims(claims(**changes), EXPECTED, NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://id.example/"}, Rejection.ISSUER),
        ({"iss": ABSENT}, Rejection.ISSUER),
        ({"sub": ""}, Rejection.SUBJECT),
        ({"sub": ABSENT}, Rejection.SUBJECT),
        ({"aud": "another"}, Rejection.AUDIENCE),
        ({"aud": ABSENT}, Rejection.AUDIENCE),
        ({"aud": []}, Rejection.AUDIENCE),
        ({"aud": ["portal", "another"]}, Rejection.AUDIENCE),
        ({"aud": ["portal", "another"], "azp": "portal"}, Rejection.AUDIENCE),
        ({"aud": ["portal", "another"], "azp": "another"}, Rejection.AUTHORIZED_PARTY),
        ({"azp": "another"}, Rejection.AUTHORIZED_PARTY),
        ({"nonce": "n-2"}, Rejection.NONCE),
        ({"nonce": ABSENT}, Rejection.NONCE),
        ({"exp": SECONDS - 31}, Rejection.EXPIRED),
        ({"exp": ABSENT}, Rejection.EXPIRED),
        ({"exp": float("nan")}, Rejection.EXPIRED),
        ({"exp": float("inf")}, Rejection.EXPIRED),
        ({"exp": 10**400}, Rejection.EXPIRED),
        ({"exp": str(SECONDS + 300)}, Rejection.EXPIRED),
        ({"exp": True}, Rejection.EXPIRED),
        ({"iat": SECONDS + 31}, Rejection.ISSUED_AT),
        ({"iat": ABSENT}, Rejection.ISSUED_AT),
        ({"nbf": SECONDS + 31}, Rejection.NOT_YET_VALID),
        ({"nbf": "soon"}, Rejection.NOT_YET_VALID),
        ({"auth_time": SECONDS - 631}, Rejection.AUTH_TIME),
        ({"auth_time": SECONDS + 31}, Rejection.AUTH_TIME),
        ({"auth_time": ABSENT}, Rejection.AUTH_TIME),
        ({"acr": "loa2"}, Rejection.ACR),
        ({"acr": ABSENT}, Rejection.ACR),
        ({"acr": ["loa3"]}, Rejection.ACR),
    ],
)
def test_a_token_that_is_wrong_in_one_way_is_refused_for_that(changes: dict[str, Any], reason: Rejection) -> None:
    with pytest.raises(TokenRejected) as caught:
        check_claims(claims(**changes), EXPECTED, NOW)
    assert caught.value.reason is reason


def test_an_attempt_without_a_nonce_matches_no_token() -> None:
    nobody = Expected(issuer="https://id.example", client_id="portal", nonce="", accepted_acr=frozenset({"loa3"}))
    with pytest.raises(TokenRejected):
        check_claims(claims(nonce=""), nobody, NOW)


def test_a_personal_number_is_kept_as_root_and_extension() -> None:
    person = who({PERSONAL: NUMBER}, ClaimMap(), TODAY)
    assert isinstance(person, AuthenticatedPerson)
    assert (person.number.root, person.number.extension) == (PNR_ROOT, NUMBER)


def test_a_co_ordination_number_has_its_own_claim_and_root() -> None:
    person = who({COORDINATION: COORDINATION_NUMBER}, ClaimMap(), TODAY)
    assert isinstance(person, AuthenticatedPerson)
    assert (person.number.root, person.number.extension) == (SNR_ROOT, COORDINATION_NUMBER)


@pytest.mark.parametrize("name", ["nin", "ssn"])
@pytest.mark.parametrize("number", [NUMBER, COORDINATION_NUMBER, "19121212-1212"])
def test_a_broker_may_send_both_kinds_under_its_own_name(name: str, number: str) -> None:
    claim_map = ClaimMap.from_mapping({"personal_number": name, "coordination_number": [name]})
    person = who({name: number}, claim_map, TODAY)
    assert isinstance(person, AuthenticatedPerson)
    assert person.number.extension == number.replace("-", "")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, Rejection.NUMBER_MISSING),
        ({"sub": NUMBER}, Rejection.NUMBER_MISSING),
        ({PERSONAL: ""}, Rejection.NUMBER_MISSING),
        ({PERSONAL: 191212121212}, Rejection.NUMBER_MISSING),
        ({PERSONAL: NUMBER, COORDINATION: COORDINATION_NUMBER}, Rejection.NUMBER_AMBIGUOUS),
        ({PERSONAL: "191212121213"}, Rejection.NUMBER_INVALID),
        ({PERSONAL: "1212121212"}, Rejection.NUMBER_INVALID),
        ({PERSONAL: "191213321212"}, Rejection.NUMBER_INVALID),
        ({PERSONAL: "19121212１２１２"}, Rejection.NUMBER_INVALID),
        ({PERSONAL: COORDINATION_NUMBER}, Rejection.NUMBER_INVALID),
        ({COORDINATION: NUMBER}, Rejection.NUMBER_INVALID),
    ],
)
def test_claims_that_do_not_say_exactly_one_valid_person_are_refused(said: dict[str, Any], reason: Rejection) -> None:
    with pytest.raises(TokenRejected) as caught:
        who(said, ClaimMap(), TODAY)
    assert caught.value.reason is reason


def test_staff_are_known_by_their_commission_even_when_the_card_also_holds_a_number() -> None:
    member = who({**STAFF, PERSONAL: NUMBER}, ClaimMap(), TODAY)
    assert member == AuthenticatedStaff(
        hsa_id="SE2321000131-E000000000001",
        commission_hsa_id="SE2321000131-C001",
        unit_hsa_id="SE2321000131-U001",
        purpose="Vård och behandling",
        name="Prov Personal",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"commissionHsaId": ABSENT}, Rejection.COMMISSION_MISSING),
        ({"healthCareUnitHsaId": ""}, Rejection.COMMISSION_MISSING),
        ({"employeeHsaId": "someone"}, Rejection.HSA_ID_INVALID),
        ({"employeeHsaId": "SE2321000131-E0000000000000000001"}, Rejection.HSA_ID_INVALID),
        ({"commissionHsaId": "SE2321000131-"}, Rejection.HSA_ID_INVALID),
    ],
)
def test_staff_claims_that_are_incomplete_or_malformed_are_refused(changes: dict[str, Any], reason: Rejection) -> None:
    said = {name: value for name, value in {**STAFF, **changes}.items() if value is not ABSENT}
    with pytest.raises(TokenRejected) as caught:
        who(said, ClaimMap(), TODAY)
    assert caught.value.reason is reason


def test_a_refusal_and_a_person_show_no_number() -> None:
    with pytest.raises(TokenRejected) as caught:
        who({PERSONAL: "191212121213"}, ClaimMap(), TODAY)
    assert "1912" not in f"{caught.value!r} {caught.value}"
    assert "1912" not in repr(who({PERSONAL: NUMBER}, ClaimMap(), TODAY))


@pytest.mark.parametrize("mapping", [{"shoe_size": "x"}, {"personal_number": 7}, {"personal_number": [7]}])
def test_a_claim_map_with_an_unknown_meaning_or_no_names_is_refused(mapping: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="claim map"):
        ClaimMap.from_mapping(mapping)


def test_userinfo_is_only_needed_when_the_id_token_says_nobody() -> None:
    assert has_number({PERSONAL: NUMBER}, ClaimMap())
    assert has_number(STAFF, ClaimMap())
    assert not has_number(GOOD, ClaimMap())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aB1-\xe5", max_size=14),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=6,
)


@given(changes=st.dictionaries(st.sampled_from([*GOOD, "nbf", "azp"]), _JSON, max_size=4))
def test_whatever_json_a_claim_holds_the_answer_is_yes_or_a_reason(changes: dict[str, Any]) -> None:
    changed = {**GOOD, **changes}
    try:
        check_claims(changed, EXPECTED, NOW)
    except TokenRejected:
        return
    for name in ("iss", "nonce", "acr"):
        assert changed[name] == GOOD[name]
    assert changed["aud"] in ("portal", ["portal"])
    assert SECONDS - timedelta(seconds=30).total_seconds() < changed["exp"]


@given(said=st.dictionaries(st.sampled_from([PERSONAL, COORDINATION, *STAFF]), _JSON, max_size=4))
def test_whatever_json_says_who_it_is_the_answer_is_somebody_or_a_reason(said: dict[str, Any]) -> None:
    try:
        found: object = who(said, ClaimMap(), TODAY)
    except TokenRejected as rejected:
        found = rejected.reason
    assert isinstance(found, AuthenticatedPerson | AuthenticatedStaff | Rejection)
