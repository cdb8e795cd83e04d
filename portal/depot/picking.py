"""The hand-held: each act is a POST that comes back to the same page and says how it went."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import picking, put_back, queries, shortage
from delivery.models import DepotOrder, DepotOrderStatus, PickedLot, ShortReason
from delivery.recalled import recalled_in_boxes
from delivery.why_not import UnusedLot, unused_lots
from portal.depot import forms, round_words, words
from portal.depot.blueprint import blueprint
from portal.depot.recalled import called_back_of
from portal.security import current_identity, requires, unit_of_work

RIGHT, WRONG = "scan-ok", "scan-wrong"


@blueprint.post("/depot/picks/start-next")
@requires(Permission.PICK)
def start_next() -> ResponseReturnValue:
    """Begin the order with the oldest promise, or go on with the one begun."""
    with unit_of_work() as session:
        depot_order = picking.start_next(session, current_identity())
        if depot_order is not None:
            return redirect(url_for("depot.pick", depot_order_id=depot_order.id), 303)
    flash(_("There is nothing to pick right now."), "info")
    return redirect(url_for("depot.today"), 303)


@blueprint.get("/depot/picks/<int:depot_order_id>")
@requires(Permission.PICK)
def pick(depot_order_id: int) -> ResponseReturnValue:
    """Show the one thing to fetch now."""
    return _pick_page(depot_order_id, forms.TakeForm(), 200)


def _pick_page(depot_order_id: int, take: forms.TakeForm, status: int) -> ResponseReturnValue:
    identity = current_identity()
    with unit_of_work() as session:
        page = queries.depot_order_page(session, identity, depot_order_id)
        template = "depot/pick.html"
        if page.depot_order.status is not DepotOrderStatus.PICKING or page.depot_order.picker_id != identity.staff_id:
            template = "depot/not_picking.html"
        html = render_template(
            template,
            page=page,
            order=page.depot_order,
            take=take,
            is_missing="missing" in request.args,
            unused=_unused(session, page),
            called_back=called_back_of(
                recalled_in_boxes(session, [depot_order_id]), page.wanted.lot if page.wanted else None
            ),
            why_not=round_words.why_not,
            keys=[new_key() for _each in range(4)],
            reasons=words.short_reasons(),
            words=words,
        )
        return html, status


def _unused(session: Session, page: queries.PickPage) -> list[UnusedLot]:
    if page.current is None or page.wanted is not None:
        return []
    return unused_lots(session, page.depot_order.depot_id, page.current)


@blueprint.post("/depot/picks/<int:depot_order_id>/start")
@requires(Permission.PICK)
def start(depot_order_id: int) -> ResponseReturnValue:
    """Begin this order."""

    def begin(session: Session, identity: Identity) -> str:
        begun = picking.start_picking(session, identity, depot_order_id)
        return (
            "" if begun.status is DepotOrderStatus.PICKING else _("The order was cancelled. There is nothing to pick.")
        )

    return _act(depot_order_id, begin)


@blueprint.post("/depot/picks/<int:depot_order_id>/scan")
@requires(Permission.PICK)
def scan(depot_order_id: int) -> ResponseReturnValue:
    """Pick the package that was scanned."""
    form = forms.ScanForm()
    if not form.validate_on_submit():
        return _again(depot_order_id, form)
    raw, key = form.scan.data or "", form.idempotency_key.data or ""
    return _act(
        depot_order_id, lambda session, identity: _picked(picking.scan(session, identity, depot_order_id, raw, key=key))
    )


@blueprint.post("/depot/picks/<int:depot_order_id>/take")
@requires(Permission.PICK)
def take(depot_order_id: int) -> ResponseReturnValue:
    """Pick packages of a lot that was typed."""
    form = forms.TakeForm()
    if not form.validate_on_submit():
        return _pick_page(depot_order_id, form, 422)
    raw, count = f"{form.article_no.data} {form.lot_no.data}", form.packages.data or 1
    serial_no, key = form.serial_no.data or "", form.idempotency_key.data or ""
    return _act(
        depot_order_id,
        lambda session, identity: _picked(
            picking.scan(
                session, identity, depot_order_id, raw, packages=count, key=key, scanned=False, serial_no=serial_no
            )
        ),
    )


@blueprint.post("/depot/picks/<int:depot_order_id>/tick")
@requires(Permission.PICK)
def tick(depot_order_id: int) -> ResponseReturnValue:
    """Pick the wanted lot without a scan."""
    form = forms.TickForm()
    if not form.validate_on_submit():
        return _again(depot_order_id, form)
    line, lot, count = form.pick_line_id.data or 0, form.lot_id.data or 0, form.packages.data or 0
    key = form.idempotency_key.data or ""
    return _act(
        depot_order_id,
        lambda session, identity: _picked(picking.tick(session, identity, depot_order_id, line, lot, count, key=key)),
    )


@blueprint.post("/depot/picks/<int:depot_order_id>/undo")
@requires(Permission.PICK)
def undo(depot_order_id: int) -> ResponseReturnValue:
    """Take one package out of the box again."""
    form = forms.UndoForm()
    if not form.validate_on_submit():
        return _again(depot_order_id, form)
    picked, key = form.picked_lot_id.data or 0, form.idempotency_key.data or ""

    def take_out(session: Session, identity: Identity) -> str:
        put_back.undo_pick(session, identity, depot_order_id, picked, key=key, serial_no=form.serial_no.data or "")
        return _("Put 1 package back on the shelf.")

    return _act(depot_order_id, take_out)


@blueprint.post("/depot/picks/<int:depot_order_id>/short")
@requires(Permission.PICK)
def short(depot_order_id: int) -> ResponseReturnValue:
    """Say that the rest of a line is missing."""
    form = forms.ShortForm()
    if not form.validate_on_submit():
        return _again(depot_order_id, form)
    line, reason = form.pick_line_id.data or 0, ShortReason(form.reason.data or "")

    def note(session: Session, identity: Identity) -> str:
        noted = shortage.short_pick(session, identity, depot_order_id, line, reason)
        return _("%(article)s: the rest comes later. The patient is told.", article=noted.article.display_name)

    return _act(depot_order_id, note)


@blueprint.post("/depot/picks/<int:depot_order_id>/undo-short")
@requires(Permission.PICK)
def undo_short(depot_order_id: int) -> ResponseReturnValue:
    """Take back that a line was short."""
    form = forms.LineForm()
    if not form.validate_on_submit():
        return _again(depot_order_id, form)
    line = form.pick_line_id.data or 0

    def take_back(session: Session, identity: Identity) -> str:
        put_back.undo_short(session, identity, depot_order_id, line)
        return _("The product is back in the list.")

    return _act(depot_order_id, take_back)


@blueprint.post("/depot/picks/<int:depot_order_id>/finish")
@requires(Permission.PICK)
def finish(depot_order_id: int) -> ResponseReturnValue:
    """End the picking; on to packing where there is something to pack."""
    ended: list[DepotOrder] = []

    def end(session: Session, identity: Identity) -> str:
        ended.append(shortage.finish(session, identity, depot_order_id))
        return ""

    answer = _act(depot_order_id, end)
    if not ended:
        return answer
    if ended[0].status is DepotOrderStatus.PICKED:
        return redirect(url_for("depot.packing", depot_order_id=depot_order_id), 303)
    if ended[0].status is DepotOrderStatus.BACK_ORDERED:
        flash(_("Nothing could be picked. The order waits for stock, and the patient is told."), "attention")
    else:
        flash(_("The order was cancelled. There is nothing to pick."), "info")
    return redirect(url_for("depot.today"), 303)


@blueprint.post("/depot/picks/<int:depot_order_id>/put-back")
@requires(Permission.PICK)
def put_order_back(depot_order_id: int) -> ResponseReturnValue:
    """Put everything back on the shelf and leave the order to somebody else."""
    done: list[DepotOrder] = []

    def leave(session: Session, identity: Identity) -> str:
        done.append(put_back.put_back(session, identity, depot_order_id))
        return ""

    answer = _act(depot_order_id, leave)
    if not done:
        return answer
    flash(_("The order waits in the pick list again. Put everything back on its shelf."), "success")
    return redirect(url_for("depot.pick_list"), 303)


def _picked(pick: PickedLot | None) -> str:
    if pick is None:
        return ""
    return _("Right: lot %(lot)s", lot=pick.lot.lot_no)


def _act(depot_order_id: int, act: Callable[[Session, Identity], str]) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            said = act(session, current_identity())
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        refused = words.refusal(problem)
        flash(f"{refused.text}\n{refused.detail}", WRONG)
    else:
        if said:
            flash(said, RIGHT)
    return redirect(url_for("depot.pick", depot_order_id=depot_order_id), 303)


def _again(depot_order_id: int, form: FlaskForm) -> ResponseReturnValue:
    typed = [str(error) for errors in form.errors.values() for error in errors]
    flash(typed[0] if typed else _("That did not work"), WRONG)
    return redirect(url_for("depot.pick", depot_order_id=depot_order_id), 303)
