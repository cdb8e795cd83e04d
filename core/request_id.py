"""The request id that follows one user action from page to outbox row to job."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")
_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")


def new_request_id() -> str:
    """Return a fresh random id."""
    return secrets.token_hex(12)


def current_request_id() -> str:
    """Return the id of the action under way, or an empty string outside one."""
    return _current.get()


def set_request_id(value: str | None) -> str:
    """Adopt `value` when it is well formed (8 to 64 letters, digits, hyphens), else a fresh id."""
    adopted = value if value and _WELL_FORMED.fullmatch(value) else new_request_id()
    _current.set(adopted)
    return adopted
