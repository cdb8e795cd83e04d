"""Step 1: which product. A card of what was sent, or a code: the delivery note's, the package's, or its numbers as typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.errors import NotFound
from delivery.came_elsewhere import came_elsewhere
from delivery.complaints.drafts import drafts_of, throw_away
from delivery.complaints.products import ProductRef, Read, UnknownArticle, find_product, read_product
from delivery.history import DeliveredProduct, delivered_products
from delivery.udi import NotACode
from orders.models import Article, ProductKind
from portal.patient.elsewhere import refresh_source
from portal.patient.faults.blueprint import blueprint
from portal.patient.faults.forms import CodeForm
from portal.patient.faults.places import form_url
from portal.pictures import PICTURES
from portal.security import current_identity, requires, unit_of_work

# What has a number of its own on it, beside the lot's.
_SERIALISED = frozenset({ProductKind.PUMP, ProductKind.METER})


@dataclass(frozen=True)
class Begun:
    """A report that was begun: of what, when, and where it goes on."""

    draft_id: int
    article: Article
    lot_no: str
    updated_at: datetime
    url: str


@blueprint.get("/fault-reports/new")
@requires(Permission.REPORT_FAULT)
def choose() -> ResponseReturnValue:
    """Show what was sent; the code on a delivery note leads here with its parcel.

    What came from elsewhere is chosen here by its article, and asked about its lot.
    """
    refresh_source()
    parcel = request.args.get("parcel", "").replace("\x00", "").strip()[:40] or None
    with unit_of_work() as session:
        products = delivered_products(session, current_identity(), parcel_sscc=parcel)
        is_unknown = parcel is not None and not products
        if is_unknown:
            products = delivered_products(session, current_identity())
        return _show(
            session,
            CodeForm(formdata=None),
            products,
            parcel=None if is_unknown else parcel,
            parcel_is_unknown=is_unknown,
        )


@blueprint.post("/fault-reports/new")
@requires(Permission.REPORT_FAULT)
def read() -> ResponseReturnValue:
    """Read a code, and go straight to the product when there is no doubt about it."""
    form = CodeForm()
    found: Read | None = None
    if form.validate():
        try:
            with unit_of_work() as session:
                found = read_product(session, current_identity(), form.scan.data or "", _chosen_article())
        except NotACode:
            form.scan.errors = [
                _(
                    "That is not a whole code. Read it again, or type all the digits under it. Or choose the product in the list."
                )
            ]
        except UnknownArticle:
            form.scan.errors = [
                _(
                    "We do not know that product: it is none of those that we send. Check the digits, or choose the product in the list."
                )
            ]
    if found is not None and found.parcel_sscc:
        return redirect(url_for("faults.choose", parcel=found.parcel_sscc), 303)
    if found is not None and found.product is not None:
        return redirect(form_url(found.product), 303)
    if found is not None and found.asks_lot is not None:
        return redirect(url_for("faults.choose", article=found.asks_lot.id), 303)
    with unit_of_work() as session:
        products = list(found.delivered) if found else delivered_products(session, current_identity())
        return _show(session, form, products, found=found), 200 if found else 422


@blueprint.post("/fault-reports/drafts/<int:draft_id>/throw-away")
@requires(Permission.REPORT_FAULT)
def drop(draft_id: int) -> ResponseReturnValue:
    """Throw away what was begun."""
    with unit_of_work() as session:
        throw_away(session, current_identity(), draft_id)
    flash(_("What you had begun is thrown away."), "success")
    return redirect(url_for("faults.choose"), 303)


def _show(
    session: Session,
    form: CodeForm,
    products: list[DeliveredProduct],
    *,
    parcel: str | None = None,
    parcel_is_unknown: bool = False,
    found: Read | None = None,
) -> str:
    # The camera reads codes in a worker of our own.
    g.worker_source = "'self'"
    identity, wanted = current_identity(), _chosen_article()
    elsewhere = [] if parcel or found else came_elsewhere(session, identity.region, identity.subject_person_id)
    return render_template(
        "patient/faults/choose.html",
        form=form,
        products=products,
        parcel=parcel,
        parcel_is_unknown=parcel_is_unknown,
        found=found,
        stated_url=form_url(found.stated) if found and found.stated else "",
        elsewhere=elsewhere,
        asked=next((one for one in elsewhere if one.article.id == wanted), None),
        serialised=_SERIALISED,
        begun=[] if parcel or found or wanted else _begun(session, products),
        pictures=PICTURES,
    )


def _chosen_article() -> int | None:
    """Return the article that the address says was chosen."""
    return request.args.get("article", type=int)


def _begun(session: Session, products: list[DeliveredProduct]) -> list[Begun]:
    """What the reader has begun, of products that can still be reported."""
    of_lot = {picked: product for product in products for picked in product.picked_lot_ids}
    begun: list[Begun] = []
    for draft in drafts_of(session, current_identity()):
        ref = ProductRef.of_key(draft.product_key)
        product = of_lot.get(ref.picked_lot_id) if ref.picked_lot_id is not None else None
        if product is not None:
            article, lot_no = product.article, product.lot.lot_no
        elif ref.article_id is not None and len(begun) < 3:
            try:
                article, lot_no = find_product(session, current_identity(), ref).article, ref.lot_no
            except NotFound:
                continue
        else:
            continue
        begun.append(Begun(draft.id, article, lot_no, draft.updated_at, form_url(ref)))
    return begun
