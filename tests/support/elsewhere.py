"""A region whose depot is elsewhere: orders sent to a desk that keeps them, and messages taken as they come."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from auth.identity import Identity, system_identity
from auth.models import InboxMessage, Person
from delivery.models import DepotOrder, Parcel, PickedLot, PickLine
from delivery.warehouse import Receipt, take_message
from delivery.warehouse_models import WarehouseMessage
from orders.models import Article, DeliveryChoice, Order, OrderRow, RowStatus
from tests.support.depot_work import World
from tests.support.warehouse import Desk, ReadOrder, work_outbox


@dataclass
class Elsewhere:
    """A world whose depot is a warehouse system."""

    world: World
    desk: Desk = field(default_factory=Desk)

    @property
    def identity(self) -> Identity:
        """The warehouse, as the access log calls it."""
        return system_identity("vgr", "warehouse")

    def order(self, wanted: dict[Article, int], person: Person | None = None) -> ReadOrder:
        """Place, route and send an order; return it as the warehouse reads it."""
        self.world.order(wanted, person)
        work_outbox(self.world.database, self.desk)
        return self.desk.last

    def take(self, raw: bytes) -> Receipt:
        """Take a message from the warehouse."""
        with self.world.database.unit_of_work() as session:
            return take_message(session, self.identity, "vgr", raw)

    def parts(self, order: ReadOrder) -> list[DepotOrder]:
        """The parts of an order."""
        with self.world.database.session() as session:
            statement = select(DepotOrder).join(Order).where(Order.order_no == order.document_id.partition("-")[0])
            return list(session.scalars(statement.order_by(DepotOrder.part)))

    def statuses(self, order: ReadOrder) -> list[str]:
        """Where the parts of an order are."""
        return [part.status.value for part in self.parts(order)]

    def rows(self, order: ReadOrder) -> list[RowStatus]:
        """Where the rows of an order are."""
        with self.world.database.session() as session:
            statement = select(OrderRow.status).join(Order)
            chosen = statement.where(Order.order_no == order.document_id.partition("-")[0])
            return list(session.scalars(chosen.order_by(OrderRow.id)))

    def lots(self) -> dict[str, int]:
        """Packages per lot that have been sent to anybody."""
        found: dict[str, int] = {}
        with self.world.database.session() as session:
            for pick in session.scalars(select(PickedLot).join(PickedLot.line).order_by(PickedLot.id)):
                found[pick.lot.lot_no] = found.get(pick.lot.lot_no, 0) + pick.packages
        return found

    def lines(self, order: ReadOrder) -> list[tuple[int, int, int]]:
        """Packages, picked and short of the lines of an order, part by part."""
        ids = [part.id for part in self.parts(order)]
        with self.world.database.session() as session:
            statement = select(PickLine).where(PickLine.depot_order_id.in_(ids)).order_by(PickLine.id)
            return [(line.packages, line.picked, line.short) for line in session.scalars(statement)]

    def parcels(self) -> list[Parcel]:
        """All parcels."""
        with self.world.database.session() as session:
            return list(session.scalars(select(Parcel).order_by(Parcel.id)))

    def told(self, kind: str) -> list[dict[str, object]]:
        """What patients have been told."""
        with self.world.database.session() as session:
            statement = select(InboxMessage.facts).where(InboxMessage.kind == kind).order_by(InboxMessage.id)
            return [dict(facts) for facts in session.scalars(statement)]

    def messages(self) -> list[WarehouseMessage]:
        """All messages with the warehouse."""
        with self.world.database.session() as session:
            return list(session.scalars(select(WarehouseMessage).order_by(WarehouseMessage.id)))

    def choice(self, order: ReadOrder) -> DeliveryChoice:
        """How an order is delivered."""
        with self.world.database.session() as session:
            return session.get_one(DeliveryChoice, self.parts(order)[0].delivery_choice_id)
