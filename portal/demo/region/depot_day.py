"""A day at the depot's floor, up to this very hour: units' own orders picked, sent, short, late, left, and on a trolley."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Commission, StaffMember
from auth.persons import staff_identity
from core.clock import STOCKHOLM, ManualClock, swedish_date
from delivery.goods_models import SupplierOrder
from delivery.models import DepotOrder, ShortReason
from delivery.picking import start_picking, tick
from delivery.receipts import open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.round_acts import tick_in_round
from delivery.rounds import round_page, start_round
from delivery.shipping import pack, ship
from delivery.shortage import finish, short_pick
from delivery.waves import plan_wave
from orders.models import Article
from orders.store_orders import PlaceStoreOrder, place_store_order

# Who orders for their units: the last digits of their numbers.
KARIN, DAVID, EVA, SAMIRA, NILS = "011", "012", "013", "014", "015"
LATE = (SAMIRA, {"24002": 4, "25001": 2})
YESTERDAYS = (
    (KARIN, {"25001": 6, "24001": 4}),
    (DAVID, {"23101": 5, "25002": 3}),
    (EVA, {"31004": 5, "31101": 2}),
    (SAMIRA, {"22101": 3, "23002": 2}),
    (NILS, {"61002": 6, "51002": 3}),
)
ON_THE_TROLLEY = ((KARIN, {"23001": 2, "22102": 3}), (DAVID, {"22102": 2}), (EVA, {"31003": 3}), (NILS, {"51003": 4}))
TODAYS = ((KARIN, {"21001": 4}), (EVA, {"31002": 3}), (NILS, {"61001": 30}))
STRIPS = "23101"


@dataclass
class Day:
    """The session, its clock, and the part of today that is over."""

    session: Session
    clock: ManualClock
    now: datetime
    work: Callable[[], None]

    def __post_init__(self) -> None:
        local = self.now.astimezone(STOCKHOLM)
        seven = datetime.combine(local.date(), time(7), STOCKHOLM)
        midnight = datetime.combine(local.date(), time(0), STOCKHOLM)
        # Loaded at night there is no day to tell of: then it is the small hours that were busy.
        self._begins = max(midnight, min(seven, local - timedelta(hours=3)))

    def at(self, share: float) -> None:
        """Set the clock to so large a share of what is over of today."""
        self.clock.set(self._begins + (self.now - self._begins) * share)

    def days_ago(self, days: int, hour: int) -> None:
        """Set the clock to an hour of an earlier day."""
        day = swedish_date(self.now) - timedelta(days=days)
        self.clock.set(datetime.combine(day, time(hour, 20), STOCKHOLM))

    def order(self, who: str, wanted: Mapping[str, int]) -> int:
        """Have a unit order packages by article number; return the depot order."""
        identity = self._nurse(who)
        articles = self.session.scalars(
            select(Article).where(Article.region == identity.region, Article.article_no.in_(wanted))
        )
        packages = {article.id: wanted[article.article_no] for article in articles}
        key = f"demo-{who}-{'-'.join(wanted)}"
        order = place_store_order(self.session, identity, PlaceStoreOrder(packages, idempotency_key=key))
        self.work()
        return self.session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == order.id)).one()

    def _nurse(self, who: str) -> Identity:
        return staff_identity(
            self.session.scalars(
                select(Commission).join(StaffMember).where(StaffMember.hsa_id.endswith(f"P000000000{who}"))
            ).one()
        )

    def pick(self, picker: Identity, depot_order_id: int, begins: float, ends: float, *, damaged: int = 0) -> None:
        """Pick an order package by package between two shares of the day; of its last line so many are damaged."""
        self.at(begins)
        depot_order = start_picking(self.session, picker, depot_order_id)
        wanted = [
            (line.id, reserved.lot_id)
            for line in depot_order.lines
            for reserved in line.reservations
            for _package in range(reserved.packages)
        ]
        taken = wanted[: len(wanted) - damaged]
        for number, (line_id, lot_id) in enumerate(taken, start=1):
            self.at(begins + (ends - begins) * number / len(taken))
            tick(self.session, picker, depot_order_id, line_id, lot_id, 1)
        if damaged:
            short_pick(self.session, picker, depot_order_id, wanted[-1][0], ShortReason.DAMAGED)
        finish(self.session, picker, depot_order_id)


def depot_day(session: Session, now: datetime, kim: Identity, amina: Identity, work: Callable[[], None]) -> int:
    """Let it happen up to `now`, and return the depot order that is picked and waits to be packed."""
    clock = session.info["clock"]
    assert isinstance(clock, ManualClock)
    day = Day(session, clock, now, work)
    day.days_ago(10, 14)
    late = day.order(*LATE)
    day.days_ago(1, 15)
    ids = [day.order(*wanted) for wanted in YESTERDAYS]
    _begin_and_leave(day, amina, late)
    _receive(day, kim)
    for number, depot_order_id in enumerate(ids):
        begins = 0.05 + 0.17 * number
        is_last = number == len(ids) - 1
        picker = amina if number % 2 else kim
        day.pick(picker, depot_order_id, begins, begins + 0.12, damaged=2 if is_last else 0)
        if not is_last:
            parcel = pack(session, picker, depot_order_id)
            day.at(begins + 0.15)
            ship(session, picker, parcel.id, f"DEMO0000003{number:02d}SE")
        day.work()
    day.at(0.8)
    for wanted in ON_THE_TROLLEY:
        day.order(*wanted)
    plan_wave(session, amina, "PostNord")
    _walk_half(day, amina)
    for wanted in TODAYS:
        day.order(*wanted)
    return ids[-1]


def _begin_and_leave(day: Day, picker: Identity, depot_order_id: int) -> None:
    day.at(0)
    depot_order = start_picking(day.session, picker, depot_order_id)
    line = depot_order.lines[0]
    tick(day.session, picker, depot_order_id, line.id, line.reservations[0].lot_id, 1)


def _receive(day: Day, identity: Identity) -> None:
    """What should have come yesterday comes today, and is not all counted yet."""
    day.at(0.3)
    ordered = day.session.scalars(
        select(SupplierOrder.id)
        .where(SupplierOrder.expected_on < swedish_date(day.now), SupplierOrder.closed_at.is_(None))
        .order_by(SupplierOrder.id)
        .limit(1)
    ).one()
    receipt = open_receipt(day.session, identity, ordered, "TS-40502")
    expires_on = swedish_date(day.now) + timedelta(days=610)
    receive_goods(day.session, identity, ReceiveGoods(receipt.id, STRIPS, 30, lot_no="P27002", expires_on=expires_on))
    day.work()


def _walk_half(day: Day, picker: Identity) -> None:
    day.at(0.9)
    begun = start_round(day.session, picker)
    assert begun is not None
    stops = round_page(day.session, picker, begun.id, is_first_look=False).stops
    for number, stop in enumerate(stops[: len(stops) // 2], start=1):
        day.at(0.9 + 0.02 * number)
        if stop.lot is not None:
            tick_in_round(day.session, picker, begun.id, stop.line.id, stop.lot.id, stop.packages)
