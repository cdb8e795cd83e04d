"""What a recall stops at the depot: the picker hears of it while the page is open, takes it out of the box and goes on."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, get_template_attribute, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery.models import DepotOrder, Lot, LotStatus
from delivery.recalled import RecalledInBox, is_lot_recalled, recalled_in_hand, take_out_recalled
from delivery.rounds import begun_round
from portal.depot import words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work
from portal.sessions import current_session

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class CalledBack:
    """What a picking page says is called back: in the boxes, and the lot that it asks for."""

    in_boxes: list[RecalledInBox]
    is_wanted_lot: bool

    @property
    def mark(self) -> str:
        """Tell two answers apart; empty when nothing is called back."""
        boxes = [f"{one.picked_lot_id}:{one.packages}:{one.serial_no}" for one in self.in_boxes]
        return " ".join([*boxes, "lot"] if self.is_wanted_lot else boxes)


def called_back_of(in_boxes: list[RecalledInBox], wanted: Lot | None) -> CalledBack:
    """Return what a picking page says is called back, with the lot that it asks for."""
    return CalledBack(in_boxes, wanted is not None and wanted.status is LotStatus.RECALLED)


@blueprint.get("/depot/rounds/<int:round_id>/called-back")
@requires(Permission.PICK)
def round_called_back(round_id: int) -> ResponseReturnValue:
    """Answer the page of a round, which asks now and then, with what is called back now."""
    return _called_back(url_for("depot.round_", round_id=round_id), round_id=round_id)


@blueprint.get("/depot/picks/<int:depot_order_id>/called-back")
@requires(Permission.PICK)
def pick_called_back(depot_order_id: int) -> ResponseReturnValue:
    """Answer the page of one order, which asks now and then, with what is called back now."""
    return _called_back(url_for("depot.pick", depot_order_id=depot_order_id), depot_order_id=depot_order_id)


def _called_back(page: str, *, round_id: int | None = None, depot_order_id: int | None = None) -> ResponseReturnValue:
    current_session().is_unattended = True
    lot_id = request.args.get("lot", type=int)
    with unit_of_work() as session:
        identity = current_identity()
        in_boxes = recalled_in_hand(session, identity, round_id=round_id, depot_order_id=depot_order_id)
        is_wanted = lot_id is not None and 0 < lot_id <= LARGEST_ID and is_lot_recalled(session, identity, lot_id)
    found = CalledBack(in_boxes, is_wanted)
    # The page replaces what it shows only when the mark has changed.
    html = get_template_attribute("depot/_recalled.html", "called_back_now")(found, new_key(), page)
    return jsonify(mark=found.mark, html=html)


@blueprint.post("/depot/picks/<int:depot_order_id>/taken-out")
@requires(Permission.PICK)
def taken_out(depot_order_id: int) -> ResponseReturnValue:
    """Note that what is called back has been taken out of the box, and go on with the pick or the round."""
    identity = current_identity()
    try:
        with unit_of_work() as session:
            key = request.form.get("idempotency_key", "")
            packages = take_out_recalled(session, identity, depot_order_id, key=key)
            begun = begun_round(session, identity)
            round_id = session.get_one(DepotOrder, depot_order_id).pick_round_id
            is_round = begun is not None and begun.id == round_id
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(words.in_lines(problem), "scan-wrong")
        return redirect(url_for("depot.pick", depot_order_id=depot_order_id), 303)
    if packages:
        flash(
            ngettext(
                "%(num)s package taken out. Others are reserved where there are any.",
                "%(num)s packages taken out. Others are reserved where there are any.",
                packages,
            ),
            "scan-ok",
        )
    if is_round:
        return redirect(url_for("depot.round_", round_id=round_id), 303)
    return redirect(url_for("depot.pick", depot_order_id=depot_order_id), 303)
