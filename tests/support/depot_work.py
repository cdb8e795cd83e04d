"""Orders that have reached the depot, made the way the program makes them: placed, then routed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Role
from auth.models import Person
from auth.persons import staff_identity
from core.db import Database
from core.outbox import Message, OutboxMessage
from delivery import routing
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Lot, PickLine, StockBalance
from delivery.picking import start_picking, tick
from delivery.shipping import pack
from delivery.shortage import finish
from orders.addresses import HomeAddress
from orders.models import Article, OrderRow, PrescriptionItem
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from tests.support.builders import (
    add_article,
    add_depot,
    add_item,
    add_person,
    add_staff,
    add_stock,
    patient_identity,
)

ADDRESS = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde", door_code="1234", comment="Ring på")
_keys = count(1)


@dataclass
class World:
    """A depot with a picker, and helpers that each commit."""

    database: Database
    depot: Depot = field(init=False)
    picker: Identity = field(init=False)

    def __post_init__(self) -> None:
        with self.database.unit_of_work() as session:
            self.depot = add_depot(session)
        self.picker = self.add_picker("Pia Plockare")

    def add_picker(self, name: str) -> Identity:
        """Return the identity of one more member of the depot's staff."""
        with self.database.unit_of_work() as session:
            return staff_identity(add_staff(session, Role.DEPOT, name=name))

    def article(self, name: str = "Glukossensor") -> Article:
        """Return a new article."""
        with self.database.unit_of_work() as session:
            return add_article(session, name=name)

    def stock(self, article: Article, packages: int, lot_no: str = "LOT1", expires: date = date(2028, 12, 31)) -> Lot:
        """Put packages of a lot on the shelf."""
        with self.database.unit_of_work() as session:
            return add_stock(session, self.depot, article, packages, lot_no=lot_no, expires=expires)

    def order(self, wanted: dict[Article, int], person: Person | None = None, days: int = 84) -> int:
        """Place and route an order of packages per article; return the depot order's id."""
        with self.database.unit_of_work() as session:
            person = person or add_person(session)
            lines = []
            for article, packages in wanted.items():
                item = add_item(session, person, article, packages=packages, days=days)
                lines.append(OrderLine(item.id, {article.id: packages}, item.orders_remaining))
            command = PlaceOrder(tuple(lines), (DeliveryWish(address=ADDRESS),), idempotency_key=f"depot-{next(_keys)}")
            order = place_order(session, patient_identity(person), command)
        self.handle("order.placed")
        with self.database.session() as session:
            return session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == order.id)).one()

    def handle(self, kind: str) -> None:
        """Handle every outbox message of a kind, again too when it has been handled before."""
        handlers = {
            "order.placed": routing.route_order,
            "order.cancelled": routing.drop_order,
            "stock.received": routing.release_back_orders,
        }
        with self.database.unit_of_work() as session:
            for row in session.scalars(
                select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
            ):
                handlers[kind](session, Message(row.id, row.kind, row.payload))

    def start(self, depot_order_id: int, picker: Identity | None = None) -> DepotOrder:
        """Start picking."""
        with self.database.unit_of_work() as session:
            return start_picking(session, picker or self.picker, depot_order_id)

    def pick_all(self, depot_order_id: int) -> None:
        """Start, tick everything that is reserved, and finish."""
        self.start(depot_order_id)
        with self.database.unit_of_work() as session:
            for line in lines_of(session, depot_order_id):
                for reservation in list(line.reservations):
                    tick(session, self.picker, depot_order_id, line.id, reservation.lot_id, reservation.packages)
            finish(session, self.picker, depot_order_id)

    def packed(self, depot_order_id: int) -> int:
        """Pick and pack; return the parcel's id."""
        self.pick_all(depot_order_id)
        with self.database.unit_of_work() as session:
            return pack(session, self.picker, depot_order_id).id

    def status(self, depot_order_id: int) -> DepotOrderStatus:
        """Where a depot order is."""
        with self.database.session() as session:
            return session.get_one(DepotOrder, depot_order_id).status

    def balance(self, lot: Lot) -> tuple[int, int]:
        """On hand and reserved of a lot."""
        with self.database.session() as session:
            balance = session.get_one(StockBalance, (self.depot.id, lot.id))
            return balance.on_hand, balance.reserved


def lines_of(session: Session, depot_order_id: int) -> list[PickLine]:
    """The lines of a depot order."""
    return list(
        session.scalars(select(PickLine).where(PickLine.depot_order_id == depot_order_id).order_by(PickLine.id))
    )


def rows_of(session: Session, depot_order_id: int) -> list[OrderRow]:
    """The order rows of a depot order."""
    statement = select(OrderRow).join(PickLine, PickLine.order_row_id == OrderRow.id)
    return list(session.scalars(statement.where(PickLine.depot_order_id == depot_order_id).order_by(OrderRow.id)))


def item_of(session: Session, article: Article) -> PrescriptionItem:
    """The prescription item of an article that only one person has."""
    return session.scalars(select(PrescriptionItem).where(PrescriptionItem.article_id == article.id)).one()


def gs1(article: Article, lot_no: str, expires: date) -> str:
    """What a scanner types for a package: GTIN, expiry, lot."""
    return f"01{article.gtin}17{expires:%y%m%d}10{lot_no}"
