"""The hand-held on a round: several orders picked on one walk. Each act works as a form; a scan is also answered as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import flash, g, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import leaving_rounds, round_acts, rounds
from delivery.models import DepotOrderStatus, PickedLot, ShortReason
from delivery.recalled import recalled_in_boxes
from delivery.rounds import RoundPage
from delivery.serials import serials_in_box
from delivery.why_not import unused_lots
from portal.depot import forms, round_words, words
from portal.depot.blueprint import blueprint
from portal.depot.recalled import called_back_of
from portal.security import current_identity, requires, unit_of_work

RIGHT, WRONG = "scan-ok", "scan-wrong"
NEXT_STOPS = 4


@blueprint.post("/depot/rounds/start")
@requires(Permission.PICK)
def start_round() -> ResponseReturnValue:
    """Begin the next round, or go on with the one begun."""
    with unit_of_work() as session:
        begun = rounds.start_round(session, current_identity())
        if begun is not None:
            return redirect(url_for("depot.round_", round_id=begun.id), 303)
    flash(_("Nothing is planned. Plan a carrier's orders first."), "info")
    return redirect(url_for("depot.today"), 303)


@blueprint.get("/depot/rounds/<int:round_id>")
@requires(Permission.PICK)
def round_(round_id: int) -> ResponseReturnValue:
    """Show the one stop to walk to now; a round that is ended shows its boxes."""
    identity = current_identity()
    with unit_of_work() as session:
        try:
            page = rounds.round_page(session, identity, round_id)
        except NotFound:
            boxes = leaving_rounds.round_boxes(session, identity, round_id)
            return render_template("depot/round_done.html", boxes=boxes, words=words)
        return _render(session, page, get_flashed_messages(with_categories=True))


def _render(session: Session, page: RoundPage, said: Sequence[str | tuple[str, str]]) -> str:
    stop = page.stops[0] if page.stops else None
    # The camera's reader runs in a worker of ours, and nowhere else on the portal.
    g.worker_source = "'self'"
    walked = [one for one in page.depot_orders if one.status is DepotOrderStatus.PICKING]
    lines = [line for one in walked for line in one.lines]
    # Of units with numbers one says which: they are put back from the list.
    picks = [pick for line in lines if not line.article.is_serialised for pick in line.picked_lots]
    return render_template(
        "depot/round.html",
        page=page,
        last_pick=max(picks, key=lambda pick: (pick.picked_at, pick.id), default=None),
        stop=stop,
        next_stops=page.stops[1 : 1 + NEXT_STOPS],
        called_back=called_back_of(recalled_in_boxes(session, [one.id for one in walked]), stop.lot if stop else None),
        serials=serials_in_box(session, [line for line in lines if line.article.is_serialised]),
        take=forms.RoundTakeForm(formdata=None),
        unused=unused_lots(session, page.round.depot_id, stop.line) if stop and stop.lot is None else [],
        said=said,
        is_missing="missing" in request.args,
        keys=[new_key() for _each in range(4)],
        reasons=words.short_reasons(),
        why_not=round_words.why_not,
        words=words,
    )


@blueprint.post("/depot/rounds/<int:round_id>/scan")
@requires(Permission.PICK)
def round_scan(round_id: int) -> ResponseReturnValue:
    """Pick the package that was scanned: as JSON for the page's own script, else back to the page."""
    form = forms.ScanForm()
    wants_json = request.accept_mimetypes.best == "application/json"
    if not form.validate_on_submit():
        outcome = (WRONG, _first_error(form))
    else:
        raw, key = form.scan.data or "", form.idempotency_key.data or ""

        def pick(session: Session, identity: Identity) -> str:
            return _picked(rounds.scan_in_round(session, identity, round_id, raw, key=key))

        try:
            outcome = _do(pick)
        except NotFound:
            if not wants_json:
                raise
            text = _("This round has ended")
            detail = _("Put the package back, or ask who has the box now.")
            return jsonify(result="wrong", text=text, detail=detail, page="")
    if not wants_json:
        return _back(round_id, outcome)
    with unit_of_work() as session:
        page = rounds.round_page(session, current_identity(), round_id, is_first_look=False)
        html = _render(session, page, [outcome] if outcome[1] else [])
    text, _newline, detail = outcome[1].partition("\n")
    return jsonify(result="ok" if outcome[0] == RIGHT else "wrong", text=text, detail=detail, page=html)


@blueprint.post("/depot/rounds/<int:round_id>/tick")
@requires(Permission.PICK)
def round_tick(round_id: int) -> ResponseReturnValue:
    """Pick the wanted lot without a scan."""
    form = forms.TickForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    line, lot, count = form.pick_line_id.data or 0, form.lot_id.data or 0, form.packages.data or 0
    key = form.idempotency_key.data or ""
    return _act(
        round_id,
        lambda session, identity: _picked(
            round_acts.tick_in_round(session, identity, round_id, line, lot, count, key=key)
        ),
    )


