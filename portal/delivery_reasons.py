"""Why a wish for a delivery was refused, in the reader's words, and what to do about it."""

from __future__ import annotations

from flask_babel import gettext as _, ngettext

from orders.deliveries import DeliveryProblem, Trouble
from orders.models import Notification


def explain_delivery(problem: DeliveryProblem) -> str:
    """Say what is wrong with one field of the wish for a delivery (handbook §5)."""
    match problem.trouble:
        case Trouble.NOT_OFFERED:
            return _not_offered(problem)
        case Trouble.MISSING:
            return _missing(problem.field)
        case Trouble.TOO_LONG:
            return ngettext("Write at most %(num)s character.", "Write at most %(num)s characters.", problem.most)
        case Trouble.PO_BOX:
            return _("A parcel cannot be sent to a post box. Write a street and a number.")
        case Trouble.POSTAL_CODE:
            return _("Write the postal code with five digits, for example 541 30.")
        case Trouble.POINT_UNKNOWN:
            return _("That collection point can no longer be used. Choose another one.")
        case Trouble.NOT_A_SWEDISH_MOBILE:
            return _("A text message needs a Swedish mobile number, for example 070-123 45 67.")
        case Trouble.NOT_AN_EMAIL:
            return _("Write the e-mail address in full, for example name@example.se.")
        case Trouble.NOT_A_PHONE:
            return _("Write the phone number with digits, for example 070-123 45 67.")
        case Trouble.NO_REGISTERED_ADDRESS:
            return _("We have no address to send a letter to. Choose another way of telling you.")


def _not_offered(problem: DeliveryProblem) -> str:
    match problem.field:
        case "way":
            return ngettext(
                "One of the products can no longer be sent that way. Choose how it is to reach you.",
                "Some of the products can no longer be sent that way. Choose how they are to reach you.",
                max(1, len(problem.item_ids)),
            )
        case "point_id":
            return _("You can no longer choose the collection point yourself. The carrier takes the nearest one.")
        case "notification":
            if not problem.offered:
                return _("The carrier does not tell you about this delivery. Leave the choice out.")
            return _(
                "These products cannot be announced that way. Choose %(ways)s.",
                ways=_(" or ").join(notification_name(one) for one in problem.offered),
            )
        case "contact_person":
            return _("Nobody else can collect these products for you. Leave the name out.")
        case "comment":
            return _("No comment can be sent with this delivery. Leave it out.")
        case _:
            return _("The invoice for these products cannot go to another address. Leave it out.")


def notification_name(notification: Notification) -> str:
    """Name a way of being told that the parcel has come, as it stands in a sentence."""
    match notification:
        case Notification.EMAIL:
            return _("e-mail")
        case Notification.LETTER:
            return _("letter")
        case Notification.PHONE:
            return _("phone call")
        case Notification.SMS:
            return _("text message")


def _missing(field: str) -> str:
    match field.removeprefix("invoice_"):
        case "receiver" if field.startswith("invoice_"):
            return _("Write who is to get the invoice.")
        case "receiver":
            return _("Write who is to receive the parcel.")
        case "street":
            return _("Write the street and the number, for example Storgatan 4.")
        case "postal_code":
            return _("Write the postal code with five digits.")
        case "city":
            return _("Write the town.")
        case "point_id":
            return _("Choose where you want to collect the parcel.")
        case "notification":
            return _("Choose how we tell you that the parcel has come.")
        case _:
            return _("Write where the message is to go.")
