"""What tests of picking look at and do again and again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

from sqlalchemy import func, select

from delivery.models import (
    Lot,
    PickedLot,
    PickLine,
    Reservation,
    StockMovement,
)
from delivery.picking import scan
from tests.support.depot_work import World

LATE = date(2028, 12, 31)
SOONER = date(2028, 6, 30)


def scan_in(world: World, depot_order_id: int, raw: str, *, packages: int = 1, key: str = "") -> None:
    with world.database.unit_of_work() as session:
        scan(session, world.picker, depot_order_id, raw, packages=packages, key=key)


def picked(world: World, depot_order_id: int) -> dict[str, int]:
    with world.database.session() as session:
        return dict(
            session.execute(
                select(Lot.lot_no, PickedLot.packages)
                .join(PickedLot, PickedLot.lot_id == Lot.id)
                .join(PickLine)
                .where(PickLine.depot_order_id == depot_order_id)
            ).all()
        )


def assert_ledger_is_right(world: World) -> None:
    """On hand is the sum of the ledger, and what is reserved is the sum of the reservations."""
    with world.database.session() as session:
        booked = dict(
            session.execute(
                select(StockMovement.lot_id, func.sum(StockMovement.packages)).group_by(StockMovement.lot_id)
            ).all()
        )
        reserved = dict(
            session.execute(
                select(Reservation.lot_id, func.sum(Reservation.packages)).group_by(Reservation.lot_id)
            ).all()
        )
        for lot in session.scalars(select(Lot)):
            assert world.balance(lot) == (booked[lot.id], reserved.get(lot.id, 0))


def race(count: int, act: Callable[[int], object]) -> list[type[BaseException] | None]:
    barrier = Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        act(number)

    with ThreadPoolExecutor(count) as pool:
        runs = [pool.submit(run, number) for number in range(count)]
    return [type(problem) if (problem := one.exception()) else None for one in runs]
