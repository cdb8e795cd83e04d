"""Changing an order: two forms on one page, each its own act."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from auth.permissions import Permission
from core.errors import ChangedMeanwhile, NotFound
from core.idempotency import new_key
from orders.addresses import last_home_address, registered_address
from orders.changing import change_amounts, change_delivery
from orders.errors import DeliveryRefused, NothingWouldBeLeft, OrderRefused, RegisteredElsewhere, TooLateToChange
from orders.open_orders import can_be_changed
from portal.parked_forms import take_parked_form
from portal.patient import delivery_words, order_words, presentation
from portal.patient.acting import act_for
from portal.patient.changes.page import Typed, build_change, changed_lines, put_address
from portal.patient.delivery_forms import read_parcels, read_wishes
from portal.patient.forms import item_ids
from portal.patient.points import Finder
from portal.security import current_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("changes", __name__)

# What a button of the delivery's form may ask for instead of the change: the page again, as it would be now.
LOOK, LAST_ADDRESS, HOME_ADDRESS = "look", "last-address", "home-address"


@blueprint.get("/orders/<string:order_no>/change")
@requires(Permission.CHANGE_ORDER)
def show(order_no: str) -> ResponseReturnValue:
    """Show what can be changed; shows again what was typed before a session timed out."""
    typed = take_parked_form(request.path)
    if typed is not None:
        act_for(_first(typed, "person"))
        return _page(order_no, _first(typed, "choice"), Typed(typed, typed.get("part") == "amounts", is_checked=False))
    return _page(order_no, request.args.get("delivery", type=_number))


@blueprint.post("/orders/<string:order_no>/change")
@requires(Permission.CHANGE_ORDER)
def change(order_no: str) -> ResponseReturnValue:
    """Change the amounts, or where a delivery goes, or show the page again with what is wrong and what was typed."""
    typed = request.form
    act_for(_first(typed, "person"))
    key = typed.get("idempotency_key", "")
    if not key or not _is_number(order_no):
        abort(400 if not key else 404)
    try:
        if typed.get("part") == "amounts":
            refused = _change_amounts(order_no, typed, key)
        else:
            refused = _change_delivery(order_no, typed, key)
    except TooLateToChange:
        return _too_late(order_no)
    except RegisteredElsewhere:
        return _elsewhere(order_no)
    except ChangedMeanwhile:
        flash(
            _("The order has been changed since you opened the page. This is how it is now. Nothing more is changed."),
            "attention",
        )
        return redirect(url_for("changes.show", order_no=order_no), 303)
    if refused is not None:
        is_look = not refused.is_checked
        page = _page(order_no, _first(typed, "choice"), refused, key=key)
        return page if is_look or not isinstance(page, str) else (page, 422)
    flash(_("The order is changed."), "success")
    return redirect(url_for("patient.order", order_no=order_no), 303)


def _change_amounts(order_no: str, typed: MultiDict[str, str], key: str) -> Typed | None:
    lines = changed_lines(typed)
    if lines is None:
        return Typed(typed, is_amounts=True)
    try:
        with unit_of_work() as session:
            seen = _first(typed, "version") or 0
            change_amounts(session, current_identity(), order_no, lines, seen=seen, idempotency_key=key)
    except OrderRefused as refusal:
        return Typed(typed, is_amounts=True, refusal=refusal)
    except NothingWouldBeLeft:
        return Typed(typed, is_amounts=True, leaves_nothing=True)
    return None


def _change_delivery(order_no: str, typed: MultiDict[str, str], key: str) -> Typed | None:
    asked = typed.get("do", "")
    if asked:
        return Typed(_with_address(typed, asked), is_amounts=False, is_checked=False)
    going = [item_id for parcel in read_parcels(typed) for item_id in parcel.item_ids]
    wishes = read_wishes(typed, going)
    if wishes is None or len(wishes.wishes) != 1:
        return Typed(typed, is_amounts=False)
    choice_id = _first(typed, "choice")
    if choice_id is None:
        raise NotFound
    try:
        with unit_of_work() as session:
            change_delivery(session, current_identity(), order_no, choice_id, wishes.wishes[0], idempotency_key=key)
    except DeliveryRefused as refusal:
        return Typed(typed, is_amounts=False, delivery_refusal=refusal, wish=wishes.wishes[0])
    return None


def _with_address(typed: MultiDict[str, str], asked: str) -> MultiDict[str, str]:
    if asked not in {LOOK, LAST_ADDRESS, HOME_ADDRESS}:
        abort(400)
    subject = require_signed_in().subject
    if asked == LOOK or subject.is_protected:
        return typed
    with unit_of_work() as session:
        address = last_home_address(session, subject) if asked == LAST_ADDRESS else registered_address(subject)
    changed = MultiDict(typed)
    if address is not None:
        put_address(changed, address)
    return changed


def _page(
    order_no: str, choice_id: int | None, typed: Typed | None = None, *, key: str = ""
) -> str | ResponseReturnValue:
    if not _is_number(order_no):
        raise NotFound
    with unit_of_work() as session:
        page = build_change(session, current_identity(), order_no, choice_id, typed)
        is_open, is_ours = can_be_changed(page.order) and bool(page.lines), page.order.is_ours
    if not is_ours:
        return _elsewhere(order_no)
    if not is_open:
        return _too_late(order_no)
    # A provider may be slow: no transaction waits for it.
    page.find_points(cast(Finder, current_app.extensions["service_points"]))
    return render_template(
        "patient/changes/change.html",
        page=page,
        key=key or new_key(),
        other_key=new_key(),
        words=presentation,
        ways=delivery_words,
        progress=order_words,
    )


def _too_late(order_no: str) -> ResponseReturnValue:
    flash(
        _("The order can no longer be changed: we have begun to pick it, or it is cancelled. Call customer service."),
        "attention",
    )
    return redirect(url_for("patient.order", order_no=order_no), 303)


def _elsewhere(order_no: str) -> ResponseReturnValue:
    flash(order_words.registered_elsewhere_text(), "attention")
    return redirect(url_for("patient.order", order_no=order_no), 303)


def _first(typed: MultiDict[str, str], name: str) -> int | None:
    return next(iter(item_ids(typed.getlist(name))), None)


def _number(text: str) -> int:
    found = item_ids([text])
    if not found:
        raise ValueError
    return found[0]


def _is_number(order_no: str) -> bool:
    return order_no.isascii() and order_no.isdigit()
