"""Which routes take files, and how large a request may be there; everywhere else the small limit of forms holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request

View = TypeVar("View", bound=Callable[..., object])

MEGABYTE = 1024 * 1024
_ATTRIBUTE = "portal_largest_upload"


def takes_files(megabytes: int) -> Callable[[View], View]:
    """Let a route's whole request be this large; stands under the route decorator, as who may come in does."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, megabytes * MEGABYTE)
        return view

    return mark


def init_uploads(app: Flask) -> None:
    """Set the limit before anything reads the request; to be called before what checks forms is."""

    @app.before_request
    def raise_limit() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        largest = getattr(view, _ATTRIBUTE, None)
        if largest is not None:
            request.max_content_length = largest
