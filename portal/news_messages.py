"""What the inbox says of news."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from portal.message_text import Facts, MessageText


def published(facts: Facts) -> MessageText:
    """Say which product it is about; what the news says may be withdrawn, and a message may not."""
    return MessageText(
        _("News about a product that you use"),
        _("There is something new about %(article)s.", article=facts["article"]),
        url_for("own_news.item", news_id=facts["news_id"]),
        _("Read the news"),
    )
