"""The depot's lists and its shelves."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from delivery import lot_queries, queries, shortage
from delivery.shelves import ShelfFilter, stock_overview
from delivery.warehouse_parts import is_elsewhere
from portal.depot import goods_words, words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/pick-list")
@requires(Permission.PICK)
def pick_list() -> ResponseReturnValue:
    """Show what is to be picked, the oldest promise first."""
    identity = current_identity()
    with unit_of_work() as session:
        items = queries.pick_list(session, identity)
        return render_template("depot/pick_list.html", items=items, me=identity.staff_id, words=words)


@blueprint.get("/depot/back-orders")
@requires(Permission.SEE_DEPOT)
def back_orders() -> ResponseReturnValue:
    """Show what waits for stock."""
    identity = current_identity()
    with unit_of_work() as session:
        items = queries.back_orders(session, identity)
        return render_template("depot/back_orders.html", items=items, is_elsewhere=is_elsewhere(identity.region))


@blueprint.post("/depot/back-orders/<int:depot_order_id>/pick-again")
@requires(Permission.PICK)
def pick_again(depot_order_id: int) -> ResponseReturnValue:
    """Put a back order into the pick list by hand, or order it from the warehouse anew."""
    identity = current_identity()
    try:
        with unit_of_work() as session:
            shortage.pick_again(session, identity, depot_order_id)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(words.refusal(problem).text, "attention")
    else:
        is_sent = is_elsewhere(identity.region)
        flash(_("The order is sent to the warehouse.") if is_sent else _("The order is in the pick list."), "success")
    return redirect(url_for("depot.back_orders"), 303)


@blueprint.get("/depot/stock")
@requires(Permission.SEE_STOCK)
def stock() -> ResponseReturnValue:
    """Show what is on the shelves; searched by number, name, lot or shelf."""
    search = request.args.get("search", "")[:100]
    shown = request.args.get("show", "")
    chosen = ShelfFilter(shown) if shown in set(ShelfFilter) else ShelfFilter.ALL
    with unit_of_work() as session:
        identity = current_identity()
        return render_template(
            "depot/stock.html",
            lines=stock_overview(session, identity, search, chosen=chosen),
            recounts=lot_queries.recounts(session, identity),
            search=search,
            chosen=chosen.value,
            filters=goods_words.shelf_filters(),
            words=words,
        )
