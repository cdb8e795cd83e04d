"""Server-side sessions in PostgreSQL: the cookie holds a random token, the table its SHA-256 and everything else.

A session is read when something first asks for it, so static files and health checks cost no query, and a row is made
only when there is something to keep. Time-outs: 30 minutes idle, 8 hours at most. The row of a session that timed out is kept for a
day: it tells whose half-filled form it is that comes too late (`portal/parked_forms.py`).
"""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth.models import WebSession
from core.clock import now
from core.db import Database
from portal.session_values import ANONYMOUS, Owner, TimedOut, pack, unpack

__all__ = [
    "ANONYMOUS",
    "CALL_KEY",
    "CARE_KEY",
    "CSRF_KEY",
    "Owner",
    "ServerSession",
    "TimedOut",
    "current_session",
    "delete_old_sessions",
    "init_sessions",
]

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=8)
SEEN_INTERVAL = timedelta(minutes=1)
KEEP_TIMED_OUT = timedelta(days=1)
SECURE_COOKIE_NAME = "__Host-session"
PLAIN_COOKIE_NAME = "session"
CSRF_KEY = "csrf_token"
# What outlives a log-in; everything else belonged to whoever was there before.
CARRIED_KEYS = ("language", "parked_form")
CARRIED_PREFIX = "login_attempt:"
# The call that customer service has open.
CALL_KEY = "call"
# The patient for whom a prescriber reports a fault.
CARE_KEY = "care"
# What a session that timed out leaves to the same person's next one: whom they acted for or had on the phone, and the CSRF
# secret that is in the pages still open in other tabs.
RESTORED_KEYS = (CSRF_KEY, "acting_for", CALL_KEY, CARE_KEY)
_PREVIOUS_KEY = "previous_session"


class ServerSession(SessionMixin):
    """The session of one request, loaded on first use; changes are saved key by key at the end of the request."""

    def __init__(self, database: Database, token: str) -> None:
        self._database = database
        self._token = token
        self._loaded = False
        self._values: dict[str, Any] = {}
        self._saved_values: dict[str, Any] = {}
        self._row_id: int | None = None
        self._last_seen_at: datetime | None = None
        self._timed_out: TimedOut | None = None
        self._owner = ANONYMOUS
        self.cookie_to_set: str | None = None
        self.cookie_to_drop = False
        # Set by what a page asks by itself: nobody has done anything, so the time-out goes on counting.
        self.is_unattended = False

    def __getitem__(self, key: str) -> Any:
        return self._data()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._data()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._data()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data())

    def __len__(self) -> int:
        return len(self._data())

    @property
    def owner(self) -> Owner:
        """Whose session it is."""
        self._data()
        return self._owner

    @property
    def touched(self) -> bool:
        """Whether anything in this request has asked for the session."""
        return self._loaded

    @property
    def timed_out(self) -> TimedOut | None:
        """The logged-in session that timed out before this one, if the browser still shows its pages."""
        values = self._data()
        return self._timed_out or TimedOut.unpack(values.get(_PREVIOUS_KEY))

    def take(self, key: str) -> Any:
        """Remove and return a value at once, in its own transaction: of two requests that take it, one gets None."""
        values = self._data()
        if self._row_id is None or key not in values:
            return None
        with self._database.unit_of_work() as db:
            row = db.scalar(select(WebSession).where(WebSession.id == self._row_id).with_for_update())
            if row is None or key not in row.data:
                return None
            row.data = {name: value for name, value in row.data.items() if name != key}
        self._saved_values.pop(key, None)
        return values.pop(key)

    def rotate(self, db: Session, owner: Owner) -> None:
        """Begin `owner`'s session under a new token and end the old one, in the caller's transaction."""
        values = self._data()
        before = self.timed_out
        kept = {key: values[key] for key in values if key in CARRIED_KEYS or key.startswith(CARRIED_PREFIX)}
        if before is not None and before.owner == owner:
            kept.update(before.values)
        self._end_row(db)
        self._values, self._owner, self._timed_out = kept, owner, None
        self._insert(db)

    def end(self, db: Session) -> None:
        """End the session for good, in the caller's transaction, and have the browser forget the cookie."""
        self._data()
        self._end_row(db)
        self._values, self._saved_values, self._row_id = {}, {}, None
        self._owner, self._timed_out, self.cookie_to_drop = ANONYMOUS, None, True

    def save(self) -> None:
        """Write what has changed; the last-seen time at most once a minute."""
        if not self._loaded:
            return
        changed = self._values != self._saved_values
        if self._row_id is None:
            if self._values:
                with self._database.unit_of_work() as db:
                    self._insert(db)
            return
        present = self._database.clock.now()
        is_seen = self._last_seen_at is not None and present - self._last_seen_at < SEEN_INTERVAL
        if not changed and (self.is_unattended or is_seen):
            return
        with self._database.unit_of_work() as db:
            row = db.scalar(select(WebSession).where(WebSession.id == self._row_id).with_for_update())
            # A log-out in another tab wins over what this request wanted to remember.
            if row is None or row.ended_at is not None:
                return
            row.last_seen_at = present
            if changed:
                row.data = pack(self._merged(unpack(row.data)))
        self._saved_values = copy.deepcopy(self._values)

    def _data(self) -> dict[str, Any]:
        if not self._loaded:
            self._load()
            self._loaded = True
        return self._values

    def _load(self) -> None:
        if not self._token:
            return
        with self._database.unit_of_work() as db:
            row = db.scalar(select(WebSession).where(WebSession.token_hash == _digest(self._token)))
            if row is None or row.ended_at is not None:
                return
            present = now(db)
            values = unpack(row.data)
            owner = Owner(row.person_id, row.commission_id)
            if present >= row.expires_at or present - row.last_seen_at > IDLE_LIMIT:
                if owner.is_anonymous:
                    self._timed_out = TimedOut.unpack(values.get(_PREVIOUS_KEY))
                else:
                    self._timed_out = TimedOut(owner, {key: values[key] for key in RESTORED_KEYS if key in values})
                if "language" in values:
                    self._values = {"language": values["language"]}
                return
            self._row_id, self._last_seen_at, self._owner = row.id, row.last_seen_at, owner
            self._values = values
            self._saved_values = copy.deepcopy(values)

    def _merged(self, current: dict[str, Any]) -> dict[str, Any]:
        for key in self._values.keys() | self._saved_values.keys():
            if key not in self._values:
                current.pop(key, None)
            elif self._values[key] != self._saved_values.get(key):
                current[key] = self._values[key]
        return current

    def _insert(self, db: Session) -> None:
        if self._timed_out is not None:
            self._values[_PREVIOUS_KEY] = self._timed_out.pack()
        token, present = secrets.token_urlsafe(32), now(db)
        row = WebSession(
            token_hash=_digest(token),
            data=pack(self._values),
            person_id=self._owner.person_id,
            commission_id=self._owner.commission_id,
            created_at=present,
            last_seen_at=present,
            expires_at=present + ABSOLUTE_LIMIT,
        )
        db.add(row)
        db.flush()
        self._row_id, self._last_seen_at = row.id, present
        self._saved_values = copy.deepcopy(self._values)
        self.cookie_to_set, self.cookie_to_drop = token, False

    def _end_row(self, db: Session) -> None:
        if self._row_id is not None:
            db.execute(
                update(WebSession).where(WebSession.id == self._row_id).values(ended_at=now(db), data={}),
                execution_options={"synchronize_session": False},
            )


