"""What messages about a fault report's case say while consultants work on it: sentences for those who read them logged in."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from portal.formats import grouped
from portal.message_text import Facts, MessageText


def _case(facts: Facts, subject: str, body: str, label: str) -> MessageText:
    return MessageText(subject, body, url_for("faults.case", case_no=facts["case_no"]), label)


def asked(facts: Facts) -> MessageText:
    """Pass the consultant's question on, word for word."""
    body = _(
        "About your report on %(article)s, case %(number)s: %(question)s",
        article=facts["article"],
        number=grouped(facts["case_no"]),
        question=facts["question"],
    )
    return _case(facts, _("We have a question about your fault report"), body, _("Answer the question"))


def closed(facts: Facts) -> MessageText:
    """Say that nothing more happens."""
    body = _(
        "Thank you for telling us about %(article)s. Case %(number)s is closed. Call customer service if you have questions.",
        article=facts["article"],
        number=grouped(facts["case_no"]),
    )
    return _case(facts, _("Your fault report is closed"), body, _("Show the report"))


def reopened(facts: Facts) -> MessageText:
    """Say that somebody looks at it anew."""
    body = _(
        "We look once more at your report about %(article)s, case %(number)s. We tell you here what we decide.",
        article=facts["article"],
        number=grouped(facts["case_no"]),
    )
    return _case(facts, _("We look at your fault report again"), body, _("Show the report"))


def duplicate(facts: Facts) -> MessageText:
    """Say under which number it goes on."""
    body = _(
        "You have told us about the same %(article)s twice. We go on with case %(other)s and have closed case %(number)s.",
        article=facts["article"],
        other=grouped(facts["other_no"]),
        number=grouped(facts["case_no"]),
    )
    return _case(facts, _("Two reports about the same product"), body, _("Show the report"))
