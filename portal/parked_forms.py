"""Nothing typed is lost: a form that arrives after its session timed out is kept until the same person has logged in again.

It is never acted on. After the log-in its page is shown with what was typed, to look over and send once more.
"""

from __future__ import annotations

import base64
import hmac
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from core.crypto import keyring
from portal.security import current_identity, database, is_public
from portal.sessions import CSRF_KEY, Owner, ServerSession, TimedOut, current_session

PARKED_KEY = "parked_form"
LARGEST_BYTES = 64 * 1024
MOST_FIELDS = 100
LIFETIME = timedelta(minutes=30)
# Made anew by the page: the old ones are worth nothing, or would say "already sent".
LEFT_OUT = (CSRF_KEY, "idempotency_key")


def park(session: ServerSession, before: TimedOut, page: str, fields: MultiDict[str, str], present: datetime) -> bool:
    """Keep a form's fields, encrypted, for whoever's session it was; return False when they are too many or too large."""
    pairs = [(name, value) for name, value in fields.items(multi=True) if name not in LEFT_OUT]
    text = json.dumps(pairs)
    if len(pairs) > MOST_FIELDS or len(text.encode()) > LARGEST_BYTES:
        return False
    session[PARKED_KEY] = {
        "page": page,
        "posted_to": request.path,
        "person_id": before.owner.person_id,
        "commission_id": before.owner.commission_id,
        "acting_for": before.values.get("acting_for"),
        "until": (present + LIFETIME).timestamp(),
        "fields": base64.b64encode(keyring().encrypt(text)).decode(),
    }
    return True


def parked_page(session: ServerSession) -> str | None:
    """Return the page (path and query) that a form is kept for, whoever typed it, or None."""
    parked = session.get(PARKED_KEY)
    return str(parked["page"]) if parked else None


def settle_parked_form(session: ServerSession, present: datetime) -> str | None:
    """After a log-in: return the page to go back to, or drop what another person typed, or what is too old."""
    parked = session.get(PARKED_KEY)
    if parked is None:
        return None
    if Owner(parked["person_id"], parked["commission_id"]) == session.owner and parked["until"] > present.timestamp():
        return str(parked["page"])
    session.pop(PARKED_KEY)
    return None


def take_parked_form(path: str) -> MultiDict[str, str] | None:
    """Return what the logged-in person had typed on the page at `path` before they were logged out, or None.

    It stays until the form is sent or 30 minutes have passed, so that reloading the page loses nothing either.
    """
    session = current_session()
    parked = session.get(PARKED_KEY)
    if parked is None or session.owner.is_anonymous or urlsplit(parked["page"]).path != path:
        return None
    if settle_parked_form(session, database().clock.now()) is None:
        return None
    # What was typed for a child is not shown as the parent's own, should the right to act for the child be gone.
    if parked["acting_for"] not in (None, current_identity().subject_person_id):
        return None
    return MultiDict(json.loads(keyring().decrypt(base64.b64decode(parked["fields"]))))


def init_parked_forms(app: Flask, *, log_in_endpoint: str) -> None:
    """Park what arrives too late, before the checks of CSRF and permission turn it away.

    Call before `CSRFProtect`: that would refuse the form, since its token belongs to the session that is no more.
    """

    def park_what_arrives_too_late() -> ResponseReturnValue | None:
        if request.method != "POST" or request.endpoint is None:
            return None
        session = current_session()
        if not session.owner.is_anonymous:
            _forget_when_sent(session)
            return None
        view = app.view_functions.get(request.endpoint)
        before = session.timed_out
        if view is None or is_public(view) or before is None:
            return None
        if not _is_from_our_page(before.values.get(CSRF_KEY, "")):
            return None
        return _park_and_ask_to_log_in(session, before, log_in_endpoint)

    app.before_request(park_what_arrives_too_late)


def _park_and_ask_to_log_in(session: ServerSession, before: TimedOut, log_in_endpoint: str) -> Response:
    page = _page_of_form()
    if not any(name not in LEFT_OUT for name in request.form):
        kept = "timed-out"
    elif park(session, before, page, request.form, database().clock.now()):
        kept = "kept"
    else:
        kept = "too-large"
    return redirect(url_for(log_in_endpoint, next=page, after=kept), 303)  # type: ignore[return-value]


def _is_from_our_page(csrf_secret: str) -> bool:
    serializer = URLSafeTimedSerializer(str(current_app.secret_key), salt="wtf-csrf-token")
    try:
        secret = serializer.loads(request.form.get(CSRF_KEY, ""))
    except BadData:
        return False
    return isinstance(secret, str) and bool(csrf_secret) and hmac.compare_digest(secret, csrf_secret)


def _page_of_form() -> str:
    """The address that shows the form: the one it was sent to if that can be looked at, else the one it was sent from."""
    if _can_be_shown(request.path):
        return request.full_path.rstrip("?")
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc == request.host and _can_be_shown(referrer.path):
        return referrer.path + (f"?{referrer.query}" if referrer.query else "")
    return "/"


def _can_be_shown(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return False
    try:
        adapter.match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return True


def _forget_when_sent(session: ServerSession) -> None:
    parked = session.get(PARKED_KEY)
    if parked is not None and parked["posted_to"] == request.path:
        session.pop(PARKED_KEY)
