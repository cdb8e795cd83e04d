"""The patient's pages: what can be ordered, ordering it, and following it home."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urljoin, urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext

from auth.permissions import Permission
from auth.relations import ActingPolicy
from core.clock import now, today
from core.errors import NotFound, NotPermitted
from core.policy import policy_of
from delivery.complaints.recall_readers import open_recalls_of
from orders.cancelling import cancel_order
from orders.errors import RegisteredElsewhere, TooLateToCancel
from orders.history import history_of, last_times
from orders.models import Registration
from orders.open_orders import can_be_changed
from orders.queries import order_of, orders_of, products_of
from portal.chrome import PageChrome
from portal.formats import grouped
from portal.login.attempts import local_path
from portal.patient import order_words, presentation
from portal.patient.acting import act_for
from portal.patient.calendar_file import AllDay, calendar_file
from portal.patient.elsewhere import is_taken_back, read_source, refresh_source
from portal.patient.forms import item_ids
from portal.patient.inbox import messages_of, open_message
from portal.patient.renewals.lines import renewal_lines
from portal.patient.tracking import shipments_of
from portal.recall_words import WHAT_TO_DO
from portal.security import current_identity, may, require_signed_in, requires, unit_of_work

blueprint = Blueprint("patient", __name__)

# Orders looked through for a parcel on its way.
RECENT_ORDERS = 10


@blueprint.get("/my-products")
@requires(Permission.SEE_PRODUCTS)
def products() -> ResponseReturnValue:
    """Answer what can be ordered now, how long it lasts, and where the parcel is."""
    user = require_signed_in()
    source = read_source()
    with unit_of_work() as session:
        listed = products_of(session, user.identity)
        orders = orders_of(session, user.identity, RECENT_ORDERS)
        shipments = shipments_of(session, orders)
        day = today(session)
        coming = order_words.nearest(shipment for found in shipments.values() for shipment in found)
        return render_template(
            "patient/products.html",
            source=source,
            greeting=presentation.greeting(listed.person, user.identity.acts_for_another),
            recalls=open_recalls_of(session, user.identity) if may(Permission.ANSWER_RECALL) else [],
            recall_words=WHAT_TO_DO,
            renewals=renewal_lines(session, (*listed.orderable, *listed.later, *listed.ended)),
            orderable=[presentation.product_card(product, day) for product in listed.orderable],
            later=[presentation.product_card(product, day) for product in listed.later],
            ended=[presentation.product_card(product, day) for product in listed.ended],
            coming=coming,
            is_protected=listed.person.is_protected,
            today=day,
            progress=order_words,
            others=[
                s
                for s in user.subjects
                if s.person.id not in (user.identity.subject_person_id, user.identity.person_id)
            ],
            order_one=ngettext("Order %(num)s product", "Order %(num)s products", 1),
            # The script puts the count where %d stands.
            order_many=_("Order %d products"),
            may_report=may(Permission.REPORT_FAULT),
            teenagers=_ages_without_either(user.identity.region),
        )


def _ages_without_either(region: str) -> str:
    """Write the ages at which neither the guardian nor the child orders here: "13–17 years"; empty when there are none."""
    policy = policy_of(region).section(ActingPolicy)
    first, last = policy.guardian_until_age, policy.own_account_from_age - 1
    return _("%(first)s–%(last)s years", first=first, last=last) if first <= last else ""


@blueprint.get("/orders")
@requires(Permission.SEE_ORDERS)
def orders() -> ResponseReturnValue:
    """List what has been ordered, here and elsewhere, a page at a time; first when each product was last."""
    older_than = request.args.get("older-than")
    source = read_source()
    with unit_of_work() as session:
        page = history_of(session, current_identity(), older_than)
        return render_template(
            "patient/orders.html",
            source=source,
            page=page,
            last_times=[] if older_than else last_times(session, current_identity()),
            is_first=not older_than,
            shipments=shipments_of(session, page.orders),
            today=today(session),
            progress=order_words,
            words=presentation,
            may_order=may(Permission.SEE_PRODUCTS),
        )


@blueprint.get("/orders/<string:order_no>")
@requires(Permission.SEE_ORDERS)
def order(order_no: str) -> ResponseReturnValue:
    """Show one order: where each part of it is, where it goes, who placed it; right after ordering, what happens next.

    One that a source elsewhere never registered is gone: whoever had its page open is told so among the products.
    """
    number = order_number(order_no)
    refresh_source()
    try:
        return _order_page(number)
    except NotFound:
        if not is_taken_back(number):
            raise
    flash(
        _(
            "Order %(number)s could not be registered, so nothing was ordered. Order again, or call customer service.",
            number=grouped(number),
        ),
        "attention",
    )
    return redirect(url_for("patient.products"), 303)


def _order_page(order_no: str) -> str:
    user = require_signed_in()
    with unit_of_work() as session:
        found = order_of(session, user.identity, order_no)
        shipments = shipments_of(session, [found])[found.id]
        return render_template(
            "patient/order.html",
            order=found,
            is_awaited=found.registration is Registration.AWAITED,
            shipments=shipments,
            today=today(session),
            is_new="placed" in request.args,
            can_cancel=may(Permission.CANCEL_ORDER) and can_be_changed(found),
            can_change=may(Permission.CHANGE_ORDER)
            and can_be_changed(found)
            and any(row.withdrawal is not None for row in found.rows),
            comes=bool(order_words.nearest(shipments)),
            facts=order_words.delivery_facts(found),
            may_order_again="placed" not in request.args
            and found.registration is not Registration.AWAITED
            and may(Permission.PLACE_ORDER)
            and any(row.withdrawal is not None for row in found.rows),
            reader_id=user.identity.person_id,
            progress=order_words,
            words=presentation,
        )


@blueprint.get("/orders/<string:order_no>/calendar")
@requires(Permission.SEE_ORDERS)
def calendar(order_no: str) -> ResponseReturnValue:
    """Give the day on which a parcel that has not come yet is expected, as a file for the calendar; nothing of what is in it."""
    with unit_of_work() as session:
        found = order_of(session, current_identity(), order_number(order_no))
        coming = order_words.nearest(shipments_of(session, [found])[found.id])
        if not coming:
            raise NotFound
        base_url = current_app.extensions["base_url"]
        day = AllDay(
            uid=f"order-{found.order_no}@{urlsplit(base_url).hostname}",
            summary=_("Parcel from %(portal)s", portal=PageChrome.product_name),
            day=min(shipment.expected for shipment in coming),
            url=urljoin(base_url, url_for("patient.order", order_no=found.order_no)),
            written_at=now(session),
        )
    return send_file(
        BytesIO(calendar_file(day)),
        mimetype="text/calendar",
        as_attachment=True,
        download_name=f"{order_number(order_no)}.ics",
    )


@blueprint.post("/orders/<string:order_no>/cancel")
@requires(Permission.CANCEL_ORDER)
def cancel(order_no: str) -> ResponseReturnValue:
    """Cancel an order that nobody has begun to pick."""
    try:
        with unit_of_work() as session:
            cancel_order(session, current_identity(), order_number(order_no))
    except TooLateToCancel:
        flash(
            _("We have begun to pick the order, so it can no longer be cancelled. Call customer service."), "attention"
        )
    except RegisteredElsewhere:
        flash(order_words.registered_elsewhere_text(), "attention")
    else:
        flash(_("The order is cancelled, and you have your withdrawals back."), "success")
    return redirect(url_for("patient.order", order_no=order_no), 303)


def order_number(order_no: str) -> str:
    """Return what may be the number of an order; NotFound for what cannot."""
    # What is no number is nobody's order; it need not reach the database.
    if not (order_no.isascii() and order_no.isdigit()):
        raise NotFound
    return order_no


@blueprint.get("/inbox")
@requires(Permission.READ_INBOX)
def inbox() -> ResponseReturnValue:
    """List the messages, unread ones marked."""
    with unit_of_work() as session:
        return render_template("patient/inbox.html", messages=messages_of(session, require_signed_in()))


@blueprint.get("/inbox/<int(max=9223372036854775807):message_id>")
@requires(Permission.READ_INBOX)
def message(message_id: int) -> ResponseReturnValue:
    """Show one message and mark it read."""
    user = require_signed_in()
    with unit_of_work() as session:
        found = open_message(session, user, message_id)
        return render_template(
            "patient/message.html",
            found=found,
            needs_switch=found.message.about_person_id != user.identity.subject_person_id,
        )


@blueprint.post("/acting-for")
@requires(Permission.SWITCH_PERSON)
def switch_person() -> ResponseReturnValue:
    """Act for somebody else from now on, or for oneself again; only for those one has a right to act for."""
    wanted = request.form.get("person", "")
    chosen = item_ids([wanted]) or ([current_identity().person_id or 0] if wanted == "self" else [])
    if not chosen:
        raise NotPermitted
    act_for(chosen[0])
    return redirect(local_path(request.form.get("next")) or url_for("public.start"), 303)
