"""Where the form about a product is."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from delivery.complaints.products import ProductRef, stated_number


def form_url(ref: ProductRef) -> str:
    """Return the address of the form about a product."""
    stated: dict[str, Any] = {name: value for name, value in (("lot", ref.lot_no), ("serial", ref.serial_no)) if value}
    if ref.picked_lot_id is not None:
        return url_for("faults.report", picked_lot_id=ref.picked_lot_id, **stated)
    return url_for("faults.report_stated", article_id=ref.article_id, **stated)


def stated_in_address(picked_lot_id: int | None = None, article_id: int | None = None) -> ProductRef:
    """Return the product that the request's address names, with what its query states."""
    lot_no = "" if picked_lot_id is not None else stated_number(request.args.get("lot", ""))
    return ProductRef(picked_lot_id, article_id, lot_no, stated_number(request.args.get("serial", "")))
