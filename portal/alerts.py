"""Telling the consultants outside the portal that a case has a red flag, and nothing more. Handbook §§7 and 11.

The mail names no product, no person and nothing of anybody's health: a case number, and where to log in.
"""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from core.outbox import Message
from core.policy import policy_of
from delivery.complaints.models import Complaint
from delivery.complaints.policy import ComplaintsPolicy
from portal.formats import grouped
from portal.telling import AddressRefused, couriers, translated

log = logging.getLogger("portal.alerts")

# The consultants' own language; which of them reads the mail is not known.
LANGUAGE = "sv"


def alert_consultants(session: Session, message: Message) -> None:
    """Mail the address of the region's policy about a red flag; handles `complaint.alert`.

    With `about` "deadline" it is the deadline of a serious incident that was missed, whoever has looked at the case.

    Nobody is mailed about a red flag that somebody has looked at meanwhile, without an address, or where the portal has no way to mail. An
    address that is refused for good is logged and left at that: the menu of every consultant shows the case all the same.
    """
    complaint = session.get(Complaint, message.payload["complaint_id"])
    is_deadline = message.payload.get("about") == "deadline"
    if complaint is None or (complaint.triaged_at is not None and not is_deadline):
        return
    address = policy_of(complaint.region).section(ComplaintsPolicy).alert_email
    ways = couriers()
    if not address or ways.mail is None:
        return
    gettext = translated(LANGUAGE)
    facts = {"number": grouped(complaint.case_no), "address": ways.login_address}
    subject = gettext("Case %(number)s has a red flag") % facts
    text = gettext("Case %(number)s has a red flag and needs a consultant now. Log in at %(address)s.") % facts
    if is_deadline:
        subject = gettext("Case %(number)s has missed a deadline") % facts
        text = (
            gettext("Case %(number)s has missed a deadline and needs a consultant now. Log in at %(address)s.") % facts
        )
    try:
        ways.mail.send(address, subject, text, f"alert-{message.id}")
    except AddressRefused:
        log.error("the address for red flags was refused", extra={"message_id": message.id, "region": complaint.region})
