"""Find an order for somebody on the phone: where it is, and nothing that the question does not need."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from auth.permissions import Permission
from delivery.enquiries import FoundOrder, find_order
from orders.models import DeliveryMethod, RowStatus
from portal.security import current_identity, requires, unit_of_work
from portal.service.forms import FindOrderForm

blueprint = Blueprint("service", __name__)

_ROWS = {
    RowStatus.RECEIVED: (_l("Received"), "neutral"),
    RowStatus.PICKING: (_l("Being picked"), "accent"),
    RowStatus.BACK_ORDERED: (_l("Out of stock: comes later"), "attention"),
    RowStatus.SENT: (_l("Sent"), "info"),
    RowStatus.DELIVERED: (_l("Delivered"), "success"),
    RowStatus.CANCELLED: (_l("Cancelled"), "neutral"),
}
_METHODS = {
    DeliveryMethod.HOME_DELIVERY: _l("Home"),
    DeliveryMethod.SERVICE_POINT: _l("Service point"),
    DeliveryMethod.UNIT: _l("The prescribing unit"),
}


@blueprint.get("/customer-service")
@requires(Permission.FIND_ORDER)
def find() -> ResponseReturnValue:
    """The search form."""
    return _show(FindOrderForm(formdata=None), None)


@blueprint.post("/customer-service")
@requires(Permission.FIND_ORDER)
def found() -> ResponseReturnValue:
    """Show the order; neither its number nor the reason stands in an address, where others could read it."""
    form = FindOrderForm()
    if not form.validate():
        return _show(form, None), 422
    with unit_of_work() as session:
        order = find_order(session, current_identity(), form.order_no.data or "", form.reason.data or "")
        if order is None:
            form.order_no.errors = [_("There is no order with that number in your region.")]
            return _show(form, None), 422
        return _show(form, order)


def _show(form: FindOrderForm, order: FoundOrder | None) -> str:
    return render_template("service/find.html", form=form, found=order, rows=_ROWS, methods=_METHODS)
