"""A depot of region size, made straight in the database: orders that wait, and shelves full of lots."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.clock import now, today
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Lot, LotStatus, MovementReason, PickLine, StockMovement
from orders.models import (
    Article,
    Channel,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    PrescriptionItem,
    Withdrawal,
)
from tests.support.builders import REGION, add_article, add_depot, add_item, add_person

ARTICLES = 200
PERSONS = 50
ROWS_PER_ORDER = 3
# One article in so many has too little for everybody.
SCARCE = 10


def fill_depot(session: Session, rows: int, lots: int) -> Depot:
    """Add a depot with about `lots` lots on its shelves and orders with `rows` rows waiting for a wave."""
    luck = Random(rows)
    depot = add_depot(session)
    articles = [add_article(session, name=f"Artikel {number}") for number in range(ARTICLES)]
    _fill_shelves(session, depot, articles, lots, luck)
    persons = [add_person(session) for _one in range(PERSONS)]
    items = {
        (person.id, article.id): add_item(session, person, article, allowed=1000)
        for person in persons
        for article in luck.sample(articles, ROWS_PER_ORDER * 4)
    }
    _add_orders(session, depot, items, rows, luck)
    return depot


def _fill_shelves(session: Session, depot: Depot, articles: list[Article], lots: int, luck: Random) -> None:
    day = today(session)
    kept = [
        {
            "article_id": articles[number % ARTICLES].id,
            "lot_no": f"L{number}",
            "expires_on": day + timedelta(days=luck.randint(30, 700)),
            "status": LotStatus.AVAILABLE,
        }
        for number in range(lots)
    ]
    ids = session.execute(insert(Lot).returning(Lot.id, Lot.article_id), kept).all()
    scarce = {article.id for article in articles[::SCARCE]}
    session.execute(
        insert(StockMovement),
        [
            {
                "depot_id": depot.id,
                "lot_id": lot_id,
                "packages": 1 if article_id in scarce else luck.randint(2, 10),
                "reason": MovementReason.RECEIVED,
                "at": now(session),
            }
            for lot_id, article_id in ids
            if article_id not in scarce or luck.random() < 0.02
        ],
    )


def _add_orders(
    session: Session, depot: Depot, items: dict[tuple[int, int], PrescriptionItem], rows: int, luck: Random
) -> None:
    of_person: dict[int, list[PrescriptionItem]] = {}
    for (person_id, _article_id), item in items.items():
        of_person.setdefault(person_id, []).append(item)
    persons, instant, day = list(of_person), now(session), today(session)
    orders = rows // ROWS_PER_ORDER
    order_ids = session.scalars(
        insert(Order).returning(Order.id),
        [
            {
                "order_no": str(900000 + number),
                "region": REGION,
                "person_id": persons[number % len(persons)],
                "placed_at": instant,
                "channel": Channel.WEB,
                "orderer_name": "",
                "promised_date": _promised(day, luck),
            }
            for number in range(orders)
        ],
    ).all()
    choice_ids = session.scalars(
        insert(DeliveryChoice).returning(DeliveryChoice.id),
        [
            {
                "order_id": order_id,
                "method_id": "HOME",
                "method": DeliveryMethod.HOME_DELIVERY,
                "receiver": "Test Testsson",
                "street": "Provgatan 1",
                "postal_code": "54130",
                "city": "Skövde",
            }
            for order_id in order_ids
        ],
    ).all()
    depot_order_ids = session.scalars(
        insert(DepotOrder).returning(DepotOrder.id),
        [
            {
                "region": REGION,
                "depot_id": depot.id,
                "order_id": order_id,
                "delivery_choice_id": choice_id,
                "status": DepotOrderStatus.WAITING,
                "promised_date": _promised(day, luck),
                "created_at": instant,
            }
            for order_id, choice_id in zip(order_ids, choice_ids, strict=True)
        ],
    ).all()
    wanted = [
        (order_id, choice_id, depot_order_id, item)
        for number, (order_id, choice_id, depot_order_id) in enumerate(
            zip(order_ids, choice_ids, depot_order_ids, strict=True)
        )
        for item in luck.sample(of_person[persons[number % len(persons)]], ROWS_PER_ORDER)
    ]
    withdrawals = session.scalars(
        insert(Withdrawal).returning(Withdrawal.id),
        [
            {
                "order_id": order_id,
                "prescription_item_id": item.id,
                "packages": 6,
                "limit_packages": 6,
                "withdrawn_on": day,
            }
            for order_id, _choice, _depot_order, item in wanted
        ],
    ).all()
    row_ids = session.scalars(
        insert(OrderRow).returning(OrderRow.id),
        [
            {
                "order_id": order_id,
                "delivery_choice_id": choice_id,
                "withdrawal_id": withdrawal_id,
                "article_id": item.article_id,
                "packages": 6,
                "status_at": instant,
            }
            for (order_id, choice_id, _depot_order, item), withdrawal_id in zip(wanted, withdrawals, strict=True)
        ],
    ).all()
    session.execute(
        insert(PickLine),
        [
            {
                "depot_order_id": depot_order_id,
                "order_row_id": row_id,
                "article_id": item.article_id,
                "packages": 6,
                "use_until": day + timedelta(days=90),
            }
            for (_order, _choice, depot_order_id, item), row_id in zip(wanted, row_ids, strict=True)
        ],
    )


def _promised(day: date, luck: Random) -> date:
    return day + timedelta(days=luck.randint(0, 7))
