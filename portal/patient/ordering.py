"""Ordering: what was ticked is looked over and changed on one page, and placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from auth.permissions import Permission
from auth.relations import ActingPolicy
from core.errors import NotPermitted
from core.idempotency import new_key
from core.policy import policy_of
from orders.addresses import last_home_address, registered_address
from orders.errors import DeliveryRefused, NothingChosen, OrderRefused
from orders.queries import order_of
from orders.services import PlaceOrder
from orders.source.ports import SourceDown
from orders.source.registering import AnotherAwaited
from orders.wishes import HomeAddress
from portal.language import remember_language
from portal.parked_forms import take_parked_form
from portal.patient import delivery_words, presentation
from portal.patient.acting import act_for
from portal.patient.delivery_forms import TypedWishes, read_wishes
from portal.patient.elsewhere import NotOrdered, SourceNews, prescriptions, read_source
from portal.patient.forms import item_ids, read_order
from portal.patient.points import Finder
from portal.patient.review import Posted, Review, build_review, item_ids_of
from portal.patient.views import blueprint, order_number
from portal.prescriptions import RefusedBySource
from portal.security import current_identity, require_signed_in, requires, unit_of_work

# What a button of the form may ask for instead of ordering: the page again, as it would be now.
LOOK, LAST_ADDRESS, HOME_ADDRESS = "look", "last-address", "home-address"
_LANGUAGE = "language-"
_ADDRESS_FIELDS = ("receiver", "care_of", "street", "postal_code", "city", "door_code", "phone", "comment")


@blueprint.get("/order/review")
@requires(Permission.PLACE_ORDER)
def review() -> ResponseReturnValue:
    """Show what was ticked, or what an earlier order had, where it goes and when it comes, to be confirmed."""
    again, ticked = request.args.get("again", ""), item_ids(request.args.getlist("item"))
    identity, source = current_identity(), read_source()
    with unit_of_work() as session:
        earlier = order_of(session, identity, order_number(again)) if again else None
        if earlier is not None:
            ticked = item_ids_of(earlier)
        page = build_review(session, identity, ticked, ticked, again=earlier) if ticked else None
    if page is None:
        flash(
            _("There is nothing in that order to order again: it replaced a faulty product.")
            if again
            else _("Tick at least one product that you want to order."),
            "attention",
        )
        return redirect(url_for("patient.products"), 303)
    return _show(page, source=source)


@blueprint.get("/order")
@requires(Permission.PLACE_ORDER)
def resume() -> ResponseReturnValue:
    """Show again an order form that came after its session had timed out, with everything that was typed."""
    typed = take_parked_form(request.path)
    if typed is None:
        return redirect(url_for("patient.products"), 303)
    act_for(read_order(typed).person_id)
    return _show_again(Posted(typed), is_resumed=True, source=read_source())


@blueprint.post("/order")
@requires(Permission.PLACE_ORDER)
def place() -> ResponseReturnValue:
    """Place the order, or show the page again with what is wrong and everything that was typed.

    A button may ask for the page alone: with other service points, another way of delivery, in another language.
    """
    typed = request.form
    posted = read_order(typed)
    try:
        act_for(posted.person_id)
    except NotPermitted:
        return _no_longer_for_them()
    asked = typed.get("do", "")
    if asked:
        return _do(asked, typed)
    key = typed.get("idempotency_key", "")
    if not key:
        abort(400)
    user = require_signed_in()
    wishes = TypedWishes((), {}) if user.subject.is_protected else read_wishes(typed, posted.ticked)
    if not posted.ticked:
        flash(_("Tick at least one product that you want to order."), "attention")
    if posted.lines is None or wishes is None or not posted.ticked:
        return _show_again(Posted(typed, is_checked=True), key=key), 422
    lines = tuple(replace(line, delivery=wishes.wish_of.get(line.prescription_item_id, 0)) for line in posted.lines)
    try:
        order = prescriptions().place(user.identity, PlaceOrder(lines, wishes.wishes, idempotency_key=key))
    except NothingChosen:
        flash(_("Tick at least one product that you want to order."), "attention")
        return _show_again(Posted(typed, is_checked=True), key=key), 422
    except OrderRefused as refusal:
        return _show_again(Posted(typed, is_checked=True, refusal=refusal), key=key), 422
    except DeliveryRefused as refusal:
        said = Posted(typed, is_checked=True, delivery_refusal=refusal, wishes=wishes.wishes)
        return _show_again(said, key=key), 422
    except SourceDown:
        return _show_again(Posted(typed), key=key, not_ordered=NotOrdered(is_down=True)), 503
    except RefusedBySource as refusal:
        return _show_again(Posted(typed), key=key, not_ordered=NotOrdered.refused(refusal.comment)), 422
    except AnotherAwaited as earlier:
        return _show_again(Posted(typed), key=key, not_ordered=NotOrdered(awaited_no=earlier.order_no)), 422
    return redirect(url_for("patient.order", order_no=order.order_no, placed=1), 303)


def _do(asked: str, typed: MultiDict[str, str]) -> ResponseReturnValue:
    changed = typed
    if asked.startswith(_LANGUAGE):
        remember_language(asked.removeprefix(_LANGUAGE))
    elif asked in {LAST_ADDRESS, HOME_ADDRESS}:
        changed = MultiDict(typed)
        for name, value in _other_address(asked).items():
            changed.setlist(name, [value])
    elif asked != LOOK:
        abort(400)
    return _show_again(Posted(changed), key=typed.get("idempotency_key", ""))


def _other_address(asked: str) -> Mapping[str, str]:
    subject = require_signed_in().subject
    if subject.is_protected:
        return {}
    address: HomeAddress | None = registered_address(subject)
    if asked == LAST_ADDRESS:
        with unit_of_work() as session:
            address = last_home_address(session, subject)
    return {name: getattr(address, name) for name in _ADDRESS_FIELDS} if address is not None else {}


def _show_again(
    posted: Posted,
    *,
    key: str = "",
    is_resumed: bool = False,
    source: SourceNews | None = None,
    not_ordered: NotOrdered | None = None,
) -> str:
    order = read_order(posted.typed)
    with unit_of_work() as session:
        page = build_review(session, current_identity(), order.shown, order.ticked, posted)
    return _show(page, key=key, is_resumed=is_resumed, source=source, not_ordered=not_ordered)


def _show(
    page: Review,
    *,
    key: str = "",
    is_resumed: bool = False,
    source: SourceNews | None = None,
    not_ordered: NotOrdered | None = None,
) -> str:
    # A provider may be slow: no transaction waits for it.
    page.find_points(cast(Finder, current_app.extensions["service_points"]))
    return render_template(
        "patient/review.html",
        review=page,
        source=source or SourceNews(),
        not_ordered=not_ordered,
        deliveries=page.deliveries,
        key=key or new_key(),
        words=presentation,
        ways=delivery_words,
        resumed=is_resumed,
        # The language button sends the order form: what was typed is shown again in the other language.
        typed_form="order" if page.lines else "",
    )


def _no_longer_for_them() -> ResponseReturnValue:
    """Say that a right has ended since the page was made, a child's birthday for instance; nothing is ordered."""
    acting = policy_of(current_identity().region).section(ActingPolicy)
    return render_template("patient/no_longer.html", until_age=acting.guardian_until_age), 403
