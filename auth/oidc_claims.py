"""What an id token must say before anybody is let in, and who it says it is. Pure: no clock, no network, no database.

Handbook §12 (oidc.se, Sweden Connect, Inera); the list of what Authlib leaves unchecked is in house.md's log-in row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum

from auth.numbers import PNR_ROOT, MalformedNumber, PersonNumber, is_hsa_id, parse_number

_LAST_SECOND = 2**40
_OIDC_SE = "https://id.oidc.se/claim/"

Claims = Mapping[str, object]


class Rejection(StrEnum):
    """Why a log-in was refused; the word that goes in the log line."""

    ID_TOKEN_MISSING = "id_token_missing"
    ID_TOKEN_UNREADABLE = "id_token_unreadable"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    AUTHORIZED_PARTY = "authorized_party"
    NONCE = "nonce"
    EXPIRED = "expired"
    ISSUED_AT = "issued_at"
    NOT_YET_VALID = "not_yet_valid"
    ACR = "acr"
    AUTH_TIME = "auth_time"
    SUBJECT = "subject"
    NUMBER_MISSING = "number_missing"
    NUMBER_AMBIGUOUS = "number_ambiguous"
    NUMBER_INVALID = "number_invalid"
    HSA_ID_INVALID = "hsa_id_invalid"
    COMMISSION_MISSING = "commission_missing"
    CODE_REFUSED = "code_refused"
    CALLBACK_ISSUER = "callback_issuer"


class TokenRejected(Exception):
    """The provider's answer must not let anybody in; carries the reason and no personal data."""

    def __init__(self, reason: Rejection) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Expected:
    """What this log-in attempt demands of its id token."""

    issuer: str
    client_id: str
    nonce: str
    accepted_acr: frozenset[str]
    max_auth_age: timedelta = timedelta(minutes=10)
    leeway: timedelta = timedelta(seconds=30)


@dataclass(frozen=True)
class ClaimMap:
    """Which claim names mean what; the defaults are oidc.se's and Inera's, brokers say `nin` or `ssn`.

    A broker that sends both kinds of number under one name has that name under both meanings.
    """

    personal_number: tuple[str, ...] = (f"{_OIDC_SE}personalIdentityNumber",)
    coordination_number: tuple[str, ...] = (f"{_OIDC_SE}coordinationNumber",)
    employee_hsa_id: tuple[str, ...] = ("employeeHsaId",)
    commission_hsa_id: tuple[str, ...] = ("commissionHsaId",)
    commission_purpose: tuple[str, ...] = ("commissionPurpose",)
    unit_hsa_id: tuple[str, ...] = ("healthCareUnitHsaId",)
    unit_name: tuple[str, ...] = ("healthCareUnitName",)
    name: tuple[str, ...] = ("name",)
    given_name: tuple[str, ...] = ("given_name",)
    family_name: tuple[str, ...] = ("family_name",)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> ClaimMap:
        """Read names (one, or a list in order of preference) per meaning; raise ValueError for an unknown meaning."""
        known = {field.name for field in fields(cls)}
        names: dict[str, tuple[str, ...]] = {}
        for meaning, value in mapping.items():
            wanted = [value] if isinstance(value, str) else value
            if meaning not in known or not isinstance(wanted, list) or not all(isinstance(n, str) for n in wanted):
                raise ValueError(f"claim map: {meaning!r} is not one of {', '.join(sorted(known))} with claim names")
            names[meaning] = tuple(wanted)
        return cls(**names)


@dataclass(frozen=True)
class AuthenticatedPerson:
    """A member of the public, known by a valid personal or co-ordination number."""

    number: PersonNumber


@dataclass(frozen=True)
class AuthenticatedStaff:
    """A member of staff acting under one commission."""

    hsa_id: str
    commission_hsa_id: str
    unit_hsa_id: str
    purpose: str
    name: str


Authenticated = AuthenticatedPerson | AuthenticatedStaff


def check_claims(claims: Claims, expected: Expected, now: datetime) -> None:
    """Raise TokenRejected unless issuer, audience, nonce, times and assurance level are exactly what was asked for."""
    if claims.get("iss") != expected.issuer:
        raise TokenRejected(Rejection.ISSUER)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise TokenRejected(Rejection.SUBJECT)
    _check_audience(claims, expected.client_id)
    if not expected.nonce or claims.get("nonce") != expected.nonce:
        raise TokenRejected(Rejection.NONCE)
    _check_times(claims, expected, now)
    acr = claims.get("acr")
    if not isinstance(acr, str) or acr not in expected.accepted_acr:
        raise TokenRejected(Rejection.ACR)


