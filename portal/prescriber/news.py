"""News for prescribers: what suppliers tell, passed on by the consultant; opening it tells that it has been read."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from auth.permissions import Permission
from delivery.news_models import NewsStatus
from delivery.news_queries import news_attachment, news_for, read_news
from portal.news_text import attachment_answer, news_text
from portal.prescriber.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


def _language() -> str:
    locale = get_locale()
    return locale.language if locale else "sv"


@blueprint.get("/prescriber/news")
@requires(Permission.SEE_UNIT_PATIENTS)
def news() -> ResponseReturnValue:
    """The latest news, with what has not been read marked."""
    with unit_of_work() as session:
        listed = [(one, news_text(one.news, _language())) for one in news_for(session, current_identity())]
        return render_template("prescriber/news/list.html", listed=listed)


@blueprint.get("/prescriber/news/<int:news_id>")
@requires(Permission.SEE_UNIT_PATIENTS)
def news_item(news_id: int) -> ResponseReturnValue:
    """One piece of news; the consultant is told that it has been read."""
    with unit_of_work() as session:
        found = read_news(session, current_identity(), news_id)
        return render_template(
            "prescriber/news/one.html",
            news=found,
            text=news_text(found, _language()),
            is_withdrawn=found.status is NewsStatus.WITHDRAWN,
        )


@blueprint.get("/prescriber/news/<int:news_id>/files/<int:news_attachment_id>")
@requires(Permission.SEE_UNIT_PATIENTS)
def news_file(news_id: int, news_attachment_id: int) -> ResponseReturnValue:
    """One attachment, to save."""
    with unit_of_work() as session:
        return attachment_answer(news_attachment(session, current_identity(), news_id, news_attachment_id))
