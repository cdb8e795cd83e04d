"""Which routes take files, and how large a request may be there; everywhere else the small limit of forms holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue

from portal.security import ACCESS_ATTRIBUTE, Access, refusal_of
from portal.sessions import current_session

View = TypeVar("View", bound=Callable[..., object])

MEGABYTE = 1024 * 1024
_ATTRIBUTE = "portal_largest_upload"


def takes_files(megabytes: int) -> Callable[[View], View]:
    """Let a route's whole request be this large for whoever may use it; stands under the route decorator, as `requires` does."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, megabytes * MEGABYTE)
        return view

    return mark


def init_uploads(app: Flask) -> None:
    """Set the limit before anything reads the request; to be called before what parks forms and what checks them is."""

    @app.before_request
    def raise_limit() -> ResponseReturnValue | None:
        view = current_app.view_functions.get(request.endpoint or "")
        largest = getattr(view, _ATTRIBUTE, None)
        if largest is None:
            return None
        refused = _refusal(getattr(view, ACCESS_ATTRIBUTE, None))
        if refused is None:
            request.max_content_length = largest
        return refused


def _refusal(access: Access | None) -> ResponseReturnValue | None:
    """Answer whoever may not send files here before a byte of them is read."""
    if access is None or access.permission is None:
        return None
    session = current_session()
    if session.owner.is_anonymous and session.timed_out is not None:
        # What they typed beside their photos is kept until they have logged in again.
        return None
    return refusal_of(access.permission)
