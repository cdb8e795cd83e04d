"""Packing, papers, hand-over, and the way to the patient."""

from __future__ import annotations

from urllib.parse import urljoin

from flask import Response, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext as _

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from delivery import documents, parcels as parcel_queries, queries, shipping
from delivery.bookings import booking_of
from delivery.models import DepotOrderStatus
from delivery.papers import prepare_papers
from delivery.recalled import recalled_in_boxes
from portal.depot import forms, hand_over_words, words
from portal.depot.blueprint import blueprint
from portal.document_fonts import document_fonts
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/packing/<int:depot_order_id>")
@requires(Permission.SHIP)
def packing(depot_order_id: int) -> ResponseReturnValue:
    """Show what is to be in the box."""
    return _packing_page(depot_order_id, forms.PackForm(formdata=None), 200)


def _packing_page(depot_order_id: int, form: forms.PackForm, status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        page = queries.depot_order_page(session, current_identity(), depot_order_id)
        order = page.depot_order
        if order.status is not DepotOrderStatus.PICKED and order.parcels:
            return redirect(url_for("depot.parcel", parcel_id=order.parcels[-1].id))
        if order.status is not DepotOrderStatus.PICKED:
            return redirect(url_for("depot.pick", depot_order_id=order.id))
        if not form.is_submitted():
            form.weight_grams.data = shipping.contents_grams(order)
        recalled = recalled_in_boxes(session, [order.id])
        html = render_template("depot/packing.html", page=page, order=order, form=form, words=words, recalled=recalled)
        return html, status


@blueprint.post("/depot/packing/<int:depot_order_id>")
@requires(Permission.SHIP)
def pack(depot_order_id: int) -> ResponseReturnValue:
    """Close the box."""
    form = forms.PackForm()
    if not form.validate_on_submit():
        return _packing_page(depot_order_id, form, 422)
    try:
        with unit_of_work() as session:
            identity, weight = current_identity(), form.weight_grams.data
            parcel_id = shipping.pack(session, identity, depot_order_id, weight_grams=weight).id
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        _say(problem)
        return redirect(url_for("depot.packing", depot_order_id=depot_order_id), 303)
    return redirect(url_for("depot.parcel", parcel_id=parcel_id), 303)


@blueprint.get("/depot/parcels")
@requires(Permission.SHIP)
def parcels() -> ResponseReturnValue:
    """Show what is to be handed over and what is on its way."""
    identity = current_identity()
    with unit_of_work() as session:
        return render_template(
            "depot/parcels.html",
            to_pack=queries.packing_list(session, identity),
            waiting=parcel_queries.parcels(session, identity, shipped=False),
            sent=(sent := parcel_queries.parcels(session, identity, shipped=True)),
            returning=parcel_queries.on_their_way_back(session, sent),
        )


@blueprint.get("/depot/parcels/<int:parcel_id>")
@requires(Permission.SHIP)
def parcel(parcel_id: int) -> ResponseReturnValue:
    """Show a parcel: papers, hand-over, delivery."""
    return _parcel_page(parcel_id, forms.ShipForm(formdata=None), 200)


def _parcel_page(parcel_id: int, form: forms.ShipForm, status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        found = parcel_queries.parcel_page(session, current_identity(), parcel_id)
        if not form.is_submitted():
            form.tracking_no.data = found.tracking_no
        html = render_template(
            "depot/parcel.html",
            parcel=found,
            order=found.depot_order,
            is_outdated=parcel_queries.label_is_outdated(found),
            form=form,
            booking=booking_of(session, parcel_id),
            books_carriers=current_app.extensions["books_carriers"],
            packages=shipping.packages_in(found.depot_order),
            recalled=recalled_in_boxes(session, [found.depot_order_id]) if found.shipped_at is None else [],
            words=words,
            transport=hand_over_words,
        )
        return html, status


@blueprint.get("/depot/parcels/<int:parcel_id>/delivery-note")
@requires(Permission.SHIP)
def delivery_note(parcel_id: int) -> ResponseReturnValue:
    """Make the delivery note, in the patient's language."""
    with unit_of_work() as session:
        papers = prepare_papers(session, current_identity(), parcel_id, "delivery_note")
    with force_locale(papers.language):
        fault_url = urljoin(current_app.extensions["base_url"], url_for("faults.choose", parcel=papers.sscc))
        pdf = documents.delivery_note(papers, fault_url, document_fonts(), _)
    return _pdf(pdf, f"{papers.order_no}-{papers.sscc[-6:]}.pdf")


@blueprint.get("/depot/parcels/<int:parcel_id>/label")
@requires(Permission.SHIP)
def label(parcel_id: int) -> ResponseReturnValue:
    """Make the address label."""
    with unit_of_work() as session:
        papers = prepare_papers(session, current_identity(), parcel_id, "label")
    with force_locale("sv"):
        pdf = documents.address_label(papers, document_fonts(), _)
    return _pdf(pdf, f"{papers.sscc}.pdf")


@blueprint.post("/depot/parcels/<int:parcel_id>/ship")
@requires(Permission.SHIP)
def ship(parcel_id: int) -> ResponseReturnValue:
    """Hand the parcel over to the carrier."""
    form = forms.ShipForm()
    if not form.validate_on_submit():
        return _parcel_page(parcel_id, form, 422)
    try:
        with unit_of_work() as session:
            shipping.ship(session, current_identity(), parcel_id, form.tracking_no.data or "")
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        refused = words.refusal(problem)
        form.tracking_no.errors = [f"{refused.text}. {refused.detail}".strip()]
        return _parcel_page(parcel_id, form, 422)
    flash(_("The parcel is handed over, and the patient is told."), "success")
    return redirect(url_for("depot.parcel", parcel_id=parcel_id), 303)


@blueprint.post("/depot/parcels/<int:parcel_id>/delivered")
@requires(Permission.SHIP)
def delivered(parcel_id: int) -> ResponseReturnValue:
    """Note that the parcel has arrived."""
    try:
        with unit_of_work() as session:
            shipping.register_delivery(session, current_identity(), parcel_id, "depot")
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        _say(problem)
    else:
        flash(_("The parcel is noted as delivered."), "success")
    return redirect(url_for("depot.parcel", parcel_id=parcel_id), 303)


def _say(problem: DomainError) -> None:
    refused = words.refusal(problem)
    flash(f"{refused.text}. {refused.detail}".strip(), "attention")


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"},
    )
