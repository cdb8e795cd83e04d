"""What patients send back: found by the order's number or the parcel's, and noted lot by lot."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import adjusting, errors, lot_queries
from portal.depot import goods_forms, words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot/returns")
@requires(Permission.ADJUST_STOCK)
def returns() -> ResponseReturnValue:
    """Ask for the order or the parcel, and show what was sent."""
    return _returns_page(goods_forms.one_line(request.args.get("find"))[:60], 0, None, 200)


def _returns_page(
    find: str, picked_lot_id: int, form: goods_forms.TakeBackForm | None, status: int
) -> ResponseReturnValue:
    with unit_of_work() as session:
        found = lot_queries.sent_for(session, current_identity(), find) if find else None
        forms = {}
        for one in found.lots if found else ():
            is_this = form is not None and one.picked_lot_id == picked_lot_id
            forms[one.picked_lot_id] = form if is_this else _empty(one.picked_lot_id, one.left)
        html = render_template("depot/returns.html", find=find, found=found, forms=forms, key=new_key())
        return html, status


def _empty(picked_lot_id: int, left: int) -> goods_forms.TakeBackForm:
    # Several stand on one page: each has ids of its own.
    form = goods_forms.TakeBackForm(formdata=None, packages=left or None)
    return _numbered(form, picked_lot_id)


def _numbered(form: goods_forms.TakeBackForm, picked_lot_id: int) -> goods_forms.TakeBackForm:
    for field in form:
        field.id = f"{field.id}-{picked_lot_id}"
    return form


@blueprint.post("/depot/returns/<int:picked_lot_id>")
@requires(Permission.ADJUST_STOCK)
def take_back(picked_lot_id: int) -> ResponseReturnValue:
    """Note what has come back of one lot."""
    form = goods_forms.TakeBackForm()
    find = (form.find.data or "")[:60]
    serials = goods_forms.serials_of(form.serials) if form.validate_on_submit() else None
    if serials is None:
        return _returns_page(find, picked_lot_id, _numbered(form, picked_lot_id), 422)
    command = adjusting.TakeBack(
        picked_lot_id=picked_lot_id,
        packages=form.packages.data or 0,
        note=form.note.data or "",
        idempotency_key=form.idempotency_key.data or "",
        serials=serials,
    )
    try:
        with unit_of_work() as session:
            adjusting.take_back(session, current_identity(), command)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        is_serial = isinstance(problem, errors.SerialRefused | errors.SerialsDiffer)
        (form.serials if is_serial else form.packages).errors = [words.in_a_line(problem)]
        return _returns_page(find, picked_lot_id, _numbered(form, picked_lot_id), 422)
    flash(_("Noted. What has been with a patient is scrapped, unless the region lets it back on the shelf."), "success")
    return redirect(url_for("depot.returns", find=find), 303)