class DatabaseSessions(SessionInterface):
    """Flask's way to a ServerSession and back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        return ServerSession(self._database, request.cookies.get(app.config["SESSION_COOKIE_NAME"], ""))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        current = cast(ServerSession, session)
        current.save()
        name = app.config["SESSION_COOKIE_NAME"]
        secure, path = self.get_cookie_secure(app), "/"
        if current.cookie_to_drop:
            response.delete_cookie(name, path=path, secure=secure, httponly=True, samesite="Lax")
        elif current.cookie_to_set:
            response.set_cookie(name, current.cookie_to_set, path=path, secure=secure, httponly=True, samesite="Lax")
        if current.touched:
            response.vary.add("Cookie")


def current_session() -> ServerSession:
    """Return the session of the request under way."""
    return cast(ServerSession, session._get_current_object())  # type: ignore[attr-defined]


def init_sessions(app: Flask, database: Database, *, uses_https: bool) -> None:
    """Give the application server-side sessions; call before Flask-WTF and Flask-Login are initialised."""
    app.config["SESSION_COOKIE_NAME"] = SECURE_COOKIE_NAME if uses_https else PLAIN_COOKIE_NAME
    app.config["SESSION_COOKIE_SECURE"] = uses_https
    # The token lives in the session, and the session has time-outs of its own.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.session_interface = DatabaseSessions(database)


def delete_old_sessions(db: Session) -> int:
    """Delete sessions that ended or timed out more than a day ago; return how many. Locks only those rows."""
    before = now(db) - KEEP_TIMED_OUT
    gone = db.execute(
        delete(WebSession).where(
            (WebSession.ended_at < before)
            | (WebSession.expires_at < before)
            | (WebSession.last_seen_at < before - IDLE_LIMIT)
        )
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
