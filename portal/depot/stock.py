"""One lot: its ledger, and what is done to it besides coming and going."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import Field

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import adjusting, errors, lot_queries
from delivery.count_models import CountStatus
from delivery.models import LotStatus
from portal.depot import goods_forms, goods_words, words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/stock/<int:lot_id>")
@requires(Permission.SEE_STOCK)
def lot(lot_id: int) -> ResponseReturnValue:
    """Show one lot: what is there, why it may not be used, and everything that has moved it."""
    return _lot_page(lot_id, {}, 200)


def _lot_page(lot_id: int, typed: dict[str, FlaskForm], status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        page = lot_queries.lot_page(session, current_identity(), lot_id)
        move = typed.get("move") or goods_forms.MoveForm(formdata=None, location=page.location)
        html = render_template(
            "depot/lot.html",
            page=page,
            scrap=typed.get("scrap") or goods_forms.ScrapForm(formdata=None),
            hold=typed.get("hold") or goods_forms.LotStatusForm(formdata=None),
            move=move,
            opened=next(iter(typed), ""),
            key=new_key(),
            words=goods_words,
            lot_words=words,
        )
        return html, status


@blueprint.post("/depot/stock/<int:lot_id>/scrap")
@requires(Permission.ADJUST_STOCK)
def scrap(lot_id: int) -> ResponseReturnValue:
    """Throw packages away."""
    form = goods_forms.ScrapForm()
    serials = goods_forms.serials_of(form.serials) if form.validate_on_submit() else None
    if serials is None:
        return _lot_page(lot_id, {"scrap": form}, 422)
    count, note, key = form.packages.data or 0, form.note.data or "", form.idempotency_key.data or ""

    def throw_away(session: Session, identity: Identity) -> None:
        adjusting.scrap(session, identity, lot_id, count, note, serials=serials, key=key)

    return _act(lot_id, "scrap", form, throw_away, _("Scrapped. Throw it away so that nobody puts it back."))


@blueprint.post("/depot/stock/<int:lot_id>/status")
@requires(Permission.ADJUST_STOCK)
def set_lot_status(lot_id: int) -> ResponseReturnValue:
    """Put the lot on hold, or let it go."""
    form = goods_forms.LotStatusForm()
    if not form.validate_on_submit():
        return _lot_page(lot_id, {"hold": form}, 422)
    status, note = LotStatus(form.status.data or ""), form.note.data or ""

    def decide(session: Session, identity: Identity) -> None:
        adjusting.set_lot_status(session, identity, lot_id, status, note)

    is_held = status is LotStatus.ON_HOLD
    said = _("The lot is on hold. Nothing of it leaves the depot.") if is_held else _("The lot may be sent again.")
    return _act(lot_id, "hold", form, decide, said)


@blueprint.post("/depot/stock/<int:lot_id>/move")
@requires(Permission.ADJUST_STOCK)
def move_lot(lot_id: int) -> ResponseReturnValue:
    """Note where the lot stands now."""
    form = goods_forms.MoveForm()
    if not form.validate_on_submit():
        return _lot_page(lot_id, {"move": form}, 422)
    location = form.location.data or ""

    def move(session: Session, identity: Identity) -> None:
        adjusting.move_lot(session, identity, lot_id, location)

    return _act(lot_id, "move", form, move, _("Noted where it stands."))


def _act(
    lot_id: int, name: str, form: FlaskForm, act: Callable[[Session, Identity], None], said: str
) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            act(session, current_identity())
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        is_serial = isinstance(problem, errors.SerialRefused | errors.SerialsDiffer)
        _field(form, "serials" if is_serial else "packages").errors = [words.in_a_line(problem)]
        return _lot_page(lot_id, {name: form}, 422)
    flash(said, "success")
    return redirect(url_for("depot.lot", lot_id=lot_id), 303)


def _field(form: FlaskForm, name: str) -> Field:
    return form[name if name in form else "note"]


@blueprint.get("/depot/stock/<int:lot_id>/count")
@requires(Permission.ADJUST_STOCK)
def count(lot_id: int) -> ResponseReturnValue:
    """Ask what is on the shelf, without telling what should be."""
    return _count_page(lot_id, goods_forms.CountForm(formdata=None), 200)


def _count_page(lot_id: int, form: goods_forms.CountForm, status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        balance = lot_queries.lot_to_count(session, current_identity(), lot_id)
        return render_template("depot/count.html", balance=balance, form=form, key=new_key()), status


@blueprint.post("/depot/stock/<int:lot_id>/count")
@requires(Permission.ADJUST_STOCK)
def count_lot(lot_id: int) -> ResponseReturnValue:
    """Write what was counted."""
    form = goods_forms.CountForm()
    serials = goods_forms.serials_of(form.serials) if form.validate_on_submit() else None
    if serials is None:
        return _count_page(lot_id, form, 422)
    counted, key = form.counted.data or 0, form.idempotency_key.data or ""
    try:
        with unit_of_work() as session:
            written = adjusting.count_lot(session, current_identity(), lot_id, counted, serials=serials, key=key)
            status = written.status if written is not None else None
    except (NotFound, NotPermitted):
        raise
    except errors.CountAgainByAnother as problem:
        flash(words.in_a_line(problem), "attention")
        return redirect(url_for("depot.stock"), 303)
    except DomainError as problem:
        is_serial = isinstance(problem, errors.SerialRefused | errors.SerialsDiffer)
        (form.serials if is_serial else form.counted).errors = [words.in_a_line(problem)]
        return _count_page(lot_id, form, 422)
    if status is CountStatus.RECOUNT:
        flash(_("The count differs. Somebody else must count the lot too: it is in the list."), "attention")
    elif status is CountStatus.SETTLED:
        flash(_("Counted. The stock list is right."), "success")
    return redirect(url_for("depot.stock"), 303)
