"""Ask the unit that prescribed a product to renew it: a short page, and back to the products."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.errors import NotFound
from core.idempotency import new_key
from orders.prescribing_errors import MayNotAskToRenew
from orders.queries import Product, products_of
from orders.renewals import AskToRenew, ask_to_renew, open_requests_of
from portal.parked_forms import take_parked_form
from portal.patient.acting import act_for
from portal.patient.presentation import pieces_text, withdrawals_text
from portal.patient.renewals.forms import AskForm
from portal.patient.renewals.lines import may_ask
from portal.pictures import PICTURES
from portal.reasons import explain_verdict
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("renewals", __name__)


@blueprint.get("/my-products/<int:item_id>/renewal")
@requires(Permission.ASK_TO_RENEW)
def ask(item_id: int) -> ResponseReturnValue:
    """Show what is asked, of whom and what happens next; shows again what was typed before a session timed out."""
    with unit_of_work() as session:
        product = _product(session, item_id)
        if open_requests_of(session, [item_id]) or not may_ask(session, product):
            return redirect(url_for("patient.products"), 303)
        return _page(product, AskForm(formdata=take_parked_form(request.path)))


@blueprint.post("/my-products/<int:item_id>/renewal")
@requires(Permission.ASK_TO_RENEW)
def send(item_id: int) -> ResponseReturnValue:
    """Ask; asked already, or twice at once, it is asked once."""
    act_for(request.form.get("person", type=int))
    form = AskForm()
    if not form.validate():
        with unit_of_work() as session:
            return _page(_product(session, item_id), form), 422
    key = request.form.get("idempotency_key") or new_key()
    try:
        with unit_of_work() as session:
            asked = ask_to_renew(session, current_identity(), AskToRenew(item_id, form.note.data or "", key))
            unit = asked.unit.name
    except MayNotAskToRenew:
        flash(_("It does not need to be renewed now. Look at what it says beside the product."), "attention")
    else:
        flash(_("%(unit)s has got your question. The answer comes to your inbox.", unit=unit), "success")
    return redirect(url_for("patient.products"), 303)


def _product(session: Session, item_id: int) -> Product:
    listed = products_of(session, current_identity())
    for product in (*listed.orderable, *listed.later, *listed.ended):
        if product.item.id == item_id:
            return product
    raise NotFound


def _page(product: Product, form: AskForm) -> str:
    item = product.item
    return render_template(
        "patient/renewals/ask.html",
        item=item,
        form=form,
        key=request.form.get("idempotency_key") or new_key(),
        person_id=current_identity().subject_person_id,
        unit=item.prescription.prescribing_unit,
        reason=None if product.verdict.is_allowed else explain_verdict(product.verdict, item).reason,
        amount=pieces_text(item.packages_per_order, item.article),
        withdrawals=withdrawals_text(item.orders_remaining, item.orders_allowed),
        picture=PICTURES[item.article.kind],
    )
