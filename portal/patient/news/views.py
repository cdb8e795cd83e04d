"""News as patients and those who act for them read it: only what they were told of. Customer service reads what has been published."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from auth.permissions import Permission, permits
from auth.relations import identity_for
from delivery.news import TOLD
from delivery.news_models import NewsStatus
from delivery.news_queries import news_attachment, news_for, read_news
from portal.messages import needed_to_read
from portal.news_text import attachment_answer, news_text
from portal.security import current_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("own_news", __name__)


def _about() -> list[int]:
    """The persons whose messages the reader may read now."""
    user = require_signed_in()
    if user.person is None:
        return []
    needed = needed_to_read(TOLD)
    return [one.person.id for one in user.subjects if permits(identity_for(user.person, one), needed)]


def _language() -> str:
    locale = get_locale()
    return locale.language if locale else "sv"


@blueprint.get("/news")
@requires(Permission.READ_NEWS)
def show() -> ResponseReturnValue:
    """All news that the reader has been told of."""
    with unit_of_work() as session:
        listed = [(one, news_text(one.news, _language())) for one in news_for(session, current_identity(), _about())]
        return render_template("patient/news/list.html", listed=listed, is_staff=current_identity().is_staff)


@blueprint.get("/news/<int:news_id>")
@requires(Permission.READ_NEWS)
def item(news_id: int) -> ResponseReturnValue:
    """One piece of news."""
    with unit_of_work() as session:
        found = read_news(session, current_identity(), news_id, _about())
        return render_template(
            "patient/news/one.html",
            news=found,
            text=news_text(found, _language()),
            is_withdrawn=found.status is NewsStatus.WITHDRAWN,
        )


@blueprint.get("/news/<int:news_id>/files/<int:news_attachment_id>")
@requires(Permission.READ_NEWS)
def file(news_id: int, news_attachment_id: int) -> ResponseReturnValue:
    """One attachment, to save."""
    with unit_of_work() as session:
        return attachment_answer(news_attachment(session, current_identity(), news_id, news_attachment_id, _about()))
