"""A report whose photos are too large to receive: the photos stay behind, what was typed is kept as a draft all the same."""

from __future__ import annotations

from flask import request
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Field, File, MultipartDecoder, NeedData
from wtforms import ValidationError

from auth.permissions import Permission
from core.errors import DomainError
from delivery.complaints.drafts import keep_draft
from portal.patient.faults.places import stated_in_address
from portal.security import current_identity, may, unit_of_work

# The fields stand before the photos in the form; nothing after this much is looked at.
READ_BYTES = 64 * 1024
_FORMS = frozenset({"faults.file", "faults.file_stated"})


def rescue_what_was_typed() -> bool:
    """Keep the fields at the beginning of a form that is too large as the reporter's draft; tell whether it was done."""
    if request.endpoint not in _FORMS or not may(Permission.REPORT_FAULT):
        return False
    fields = _fields_before_photos()
    try:
        validate_csrf(fields.pop("csrf_token", ""))
    except ValidationError:
        return False
    key = fields.pop("idempotency_key", "")
    fields.pop("do", None)
    try:
        with unit_of_work() as session:
            ref = stated_in_address(**(request.view_args or {}))
            return keep_draft(session, current_identity(), ref, fields, idempotency_key=key) is not None
    except DomainError:
        return False


def _fields_before_photos() -> dict[str, str]:
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary.isascii():
        return {}
    decoder = MultipartDecoder(boundary.encode(), READ_BYTES, max_parts=100)
    fields: dict[str, str] = {}
    name, value = "", b""
    try:
        decoder.receive_data(request.environ["wsgi.input"].read(READ_BYTES))
        while not isinstance(event := decoder.next_event(), NeedData | File):
            if isinstance(event, Field):
                name, value = event.name, b""
            elif isinstance(event, Data):
                value += event.data
                if not event.more_data:
                    fields.setdefault(name, value.decode("utf-8", "replace").replace("\x00", ""))
    except (ValueError, OSError, RequestEntityTooLarge):
        # What had been read by then is kept.
        return fields
    return fields
