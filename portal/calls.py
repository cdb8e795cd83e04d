"""The call that customer service has open, kept in the server-side session."""

from __future__ import annotations

from datetime import datetime

from auth.calls import Call
from portal.sessions import CALL_KEY, current_session


def call_of_session() -> Call | None:
    """Return the call that the session keeps, whether it still lasts or not."""
    return _read(current_session().get(CALL_KEY))


def keep_call(call: Call) -> None:
    """Have the session keep a call from now on, instead of any other."""
    current_session()[CALL_KEY] = [call.person_id, call.reason, call.opened_at.isoformat()]


def take_call() -> Call | None:
    """Have the session forget its call, and return it; of two requests that do so at once, one gets None."""
    return _read(current_session().take(CALL_KEY))


def _read(kept: list[int | str] | None) -> Call | None:
    if kept is None:
        return None
    person_id, reason, opened_at = kept
    return Call(int(person_id), str(reason), datetime.fromisoformat(str(opened_at)))
