"""The messages with a depot that has a warehouse system of its own."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery import warehouse_orders
from delivery.warehouse_parts import is_elsewhere
from delivery.warehouse_queries import warehouse_page
from portal.depot import warehouse_words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/warehouse")
@requires(Permission.SEE_DEPOT)
def warehouse() -> ResponseReturnValue:
    """Show what somebody must do, what is late, and the latest messages."""
    identity = current_identity()
    with unit_of_work() as session:
        return render_template(
            "depot/warehouse.html",
            page=warehouse_page(session, identity),
            is_elsewhere=is_elsewhere(identity.region),
            words=warehouse_words,
        )


@blueprint.post("/depot/warehouse/<int:message_id>/send-again")
@requires(Permission.SHIP)
def warehouse_send_again(message_id: int) -> ResponseReturnValue:
    """Send an order that the warehouse did not take once more."""
    with unit_of_work() as session:
        warehouse_orders.send_again(session, current_identity(), message_id)
    flash(_("The order is sent again."), "success")
    return redirect(url_for("depot.warehouse"), 303)


@blueprint.post("/depot/warehouse/<int:message_id>/stopped")
@requires(Permission.SHIP)
def warehouse_stopped(message_id: int) -> ResponseReturnValue:
    """Note that the warehouse has been called."""
    with unit_of_work() as session:
        warehouse_orders.note_stopped(session, current_identity(), message_id)
    flash(_("Noted: the warehouse knows."), "success")
    return redirect(url_for("depot.warehouse"), 303)


@blueprint.post("/depot/warehouse/<int:message_id>/seen")
@requires(Permission.SHIP)
def warehouse_seen(message_id: int) -> ResponseReturnValue:
    """Note that somebody has taken care of what was odd."""
    with unit_of_work() as session:
        warehouse_orders.note_seen(session, current_identity(), message_id)
    flash(_("Noted: it is taken care of."), "success")
    return redirect(url_for("depot.warehouse"), 303)
