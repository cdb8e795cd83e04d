"""Where a region's warehouse system delivers its answers and despatch advices."""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from auth.identity import system_identity
from core.errors import NotFound
from delivery.ubl.names import MessageRefused, Reason
from delivery.warehouse import Receipt, take_message
from delivery.warehouse_models import Outcome
from portal.security import database, public, unit_of_work
from portal.signatures import SIGNATURE_HEADER, TIME_HEADER, BadSignature, check_signature

blueprint = Blueprint("warehouse", __name__)
_STATUS = {Reason.TOO_LARGE: 413, Reason.OTHER_CONTENT: 409}

log = logging.getLogger("portal.api.warehouse")


@blueprint.post("/api/warehouse/<region>/messages")
@public("a warehouse system signs what it sends")
def receive(region: str) -> ResponseReturnValue:
    """Take a signed message; the answer says what became of it, the same whenever the same message comes again."""
    keys = cast(dict[str, bytes], current_app.extensions["warehouse_keys"])
    if region not in keys:
        return _answer(404, "NOT_FOUND", "no warehouse delivers here")
    try:
        body = request.get_data(cache=False)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        check_signature(keys[region], body, request.headers.get(TIME_HEADER, ""), signature, database().clock.now())
        with unit_of_work() as session:
            receipt = take_message(session, system_identity(region, "warehouse"), region, body)
    except RequestEntityTooLarge:
        return _answer(413, Reason.TOO_LARGE.value, "the message is too large")
    except BadSignature:
        log.warning("a message to the warehouse's address was not signed", extra={"region": region})
        return _answer(
            401, "BAD_SIGNATURE", f"{SIGNATURE_HEADER} and {TIME_HEADER} do not fit the body, or are too old"
        )
    except NotFound:
        return _answer(404, "NOT_FOUND", "no warehouse delivers here")
    except MessageRefused as refusal:
        log.warning("no message", extra={"region": region, "reason": refusal.reason.value})
        return _answer(_STATUS.get(refusal.reason, 400), refusal.reason.value, refusal.detail)
    return _answer_to(receipt)


def _answer_to(receipt: Receipt) -> ResponseReturnValue:
    if receipt.outcome is Outcome.REFUSED:
        reason, _colon, detail = receipt.detail.partition(": ")
        return _answer(_STATUS.get(Reason(reason), 422), reason, detail, receipt.document_id)
    # What is odd about it may be about the patient: it is for the depot, not for the sender.
    return jsonify(outcome="TAKEN", document_id=receipt.document_id, repeated=receipt.is_repeat), 200


def _answer(status: int, reason: str, detail: str, document_id: str = "") -> ResponseReturnValue:
    return jsonify(outcome="REFUSED", reason=reason, detail=detail, document_id=document_id), status
