"""Every answer's safety headers, request id and log line."""

from __future__ import annotations

import logging
import secrets
import time

from flask import Flask, Response, g, request

from core.request_id import set_request_id

log = logging.getLogger("portal.requests")

# A page with the camera sets `g.worker_source`. A page whose form leads to another site sets `g.form_action`: browsers apply it to the
# redirects that follow.
SELF, NONE = "'self'", "'none'"
# The camera's code reader: WebAssembly runs in its worker, which sees no page, and nowhere else.
WORKER_POLICY = "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'"


def csp_nonce() -> str:
    """Return the nonce of this answer's scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def init_headers(app: Flask, *, uses_https: bool) -> None:
    """Add the headers to every answer and one line without personal data to the log."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = set_request_id(request.headers.get("X-Request-Id"))

    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self' data:; font-src 'self';"
            f" connect-src 'self'; worker-src {g.get('worker_source', NONE)}; form-action {g.get('form_action', SELF)};"
            " base-uri 'none'; frame-ancestors 'none'",
        )
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if uses_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        # Pages show health data: nothing between us and the reader may keep them. Built assets say otherwise themselves.
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-Id"] = str(g.get("request_id", ""))
        if request.endpoint not in {"assets", "health.alive"}:
            log.info(
                "request",
                extra={
                    "method": request.method,
                    "endpoint": request.endpoint,
                    "status": response.status_code,
                    "milliseconds": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
                },
            )
        return response
