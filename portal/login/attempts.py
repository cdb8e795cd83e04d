"""Log-ins under way: the secrets of each stay in the session until the provider sends the browser back, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auth.oidc import LoginAttempt
from portal.sessions import CARRIED_PREFIX, ServerSession

LIFETIME = timedelta(minutes=10)
# Two tabs may log in at the same time; a hundred may not fill the session.
MOST_AT_ONCE = 5
LONGEST_ADDRESS = 2000


@dataclass(frozen=True)
class Attempt:
    """What was remembered when the browser was sent to the provider."""

    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    next_path: str


def remember(session: ServerSession, attempt: LoginAttempt, next_path: str, present: datetime) -> None:
    """Keep an attempt for ten minutes; the oldest gives way when there are more than five."""
    under_way = {key: session[key] for key in session if key.startswith(CARRIED_PREFIX)}
    oldest_first = sorted(under_way, key=lambda key: float(under_way[key]["until"]))
    for key in oldest_first[: max(0, len(oldest_first) - MOST_AT_ONCE + 1)]:
        session.pop(key)
    session[CARRIED_PREFIX + attempt.state] = {
        "nonce": attempt.nonce,
        "code_verifier": attempt.code_verifier,
        "next": next_path,
        "until": (present + LIFETIME).timestamp(),
    }


def redeem(session: ServerSession, state: str, present: datetime) -> Attempt | None:
    """Return the attempt that `state` belongs to, once and within its ten minutes."""
    kept = session.take(CARRIED_PREFIX + state) if state else None
    if kept is None or kept["until"] <= present.timestamp():
        return None
    return Attempt(kept["nonce"], kept["code_verifier"], kept["next"])


def local_path(address: str | None) -> str:
    """Return `address` if it is a path on this site, else an empty string: nobody is sent elsewhere after logging in."""
    if not address or len(address) > LONGEST_ADDRESS or not address.startswith("/"):
        return ""
    # Browsers read a backslash as a slash, and drop tabs and line breaks before they look.
    if address.startswith(("//", "/\\")) or any(character < " " or character == "\\" for character in address):
        return ""
    return address
