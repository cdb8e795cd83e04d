"""What the messages in the inbox say: `kind` and facts, kept when they were posted, become a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import url_for
from flask_babel import gettext as _, ngettext

from auth.permissions import Permission
from portal import case_messages, news_messages, recall_messages
from portal.formats import day, day_with_year, grouped
from portal.message_text import Facts, MessageText as MessageText
from portal.reminder_messages import can_order, prescription_ends, runs_out


def _order(facts: Facts, subject: str, body: str) -> MessageText:
    return MessageText(subject, body, url_for("patient.order", order_no=facts["order_no"]), _("Show the order"))


def _case(facts: Facts, subject: str, body: str) -> MessageText:
    return MessageText(subject, body, url_for("faults.case", case_no=facts["case_no"]), _("Show the report"))


def _confirmed(facts: Facts) -> MessageText:
    words = {"number": grouped(facts["order_no"]), "day": day(date.fromisoformat(facts["promised_date"]))}
    if facts.get("sent_elsewhere"):
        body = _("Order %(number)s comes by %(day)s. The region has it, and sends it to you.", **words)
    else:
        body = _("Order %(number)s comes by %(day)s. We tell you here when it has been sent.", **words)
    subject = _("Customer service has ordered for you") if facts.get("by_phone") else _("We have your order")
    return _order(facts, subject, body)


def _not_registered(facts: Facts) -> MessageText:
    """The order is gone: what leads on is the page that orders the same again."""
    body = _(
        "Order %(number)s was not registered in the region's prescription system. Nothing of it was ordered: %(articles)s. "
        "You have your withdrawals back. Order again, or call customer service.",
        number=grouped(facts["order_no"]),
        articles=", ".join(facts["articles"]),
    )
    return MessageText(
        _("Your order was not registered"), body, url_for("patient.review", item=facts["items"]), _("Order again")
    )


def _sent(facts: Facts) -> MessageText:
    number, carrier, tracking = grouped(facts["order_no"]), facts.get("carrier") or "", facts.get("tracking_no") or ""
    if tracking:
        body = _(
            "Order %(number)s has left the depot with %(carrier)s. The tracking number is %(tracking)s.",
            number=number,
            carrier=carrier,
            tracking=tracking,
        )
    else:
        body = _("Order %(number)s has left the depot.", number=number)
    return _order(facts, _("Your parcel has been sent"), body)


def _delivered(facts: Facts) -> MessageText:
    body = _(
        "Order %(number)s has been delivered. Call customer service if you did not get it.",
        number=grouped(facts["order_no"]),
    )
    return _order(facts, _("Your parcel has been delivered"), body)


def _short(facts: Facts) -> MessageText:
    missing = ngettext(
        "%(num)s package of %(article)s is missing at the depot.",
        "%(num)s packages of %(article)s are missing at the depot.",
        int(facts["packages"]),
        article=facts["article"],
    )
    if facts.get("expected"):
        later = _(
            "We send it around %(day)s. You do not need to order again.", day=day(date.fromisoformat(facts["expected"]))
        )
    else:
        later = _("We send it as soon as we have it. You do not need to order again.")
    return _order(facts, _("A part of your order comes later"), f"{missing} {later}")


def _expected(facts: Facts) -> MessageText:
    body = ngettext(
        "%(num)s package of %(article)s in order %(number)s comes around %(day)s. You do not need to do anything.",
        "%(num)s packages of %(article)s in order %(number)s come around %(day)s. You do not need to do anything.",
        int(facts["packages"]),
        article=facts["article"],
        number=grouped(facts["order_no"]),
        day=day(date.fromisoformat(facts["expected"])),
    )
    return _order(facts, _("Another day for what comes later"), body)


def _at_point(facts: Facts) -> MessageText:
    body = _(
        "Your parcel with order %(number)s is at %(place)s.", number=grouped(facts["order_no"]), place=facts["place"]
    )
    if facts.get("until"):
        body += " " + _("Fetch it by %(day)s.", day=day(date.fromisoformat(facts["until"])))
    return _order(facts, _("Your parcel is there to fetch"), body)


def _stopped(facts: Facts) -> MessageText:
    body = _(
        "%(article)s in order %(number)s is not sent: your prescription has been cancelled. Call your unit if you have questions.",
        article=facts["article"],
        number=grouped(facts["order_no"]),
    )
    return _order(facts, _("We do not send a product that you ordered"), body)


def _changed(facts: Facts) -> MessageText:
    body = _(
        "We send order %(number)s as it is now. You can see it on its page.",
        number=grouped(facts["order_no"]),
    )
    return _order(facts, _("Your order is changed"), body)


def _fault_received(facts: Facts) -> MessageText:
    body = _(
        "We have your report about %(article)s. The case number is %(number)s. Keep the product: we may need to look at it.",
        article=facts["article"],
        number=grouped(facts["case_no"]),
    )
    return _case(facts, _("We have your fault report"), body)


def _fault_replaced(facts: Facts) -> MessageText:
    body = _(
        "We send you a new %(article)s, order %(number)s. It does not use any of your withdrawals.",
        article=facts["article"],
        number=grouped(facts["order_no"]),
    )
    return _case(facts, _("You get a replacement"), body)


def _fault_declined(facts: Facts) -> MessageText:
    body = _(
        "%(article)s is not replaced. The reason: %(reason)s Call customer service if you have questions.",
        article=facts["article"],
        reason=_as_sentence(facts["reason"]),
    )
    return _case(facts, _("An answer to your fault report"), body)


def _proxies(facts: Facts, to_patient: tuple[str, str], to_proxy: tuple[str, str]) -> MessageText:
    """No names: a message outlives a protected identity. The page that it leads to has them."""
    subject, body = to_patient if facts.get("reader") == "patient" else to_proxy
    return MessageText(subject, body, url_for("proxies.show"), _("Show my proxies"))


def _proxy_appointed(facts: Facts) -> MessageText:
    return _proxies(
        facts,
        (
            _("You have asked somebody to be your proxy"),
            _("We tell you here when there is an answer. Until then nobody new can act for you."),
        ),
        (_("Will you be somebody's proxy?"), _("See who asks and what for, then say yes or no.")),
    )


def _proxy_accepted(facts: Facts) -> MessageText:
    return _proxies(
        facts,
        (_("You have a proxy"), _("The person you asked said yes. You can end it whenever you want.")),
        (_("You are a proxy now"), _("Choose whom you act for at the top of the page.")),
    )


def _proxy_declined(facts: Facts) -> MessageText:
    return _proxies(
        facts,
        (_("You did not get a proxy"), _("The person you asked said no. You can ask somebody else.")),
        (_("You said no to being a proxy"), _("You can only act for that person if they ask you again.")),
    )


def _proxy_withdrawn(facts: Facts) -> MessageText:
    return _proxies(
        facts,
        (_("You have one proxy less"), _("That person can no longer act for you.")),
        (_("You are no longer a proxy"), _("You can no longer act for that person.")),
    )


def _products(subject: str, body: str) -> MessageText:
    return MessageText(subject, body, url_for("patient.products"), _("Show my products"))


def _until(facts: Facts) -> str:
    return day_with_year(date.fromisoformat(facts["until"]))


def _renewal_asked(facts: Facts) -> MessageText:
    body = _(
        "We have asked %(unit)s to renew your prescription for %(article)s. You get the answer here.",
        unit=facts["unit"],
        article=facts["article"],
    )
    return _products(_("We have asked your unit"), body)


def _renewal_renewed(facts: Facts) -> MessageText:
    article = facts["article"]
    if facts.get("until"):
        body = _("Your unit said yes. You can order %(article)s until %(day)s.", article=article, day=_until(facts))
    else:
        body = _("Your unit said yes. You see among your products when you can order %(article)s.", article=article)
    return _products(_("Your prescription has been renewed"), body)


def _renewal_declined(facts: Facts) -> MessageText:
    body = _(
        "Your unit does not renew %(article)s. The reason: %(answer)s Call the unit if you have questions.",
        article=facts["article"],
        answer=_as_sentence(facts["answer"]),
    )
    return _products(_("Your prescription is not renewed"), body)


def _prescription_new(facts: Facts) -> MessageText:
    body = _("You can order %(article)s until %(day)s.", article=facts["article"], day=_until(facts))
    return _products(_("You have a new prescription"), body)


def _prescription_extended(facts: Facts) -> MessageText:
    body = _("You can order %(article)s until %(day)s.", article=facts["article"], day=_until(facts))
    return _products(_("Your prescription lasts longer"), body)


def _prescription_stopped(facts: Facts) -> MessageText:
    body = _(
        "Your unit has ended your prescription for %(article)s. You can no longer order it. Call the unit if you have questions.",
        article=facts["article"],
    )
    return _products(_("A prescription has ended"), body)


def _as_sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


SENTENCES: dict[str, Callable[[Facts], MessageText]] = {
    "order.confirmed": _confirmed,
    "order.changed": _changed,
    "order.not_registered": _not_registered,
    "order.sent": _sent,
    "order.delivered": _delivered,
    "order.short": _short,
    "order.expected": _expected,
    "order.at_point": _at_point,
    "order.stopped": _stopped,
    "reminder.can_order": can_order,
    "reminder.runs_out": runs_out,
    "reminder.prescription_ends": prescription_ends,
    "fault.received": _fault_received,
    "fault.replaced": _fault_replaced,
    "fault.declined": _fault_declined,
    "fault.asked": case_messages.asked,
    "fault.closed": case_messages.closed,
    "fault.reopened": case_messages.reopened,
    "fault.duplicate": case_messages.duplicate,
    "prescription.extended": _prescription_extended,
    "prescription.new": _prescription_new,
    "prescription.stopped": _prescription_stopped,
    "renewal.asked": _renewal_asked,
    "renewal.declined": _renewal_declined,
    "renewal.renewed": _renewal_renewed,
    "recall.notice": recall_messages.notice,
    "news.published": news_messages.published,
    "proxy.appointed": _proxy_appointed,
    "proxy.accepted": _proxy_accepted,
    "proxy.declined": _proxy_declined,
    "proxy.withdrawn": _proxy_withdrawn,
}


def message_text(kind: str, facts: Facts) -> MessageText:
    """Return what a message says; one of a kind that this release does not know says only that there is one."""
    if kind not in SENTENCES:
        return MessageText(_("You have a message"), _("Call customer service if you want to know more."))
    return SENTENCES[kind](facts)


def needed_to_read(kind: str) -> Permission:
    """Return the right that a reader needs, for whom the message is about, to be shown it."""
    if kind.startswith("recall."):
        return Permission.ANSWER_RECALL
    return Permission.SEE_OWN_CASES if kind.startswith("fault.") else Permission.SEE_ORDERS
