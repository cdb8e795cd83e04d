"""What a person has been sent: the products, with their lots, that a fault report can be about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.errors import NotFound
from delivery.models import DepotOrder, Lot, Parcel, PickedLot, PickLine
from orders.models import Article, Order

REPORTABLE_FOR = timedelta(days=365)


@dataclass(frozen=True)
class DeliveredProduct:
    """One lot of one article that was sent in one delivery, in packages; `delivered_on` is None until the carrier says so."""

    picked_lot_ids: tuple[int, ...]
    article: Article
    lot: Lot
    packages: int
    sent_on: date
    delivered_on: date | None
    parcel_sscc: str

    @property
    def id(self) -> int:
        """The picked lot that stands for the product in addresses and reports."""
        return self.picked_lot_ids[0]

    @property
    def arrived_on(self) -> date:
        """The day it was delivered or, while the carrier is silent, the day it was sent."""
        return self.delivered_on or self.sent_on


def delivered_products(
    session: Session, identity: Identity, *, parcel_sscc: str | None = None
) -> list[DeliveredProduct]:
    """Return what the subject was sent in the last twelve months, newest first; of one parcel when its SSCC is given.

    One statement, plus the look in the access log. Raises NotPermitted. Handbook §4: all that a reporting proxy may see.
    """
    require(identity, Permission.REPORT_FAULT)
    assert identity.subject_person_id is not None
    products = list(_sent_to(session, identity.subject_person_id, parcel_sscc))
    record(
        session,
        identity.actor,
        "deliveries.seen",
        subject_person_id=identity.subject_person_id,
        manner="LOOK",
        object_ref=f"parcel:{parcel_sscc}"[:80] if parcel_sscc else "",
    )
    return products


def delivered_product(session: Session, identity: Identity, picked_lot_id: int) -> DeliveredProduct:
    """Return one product that the subject was sent and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.REPORT_FAULT)
    product = find_delivered(session, identity.subject_person_id, picked_lot_id)
    record(
        session,
        identity.actor,
        "deliveries.seen",
        subject_person_id=identity.subject_person_id,
        manner="LOOK",
        object_ref=f"picked-lot:{product.id}",
    )
    return product


def find_delivered(session: Session, person_id: int | None, picked_lot_id: int) -> DeliveredProduct:
    """Return one product that the person was sent; raise NotFound for what they were not. The caller checks and logs."""
    for product in _sent_to(session, person_id, None):
        if picked_lot_id in product.picked_lot_ids:
            return product
    raise NotFound


def _sent_to(session: Session, person_id: int | None, parcel_sscc: str | None) -> Iterator[DeliveredProduct]:
    parcels = (
        select(
            func.min(Parcel.shipped_at).label("sent_at"),
            func.max(Parcel.delivered_at).label("delivered_at"),
            func.min(Parcel.sscc).label("sscc"),
        )
        .where(Parcel.depot_order_id == DepotOrder.id, Parcel.shipped_at.is_not(None))
        .lateral()
    )
    statement = (
        select(PickedLot, parcels.c.sent_at, parcels.c.delivered_at, parcels.c.sscc)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .join(parcels, parcels.c.sent_at >= now(session) - REPORTABLE_FOR)
        .where(Order.person_id == person_id)
        .options(joinedload(PickedLot.lot).joinedload(Lot.article))
        .order_by(parcels.c.sent_at.desc(), PickedLot.pick_line_id.desc(), PickedLot.lot_id, PickedLot.id)
    )
    if parcel_sscc is not None:
        statement = statement.where(
            select(Parcel.id).where(Parcel.depot_order_id == DepotOrder.id, Parcel.sscc == parcel_sscc).exists()
        )
    rows = session.execute(statement).all()
    # A lot that was scanned package by package is still one product to the one who got it.
    for _, same in groupby(rows, key=lambda row: (row[0].pick_line_id, row[0].lot_id)):
        scans = list(same)
        picked, sent_at, delivered_at, sscc = scans[0]
        yield DeliveredProduct(
            picked_lot_ids=tuple(scan[0].id for scan in scans),
            article=picked.lot.article,
            lot=picked.lot,
            packages=sum(scan[0].packages for scan in scans),
            sent_on=swedish_date(sent_at),
            delivered_on=swedish_date(delivered_at) if delivered_at else None,
            parcel_sscc=sscc,
        )
