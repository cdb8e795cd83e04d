"""Writing news, looking at it as it will be read, publishing and withdrawing it, and seeing who has read it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from auth.permissions import Permission
from delivery.news import NewsRefused, NotADraft, discard_draft, publish_news, save_draft, withdraw_news
from delivery.news_files import AttachmentRefused
from delivery.news_models import News, NewsStatus
from delivery.news_queries import desk, desk_attachment, open_news, suppliers_to_name
from portal.consultant.news.forms import NewsForm
from portal.consultant.news.words import STATUSES
from portal.news_text import attachment_answer, news_text
from portal.parked_forms import take_parked_form
from portal.security import current_identity, requires, unit_of_work
from portal.uploads import takes_files

blueprint = Blueprint("news", __name__)


@blueprint.get("/news-desk")
@requires(Permission.PUBLISH_NEWS)
def show() -> ResponseReturnValue:
    """Drafts, what has been published and how many have read it."""
    with unit_of_work() as session:
        listed, prescribers = desk(session, current_identity())
        return render_template("consultant/news/desk.html", listed=listed, prescribers=prescribers, statuses=STATUSES)


@blueprint.get("/news-desk/new")
@requires(Permission.PUBLISH_NEWS)
def write() -> ResponseReturnValue:
    """An empty page to write on."""
    with unit_of_work() as session:
        return _form_page(_form(session, parked=take_parked_form(request.path)))


@blueprint.post("/news-desk/new")
@requires(Permission.PUBLISH_NEWS)
@takes_files(26)
def keep_new() -> ResponseReturnValue:
    """Keep a new draft."""
    return _keep(None)


@blueprint.get("/news-desk/<int:news_id>/edit")
@requires(Permission.PUBLISH_NEWS)
def edit(news_id: int) -> ResponseReturnValue:
    """A draft to go on with."""
    with unit_of_work() as session:
        news = open_news(session, current_identity(), news_id).news
        if news.status is not NewsStatus.DRAFT:
            return _not_a_draft(news_id)
        return _form_page(_form(session, news, take_parked_form(request.path)), news)


@blueprint.post("/news-desk/<int:news_id>/edit")
@requires(Permission.PUBLISH_NEWS)
@takes_files(26)
def keep(news_id: int) -> ResponseReturnValue:
    """Keep what was changed in a draft."""
    return _keep(news_id)


def _keep(news_id: int | None) -> ResponseReturnValue:
    with unit_of_work() as session:
        news = open_news(session, current_identity(), news_id).news if news_id is not None else None
        form = _form(session, news)
    if form.validate():
        try:
            draft = form.draft(form.checked_files())
            with unit_of_work() as session:
                kept = save_draft(session, current_identity(), draft, news_id)
            return redirect(url_for("news.one", news_id=kept.id), 303)
        except NotADraft:
            return _not_a_draft(news_id or 0)
        except NewsRefused as refused:
            form.explain(refused.problems)
        except AttachmentRefused as refused:
            form.explain_file(refused)
    if not form.files.errors and any(one.filename for one in request.files.getlist("files")):
        form.files.errors = [_("Choose the files again: they are not kept until everything is right.")]
    return _form_page(form, news), 422


def _form(session: Session, news: News | None = None, parked: MultiDict[str, str] | None = None) -> NewsForm:
    return NewsForm.of(suppliers_to_name(session, current_identity()), news, parked)


def _form_page(form: NewsForm, news: News | None = None) -> str:
    return render_template("consultant/news/write.html", form=form, news=news)


@blueprint.get("/news-desk/<int:news_id>")
@requires(Permission.PUBLISH_NEWS)
def one(news_id: int) -> ResponseReturnValue:
    """A piece of news as it is read, with what can be done with it."""
    with unit_of_work() as session:
        opened = open_news(session, current_identity(), news_id)
        return render_template(
            "consultant/news/one.html",
            opened=opened,
            news=opened.news,
            swedish=news_text(opened.news, "sv"),
            english=news_text(opened.news, "en") if opened.news.title_en else None,
            statuses=STATUSES,
        )


@blueprint.post("/news-desk/<int:news_id>/publish")
@requires(Permission.PUBLISH_NEWS)
def publish(news_id: int) -> ResponseReturnValue:
    """Publish a draft."""
    try:
        with unit_of_work() as session:
            news = publish_news(session, current_identity(), news_id)
    except NotADraft:
        return _not_a_draft(news_id)
    said = _("The news is published. Prescribers see it now, and patients are told in their inboxes.")
    flash(said if news.for_patients else _("The news is published. Prescribers see it now."), "success")
    return redirect(url_for("news.one", news_id=news_id), 303)


@blueprint.post("/news-desk/<int:news_id>/withdraw")
@requires(Permission.PUBLISH_NEWS)
def withdraw(news_id: int) -> ResponseReturnValue:
    """Withdraw what has been published."""
    try:
        with unit_of_work() as session:
            withdraw_news(session, current_identity(), news_id)
        flash(_("The news is withdrawn. Nobody can read it any more."), "success")
    except NotADraft:
        flash(_("The news is not published yet. Throw the draft away instead."), "attention")
    return redirect(url_for("news.one", news_id=news_id), 303)


@blueprint.post("/news-desk/<int:news_id>/discard")
@requires(Permission.PUBLISH_NEWS)
def discard(news_id: int) -> ResponseReturnValue:
    """Throw a draft away."""
    try:
        with unit_of_work() as session:
            discard_draft(session, current_identity(), news_id)
    except NotADraft:
        return _not_a_draft(news_id)
    flash(_("The draft is thrown away."), "info")
    return redirect(url_for("news.show"), 303)


@blueprint.get("/news-desk/<int:news_id>/files/<int:news_attachment_id>")
@requires(Permission.PUBLISH_NEWS)
def attachment(news_id: int, news_attachment_id: int) -> ResponseReturnValue:
    """One attachment, to save."""
    with unit_of_work() as session:
        return attachment_answer(desk_attachment(session, current_identity(), news_id, news_attachment_id))


def _not_a_draft(news_id: int) -> ResponseReturnValue:
    flash(_("The news has been published already. Nothing was changed now."), "attention")
    return redirect(url_for("news.one", news_id=news_id), 303)
