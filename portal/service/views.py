"""Take a call: find whom it is about, open their pages, and close them again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.calls import Call
from auth.permissions import Permission
from core.clock import now, swedish_date
from delivery.enquiries import look_up_caller
from portal.calls import call_of_session, keep_call
from portal.security import current_identity, database, end_call, require_signed_in, requires, unit_of_work
from portal.service.forms import CallForm

blueprint = Blueprint("service", __name__)


@blueprint.get("/customer-service")
@requires(Permission.TAKE_CALL)
def find() -> ResponseReturnValue:
    """The search form."""
    return _show(_form(formdata=None))


@blueprint.post("/customer-service")
@requires(Permission.TAKE_CALL)
def open_call() -> ResponseReturnValue:
    """Open the patient's pages, or the order's; neither number nor reason stands in an address, where others could read it."""
    form = _form()
    if not form.validate() or form.sought is None:
        return _show(form), 422
    reason = form.reason.data or ""
    with unit_of_work() as session:
        found = look_up_caller(session, current_identity(), form.sought, reason, instead_of=call_of_session())
        opened_at = now(session)
    if found is None:
        form.number.errors = [_("Nobody in your region has that number, and no order.")]
        return _show(form), 422
    keep_call(Call(found.person.id, reason, opened_at))
    if found.order_no:
        return redirect(url_for("patient.order", order_no=found.order_no), 303)
    return redirect(url_for("patient.products"), 303)


@blueprint.post("/customer-service/end")
@requires(Permission.TAKE_CALL)
def close_call() -> ResponseReturnValue:
    """Close the patient's pages; doing it twice changes nothing."""
    if require_signed_in().is_in_call:
        end_call(current_identity())
        flash(_("The call has ended, and the patient's pages are closed."), "success")
    return redirect(url_for("service.find"), 303)


def _form(**arguments: object) -> CallForm:
    return CallForm(swedish_date(database().clock.now()), **arguments)


def _show(form: CallForm) -> str:
    return render_template("service/find.html", form=form, is_in_call=require_signed_in().is_in_call)
