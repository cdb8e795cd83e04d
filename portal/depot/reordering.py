"""The page of goods in, and ordering from suppliers: proposals with their figures, and the order as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.clock import today
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import goods_queries, supplier_orders
from delivery.goods_models import SupplierOrder
from delivery.reordering import order_from_supplier
from portal.csv_download import csv_download
from portal.depot import goods_forms, words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/receiving")
@requires(Permission.RECEIVE_GOODS)
def receiving() -> ResponseReturnValue:
    """Show what is expected, what is being received, and what should be ordered."""
    return _receiving_page({}, "", 200)


def _receiving_page(typed: Mapping[str, str], problem: str, status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        page = goods_queries.receiving_page(session, current_identity())
        day = today(session)
        html = render_template(
            "depot/receiving.html",
            page=page,
            keys=[new_key() for _each in range(2)],
            comes_on={
                supplier.id: day + timedelta(days=max(one.flow.lead_days for one in wanted))
                for supplier, wanted in page.proposals
            },
            day=day,
            typed=typed,
            problem=problem,
        )
        return html, status


@blueprint.post("/depot/receiving/orders")
@requires(Permission.RECEIVE_GOODS)
def reorder() -> ResponseReturnValue:
    """Order from a supplier what the form says."""
    form = goods_forms.SupplierOrderForm()
    packages = goods_forms.ordered_packages(request.form)
    expected_on = form.expected_on.data if form.validate_on_submit() else None
    if expected_on is None or packages is None:
        said = next((str(one) for one in form.expected_on.errors), "")
        return _receiving_page(request.form, said or _("Write the packages with digits, for example 20."), 422)
    try:
        with unit_of_work() as session:
            if expected_on < today(session):
                return _receiving_page(request.form, _("Choose today or a later day."), 422)
            order_id = order_from_supplier(
                session,
                current_identity(),
                form.supplier_id.data or 0,
                packages,
                expected_on,
                key=form.idempotency_key.data or "",
            ).id
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        return _receiving_page(request.form, words.in_a_line(problem), 422)
    flash(_("The order is noted. Send the file to the supplier."), "success")
    return redirect(url_for("depot.supplier_order", supplier_order_id=order_id), 303)


@blueprint.get("/depot/receiving/orders/<int:supplier_order_id>")
@requires(Permission.RECEIVE_GOODS)
def supplier_order(supplier_order_id: int) -> ResponseReturnValue:
    """Show an order to a supplier, and what has come of it."""
    with unit_of_work() as session:
        order = goods_queries.supplier_order_page(session, current_identity(), supplier_order_id)
        form = goods_forms.ExpectedForm(formdata=None)
        form.expected_on.data = order.expected_on
        return render_template("depot/supplier_order.html", order=order, day=today(session), key=new_key(), form=form)


@blueprint.post("/depot/receiving/orders/<int:supplier_order_id>/expected")
@requires(Permission.RECEIVE_GOODS)
def move_supplier_order(supplier_order_id: int) -> ResponseReturnValue:
    """Note that a supplier comes another day."""
    form = goods_forms.ExpectedForm()
    expected_on = form.expected_on.data if form.validate_on_submit() else None
    if expected_on is None:
        said = next((str(one) for one in form.expected_on.errors), _("Choose today or a later day."))
        return _to_order(supplier_order_id, said, "attention")
    return _change(
        supplier_order_id,
        lambda session: supplier_orders.move_supplier_order(
            session, current_identity(), supplier_order_id, expected_on
        ),
        _("The day is noted. Patients who wait for it are told if their day moves."),
    )


@blueprint.post("/depot/receiving/orders/<int:supplier_order_id>/close")
@requires(Permission.RECEIVE_GOODS)
def close_supplier_order(supplier_order_id: int) -> ResponseReturnValue:
    """Note that the rest of an order never comes."""
    return _change(
        supplier_order_id,
        lambda session: supplier_orders.close_supplier_order(session, current_identity(), supplier_order_id),
        _("The order is closed. What is missing is proposed again under Order more."),
    )


def _change(supplier_order_id: int, act: Callable[[Session], object], done: str) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            act(session)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        return _to_order(supplier_order_id, words.in_a_line(problem), "attention")
    return _to_order(supplier_order_id, done, "success")


def _to_order(supplier_order_id: int, said: str, tone: str) -> ResponseReturnValue:
    flash(said, tone)
    return redirect(url_for("depot.supplier_order", supplier_order_id=supplier_order_id), 303)


@blueprint.get("/depot/receiving/orders/<int:supplier_order_id>/file")
@requires(Permission.RECEIVE_GOODS)
def supplier_order_file(supplier_order_id: int) -> ResponseReturnValue:
    """Give the order as a table for the supplier."""
    with unit_of_work() as session:
        order = goods_queries.supplier_order_page(session, current_identity(), supplier_order_id)
        return csv_download(f"{order.order_no}.csv", _rows(order))


def _rows(order: SupplierOrder) -> list[list[str]]:
    heads = [_("Our order"), _("Should come by"), _("Article number"), "GTIN", _("Product"), _("Packages")]
    return [
        heads,
        *(
            [
                order.order_no,
                order.expected_on.isoformat(),
                line.article.article_no,
                line.article.gtin or "",
                line.article.name,
                str(line.packages),
            ]
            for line in order.lines
        ),
    ]