@blueprint.post("/depot/rounds/<int:round_id>/take")
@requires(Permission.PICK)
def round_take(round_id: int) -> ResponseReturnValue:
    """Pick packages of a lot that was typed."""
    form = forms.RoundTakeForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    line, lot_no, count = form.pick_line_id.data or 0, form.lot_no.data or "", form.packages.data or 1
    key, serial_no = form.idempotency_key.data or "", form.serial_no.data or ""
    return _act(
        round_id,
        lambda session, identity: _picked(
            round_acts.take_in_round(session, identity, round_id, line, lot_no, count, key=key, serial_no=serial_no)
        ),
    )


@blueprint.post("/depot/rounds/<int:round_id>/short")
@requires(Permission.PICK)
def round_short(round_id: int) -> ResponseReturnValue:
    """Say that the rest of a line is missing."""
    form = forms.ShortForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    line, reason = form.pick_line_id.data or 0, ShortReason(form.reason.data or "")

    def note(session: Session, identity: Identity) -> str:
        noted = round_acts.short_in_round(session, identity, round_id, line, reason)
        return _("%(article)s: the rest comes later. The patient is told.", article=noted.article.display_name)

    return _act(round_id, note)


@blueprint.post("/depot/rounds/<int:round_id>/undo")
@requires(Permission.PICK)
def round_undo(round_id: int) -> ResponseReturnValue:
    """Take one package out of its box again."""
    form = forms.UndoForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    picked, key, serial_no = form.picked_lot_id.data or 0, form.idempotency_key.data or "", form.serial_no.data or ""

    def take_out(session: Session, identity: Identity) -> str:
        round_acts.undo_in_round(session, identity, round_id, picked, key=key, serial_no=serial_no)
        return _("Put 1 package back on the shelf.")

    return _act(round_id, take_out)


@blueprint.post("/depot/rounds/<int:round_id>/undo-short")
@requires(Permission.PICK)
def round_undo_short(round_id: int) -> ResponseReturnValue:
    """Take back that a line was short."""
    form = forms.LineForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    line = form.pick_line_id.data or 0

    def take_back(session: Session, identity: Identity) -> str:
        round_acts.undo_short_in_round(session, identity, round_id, line)
        return _("The product is back in the list.")

    return _act(round_id, take_back)


@blueprint.post("/depot/rounds/<int:round_id>/finish")
@requires(Permission.PICK)
def finish_round(round_id: int) -> ResponseReturnValue:
    """End the round; the page then shows the boxes to pack."""

    def end(session: Session, identity: Identity) -> str:
        done = rounds.finish_round(session, identity, round_id)
        if any(one.status is DepotOrderStatus.BACK_ORDERED for one in done):
            flash(_("A box stayed empty. That order waits for stock, and the patient is told."), "attention")
        return ""

    return _act(round_id, end)


@blueprint.post("/depot/rounds/<int:round_id>/leave")
@requires(Permission.PICK)
def leave_round(round_id: int) -> ResponseReturnValue:
    """End the round early: put everything back, or leave the trolley to somebody else."""
    form = forms.LeaveForm()
    if not form.validate_on_submit():
        return _back(round_id, (WRONG, _first_error(form)))
    is_back = form.how.data == "put-back"
    with unit_of_work() as session:
        leaving_rounds.leave_round(session, current_identity(), round_id, everything_is_back=is_back)
    if is_back:
        flash(_("The round is ended. Put everything back on its shelf."), "success")
    else:
        flash(_("The round is ended. Somebody else can take the boxes over."), "success")
    return redirect(url_for("depot.today"), 303)


def _picked(pick: PickedLot | None) -> str:
    if pick is None:
        return _("Already counted")
    return _("Right: box %(box)s", box=pick.line.depot_order.box) + "\n" + _("Lot %(lot)s", lot=pick.lot.lot_no)


def _do(act: Callable[[Session, Identity], str]) -> tuple[str, str]:
    try:
        with unit_of_work() as session:
            return RIGHT, act(session, current_identity())
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        refused = words.refusal(problem)
        return WRONG, f"{refused.text}\n{refused.detail}"


def _act(round_id: int, act: Callable[[Session, Identity], str]) -> ResponseReturnValue:
    return _back(round_id, _do(act))


def _back(round_id: int, outcome: tuple[str, str]) -> ResponseReturnValue:
    if outcome[1]:
        flash(outcome[1], outcome[0])
    return redirect(url_for("depot.round_", round_id=round_id), 303)


def _first_error(form: FlaskForm) -> str:
    return next((str(error) for errors in form.errors.values() for error in errors), _("That did not work"))
