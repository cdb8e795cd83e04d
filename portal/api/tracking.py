"""Where carriers tell what has happened to a parcel."""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from delivery.tracking import MOST_BYTES, CallbackRefused, Reason, take_callback
from portal.security import database, public, unit_of_work
from portal.signatures import SIGNATURE_HEADER, TIME_HEADER, BadSignature, check_signature

blueprint = Blueprint("tracking", __name__)
_STATUS = {Reason.INVALID: 400, Reason.TOO_LARGE: 413, Reason.UNKNOWN_PARCEL: 404, Reason.OTHER_CONTENT: 409}

log = logging.getLogger("portal.api.tracking")


@blueprint.post("/api/tracking/<carrier>")
@public("a carrier signs what it sends")
def receive(carrier: str) -> ResponseReturnValue:
    """Take a signed event; the answer says what became of it, the same whenever the same event comes again."""
    keys = cast(dict[str, bytes], current_app.extensions["carrier_keys"])
    if carrier not in keys:
        return _refuse(404, "UNKNOWN_CARRIER", "no carrier tells us anything here")
    if (request.content_length or 0) > MOST_BYTES:
        return _refuse(413, Reason.TOO_LARGE.value, f"more than {MOST_BYTES} bytes")
    try:
        body = request.get_data(cache=False)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        check_signature(keys[carrier], body, request.headers.get(TIME_HEADER, ""), signature, database().clock.now())
        with unit_of_work() as session:
            receipt = take_callback(session, carrier, body)
    except RequestEntityTooLarge:
        return _refuse(413, Reason.TOO_LARGE.value, f"more than {MOST_BYTES} bytes")
    except BadSignature:
        log.warning("a call to a carrier's address was not signed", extra={"carrier": carrier})
        return _refuse(
            401, "BAD_SIGNATURE", f"{SIGNATURE_HEADER} and {TIME_HEADER} do not fit the body, or are too old"
        )
    except CallbackRefused as refusal:
        log.warning("a carrier's call was refused", extra={"carrier": carrier, "reason": refusal.reason.value})
        return _refuse(_STATUS[refusal.reason], refusal.reason.value, refusal.detail)
    return jsonify(outcome=receipt.outcome.value, repeated=receipt.is_repeat), 200


def _refuse(status: int, reason: str, detail: str) -> ResponseReturnValue:
    return jsonify(outcome="REFUSED", reason=reason, detail=detail), status
