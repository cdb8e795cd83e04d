"""What waiting lines want, what lots are free, and reserving many at once. Set by set: a wave has thousands of lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    any_,
    case,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.selectable import TableValuedAlias

from core.clock import today
from core.policy import policy_of
from delivery.allocation import LotFacts
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    PickLine,
    Reservation,
    ShortReason,
    StockBalance,
)
from delivery.policy import DeliveryPolicy
from delivery.sharing import Wanted, share
from orders.models import OrderRow, RowStatus

UNLOCKED_ATTEMPTS = 2
NO_END = 2**31
# What may be promised of a lot: units that are called back by number lie there and may not.
_FREE = StockBalance.on_hand - StockBalance.reserved - StockBalance.held_back


def reserve_fairly(session: Session, depot_order: DepotOrder, lines: Sequence[PickLine]) -> None:
    """Reserve lots for an order that is picked outside any wave, leaving other waiting orders their share of what is scarce.

    Locks the balances of the lines' articles; the caller holds the depot order's lock. The lines have no reservations yet.
    """
    policy = policy_of(depot_order.region).section(DeliveryPolicy)
    others = (
        (DepotOrder.depot_id == depot_order.depot_id)
        & (DepotOrder.status == DepotOrderStatus.WAITING)
        & DepotOrder.wave_id.is_(None)
        & is_one_of(PickLine.article_id, {line.article_id for line in lines})
    )
    wanted, _order_of = wanted_by(session, (DepotOrder.id == depot_order.id) | others, policy)
    free = free_lots(session, depot_order.depot_id, {line.article_id for line in lines})
    given = share(wanted, free, today(session))
    mine = {line.line_id: line for line in wanted if line.line_id in {one.id for one in lines}}
    alone = share(mine.values(), free, today(session))
    is_scarce = any(sum(given.get(line.line_id, {}).values()) < line.packages for line in wanted)
    plan = {line_id: taken for line_id, taken in (given if is_scarce else alone).items() if line_id in mine}
    write_reservations(session, depot_order.depot_id, plan)
    left_to_others = {
        line_id: sum(alone.get(line_id, {}).values()) - sum(plan.get(line_id, {}).values()) for line_id in mine
    }
    note_shared(session, {line_id: packages for line_id, packages in left_to_others.items() if packages > 0})
    for line in lines:
        session.refresh(line, ["short", "short_reason", "reservations"])


def wanted_by(
    session: Session, chosen: ColumnElement[bool], policy: DeliveryPolicy
) -> tuple[list[Wanted], dict[int, int]]:
    """Return what the lines of the chosen depot orders still want, and each line's depot order."""
    rows = session.execute(
        select(
            PickLine.id,
            PickLine.depot_order_id,
            PickLine.article_id,
            (PickLine.packages - PickLine.picked - PickLine.short).label("left"),
            PickLine.packages,
            PickLine.use_until,
            PickLine.avoid_lot_id,
            PickLine.avoid_more,
            DepotOrder.promised_date,
        )
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(
            chosen,
            OrderRow.status != RowStatus.CANCELLED,
            PickLine.packages > PickLine.picked + PickLine.short,
        )
    ).all()
    wanted = [
        wanted_of(line_id, article_id, left, packages, use_until, promised, policy.bridge_days, avoided, more)
        for line_id, _order, article_id, left, packages, use_until, avoided, more, promised in rows
    ]
    return wanted, {row.id: row.depot_order_id for row in rows}


