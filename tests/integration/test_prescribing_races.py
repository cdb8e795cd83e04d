"""The prescriber at the same time as the patient, the depot and a colleague: one wins, the other is told, none waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from auth.identity import Identity
from core.db import Database
from core.errors import DomainError
from delivery.models import DepotOrderStatus
from delivery.picking import start_picking
from orders.kinds import RenewalStatus, RowStatus
from orders.models import OrderRow, Prescription, PrescriptionItem, PrescriptionStatus
from orders.prescribing import ExtendItem
from orders.prescribing_errors import AlreadyAnswered
from orders.renewal_models import RenewalRequest
from orders.renewals import AnswerRenewal, Decline, answer_renewal
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import patient_identity
from tests.support.depot_work import World, item_of, rows_of
from tests.support.prescribing import Clinic, key

_keys = count(1)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do everything at the same moment; return the results, or the domain's refusals."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return act()
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(run, act) for act in acts]]


def _order(clinic: Clinic, item: PrescriptionItem) -> str:
    line = OrderLine(item.id, {item.article_id: 1}, item.orders_remaining)
    with clinic.database.unit_of_work() as session:
        command = PlaceOrder((line,), idempotency_key=f"race-{next(_keys)}")
        return place_order(session, patient_identity(clinic.person), command).order_no


@pytest.mark.parametrize("attempt", range(6))
def test_a_stop_beats_or_cancels_the_order_of_the_same_moment(clinic: Clinic, attempt: int) -> None:
    item = clinic.item(packages=1 + attempt)
    together(lambda: clinic.stop(item), lambda: _order(clinic, item))
    stopped = clinic.now(item)
    assert stopped.status is PrescriptionStatus.CANCELLED
    assert (stopped.orders_used_here, stopped.orders_remaining) == (0, 4)
    with clinic.database.session() as session:
        assert all(row.status is RowStatus.CANCELLED for row in session.scalars(select(OrderRow)))


@pytest.mark.parametrize("attempt", range(5))
def test_a_stop_while_picking_starts_stops_it(database: Database, attempt: int) -> None:
    world, clinic = World(database), Clinic(database)
    article = world.article(f"Glukossensor {attempt}")
    lot = world.stock(article, 5)
    depot_order_id = world.order({article: 2}, clinic.person)
    with database.unit_of_work() as session:
        item = item_of(session, article)
        session.get_one(Prescription, item.prescription_id).unit_id = clinic.unit.id

    def begin() -> bool:
        with database.unit_of_work() as session:
            return start_picking(session, world.picker, depot_order_id).status is DepotOrderStatus.PICKING

    _stopped, picking = together(lambda: clinic.stop(item), begin)
    world.handle("order.cancelled")
    is_picking = picking is True
    with database.session() as session:
        statuses = [row.status for row in rows_of(session, depot_order_id)]
    # Begun or not, nothing was in the box yet.
    assert statuses == [RowStatus.CANCELLED]
    assert world.balance(lot) == (5, 0)
    assert clinic.now(item).orders_used_here == (1 if is_picking else 0)
    assert clinic.now(item).status is PrescriptionStatus.CANCELLED


@pytest.mark.parametrize("attempt", range(4))
def test_of_two_answers_the_first_stands_and_the_second_is_told_whose_it_was(clinic: Clinic, attempt: int) -> None:
    item = clinic.item(allowed=1 + attempt)
    with clinic.database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).orders_remaining = 0
    request, colleague = clinic.ask(item), clinic.another_nurse()

    def answer(nurse: Identity, decision: ExtendItem | Decline) -> PrescriptionItem:
        with clinic.database.unit_of_work() as session:
            return answer_renewal(session, nurse, AnswerRenewal(request.id, decision))

    results = together(
        lambda: answer(clinic.nurse, ExtendItem(item.id, key(), more_orders=2)),
        lambda: answer(colleague, ExtendItem(item.id, key(), more_orders=3)),
    )
    (refusal,) = [one for one in results if isinstance(one, AlreadyAnswered)]
    won = 0 if refusal is results[1] else 1
    assert (refusal.status, refusal.answered_by) == (
        RenewalStatus.RENEWED,
        ("Sonja Sköterska", "Sven Sköterska")[won],
    )
    assert clinic.now(item).orders_added == (2, 3)[won]


def test_asking_twice_at_once_asks_once(clinic: Clinic) -> None:
    item = clinic.item()
    with clinic.database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).orders_remaining = 0
    requests = together(*[lambda: clinic.ask(item) for _time in range(6)])
    assert len({request.id for request in requests}) == 1
    with clinic.database.session() as session:
        assert session.scalar(select(func.count()).select_from(RenewalRequest)) == 1


def test_asking_extending_ordering_and_stopping_at_once_never_deadlock(clinic: Clinic) -> None:
    items = [clinic.item(allowed=400, packages=2, days=15, valid_until=date(2026, 12, 24)) for _number in range(2)]
    colleague = clinic.another_nurse()
    done: Counter[str] = Counter()

    def work(number: int) -> None:
        item = items[number % 2]
        acts: list[tuple[str, Callable[[], Any]]] = [
            ("extend", lambda: clinic.extend(item, (clinic.nurse, colleague)[number % 2], home_region_agreed=True)),
            ("order", lambda: _order(clinic, clinic.now(item))),
            ("ask", lambda: clinic.ask(item)),
        ]
        for turn in range(15):
            name, act = ("stop", lambda: clinic.stop(item)) if turn == 12 and number < 2 else acts[(number + turn) % 3]
            try:
                act()
                done[name] += 1
            except DomainError:
                done[f"{name} refused"] += 1

    together(*[partial(work, number) for number in range(6)])
    assert done["extend"] > 10
    assert done["ask"] > 10
    assert done["stop"] == 2
    assert done["order"] >= 1
    for item in items:
        kept = clinic.now(item)
        assert kept.status is PrescriptionStatus.CANCELLED
        assert (kept.orders_used_here, kept.orders_remaining) == (0, kept.orders_allowed)
    with clinic.database.session() as session:
        still_open = select(func.count()).select_from(RenewalRequest).where(RenewalRequest.status == RenewalStatus.OPEN)
        assert session.scalar(still_open) == 0
