"""A product that has been delivered, made of rows alone: for tests of what comes after the parcel."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from auth.models import Person
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Lot, Parcel, PickedLot, PickLine
from orders.models import (
    Article,
    Channel,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    PrescriptionItem,
    RowStatus,
    Withdrawal,
)
from tests.support.builders import NOON, REGION, add_article, add_depot, add_item

_serial = count(1)


def add_lot(session: Session, article: Article, lot_no: str, expires: date = date(2028, 12, 31)) -> Lot:
    """Return the lot of the article with this number, made when it is new."""
    lot = session.scalar(select(Lot).where(Lot.article_id == article.id, Lot.lot_no == lot_no))
    if lot is None:
        lot = Lot(article_id=article.id, lot_no=lot_no, expires_on=expires)
        session.add(lot)
        session.flush()
    return lot


def add_delivered(
    session: Session,
    person: Person,
    *,
    article: Article | None = None,
    packages: int = 3,
    lot_no: str = "L24A88",
    shipped_at: datetime | None = NOON - timedelta(days=20),
    delivered_at: datetime | None = NOON - timedelta(days=18),
    scans: int = 1,
) -> PickedLot:
    """Send `packages` of one lot to the person and return the first picked lot; `scans` spreads them over that many rows."""
    article = article or add_article(session)
    item = session.scalar(select(PrescriptionItem).where(PrescriptionItem.article_id == article.id))
    item = item or add_item(session, person, article, packages=packages)
    line = _add_picked_line(session, person, article, item, packages, shipped_at, delivered_at)
    lot = add_lot(session, article, lot_no)
    share = packages // scans
    picked = [
        PickedLot(pick_line_id=line.id, lot_id=lot.id, packages=share, picked_at=NOON - timedelta(days=21))
        for _ in range(scans)
    ]
    session.add_all(picked)
    session.flush()
    serial = next(_serial)
    session.add(
        Parcel(
            depot_order_id=line.depot_order_id,
            sscc=f"37350000{serial:010d}",
            carrier="PostNord",
            tracking_no=f"TEST{serial:08d}",
            packed_at=NOON - timedelta(days=21),
            shipped_at=shipped_at,
            delivered_at=delivered_at,
        )
    )
    session.flush()
    return picked[0]


def _add_picked_line(
    session: Session,
    person: Person,
    article: Article,
    item: PrescriptionItem,
    packages: int,
    shipped_at: datetime | None,
    delivered_at: datetime | None,
) -> PickLine:
    placed_at = NOON - timedelta(days=22)
    number = f"9{next(_serial):05d}"
    order = Order(
        order_no=number + luhn.calc_check_digit(number),
        region=REGION,
        person_id=person.id,
        placed_at=placed_at,
        channel=Channel.WEB,
        orderer_person_id=person.id,
        orderer_name=person.full_name,
        promised_date=(placed_at + timedelta(days=7)).date(),
    )
    session.add(order)
    session.flush()
    choice = DeliveryChoice(
        order_id=order.id,
        method_id="HOME",
        method=DeliveryMethod.HOME_DELIVERY,
        receiver=person.full_name,
        street="Provgatan 1",
        postal_code="54130",
        city="Skövde",
    )
    withdrawal = Withdrawal(
        order_id=order.id,
        prescription_item_id=item.id,
        packages=packages,
        limit_packages=packages,
        withdrawn_on=placed_at.date(),
    )
    session.add_all([choice, withdrawal])
    session.flush()
    status = RowStatus.DELIVERED if delivered_at else RowStatus.SENT if shipped_at else RowStatus.PICKING
    row = OrderRow(
        order_id=order.id,
        delivery_choice_id=choice.id,
        withdrawal_id=withdrawal.id,
        article_id=article.id,
        packages=packages,
        status=status,
        status_at=delivered_at or shipped_at or placed_at,
    )
    depot = session.scalar(select(Depot)) or add_depot(session)
    depot_order = DepotOrder(
        region=REGION,
        depot_id=depot.id,
        order_id=order.id,
        delivery_choice_id=choice.id,
        status=DepotOrderStatus.DELIVERED if delivered_at else DepotOrderStatus.SHIPPED,
        promised_date=order.promised_date,
        created_at=placed_at,
    )
    session.add_all([row, depot_order])
    session.flush()
    line = PickLine(
        depot_order_id=depot_order.id,
        order_row_id=row.id,
        article_id=article.id,
        packages=packages,
        picked=packages,
        use_until=date(2027, 3, 1),
    )
    session.add(line)
    session.flush()
    return line
