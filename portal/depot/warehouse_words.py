"""What became of the messages with the warehouse, in words: what is wrong, and what to do about it."""

from __future__ import annotations

from flask_babel import gettext as _

from delivery.warehouse_models import MessageKind, Outcome
from portal.depot.words import Words


def kind_words(kind: MessageKind) -> str:
    """Say what sort of message it is."""
    return {
        MessageKind.ORDER: _("Order to the warehouse"),
        MessageKind.ORDER_RESPONSE: _("Answer from the warehouse"),
        MessageKind.DESPATCH_ADVICE: _("Sent by the warehouse"),
    }[kind]


def outcome_words(outcome: Outcome) -> str:
    """Say what became of a message."""
    return {
        Outcome.WAITING: _("Waiting to be sent"),
        Outcome.SENT: _("Sent"),
        Outcome.NOT_TAKEN: _("Not taken"),
        Outcome.NOT_SENT: _("Not sent: cancelled in time"),
        Outcome.CALL_TO_STOP: _("Must be stopped"),
        Outcome.STOPPED: _("Stopped"),
        Outcome.REJECTED: _("Not delivered"),
        Outcome.TAKEN: _("Done"),
        Outcome.EXCEPTION: _("Look at this"),
        Outcome.SEEN: _("Looked at"),
        Outcome.REFUSED: _("Refused"),
    }[outcome]


def outcome_tone(outcome: Outcome) -> str:
    """The tone of an outcome's badge."""
    return {
        Outcome.WAITING: "info",
        Outcome.SENT: "info",
        Outcome.TAKEN: "success",
        Outcome.SEEN: "success",
        Outcome.NOT_TAKEN: "danger",
        Outcome.CALL_TO_STOP: "danger",
        Outcome.EXCEPTION: "attention",
        Outcome.REFUSED: "attention",
        Outcome.REJECTED: "attention",
    }.get(outcome, "neutral")


def problem_words(code: str, about: str) -> Words:
    """Say one problem, and what to do; one that this release has no words for is shown as it was written."""
    return (
        _about_us(code, about) or _about_goods(code, about) or _refusal(code, about) or Words(f"{code} {about}".strip())
    )


def _about_us(code: str, about: str) -> Words | None:
    match code:
        case "STATUS":
            return Words(
                _("The warehouse did not take the order (answer %(status)s).", status=about),
                _("Call the warehouse and ask what is wrong. Then send it again."),
            )
        case "ORDER_CANCELLED":
            return Words(
                _("The order is cancelled, but the warehouse has it."), _("Call the warehouse and have it stopped.")
            )
        case "DECEASED":
            return Words(_("This order must not be sent."), _("Call the warehouse and have it stopped."))
        case "RECEIVER_PROTECTED":
            return Words(
                _("The order must go to the clinic, but the warehouse has another address."),
                _("Call the warehouse at once: it must not go to the old address."),
            )
    return None


def _about_goods(code: str, about: str) -> Words | None:
    match code:
        case "NOT_DELIVERED":
            return Words(
                _("The warehouse does not deliver article %(article)s.", article=about),
                _("It is among the back orders. Order it again there when the warehouse has it."),
            )
        case "SUBSTITUTE":
            return Words(
                _("The warehouse offers something else instead of article %(article)s.", article=about),
                _("Call and say no: only the prescriber can change the product."),
            )
        case "LOT_RECALLED":
            return Words(
                _("Lot %(lot)s is recalled, and has been sent.", lot=about),
                _("Tell the consultant today: the patient must be called."),
            )
        case "LOT_QUARANTINED" | "LOT_ON_HOLD":
            return Words(
                _("Lot %(lot)s should not have been sent.", lot=about),
                _("Ask the consultant if the patient must be called."),
            )
        case "LOT_EXPIRED":
            return Words(
                _("Lot %(lot)s was too old when it was sent.", lot=about),
                _("Tell the consultant: the patient must be called, and get a new one."),
            )
        case "LOT_EXPIRES_TOO_SOON":
            return Words(
                _("Lot %(lot)s expires before the patient has used it up.", lot=about),
                _("Ask the consultant if the patient should get a new one."),
            )
        case "LOT_WAS_FAULTY":
            return Words(
                _("The replacement is of lot %(lot)s, the one that failed.", lot=about),
                _("Tell the consultant: the patient needs another one."),
            )
    return None


def _refusal(code: str, about: str) -> Words | None:
    sentence = {
        "INVALID": _("Something is missing or wrong in the message."),
        "OTHER_CONTENT": _("The warehouse has used the same number for two messages."),
        "UNKNOWN_ORDER": _("The message is about an order that we have not sent."),
        "ORDER_CLOSED": _("Everything in the order has already been sent."),
        "UNKNOWN_LINE": _("The message is about something that is not in the order."),
        "OTHER_ARTICLE": _("The message is about another article than the one ordered."),
        "MORE_THAN_ORDERED": _("The warehouse says that it sends more than was ordered."),
        "BAD_LOT": _("The lot or its expiry date is missing or wrong."),
        "LOT_DIFFERS": _("The lot is known here with another expiry date."),
        "BAD_SERIAL": _("A serial number is missing or wrong."),
        "SERIAL_TAKEN": _("A serial number has already been sent to somebody."),
        "BAD_PARCEL": _("The number of the parcel is wrong."),
        "PARCEL_TAKEN": _("Another parcel already has that number."),
    }.get(code)
    if sentence is None:
        return None
    advice = _("Call the warehouse and ask for a correct message. Until then nothing is changed here.")
    return Words(sentence, f"{advice} ({about})" if about else advice)
