"""Recalls and safety notices: open, tell, follow, close."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_finding import find_recalled
from delivery.complaints.recall_models import RecallStatus
from delivery.complaints.recall_queries import recall_page, recalls_of_region, suppliers_of
from delivery.complaints.recall_rules import NoticeTooLong
from delivery.complaints.recall_telling import Texts, tell
from delivery.complaints.recall_trace import affected_by
from delivery.complaints.recalls import OpenRecall, close_recall, open_recall, undo_recall
from portal import recall_words as words
from portal.consultant.recalls.forms import ConfirmForm, NoticeForm, TextsForm, what_to_do_of
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("recalls", __name__)


@blueprint.get("/recalls")
@requires(Permission.RECALL)
def board() -> ResponseReturnValue:
    """All recalls of the region, the newest first."""
    with unit_of_work() as session:
        listed = recalls_of_region(session, current_identity())
        return render_template("consultant/recalls/board.html", listed=listed, words=words)


@blueprint.get("/recalls/new")
@requires(Permission.RECALL)
def new() -> ResponseReturnValue:
    """Ask what the supplier calls back."""
    with unit_of_work() as session:
        # A lot that stands out is called back from its own page.
        known = {"what": request.args.get("lot", "")[:20], "article_no": request.args.get("article", "")[:5]}
        return _notice(session, NoticeForm(formdata=None, data=known), 200)


def _notice(session: Session, form: NoticeForm, status: int) -> ResponseReturnValue:
    _offer_suppliers(session, form)
    return render_template("consultant/recalls/new.html", form=form), status


def _offer_suppliers(session: Session, form: NoticeForm) -> None:
    offered = [SelectChoice(str(one.id), one.name) for one in suppliers_of(session, current_identity())]
    form.supplier_id.choices = [SelectChoice("", _("Not stated")), *offered]


@blueprint.post("/recalls/preview")
@requires(Permission.RECALL)
def preview() -> ResponseReturnValue:
    """Show what would be called back, and whom it is about; nothing happens yet."""
    form = NoticeForm()
    with unit_of_work() as session:
        _offer_suppliers(session, form)
        if not form.validate_on_submit():
            return _notice(session, form, 422)
        return _preview(session, form, ConfirmForm(formdata=None, data=_typed(form)), 200)


def _typed(form: NoticeForm) -> dict[str, object]:
    return {field.name: field.data for field in form if field.name != "csrf_token"}


def _preview(session: Session, notice: NoticeForm, form: ConfirmForm, status: int) -> ResponseReturnValue:
    try:
        found = find_recalled(session, current_identity(), notice.what.data or "", notice.article_no.data or "")
    except NoticeTooLong as problem:
        notice.what.errors = [
            _("That is too much for one notice. Divide it before “%(piece)s”.", piece=problem.piece[:40])
        ]
        return _notice(session, notice, 422)
    if not found.lots and not found.units:
        notice.what.errors = [_("Nothing of this has ever been here. Look at the numbers again.")]
        return _notice(session, notice, 422)
    _offer_suppliers(session, form)
    return render_template(
        "consultant/recalls/preview.html",
        found=found,
        affected=affected_by(session, found.lot_ids, found.unit_ids),
        form=form,
        what=words.WHAT_TO_DO[what_to_do_of(form)],
        hidden=[
            (name, value) for name, value in _typed(form).items() if name != "typed" and value not in (None, False)
        ],
        key=request.form.get("idempotency_key") or new_key(),
    ), status


@blueprint.post("/recalls/open")
@requires(Permission.RECALL)
def open_() -> ResponseReturnValue:
    """Call it back, if the number typed is the number of those affected."""
    form = ConfirmForm()
    with unit_of_work() as session:
        _offer_suppliers(session, form)
        if not form.validate_on_submit():
            only_count = set(form.errors) == {"typed"}
            return _preview(session, form, form, 422) if only_count else _notice(session, form, 422)
    what_to_do = what_to_do_of(form)
    command = OpenRecall(
        what=form.what.data or "",
        typed_count=form.typed.data or 0,
        title=form.title.data or "",
        what_to_do=what_to_do,
        text_sv=words.template_text(what_to_do, "sv"),
        text_en=words.template_text(what_to_do, "en"),
        article_no=form.article_no.data or "",
        supplier_id=int(form.supplier_id.data) if form.supplier_id.data else None,
        notice_ref=form.notice_ref.data or "",
        replaces=bool(form.replaces.data),
        idempotency_key=request.form.get("idempotency_key", ""),
    )
    try:
        with unit_of_work() as session:
            recall_no = open_recall(session, current_identity(), command).recall_no
    except (NoticeTooLong, errors.NothingNamed):
        with unit_of_work() as session:
            return _preview(session, form, form, 422)
    except errors.CountDiffers as problem:
        form.typed.errors = [
            _(
                "You typed %(typed)s, but it is about %(affected)s. Nothing has been called back. Look at the list again.",
                typed=problem.typed,
                affected=problem.affected,
            )
        ]
        with unit_of_work() as session:
            return _preview(session, form, form, 422)
    flash(_("It is called back. Nothing of it leaves the depot from now on."), "success")
    return redirect(url_for("recalls.show", recall_no=recall_no), 303)


@blueprint.get("/recalls/<string:recall_no>")
@requires(Permission.RECALL)
def show(recall_no: str) -> ResponseReturnValue:
    """Follow one recall."""
    with unit_of_work() as session:
        page = recall_page(session, current_identity(), number_of(recall_no))
        return render_template(
            "consultant/recalls/recall.html",
            page=page,
            recall=page.recall,
            numbers=page.numbers,
            conclusion=words.conclusion(page.numbers),
            words=words,
        )


def number_of(recall_no: str) -> str:
    """Return what may be the number of a recall; NotFound for what cannot."""
    if not (recall_no.isascii() and recall_no.isdigit()):
        raise NotFound
    return recall_no


@blueprint.post("/recalls/<string:recall_no>/undo")
@requires(Permission.RECALL)
def undo(recall_no: str) -> ResponseReturnValue:
    """Take it back, as long as nobody has been told."""
    try:
        with unit_of_work() as session:
            undo_recall(session, current_identity(), number_of(recall_no))
        flash(_("It is taken back. What was called back may leave again."), "success")
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(words.problem_words(problem), "attention")
    return redirect(url_for("recalls.show", recall_no=recall_no), 303)


@blueprint.get("/recalls/<string:recall_no>/tell")
@requires(Permission.RECALL)
def texts(recall_no: str) -> ResponseReturnValue:
    """Show what everybody will be told, to be changed before it is sent."""
    with unit_of_work() as session:
        return _texts(session, recall_no, None, 200)


def _texts(session: Session, recall_no: str, form: TextsForm | None, status: int) -> ResponseReturnValue:
    page = recall_page(session, current_identity(), number_of(recall_no))
    if page.recall.status is not RecallStatus.OPEN:
        return redirect(url_for("recalls.show", recall_no=recall_no), 303)
    written = {"text_sv": page.recall.text_sv, "text_en": page.recall.text_en}
    return render_template(
        "consultant/recalls/tell.html",
        recall=page.recall,
        numbers=page.numbers,
        form=form or TextsForm(formdata=None, data=written),
    ), status


@blueprint.post("/recalls/<string:recall_no>/tell")
@requires(Permission.RECALL)
def send(recall_no: str) -> ResponseReturnValue:
    """Tell everybody."""
    form = TextsForm()
    if not form.validate_on_submit():
        with unit_of_work() as session:
            return _texts(session, recall_no, form, 422)
    try:
        with unit_of_work() as session:
            told = Texts(form.text_sv.data or "", form.text_en.data or "")
            tell(session, current_identity(), number_of(recall_no), told)
        flash(_("Everybody is being told. The numbers move as it happens."), "success")
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(words.problem_words(problem), "attention")
    return redirect(url_for("recalls.show", recall_no=recall_no), 303)


@blueprint.post("/recalls/<string:recall_no>/close")
@requires(Permission.RECALL)
def close(recall_no: str) -> ResponseReturnValue:
    """End the work with it."""
    try:
        with unit_of_work() as session:
            close_recall(session, current_identity(), number_of(recall_no))
        flash(_("The recall is closed. What was called back still never leaves the depot."), "success")
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(words.problem_words(problem), "attention")
    return redirect(url_for("recalls.show", recall_no=recall_no), 303)
