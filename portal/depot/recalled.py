"""What a recall stops at the depot: the picker takes it out of the box and goes on."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from delivery.models import DepotOrder
from delivery.recalled import take_out_recalled
from delivery.rounds import begun_round
from portal.depot import words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


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
