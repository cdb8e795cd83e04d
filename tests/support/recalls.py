"""A depot whose parcels have gone out, and a consultant who calls things back."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import Person
from auth.persons import staff_identity
from core.db import Database
from core.outbox import Message, OutboxMessage, handle
from delivery import routing
from delivery.adjusting import TakeBack, take_back
from delivery.complaints import recall_replacing, recall_stops, recall_telling
from delivery.complaints.recall_models import Recall, RecallRecipient, WhatToDo
from delivery.complaints.recall_telling import Texts, tell
from delivery.complaints.recall_trace import affected_by
from delivery.complaints.recalls import OpenRecall, open_recall
from delivery.goods_models import SerialisedUnit
from delivery.models import Lot, LotStatus, Parcel, PickedLot, PickLine
from delivery.shipping import ship
from orders.models import Article
from tests.support.builders import REGION, add_person, add_staff
from tests.support.depot_work import World

_keys = count(1)


def _nothing(_session: object, _message: Message) -> None:
    """What other tests are about."""


@dataclass
class RecallWorld(World):
    """A world with a consultant; `work` does what the workers would have done."""

    consultant: Identity = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.database.unit_of_work() as session:
            self.consultant = staff_identity(add_staff(session, Role.CONSULTANT, name="Eva Konsulent"))

    def work(self) -> None:
        """Handle every waiting message of recalls and orders, and those that these write, until none is left."""
        handlers = {
            "order.placed": routing.route_order,
            "order.cancelled": routing.drop_order,
            "stock.received": routing.release_back_orders,
            "recall.opened": recall_stops.find_work_to_stop,
            "recall.stop": recall_stops.stop_work,
            "recall.undone": recall_stops.let_work_go_on,
            "recall.despatched": recall_stops.add_despatched,
            "recall.tell": recall_telling.tell_batch,
            "recall.replace": recall_replacing.replace_batch,
            "recall.replace_one": recall_replacing.replace_for,
        }
        while True:
            with self.database.session() as session:
                waiting = session.execute(
                    select(OutboxMessage.id, OutboxMessage.kind)
                    .where(OutboxMessage.done_at.is_(None))
                    .order_by(OutboxMessage.id)
                ).all()
            if not waiting:
                return
            for message_id, kind in waiting:
                with self.database.unit_of_work() as session:
                    handle(session, message_id, {kind: handlers.get(kind, _nothing)})

    def person(self, name: str = "Test Testsson") -> Person:
        """Return a new patient."""
        with self.database.unit_of_work() as session:
            return add_person(session, name=name)

    def sent(self, wanted: dict[Article, int], person: Person | None = None) -> int:
        """Order, pick, pack and ship; return the depot order's id."""
        depot_order_id = self.order(wanted, person)
        self.ship(self.packed(depot_order_id))
        return depot_order_id

    def ship(self, parcel_id: int) -> None:
        """Hand a parcel over."""
        with self.database.unit_of_work() as session:
            ship(session, self.picker, parcel_id, f"RECALL{next(_keys):08d}")

    def parcel_of(self, depot_order_id: int) -> int:
        """The parcel of an order."""
        with self.database.session() as session:
            return session.scalars(select(Parcel.id).where(Parcel.depot_order_id == depot_order_id)).one()

    def picked_of(self, depot_order_id: int) -> list[PickedLot]:
        """What was picked for an order, lot by lot."""
        with self.database.session() as session:
            return list(
                session.scalars(
                    select(PickedLot)
                    .join(PickLine)
                    .where(PickLine.depot_order_id == depot_order_id)
                    .order_by(PickedLot.id)
                )
            )

    def returned(self, picked_lot_id: int, packages: int, serials: tuple[str, ...] = ()) -> None:
        """Have packages sent back."""
        with self.database.unit_of_work() as session:
            take_back(session, self.picker, TakeBack(picked_lot_id, packages, "Återkallad", serials=serials))

    def open(
        self, what: str, typed_count: int, *, article_no: str = "", replaces: bool = False, key: str = ""
    ) -> Recall:
        """Open a recall in a transaction of its own."""
        with self.database.unit_of_work() as session:
            return open_recall(
                session,
                self.consultant,
                OpenRecall(
                    what=what,
                    typed_count=typed_count,
                    title="Sensorer som visar fel",
                    what_to_do=WhatToDo.STOP_AND_RETURN,
                    text_sv="Sluta använda sensorn och skicka tillbaka den.",
                    text_en="Stop using the sensor and send it back.",
                    article_no=article_no,
                    replaces=replaces,
                    idempotency_key=key,
                ),
            )

    def tell(self, recall: Recall) -> None:
        """Tell everybody, and let the workers do it."""
        with self.database.unit_of_work() as session:
            tell(session, self.consultant, recall.recall_no, Texts("Sluta använda sensorn.", "Stop using the sensor."))
        self.work()

    def recipients(self, recall: Recall) -> dict[int, int]:
        """Packages by person."""
        with self.database.session() as session:
            rows = session.execute(
                select(RecallRecipient.person_id, RecallRecipient.packages).where(
                    RecallRecipient.recall_id == recall.id
                )
            )
            return {person_id: packages for person_id, packages in rows if person_id is not None}

    def lot_status(self, lot: Lot) -> LotStatus:
        """What a lot's status is now."""
        with self.database.session() as session:
            return session.get_one(Lot, lot.id).status

    def pumps(self, lot: Lot, *serials: str) -> None:
        """Give the packages of a lot serial numbers."""
        with self.database.unit_of_work() as session:
            article = session.get_one(Article, lot.article_id)
            article.is_serialised = True
            session.add_all(
                SerialisedUnit(
                    article_id=article.id, serial_no=serial, lot_id=lot.id, arrived_on=lot.expires_on.replace(year=2026)
                )
                for serial in serials
            )


def add_told_recall(database: Database, picked_lot_id: int, region: str = REGION) -> tuple[str, int]:
    """Call back the lot of something delivered and tell whoever has it; return the recall's number and a recipient's id."""
    with database.unit_of_work() as session:
        lot = session.get_one(PickedLot, picked_lot_id).lot
        identity = staff_identity(add_staff(session, Role.CONSULTANT, region=region))
        command = OpenRecall(
            what=lot.lot_no,
            typed_count=affected_by(session, [lot.id], []).recipients,
            title="Återkallade sensorer",
            what_to_do=WhatToDo.STOP_AND_RETURN,
            text_sv="Sluta använda den.",
            article_no=lot.article.article_no,
        )
        recall = open_recall(session, identity, command)
        tell(session, identity, recall.recall_no, Texts("Sluta använda den.", "Stop using it."))
        recall_telling.tell_batch(session, Message(1, "recall.tell", {"recall_id": recall.id, "after": 0}))
        recipient = session.scalars(select(RecallRecipient.id).where(RecallRecipient.recall_id == recall.id)).first()
        assert recipient is not None
        return recall.recall_no, recipient
