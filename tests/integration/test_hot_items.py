"""Two guardians, the patient and customer service at once on the same items: 2,000 orders, no limit exceeded. Handbook §3.6."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from threading import Barrier, Lock

import pytest
from sqlalchemy import func, select

from auth.identity import ALL_TASKS, Identity, Relation, Role
from auth.models import Guardianship
from auth.persons import staff_identity
from core.db import Database
from core.errors import DomainError
from orders.cancelling import cancel_order
from orders.errors import OrderRefused
from orders.models import Channel, Order, OrderRow, PrescriptionItem, RowStatus, Withdrawal
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_article, add_item, add_person, add_staff, patient_identity

ORDERS, THREADS = 2000, 8
SUBJECTS, ITEMS_EACH, ALLOWED = 6, 3, 4


@dataclass(frozen=True)
class Hot:
    """One patient's items, and everybody who may order them."""

    actors: tuple[Identity, ...]
    item_ids: tuple[int, ...]


@pytest.fixture
def hot(database: Database) -> list[Hot]:
    """Patients with few withdrawals and many hands."""
    found = []
    with database.unit_of_work() as session:
        article = add_article(session)
        caller = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE))
        for _number in range(SUBJECTS):
            patient, *guardians = (add_person(session) for _somebody in range(3))
            session.add_all(Guardianship(guardian_id=guardian.id, child_id=patient.id) for guardian in guardians)
            call = replace(
                caller, subject_person_id=patient.id, relation=Relation.CALL, tasks=ALL_TASKS, reason="Ringer"
            )
            acting = [patient_identity(patient, actor=one, relation=Relation.GUARDIAN) for one in guardians]
            items = [add_item(session, patient, article, allowed=ALLOWED) for _one in range(ITEMS_EACH)]
            found.append(
                Hot(
                    (patient_identity(patient), *acting, call),
                    tuple(item.id for item in items),
                )
            )
    return found


@pytest.mark.timeout(300)
def test_two_thousand_orders_by_many_hands_exceed_no_limit(database: Database, hot: list[Hot]) -> None:
    seen, lock = Counter[str](), Lock()
    together = Barrier(THREADS)

    def one_thread(number: int) -> None:
        luck, keys = Random(number), count(1)
        together.wait(30)
        while True:
            one = luck.choice(hot)
            identity = luck.choice(one.actors)
            if luck.random() < 0.5:
                outcome = _cancel(database, identity, luck)
            else:
                outcome = _order(database, identity, one, luck, f"{number}-{next(keys)}")
            with lock:
                seen[outcome] += 1
                if seen["placed"] >= ORDERS:
                    return

    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(one_thread, number) for number in range(THREADS)]:
            done.result(timeout=280)

    assert seen["placed"] >= ORDERS
    # All four hands were in it, and the limit did stop somebody.
    assert seen["refused"]
    with database.session() as session:
        by_channel = Counter(session.scalars(select(Order.channel)).all())
        assert by_channel[Channel.PHONE] > ORDERS / 10
        assert len(set(session.scalars(select(Order.orderer_person_id).where(Order.channel == Channel.WEB)))) == (
            SUBJECTS * 3
        )
        for item in session.scalars(select(PrescriptionItem)):
            standing = session.scalar(
                select(func.count()).where(
                    Withdrawal.prescription_item_id == item.id, Withdrawal.cancelled_at.is_(None)
                )
            )
            assert standing is not None
            assert item.orders_used_here == standing <= 1, "one withdrawal a day, whoever asks"
            assert item.orders_remaining == ALLOWED - standing
        rows = session.execute(
            select(OrderRow.status, Withdrawal.cancelled_at).join(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
        ).all()
        assert all((status is RowStatus.CANCELLED) == (cancelled is not None) for status, cancelled in rows)


def _order(database: Database, identity: Identity, one: Hot, luck: Random, key: str) -> str:
    wanted = luck.sample(one.item_ids, luck.randint(1, ITEMS_EACH))
    try:
        with database.unit_of_work() as session:
            shown = {
                item.id: item
                for item in session.scalars(select(PrescriptionItem).where(PrescriptionItem.id.in_(wanted)))
            }
            lines = tuple(OrderLine(id_, {shown[id_].article_id: 1}, shown[id_].orders_remaining) for id_ in wanted)
            place_order(session, identity, PlaceOrder(lines, idempotency_key=key))
    except OrderRefused:
        return "refused"
    return "placed"


def _cancel(database: Database, identity: Identity, luck: Random) -> str:
    try:
        with database.unit_of_work() as session:
            standing = session.scalars(
                select(Order.order_no)
                .join(Withdrawal, Withdrawal.order_id == Order.id)
                .where(Order.person_id == identity.subject_person_id, Withdrawal.cancelled_at.is_(None))
                .distinct()
            ).all()
            if not standing:
                return "nothing to cancel"
            cancel_order(session, identity, luck.choice(standing))
    except DomainError:
        return "not cancelled"
    return "cancelled"
