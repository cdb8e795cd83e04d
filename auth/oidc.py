"""The OpenID Connect client: authorization code flow with PKCE S256, and nothing in the answer taken on trust."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    InvalidKeyIdError,
    JoseError,
    MissingAlgorithmError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.oidc_claims import Authenticated, ClaimMap, Expected, Rejection, TokenRejected, check_claims, has_number, who
from auth.oidc_provider import ProviderDocuments, ProviderUnavailable, unavailable
from core.clock import Clock, SystemClock, swedish_date

__all__ = ["LoginAttempt", "OpenIdClient", "ProviderSettings", "ProviderUnavailable", "load_client_key"]

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "PS256", "ES256")
SCOPE = "openid https://id.oidc.se/scope/naturalPersonNumber"
CLIENT_AUTHENTICATIONS = ("private_key_jwt", "client_secret_basic", "client_secret_post")
ASSERTION_LIFETIME_SECONDS = 60

SigningKey = RSAKey | ECKey


@dataclass(frozen=True)
class ProviderSettings:
    """Which provider, who we are to it, and what it must vouch for. Time-outs are connect and read, in seconds."""

    issuer: str
    client_id: str
    accepted_acr: tuple[str, ...]
    client_key: SigningKey | None = field(default=None, repr=False)
    client_secret: str = field(default="", repr=False)
    client_authentication: str = "private_key_jwt"
    claim_map: ClaimMap = field(default_factory=ClaimMap)
    scope: str = SCOPE
    max_auth_age: timedelta = timedelta(minutes=10)
    timeouts: tuple[float, float] = (3.0, 5.0)

    def __post_init__(self) -> None:
        if self.client_authentication not in CLIENT_AUTHENTICATIONS:
            raise ValueError(f"client authentication is one of {', '.join(CLIENT_AUTHENTICATIONS)}")
        if self.client_authentication == "private_key_jwt" and self.client_key is None:
            raise ValueError("private_key_jwt needs a client key")
        if self.client_authentication != "private_key_jwt" and not self.client_secret:
            raise ValueError(f"{self.client_authentication} needs a client secret")
        if not self.accepted_acr:
            raise ValueError("at least one acr value must be accepted")


@dataclass(frozen=True)
class LoginAttempt:
    """One way to the provider and back: the address to go to, and the secrets that stay here until the answer."""

    url: str
    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


def load_client_key(path: Path) -> SigningKey:
    """Read a private RSA or P-256 key from a JWK or PEM file; raise ValueError without echoing it."""
    text = path.read_text(encoding="utf-8")
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key.is_private:
            key.ensure_kid()
            return key
    raise ValueError("the client key file holds no private RSA or P-256 key")


class OpenIdClient:
    """Talks to one provider; safe to share between threads. Runs on the real clock, as the provider's tokens do."""

    def __init__(self, settings: ProviderSettings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._documents = ProviderDocuments(settings.issuer, settings.timeouts, self._clock)

    def begin(self, redirect_uri: str, *, ui_locales: str = "sv") -> LoginAttempt:
        """Prepare a log-in; raise ProviderUnavailable."""
        metadata = self._documents.metadata()
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        with self._session(redirect_uri) as session:
            url, state = session.create_authorization_url(
                metadata["authorization_endpoint"],
                state=secrets.token_urlsafe(32),
                code_verifier=verifier,
                nonce=nonce,
                acr_values=" ".join(self.settings.accepted_acr),
                max_age=str(int(self.settings.max_auth_age.total_seconds())),
                ui_locales=ui_locales,
            )
        return LoginAttempt(url, state, nonce, verifier)

    def finish(
        self, *, code: str, callback_issuer: str | None, redirect_uri: str, nonce: str, code_verifier: str
    ) -> Authenticated:
        """Exchange the code and return who it is; raise TokenRejected (logged here, once) or ProviderUnavailable."""
        try:
            # RFC 9207: an answer that names another issuer was meant for somebody else.
            if callback_issuer is not None and callback_issuer != self.settings.issuer:
                raise TokenRejected(Rejection.CALLBACK_ISSUER)
            tokens = self._exchange(code, redirect_uri, code_verifier)
            return self._identify(tokens, nonce)
        except TokenRejected as rejected:
            logger.warning("log-in rejected", extra={"reason": rejected.reason.value, "issuer": self.settings.issuer})
            raise

    def public_keys(self) -> dict[str, Any]:
        """Return our public keys as a JWK set, for the provider to check `private_key_jwt` with."""
        key = self.settings.client_key
        return {"keys": [] if key is None else [{**key.as_dict(private=False), "use": "sig", "alg": _algorithm(key)}]}

    def _identify(self, tokens: Mapping[str, Any], nonce: str) -> Authenticated:
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str) or not id_token:
            raise TokenRejected(Rejection.ID_TOKEN_MISSING)
        claims = self._verified_claims(id_token)
        expected = Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=nonce,
            accepted_acr=frozenset(self.settings.accepted_acr),
            max_auth_age=self.settings.max_auth_age,
        )
        now = self._clock.now()
        check_claims(claims, expected, now)
        if not has_number(claims, self.settings.claim_map):
            claims = {**self._userinfo(tokens, claims["sub"]), **claims}
        return who(claims, self.settings.claim_map, swedish_date(now))

    def _verified_claims(self, id_token: str) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            try:
                return jwt.decode(id_token, self._documents.keys(), registry=registry).claims
            except (InvalidKeyIdError, BadSignatureError):
                return jwt.decode(id_token, self._documents.keys(refresh=True), registry=registry).claims
        except (UnsupportedAlgorithmError, MissingAlgorithmError):
            raise TokenRejected(Rejection.ALGORITHM) from None
        except (InvalidKeyIdError, BadSignatureError):
            raise TokenRejected(Rejection.SIGNATURE) from None
        except (JoseError, ValueError, TypeError):
            raise TokenRejected(Rejection.ID_TOKEN_UNREADABLE) from None

    def _exchange(self, code: str, redirect_uri: str, code_verifier: str) -> Mapping[str, Any]:
        endpoint = self._documents.metadata()["token_endpoint"]
        try:
            with self._session(redirect_uri) as session:
                tokens: Mapping[str, Any] = session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=redirect_uri,
                    code_verifier=code_verifier,
                    allow_redirects=False,
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise TokenRejected(Rejection.CODE_REFUSED) from None
            raise unavailable(self.settings.issuer, f"token {error.error}", error) from None
        except (requests.RequestException, ValueError) as error:
            raise unavailable(self.settings.issuer, "token", error) from None
        return tokens

    def _userinfo(self, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
        # Some Swedish providers keep the number out of the id token and in userinfo.
        endpoint, access_token = self._documents.metadata().get("userinfo_endpoint"), tokens.get("access_token")
        if not isinstance(endpoint, str) or not isinstance(access_token, str):
            return {}
        answer = self._documents.get_json(endpoint, "userinfo", {"Authorization": f"Bearer {access_token}"})
        if answer.get("sub") != subject:
            raise TokenRejected(Rejection.SUBJECT)
        return answer

    @property
    def _uses_key(self) -> bool:
        return self.settings.client_authentication == "private_key_jwt"

    def _session(self, redirect_uri: str) -> OAuth2Session:
        settings = self.settings
        session = OAuth2Session(
            client_id=settings.client_id,
            client_secret=settings.client_key if self._uses_key else settings.client_secret,
            token_endpoint_auth_method=settings.client_authentication,
            scope=settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=settings.timeouts,
        )
        if self._uses_key and settings.client_key is not None:
            now = int(self._clock.now().timestamp())
            session.register_client_auth_method(
                PrivateKeyJWT(
                    claims={"exp": now + ASSERTION_LIFETIME_SECONDS},
                    headers={"kid": settings.client_key.kid},
                    alg=_algorithm(settings.client_key),
                )
            )
        return session


def _algorithm(key: SigningKey) -> str:
    return "ES256" if isinstance(key, ECKey) else "RS256"
