"""The same limits whichever way an order comes in: 1177 and the portal race for the same withdrawals, and one loses."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import func, select

from core.clock import ManualClock
from core.db import Database
from orders.errors import OrderRefused
from orders.models import Order, PrescriptionItem, Withdrawal
from orders.services import OrderLine, PlaceOrder, place_order
from tests.integration.contract.conftest import Scene
from tests.support.builders import patient_identity
from tests.support.contract_calls import result

ROUNDS = 30
AT_ONCE = 6


def test_web_and_contract_at_once_never_exceed_the_limit(scene: Scene, database: Database, clock: ManualClock) -> None:
    tally: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for turn in range(ROUNDS):
            with database.unit_of_work() as session:
                item = session.scalars(
                    select(PrescriptionItem).where(PrescriptionItem.external_id == scene.first.item_id)
                ).one()
                item.orders_allowed, item.orders_remaining = item.orders_used_here + 1, 1
                item.next_earliest_order_date = None
                person = item.prescription.person
                item_id, article_id = item.id, item.article_id
                taken = session.scalars(select(func.count()).select_from(Withdrawal)).one()
            start = Barrier(AT_ONCE)

            def by_web(
                start: Barrier = start,
                key: str = f"turn {turn}",
                item_id: int = item_id,
                article_id: int = article_id,
                person: object = person,
            ) -> str:
                start.wait(20)
                try:
                    with database.unit_of_work() as session:
                        line = OrderLine(item_id, {article_id: 1}, 1)
                        place_order(session, patient_identity(person), PlaceOrder((line,), idempotency_key=key))  # type: ignore[arg-type]
                except OrderRefused:
                    return "refused"
                return "web"

            def by_contract(number: int, start: Barrier = start) -> str:
                start.wait(20)
                # Each another client: the same words would be one order asked again.
                answer = scene.caller.order(scene.number, scene.first, orderer=f"Klient {number}")
                return {"OK": "contract", "ERROR": "refused"}[result(answer)[0]]

            results = [threads.submit(by_web)] + [threads.submit(by_contract, n) for n in range(AT_ONCE - 1)]
            found = Counter(one.result(30) for one in results)
            tally += found
            assert found["web"] + found["contract"] == 1, found
            with database.unit_of_work() as session:
                assert session.scalars(select(func.count()).select_from(Withdrawal)).one() == taken + 1
                assert session.get_one(PrescriptionItem, item_id).orders_remaining == 0
            clock.advance(timedelta(minutes=11))
    assert tally["web"] > 0 or tally["contract"] > 0
    with database.unit_of_work() as session:
        assert session.scalars(select(func.count()).select_from(Order)).one() == ROUNDS