def wanted_of(
    line_id: int,
    article_id: int,
    left: int,
    packages: int,
    use_until: date,
    promised: date,
    bridge_days: int,
    avoid_lot_id: int | None,
    avoid_more: Iterable[int] = (),
) -> Wanted:
    """Return what a line wants; its bridging quantity lasts at least `bridge_days`, or is all that is left."""
    days = max(1, (use_until - promised).days)
    # Rounded up, in whole packages.
    bridge = min(left, max(1, -(-bridge_days * packages // days)))
    lasts = timedelta(days=-(-days * bridge // packages))
    return Wanted(
        line_id=line_id,
        article_id=article_id,
        packages=left,
        use_until=use_until,
        bridge=bridge,
        bridge_until=min(use_until, promised + lasts),
        promised_date=promised,
        avoid_lot_id=avoid_lot_id,
        avoid_more=frozenset(avoid_more),
    )


def free_lots(session: Session, depot_id: int, article_ids: Iterable[int]) -> list[tuple[int, LotFacts]]:
    """Lock the balances that have something free, in lot id order; return what decides about their lots, with the article's id."""
    rows = session.execute(
        select(
            StockBalance.lot_id,
            Lot.article_id,
            Lot.expires_on,
            Lot.status,
            _FREE.label("free"),
        )
        .join(Lot, StockBalance.lot_id == Lot.id)
        .where(StockBalance.depot_id == depot_id, is_one_of(Lot.article_id, article_ids), _FREE > 0)
        .order_by(StockBalance.lot_id)
        .with_for_update(of=StockBalance)
    )
    return [
        (
            article_id,
            LotFacts(
                lot_id=lot_id,
                expires_on=expires_on,
                is_quarantined=status is LotStatus.QUARANTINED,
                is_recalled=status is LotStatus.RECALLED,
                free=free,
                is_on_hold=status is LotStatus.ON_HOLD,
            ),
        )
        for lot_id, article_id, expires_on, status, free in rows
    ]


def _soonest_lots(session: Session, depot_id: int, wanted: Sequence[Wanted]) -> list[tuple[int, LotFacts]]:
    """Return, without locks, the lots that first expired, first out could come to: all that are wanted and none behind."""
    packages: dict[int, int] = defaultdict(int)
    latest: dict[int, date] = {}
    for line in wanted:
        # A lot that one line avoids does not serve it: then no lot is known to be behind.
        packages[line.article_id] += NO_END if line.avoided else line.packages
        latest[line.article_id] = max(line.use_until, latest.get(line.article_id, line.use_until))
    need = (
        func.unnest(_numbers(packages), _numbers(packages.values()), literal(list(latest.values()), ARRAY(Date)))
        .table_valued(column("article_id", BigInteger), column("packages", BigInteger), column("latest", Date))
        .render_derived(name="need")
    )
    for_all = case((Lot.expires_on >= need.c.latest, _FREE), else_=0)
    before = func.sum(for_all).over(partition_by=Lot.article_id, order_by=(Lot.expires_on, Lot.id), rows=(None, -1))
    lots = (
        select(Lot.id, Lot.article_id, Lot.expires_on, _FREE.label("free"), before.label("before"), need.c.packages)
        .join(StockBalance, StockBalance.lot_id == Lot.id)
        .join(need, need.c.article_id == Lot.article_id)
        .where(
            StockBalance.depot_id == depot_id,
            _FREE > 0,
            Lot.status == LotStatus.AVAILABLE,
            Lot.expires_on >= today(session),
        )
        .subquery()
    )
    rows = session.execute(
        select(lots.c.id, lots.c.article_id, lots.c.expires_on, lots.c.free).where(
            func.coalesce(lots.c.before, 0) < lots.c.packages
        )
    )
    return [
        (article_id, LotFacts(lot_id, expires_on, is_quarantined=False, is_recalled=False, free=free))
        for lot_id, article_id, expires_on, free in rows
    ]


def share_and_lock(session: Session, depot_id: int, wanted: Sequence[Wanted]) -> dict[int, dict[int, int]]:
    """Share the depot's stock among the lines and lock the balances of the lots given, in lot id order.

    A depot has many more lots than a wave takes from, and locking is what costs: so it is planned without locks first, and what was
    planned is locked and looked at again. When pickers were quicker it is planned anew, the last time with everything locked.
    """
    for _attempt in range(UNLOCKED_ATTEMPTS):
        given = share(wanted, _soonest_lots(session, depot_id, wanted), today(session))
        packages: dict[int, int] = defaultdict(int)
        for taken in given.values():
            for lot_id, count in taken.items():
                packages[lot_id] += count
        with session.begin_nested() as savepoint:
            if _still_free(session, depot_id, packages):
                return given
            savepoint.rollback()
    return share(wanted, free_lots(session, depot_id, {line.article_id for line in wanted}), today(session))


def _still_free(session: Session, depot_id: int, packages: Mapping[int, int]) -> bool:
    locked = session.execute(
        select(StockBalance.lot_id, _FREE, Lot.status)
        .join(Lot, StockBalance.lot_id == Lot.id)
        .where(StockBalance.depot_id == depot_id, is_one_of(StockBalance.lot_id, packages))
        .order_by(StockBalance.lot_id)
        .with_for_update(of=StockBalance)
    ).all()
    return all(free >= packages[lot_id] and status is LotStatus.AVAILABLE for lot_id, free, status in locked)


def write_reservations(session: Session, depot_id: int, given: Mapping[int, Mapping[int, int]]) -> None:
    """Reserve packages per lot id for each line id; the caller has locked the balances."""
    rows = [(line_id, lot_id, packages) for line_id, taken in given.items() for lot_id, packages in taken.items()]
    if not rows:
        return
    lines, lots, counts = zip(*rows, strict=True)
    reserved = (
        func.unnest(_numbers(lines), _numbers(lots), _numbers(counts))
        .table_valued(column("line_id", BigInteger), column("lot_id", BigInteger), column("packages", Integer))
        .render_derived(name="reserved")
    )
    session.execute(
        insert(Reservation).from_select(
            ["pick_line_id", "lot_id", "packages"], select(reserved.c.line_id, reserved.c.lot_id, reserved.c.packages)
        )
    )
    by_lot: dict[int, int] = defaultdict(int)
    for _line, lot_id, packages in rows:
        by_lot[lot_id] += packages
    more = _pairs(by_lot, "more")
    session.execute(
        update(StockBalance)
        .where(StockBalance.depot_id == depot_id, StockBalance.lot_id == more.c.id)
        .values(reserved=StockBalance.reserved + more.c.packages)
        .execution_options(synchronize_session=False)
    )


def note_shared(session: Session, short: Mapping[int, int]) -> None:
    """Note on the lines how many packages were left to others."""
    if not short:
        return
    less = _pairs(short, "less")
    session.execute(
        update(PickLine)
        .where(PickLine.id == less.c.id)
        .values(short=PickLine.short + less.c.packages, short_reason=ShortReason.SHARED)
        .execution_options(synchronize_session=False)
    )


def is_one_of(number: InstrumentedAttribute[int], values: Iterable[int]) -> ColumnElement[bool]:
    """Tell in SQL whether a number is among the values, however many they are."""
    return number == any_(_numbers(values))


def _numbers(values: Iterable[int]) -> ColumnElement[list[int]]:
    # One parameter however many there are: PostgreSQL takes no more than 65,535.
    return literal(list(values), ARRAY(BigInteger))


def _pairs(packages_of: Mapping[int, int], name: str) -> TableValuedAlias:
    return (
        func.unnest(_numbers(packages_of), _numbers(packages_of.values()))
        .table_valued(column("id", BigInteger), column("packages", Integer))
        .render_derived(name=name)
    )
