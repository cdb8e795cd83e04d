"""Waves: the waiting orders that leave with one carrier before its cut-off, planned against the stock in one go. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, case, func, literal, select, update
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import record
from core.clock import STOCKHOLM, now, swedish_date
from core.outbox import publish
from core.policy import policy_of
from core.workdays import add_working_days
from delivery.carrier_names import CARRIERS
from delivery.demand import is_one_of, note_shared, share_and_lock, wanted_by, write_reservations
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Wave
from delivery.policy import DeliveryPolicy
from orders.models import DeliveryChoice


@dataclass(frozen=True)
class WavePlan:
    """What became of the waiting orders: how many go, of those how many with less than ordered, and how many wait for stock."""

    wave: Wave
    orders: int
    lines: int
    short_lines: int
    waiting_orders: int


def next_cut_off(policy: DeliveryPolicy, carrier: str, instant: datetime) -> datetime:
    """Return when the carrier next fetches parcels: today while there is time, else the next working day."""
    times = dict(one.rsplit(" ", 1) for one in policy.cut_offs)
    at = time.fromisoformat(times.get(carrier) or next(iter(times.values())))
    day = swedish_date(instant)
    # A working day, today included.
    first = add_working_days(day - timedelta(days=1), 1)
    cut_off = datetime.combine(first, at, STOCKHOLM)
    return cut_off if cut_off > instant else datetime.combine(add_working_days(first, 1), at, STOCKHOLM)


def plan_wave(session: Session, identity: Identity, carrier: str) -> WavePlan | None:
    """Plan the carrier's waiting orders, the oldest promise first, and reserve their lots; None when nothing waits.

    Locks the depot orders (in id order; those that somebody works with are passed by), then the balances of their articles. What is
    scarce is shared (`delivery.sharing`). For an order that gets nothing `depot_order.unserved` is published: it becomes a back order,
    and its patient is told. Raises NotPermitted.
    """
    require(identity, Permission.PICK)
    policy = policy_of(identity.region).section(DeliveryPolicy)
    depot = session.scalars(
        select(Depot).join(Unit, Depot.unit_id == Unit.id).where(Unit.hsa_id == policy.depot_hsa_id)
    ).one()
    order_ids = _lock_waiting(session, depot, carrier, policy)
    if not order_ids:
        return None
    wanted, order_of = wanted_by(session, is_one_of(DepotOrder.id, order_ids), policy)
    given = share_and_lock(session, depot.id, wanted)
    served = {order_of[line_id] for line_id in given}
    wave = Wave(
        depot_id=depot.id,
        carrier=carrier,
        cut_off=next_cut_off(policy, carrier, now(session)),
        planned_at=now(session),
        planned_by_id=identity.staff_id,
    )
    session.add(wave)
    session.flush()
    write_reservations(session, depot.id, given)
    short = {
        line.line_id: line.packages - sum(given.get(line.line_id, {}).values())
        for line in wanted
        if order_of[line.line_id] in served
    }
    note_shared(session, {line_id: packages for line_id, packages in short.items() if packages})
    session.execute(
        update(DepotOrder)
        .where(is_one_of(DepotOrder.id, served))
        .values(wave_id=wave.id)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    unserved = sorted(set(order_of.values()) - served)
    for depot_order_id in unserved:
        publish(session, "depot_order.unserved", depot_order_id=depot_order_id)
    record(session, identity.actor, "wave.planned", subject_person_id=None, object_ref=f"wave:{wave.id}")
    return WavePlan(
        wave=wave,
        orders=len(served),
        lines=sum(1 for line in wanted if order_of[line.line_id] in served),
        short_lines=sum(1 for packages in short.values() if packages),
        waiting_orders=len(unserved),
    )


def carriers_waiting(session: Session, identity: Identity) -> dict[str, int]:
    """Return how many orders wait for a wave, by carrier, most first; in one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    carrier = carrier_of(policy_of(identity.region).section(DeliveryPolicy)).label("carrier")
    counted = session.execute(
        select(carrier, func.count().label("number"))
        .select_from(DepotOrder)
        .join(DeliveryChoice, DepotOrder.delivery_choice_id == DeliveryChoice.id)
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status == DepotOrderStatus.WAITING,
            DepotOrder.wave_id.is_(None),
        )
        .group_by(carrier)
        .order_by(func.count().desc())
    )
    return {row.carrier: row.number for row in counted}


def carrier_of(policy: DeliveryPolicy) -> ColumnElement[str]:
    """The carrier of a delivery choice, in SQL: the provider of the service point, else the region's own."""
    provider = DeliveryChoice.provider
    names = [(provider == code, literal(name)) for code, name in CARRIERS.items()]
    return case((provider == "INGEN", literal(policy.carrier)), *names, else_=provider)


def _lock_waiting(session: Session, depot: Depot, carrier: str, policy: DeliveryPolicy) -> Sequence[int]:
    oldest = (
        select(DepotOrder.id)
        .join(DeliveryChoice, DepotOrder.delivery_choice_id == DeliveryChoice.id)
        .where(
            DepotOrder.depot_id == depot.id,
            DepotOrder.status == DepotOrderStatus.WAITING,
            DepotOrder.wave_id.is_(None),
            carrier_of(policy) == carrier,
        )
        .order_by(DepotOrder.promised_date, DepotOrder.id)
        .limit(policy.wave_orders_at_most)
    )
    return session.scalars(
        select(DepotOrder.id)
        .where(
            DepotOrder.id.in_(oldest),
            # Looked at again once it is locked.
            DepotOrder.status == DepotOrderStatus.WAITING,
            DepotOrder.wave_id.is_(None),
        )
        .order_by(DepotOrder.id)
        .with_for_update(skip_locked=True)
    ).all()
