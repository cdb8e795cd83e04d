"""What goes wrong becomes a calm page that says what to do, and never shows what is behind it."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from core.errors import NotFound, NotPermitted
from portal.security import signed_in

log = logging.getLogger("portal.errors")
_PAGES = frozenset({400, 403, 404, 413, 429, 500, 503})


def init_errors(app: Flask) -> None:
    """Register a page for everything that can go wrong."""

    @app.errorhandler(NotFound)
    def not_found(_problem: NotFound) -> ResponseReturnValue:
        return _page(404)

    @app.errorhandler(NotPermitted)
    def not_permitted(_problem: NotPermitted) -> ResponseReturnValue:
        log.warning("not permitted", extra={"endpoint": request.endpoint})
        return _page(403)

    @app.errorhandler(CSRFError)
    def csrf(_problem: CSRFError) -> ResponseReturnValue:
        log.warning("csrf token refused", extra={"endpoint": request.endpoint})
        if signed_in() is None and request.endpoint not in {"login.start", "public.set_language"}:
            return redirect(url_for("login.show"), 303)
        return _page(400)

    @app.errorhandler(OperationalError)
    def database_away(problem: OperationalError) -> ResponseReturnValue:
        log.error("database is away", extra={"endpoint": request.endpoint, "error": type(problem.orig).__name__})
        # The page about it must not ask the database who is reading.
        g.database_is_away = True
        return _page(503)

    @app.errorhandler(DataError)
    def unstorable(_problem: DataError) -> ResponseReturnValue:
        # A zero character or a number without end: nothing that the database could hold is called so.
        log.warning("unstorable value", extra={"endpoint": request.endpoint})
        return _page(404 if request.method in {"GET", "HEAD"} else 400)

    @app.errorhandler(HTTPException)
    def http(problem: HTTPException) -> ResponseReturnValue:
        if isinstance(problem.response, Response) or problem.code is None or problem.code < 400:
            return problem
        return _page(problem.code)

    @app.errorhandler(Exception)
    def unexpected(problem: Exception) -> ResponseReturnValue:
        log.exception("unexpected error", extra={"endpoint": request.endpoint, "error": type(problem).__name__})
        return _page(500)


def _page(code: int) -> ResponseReturnValue:
    shown = code if code in _PAGES else 400 if code < 500 else 500
    request_id = g.get("request_id", "") if shown >= 500 else ""
    return render_template(f"errors/{shown}.html", request_id=request_id), code
