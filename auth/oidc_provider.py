"""What an OpenID provider publishes about itself: fetched with time-outs, cached, and bound to our issuer."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import requests
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from core.clock import Clock

logger = logging.getLogger(__name__)

T = TypeVar("T")

LIFETIME = timedelta(hours=1)
# An unknown key id makes us ask again, but forged tokens must not make us hammer the provider.
KEY_REFRESH_INTERVAL = timedelta(seconds=10)
# While it is down, those who wait behind the first to notice are told at once.
FAILURE_REMEMBERED = timedelta(seconds=3)
ANSWER_LIMIT_BYTES = 256 * 1024


class ProviderUnavailable(Exception):
    """The provider cannot be reached, or answers something that is not OpenID Connect."""


def unavailable(issuer: str, step: str, error: Exception) -> ProviderUnavailable:
    """Log what failed, without anything the provider or the user sent, and return the error to raise."""
    logger.error("identity provider unavailable", extra={"step": step, "error": type(error).__name__, "issuer": issuer})
    return ProviderUnavailable(step)


class _Cached(Generic[T]):
    """One fetched document: kept while fresh, and longer when it cannot be fetched anew."""

    def __init__(self, fetch: Callable[[], T], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._value: T | None = None
        self._fetched_at: datetime | None = None
        self._failed_at: datetime | None = None

    def get(self, lifetime: timedelta) -> T:
        with self._lock:
            now = self._clock.now()
            if self._value is not None and self._fetched_at is not None and now - self._fetched_at < lifetime:
                return self._value
            if self._failed_at is not None and now - self._failed_at < FAILURE_REMEMBERED:
                return self._stale(ProviderUnavailable("asked a moment ago"))
            try:
                self._value = self._fetch()
            except ProviderUnavailable as error:
                self._failed_at = self._clock.now()
                return self._stale(error)
            self._fetched_at, self._failed_at = now, None
            return self._value

    def _stale(self, error: ProviderUnavailable) -> T:
        if self._value is None:
            raise error
        return self._value


class ProviderDocuments:
    """Discovery document and signing keys of one issuer; safe to share between threads."""

    def __init__(self, issuer: str, timeouts: tuple[float, float], clock: Clock) -> None:
        self._issuer = issuer
        self._timeouts = timeouts
        self._metadata = _Cached(self._fetch_metadata, clock)
        self._keys = _Cached(self._fetch_keys, clock)

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document, at most an hour old; raise ProviderUnavailable."""
        return self._metadata.get(LIFETIME)

    def keys(self, *, refresh: bool = False) -> KeySet:
        """Return the signing keys, anew on `refresh` unless just fetched; raise ProviderUnavailable."""
        return self._keys.get(KEY_REFRESH_INTERVAL if refresh else LIFETIME)

    def get_json(self, url: str, step: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Fetch one JSON object of bounded size; raise ProviderUnavailable."""
        try:
            with requests.get(
                url,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
                headers={"Accept": "application/json", **(headers or {})},
            ) as response:
                response.raise_for_status()
                body = response.raw.read(ANSWER_LIMIT_BYTES + 1, decode_content=True)
            if len(body) > ANSWER_LIMIT_BYTES:
                raise ValueError("answer too large")
            answer = json.loads(body)
            if not isinstance(answer, dict):
                raise ValueError("not an object")
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            raise unavailable(self._issuer, step, error) from None
        return answer

    def _fetch_metadata(self) -> dict[str, Any]:
        metadata = self.get_json(self._issuer.rstrip("/") + "/.well-known/openid-configuration", "discovery")
        if metadata.get("issuer", self._issuer) != self._issuer:
            raise unavailable(self._issuer, "discovery", ValueError("another issuer"))
        schemes = ("https://",) if self._issuer.startswith("https://") else ("https://", "http://")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(metadata.get(name, "")).startswith(schemes):
                raise unavailable(self._issuer, "discovery", ValueError(f"no usable {name}"))
        return metadata

    def _fetch_keys(self) -> KeySet:
        listed = self.get_json(self.metadata()["jwks_uri"], "jwks").get("keys")
        usable = [
            key
            for key in (listed if isinstance(listed, list) else [])
            if isinstance(key, dict) and key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise unavailable(self._issuer, "jwks", error) from None