def _check_audience(claims: Claims, client_id: str) -> None:
    audience = claims.get("aud")
    party = claims.get("azp")
    if party is not None and party != client_id:
        raise TokenRejected(Rejection.AUTHORIZED_PARTY)
    # A token that others may also use is not ours alone, whoever it was issued to.
    if audience != client_id and audience != [client_id]:
        raise TokenRejected(Rejection.AUDIENCE)


def _check_times(claims: Claims, expected: Expected, now: datetime) -> None:
    present, leeway = now.timestamp(), expected.leeway.total_seconds()
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    if expires is None or expires <= present - leeway:
        raise TokenRejected(Rejection.EXPIRED)
    if issued is None or issued > present + leeway:
        raise TokenRejected(Rejection.ISSUED_AT)
    if "nbf" in claims:
        valid_from = _seconds(claims, "nbf")
        if valid_from is None or valid_from > present + leeway:
            raise TokenRejected(Rejection.NOT_YET_VALID)
    authenticated = _seconds(claims, "auth_time")
    oldest = present - expected.max_auth_age.total_seconds() - leeway
    if authenticated is None or not oldest <= authenticated <= present + leeway:
        raise TokenRejected(Rejection.AUTH_TIME)


def _seconds(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # JSON as Python reads it may hold NaN, which no comparison would stop, and integers no float can hold.
    return float(value) if 0 <= value < _LAST_SECOND else None


def has_number(claims: Claims, claim_map: ClaimMap) -> bool:
    """Whether the claims already say who it is, so that userinfo need not be asked."""
    names = claim_map.personal_number + claim_map.coordination_number + claim_map.employee_hsa_id
    return any(name in claims for name in names)


def who(claims: Claims, claim_map: ClaimMap, today: date) -> Authenticated:
    """Return who the claims are about; raise TokenRejected when they say nobody, two people, or something malformed."""
    hsa_id = _text(claims, claim_map.employee_hsa_id)
    if hsa_id:
        return _staff(hsa_id, claims, claim_map)
    names = claim_map.personal_number + claim_map.coordination_number
    numbers = {_text(claims, (name,)) for name in names} - {""}
    if not numbers:
        raise TokenRejected(Rejection.NUMBER_MISSING)
    if len(numbers) > 1:
        raise TokenRejected(Rejection.NUMBER_AMBIGUOUS)
    return AuthenticatedPerson(_valid_number(numbers.pop(), claims, claim_map, today))


def _valid_number(text: str, claims: Claims, claim_map: ClaimMap, today: date) -> PersonNumber:
    # A provider must say the century: guessing it could let one person in as another.
    if not text.isascii() or sum(character.isdigit() for character in text) != 12:
        raise TokenRejected(Rejection.NUMBER_INVALID)
    try:
        number = parse_number(text, today)
    except MalformedNumber:
        raise TokenRejected(Rejection.NUMBER_INVALID) from None
    names = claim_map.personal_number if number.root == PNR_ROOT else claim_map.coordination_number
    if not _text(claims, names):
        raise TokenRejected(Rejection.NUMBER_INVALID)
    return number


def _staff(hsa_id: str, claims: Claims, claim_map: ClaimMap) -> AuthenticatedStaff:
    commission = _text(claims, claim_map.commission_hsa_id)
    unit = _text(claims, claim_map.unit_hsa_id)
    if not commission or not unit:
        raise TokenRejected(Rejection.COMMISSION_MISSING)
    if not all(is_hsa_id(value) for value in (hsa_id, commission, unit)):
        raise TokenRejected(Rejection.HSA_ID_INVALID)
    given, family = _text(claims, claim_map.given_name), _text(claims, claim_map.family_name)
    name = _text(claims, claim_map.name) or f"{given} {family}".strip()
    return AuthenticatedStaff(hsa_id, commission, unit, _text(claims, claim_map.commission_purpose), name)


def _text(claims: Claims, names: tuple[str, ...]) -> str:
    for name in names:
        value = claims.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""
