"""Rounds: one picker walks the shelves once for several orders, each with a box of its own on the trolley. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.policy import policy_of
from delivery import errors
from delivery.claims import is_free_now, lock_depot_orders
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    PickedLot,
    PickLine,
    PickRound,
    Reservation,
    StockBalance,
    Wave,
)
from delivery.picking import claim, is_article, scan
from delivery.policy import DeliveryPolicy
from delivery.put_back import lots_of
from delivery.shortage import finish
from delivery.stock import lock_balances, need_of
from delivery.udi import NotACode, read_code
from delivery.walking import walking_key
from orders.models import RowStatus

BOXES = "ABCDEFGH"
# Pickers who begin a round in the same moment pass by each other's orders, and no picker tries more.
MOST_TRIED = 60


@dataclass(frozen=True)
class Stop:
    """One thing to fetch: packages of a line from one lot at one place, for one box; no lot when none is to be had."""

    box: str
    depot_order_id: int
    line: PickLine
    lot: Lot | None
    location: str
    packages: int


@dataclass(frozen=True)
class RoundPage:
    """A round as the hand-held shows it: the stops left in walking order, and how far it has come, in packages."""

    round: PickRound
    depot_orders: tuple[DepotOrder, ...]
    stops: tuple[Stop, ...]
    packages_done: int
    packages_all: int

    @property
    def is_done(self) -> bool:
        """Whether everything is picked or noted as missing."""
        return not self.stops


def start_round(session: Session, identity: Identity) -> PickRound | None:
    """Return the round that the picker has begun, else begin one with the planned orders that leave first; None when none are planned.

    Locks the order rows (by id), then the depot orders. Orders that a picker left alone longer than the policy's minutes without
    taking anything are planned work again. Raises NotPermitted.
    """
    require(identity, Permission.PICK)
    begun = begun_round(session, identity)
    if begun is not None:
        return begun
    policy = policy_of(identity.region).section(DeliveryPolicy)
    candidates = session.scalars(
        select(DepotOrder.id)
        .join(Wave, DepotOrder.wave_id == Wave.id)
        .where(DepotOrder.region == identity.region, _is_free(session, policy))
        .order_by(Wave.cut_off, DepotOrder.promised_date, DepotOrder.id)
        .limit(MOST_TRIED)
    ).all()
    # What a colleague takes in this very moment is passed by.
    free = islice((one for one in candidates if is_free_now(session, one)), policy.boxes_on_a_trolley)
    depot_orders = [
        one
        for one in lock_depot_orders(session, identity, list(free), Permission.PICK)
        if is_left_alone(session, one) or one.status is DepotOrderStatus.WAITING
    ]
    if not depot_orders:
        return None
    assert identity.staff_id is not None
    pick_round = PickRound(
        depot_id=depot_orders[0].depot_id,
        picker_id=identity.staff_id,
        started_at=now(session),
        last_act_at=now(session),
    )
    session.add(pick_round)
    session.flush()
    taken = [one for one in depot_orders if claim(session, identity, one)]
    for box, depot_order in zip(BOXES, taken, strict=False):
        depot_order.pick_round_id, depot_order.box = pick_round.id, box
    if not taken:
        session.delete(pick_round)
        return None
    return pick_round


def begun_round(session: Session, identity: Identity) -> PickRound | None:
    """Return the round that the picker has begun and not ended, if any."""
    return session.scalar(
        select(PickRound).where(PickRound.picker_id == identity.staff_id, PickRound.ended_at.is_(None)).limit(1)
    )


def is_left_alone(session: Session, depot_order: DepotOrder) -> bool:
    """Whether a picker has begun the order, taken nothing and done nothing for longer than the policy's minutes."""
    if depot_order.status is not DepotOrderStatus.PICKING or any(line.picked for line in depot_order.lines):
        return False
    policy = policy_of(depot_order.region).section(DeliveryPolicy)
    last = depot_order.picking_started_at
    if depot_order.pick_round_id is not None:
        last = session.get_one(PickRound, depot_order.pick_round_id).last_act_at
    return last is not None and last < now(session) - timedelta(minutes=policy.minutes_until_a_pick_is_free)


def scan_in_round(session: Session, identity: Identity, round_id: int, raw: str, *, key: str = "") -> PickedLot | None:
    """Pick the scanned package for the stop that one stands at, else for the next box that wants it; None when the key was spent.

    Locks and raises as `picking.scan`; NotOnOrder when no box wants the article.
    """
    pick_round = own_round(session, identity, round_id)
    try:
        code = read_code(raw)
    except NotACode as problem:
        raise errors.UnreadableCode(raw[:60]) from problem
    page = _page(session, pick_round)
    fitting = [stop for stop in page.stops if is_article(stop.line.article, code)]
    # The lot says which box when two stops share a shelf.
    exact = [stop for stop in fitting if stop.lot is not None and stop.lot.lot_no == code.lot_no]
    chosen = next(iter(exact or fitting), None)
    if chosen is None:
        anywhere = next((one.id for one in page.depot_orders), None)
        if anywhere is None:
            raise errors.NotOnOrder("")
        # Says whether the article is complete, unknown or not in this round.
        chosen_id = next(
            (one.id for one in page.depot_orders if any(is_article(line.article, code) for line in one.lines)), anywhere
        )
    else:
        chosen_id = chosen.depot_order_id
    picked = scan(session, identity, chosen_id, raw, key=key)
    pick_round.last_act_at = now(session)
    return picked


