"""What the inbox says of a recall."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from delivery.complaints.recall_models import WhatToDo
from portal.message_text import Facts, MessageText
from portal.recall_words import short_text


def notice(facts: Facts) -> MessageText:
    """Say that a product is called back, and lead to what to do."""
    return MessageText(
        _("A product that you have is called back"),
        _(
            "%(title)s. %(what)s Read what to do and say that you have read it.",
            title=str(facts["title"]).rstrip(". "),
            what=short_text(WhatToDo(facts["what_to_do"])),
        ),
        url_for("own_recalls.show", recall_no=facts["recall_no"]),
        _("Read what to do"),
    )
