"""An identity provider that says whatever a test wants: wrong, unsigned, late, or nonsense."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.idp import CLIENT_ID, PERSON_ACR, new_key


@cache
def _usual_key() -> RSAKey:
    return new_key()


@dataclass
class FakeProvider:
    """An issuer that signs whatever the test wants: change `claims`, `header`, `key` or `token_answer` before logging in."""

    issuer: str = ""
    key: RSAKey = field(default_factory=_usual_key)
    published: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    token_answer: Callable[[str], tuple[int, str, bytes]] | None = None
    discovery_answer: tuple[int, str, bytes] | None = None
    hang_at: str = ""
    token_requests: list[dict[str, list[str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def discovery(self) -> dict[str, Any]:
        """The discovery document."""
        document: dict[str, str | list[str] | None] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["none", "RS256"],
        }
        if self.userinfo is not None:
            document["userinfo_endpoint"] = f"{self.issuer}/me"
        document.update(self.metadata)
        return {name: value for name, value in document.items() if value is not None}

    def id_token(self, nonce: str) -> str:
        """Sign an id token: correct but for what `claims` and `header` say; a claim of None is left out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "opaque-subject",
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "acr": PERSON_ACR,
            "https://id.oidc.se/claim/personalIdentityNumber": "191212121212",
        }
        claims.update(self.claims)
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        if header["alg"] == "none":
            return f"{_encode(header)}.{_encode(claims)}."
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])

    def answer(self, path: str, form: dict[str, list[str]], nonce: str) -> tuple[int, str, bytes]:
        """Answer one request: status, content type, body."""
        self.asked.append(path)
        if self.hang_at and path.endswith(self.hang_at):
            self.released.wait(20)
        if path.endswith("openid-configuration"):
            return self.discovery_answer or _json(self.discovery())
        if path == "/jwks":
            return _json({"keys": [(self.published or self.key).as_dict(private=False)]})
        if path == "/me":
            return _json(self.userinfo or {})
        if path == "/token":
            self.token_requests.append(form)
            if self.token_answer:
                return self.token_answer(nonce)
            return _json({"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(nonce)})
        return 404, "text/plain", b"no such page"


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _json(value: object) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(value).encode()


@contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """Serve a FakeProvider on loopback; the nonce to sign is sent as the code, since there is no browser."""
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self, form: dict[str, list[str]]) -> None:
            nonce = form.get("code", [""])[0]
            status, content_type, body = provider.answer(urlsplit(self.path).path, form, nonce)
            try:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass

        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._respond(parse_qs(self.rfile.read(length).decode()))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