def round_page(session: Session, identity: Identity, round_id: int, *, is_first_look: bool = True) -> RoundPage:
    """Return the picker's round with what is left of it; writes one look per order to the access log. Raises NotPermitted, NotFound.

    What the hand-held shows anew after each scan is no new look (`is_first_look`).
    """
    page = _page(session, own_round(session, identity, round_id))
    for depot_order in page.depot_orders if is_first_look else ():
        record(
            session,
            identity.actor,
            "depot_order.seen",
            subject_person_id=depot_order.order.person_id,
            manner="LOOK",
            object_ref=f"order:{depot_order.order.order_no}",
        )
    return page


def finish_round(session: Session, identity: Identity, round_id: int) -> list[DepotOrder]:
    """End the picking of every order of the round, as `shortage.finish` does; raises LinesLeft while something is left to pick.

    Locks the order rows of all its orders (by id), then the depot orders, then balances.
    """
    pick_round = own_round(session, identity, round_id)
    ids = session.scalars(
        select(DepotOrder.id).where(
            DepotOrder.pick_round_id == round_id,
            DepotOrder.status == DepotOrderStatus.PICKING,
            DepotOrder.picker_id == identity.staff_id,
        )
    ).all()
    depot_orders = lock_depot_orders(session, identity, ids, Permission.PICK)
    # All balances at once: one order's after the other's would not be in lot order.
    lots = {lot for one in depot_orders for lot in lots_of(one.lines)}
    lock_balances(session, pick_round.depot_id, lot_ids=lots)
    done = [finish(session, identity, depot_order_id) for depot_order_id in sorted(ids)]
    pick_round.ended_at = now(session)
    return done


def _is_free(session: Session, policy: DeliveryPolicy) -> ColumnElement[bool]:
    idle_since = now(session) - timedelta(minutes=policy.minutes_until_a_pick_is_free)
    last_act = func.coalesce(
        select(PickRound.last_act_at).where(PickRound.id == DepotOrder.pick_round_id).scalar_subquery(),
        DepotOrder.picking_started_at,
    )
    something = select(PickLine.id).where(PickLine.depot_order_id == DepotOrder.id, PickLine.picked > 0).exists()
    return or_(
        DepotOrder.status == DepotOrderStatus.WAITING,
        (DepotOrder.status == DepotOrderStatus.PICKING) & (last_act < idle_since) & ~something,
    )


def own_round(session: Session, identity: Identity, round_id: int) -> PickRound:
    """Return the picker's own round that is not ended. Raises NotPermitted, NotFound."""
    require(identity, Permission.PICK)
    pick_round = session.get(PickRound, round_id)
    if pick_round is None or pick_round.picker_id != identity.staff_id or pick_round.ended_at is not None:
        raise NotFound
    return pick_round


def _page(session: Session, pick_round: PickRound) -> RoundPage:
    depot_orders = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.pick_round_id == pick_round.id, DepotOrder.picker_id == pick_round.picker_id)
        .order_by(DepotOrder.box)
        .options(
            joinedload(DepotOrder.order),
            selectinload(DepotOrder.lines).options(
                joinedload(PickLine.article),
                joinedload(PickLine.order_row),
                selectinload(PickLine.reservations).joinedload(Reservation.lot),
                selectinload(PickLine.picked_lots).joinedload(PickedLot.lot),
            ),
        )
        .execution_options(populate_existing=True)
    ).all()
    live = [
        (one, line)
        for one in depot_orders
        if one.status is DepotOrderStatus.PICKING
        for line in one.lines
        if line.order_row.status is not RowStatus.CANCELLED
    ]
    return RoundPage(
        round=pick_round,
        depot_orders=tuple(depot_orders),
        stops=tuple(_stops(live, _locations(session, pick_round, live))),
        packages_done=sum(line.picked + line.short for _one, line in live),
        packages_all=sum(line.packages for _one, line in live),
    )


def _stops(live: Sequence[tuple[DepotOrder, PickLine]], locations: dict[int, str]) -> list[Stop]:
    stops = []
    for depot_order, line in live:
        left = need_of(line).packages
        for reserved in sorted(line.reservations, key=lambda one: (one.lot.expires_on, one.lot_id)):
            place = locations.get(reserved.lot_id) or line.article.location
            count = min(left, reserved.packages)
            if count:
                stops.append(Stop(depot_order.box, depot_order.id, line, reserved.lot, place, count))
                left -= count
        if left:
            stops.append(Stop(depot_order.box, depot_order.id, line, None, line.article.location, left))
    return sorted(stops, key=lambda stop: (walking_key(stop.location), stop.line.article_id, stop.box, stop.line.id))


def _locations(session: Session, pick_round: PickRound, live: Sequence[tuple[DepotOrder, PickLine]]) -> dict[int, str]:
    lot_ids = {reserved.lot_id for _one, line in live for reserved in line.reservations}
    rows = session.execute(
        select(StockBalance.lot_id, StockBalance.location).where(
            StockBalance.depot_id == pick_round.depot_id, StockBalance.lot_id.in_(lot_ids)
        )
    )
    return {row.lot_id: row.location for row in rows}
