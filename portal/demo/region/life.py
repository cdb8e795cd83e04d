"""What has already happened in the demo region, done by the real services with a clock in the past."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from auth.numbers import parse_number
from auth.persons import find_commission, find_person_by_number, staff_identity
from core import outbox
from core.clock import STOCKHOLM, ManualClock, now
from delivery.complaints.models import FaultKind
from delivery.complaints.services import ReportFault
from delivery.models import DepotOrder, Parcel, PickedLot, PickLine
from delivery.picking import start_picking, tick
from delivery.shipping import pack, register_delivery, ship
from delivery.shortage import finish
from orders.models import Article, DeliveryMethod, Notification, Order, PrescriptionItem
from orders.queries import products_of
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish, Way
from portal.demo.region.acting import acting_for
from portal.demo.region.cases import fill_board
from portal.demo.region.claimed import claim_in_the_past, claim_lately
from portal.demo.region.depot_day import depot_day
from portal.demo.region.flagged import let_a_lot_stand_out
from portal.demo.region.goods import receive_and_count
from portal.demo.region.incidents import report_an_incident
from portal.demo.region.people import records
from portal.demo.region.recalled import call_a_lot_back
from portal.demo.region.reports import (
    ask_about_needles,
    begin_report,
    label_photo,
    report_with_photos,
    sensor_photo,
)
from portal.demo.region.suppliers_tell import suppliers_tell
from portal.jobs import HANDLERS

# Article numbers and packages of what each has ordered.
SENSOR, STRIPS, NEEDLES, LANCETS = "21001", "23101", "24001", "25001"
FETCHED_IN_TOWN = DeliveryWish(
    Way(DeliveryMethod.SERVICE_POINT, "POSTNORD"),
    point_id="730003",
    notification=Notification.SMS,
    notify_to="070-000 00 10",
)


class Past:
    """One session whose clock this sets, and everybody who does something in it."""

    def __init__(self, session: Session, loaded_on: date) -> None:
        self._session = session
        self._loaded_on = loaded_on
        # No later than the loading, and on its day, whatever was claimed when.
        self.loaded_at = min(now(session), datetime.combine(loaded_on, time(23, 50), STOCKHOLM))
        self._clock = ManualClock(datetime.combine(loaded_on, time(9), STOCKHOLM))
        self._keys = {who["id"]: who["key"] for who in records("who.csv", loaded_on)}
        self._commissions = {row["hsa_id"]: row["commission_hsa_id"] for row in records("staff.csv", loaded_on)}
        session.info["clock"] = self._clock

    def at(self, days_ago: int, hour: int) -> None:
        """Set the clock to an hour in Sweden."""
        self._clock.set(datetime.combine(self._loaded_on - timedelta(days=days_ago), time(hour, 12), STOCKHOLM))

    def person(self, who: str) -> Person:
        """Return a person by their id at the identity provider."""
        found = find_person_by_number(self._session, parse_number(self._keys[who], self._loaded_on))
        assert found is not None
        return found

    def acting(self, who: str, for_whom: str) -> Identity:
        """Return the identity of somebody acting for somebody (or for themselves), as the portal would build it."""
        return acting_for(self._session, self.person(who), self.person(for_whom))

    def staff(self, who: str) -> Identity:
        """Return the identity of somebody at work."""
        commission = find_commission(self._session, self._keys[who], self._commissions[self._keys[who]])
        assert commission is not None
        return staff_identity(commission)

    def order(self, who: str, packages: dict[str, int], *deliveries: DeliveryWish) -> Order:
        """Place an order of packages by article number; as usual when nothing is said of its delivery."""
        identity = self.acting(who, who)
        articles = {
            article.article_no: article.id
            for article in self._session.scalars(
                select(Article).where(Article.region == identity.region, Article.article_no.in_(packages))
            )
        }
        wanted = {articles[number]: count for number, count in packages.items()}
        lines = []
        for product in products_of(self._session, identity).orderable:
            chosen = {article_id: wanted[article_id] for article_id in _articles(product.item) & wanted.keys()}
            if chosen:
                lines.append(OrderLine(product.item.id, chosen, product.item.orders_remaining))
        order = place_order(
            self._session, identity, PlaceOrder(tuple(lines), deliveries, idempotency_key=f"demo-{who}")
        )
        self.work()
        return order

    def work(self) -> None:
        """Do what the workers would have done by now; a claim to a supplier leaves with the real ones."""
        self._session.flush()
        waiting = select(outbox.OutboxMessage.id).where(
            outbox.OutboxMessage.done_at.is_(None), outbox.OutboxMessage.kind != "claim.send"
        )
        for message_id in self._session.scalars(waiting.order_by(outbox.OutboxMessage.id)).all():
            outbox.handle(self._session, message_id, HANDLERS)

    def pick_and_pack(self, order: Order, who: str) -> Parcel:
        """Pick what is reserved for an order, and close the box."""
        identity = self.staff(who)
        depot_order = self._session.scalars(select(DepotOrder).where(DepotOrder.order_id == order.id)).one()
        start_picking(self._session, identity, depot_order.id)
        for line in list(depot_order.lines):
            for lot_id, packages in [(reserved.lot_id, reserved.packages) for reserved in line.reservations]:
                tick(self._session, identity, depot_order.id, line.id, lot_id, packages)
        finish(self._session, identity, depot_order.id)
        return pack(self._session, identity, depot_order.id)

    def picked_lot(self, order: Order, article_no: str) -> PickedLot:
        """Return what was picked of an article."""
        return self._session.scalars(
            select(PickedLot)
            .join(PickLine, PickedLot.pick_line_id == PickLine.id)
            .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
            .join(Article, PickLine.article_id == Article.id)
            .where(DepotOrder.order_id == order.id, Article.article_no == article_no)
            .limit(1)
        ).one()


def live(session: Session, loaded_on: date) -> None:
    """Let the last months happen, in the caller's transaction; its clock is left at the evening before the loading."""
    past = Past(session, loaded_on)
    past.at(118, 9)
    past.work()

    past.at(80, 19)
    annas = past.order("anna", {SENSOR: 6, STRIPS: 4, NEEDLES: 4, LANCETS: 1})
    past.at(79, 10)
    parcel = past.pick_and_pack(annas, "kim")
    past.at(79, 15)
    ship(session, past.staff("kim"), parcel.id, "DEMO000000101SE")
    past.at(76, 16)
    register_delivery(session, past.staff("kim"), parcel.id, "carrier")

    past.at(8, 11)
    ingrids = past.order("ingrid", {SENSOR: 6, STRIPS: 2})
    past.at(7, 9)
    parcel = past.pick_and_pack(ingrids, "amina")
    past.at(7, 15)
    ship(session, past.staff("amina"), parcel.id, "DEMO000000102SE")
    past.at(6, 14)
    register_delivery(session, past.staff("amina"), parcel.id, "carrier")

    past.at(3, 20)
    tomaszs = past.order("tomasz", {"51001": 8, "51002": 4, "51004": 3, "61001": 3})
    past.at(2, 10)
    parcel = past.pick_and_pack(tomaszs, "kim")
    past.at(2, 15)
    ship(session, past.staff("kim"), parcel.id, "DEMO000000103SE")

    past.at(1, 5)
    let_a_lot_stand_out(session, loaded_on, past.staff("birgitta"))

    past.at(1, 8)
    receive_and_count(session, past.staff("kim"), loaded_on)
    past.work()

    unpacked = depot_day(session, past.loaded_at, past.staff("kim"), past.staff("amina"), past.work)

    past.at(1, 18)
    past.order("fatima", {"31002": 2, "31003": 1, "31101": 2}, FETCHED_IN_TOWN)
    past.at(1, 20)
    report_with_photos(
        session,
        past.acting("johan", "ingrid"),
        ReportFault(
            picked_lot_id=past.picked_lot(ingrids, SENSOR).id,
            kind=FaultKind.STOPPED_WORKING,
            was_harmed=False,
            has_danger_sign=False,
            is_kept=True,
            wants_replacement=True,
            idempotency_key="demo-johan",
            applied_on=loaded_on - timedelta(days=5),
            failed_on=loaded_on - timedelta(days=2),
            description="Sensorn slutade skicka värden efter tre dagar. Vi har startat om telefonen utan att det hjälpte.",
            answers={"read_with": "phone", "body_site": "upper_arm"},
        ),
        [sensor_photo(is_loose=True), label_photo(past.picked_lot(ingrids, SENSOR).lot.lot_no)],
    )
    past.work()
    begin_report(session, past.acting("anna", "anna"), past.picked_lot(annas, STRIPS).id, loaded_on)
    needles = past.picked_lot(annas, NEEDLES).id
    ask_about_needles(session, past.acting("anna", "anna"), past.staff("birgitta"), needles, loaded_on)
    past.work()

    past.at(1, 20)
    astrids = past.order("astrid", {"41002": 6})
    past.at(1, 21)

    call_a_lot_back(session, past.staff("birgitta"), past.staff("asa"), past.staff("kim"), past.at, past.work)
    claim_in_the_past(session, loaded_on, past.staff("birgitta"), past.at, past.work)
    fill_board(session, loaded_on, past.staff("birgitta"), past.at, past.work)
    report_an_incident(session, past.staff("birgitta"), past.at)
    claim_lately(session, past.staff("birgitta"), past.at)
    suppliers_tell(session, loaded_on, past.staff("birgitta"), past.at, past.work)
    past.at(1, 21)
    # Their transports are booked when the workers start.
    past.pick_and_pack(astrids, "amina")
    pack(session, past.staff("kim"), unpacked)


def _articles(item: PrescriptionItem) -> set[int]:
    return {article.id for article in item.sub_articles} or {item.article_id}
