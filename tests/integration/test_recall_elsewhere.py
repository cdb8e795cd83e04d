"""A depot elsewhere tells what has left: a fact, also when it was called back, and its receiver is in the recall."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from auth.models import InboxMessage
from core.db import Database
from core.outbox import Message, OutboxMessage
from delivery.complaints import recall_stops, recall_telling
from delivery.complaints.recall_models import RecallRecipient
from delivery.warehouse_models import Outcome
from tests.support.elsewhere import Elsewhere
from tests.support.recalls import RecallWorld
from tests.support.warehouse import Sent, despatch, elsewhere_policies


@pytest.fixture
def world(database: Database) -> RecallWorld:
    return RecallWorld(database)


@pytest.fixture
def elsewhere(world: RecallWorld, tmp_path: Path) -> Elsewhere:
    elsewhere_policies(tmp_path)
    return Elsewhere(world)


def test_a_recalled_lot_that_has_left_is_kept_and_its_receiver_told(world: RecallWorld, elsewhere: Elsewhere) -> None:
    sensor = world.article()
    early, late = world.person(), world.person()
    first = elsewhere.order({sensor: 2}, early)
    elsewhere.take(despatch(first, [Sent(first.line, 2)]))
    second = elsewhere.order({sensor: 3}, late)
    recall = world.open("L26A01", 1)
    assert world.recipients(recall) == {early.id: 2}
    with world.database.unit_of_work() as session:
        recall_telling.tell(session, world.consultant, recall.recall_no, recall_telling.Texts("Sluta."))
        recall_telling.tell_batch(session, Message(1, "recall.tell", {"recall_id": recall.id, "after": 0}))
    taken = elsewhere.take(despatch(second, [Sent(second.line, 3)]))
    assert taken.outcome is Outcome.EXCEPTION
    assert elsewhere.statuses(second) == ["SHIPPED"]
    _handle(world, "recall.despatched", recall_stops.add_despatched)
    _handle(world, "recall.tell", recall_telling.tell_batch)
    assert world.recipients(recall) == {early.id: 2, late.id: 3}
    with world.database.session() as session:
        told = session.scalars(select(InboxMessage.receiver_id).where(InboxMessage.kind == "recall.notice"))
        assert sorted(told) == sorted([early.id, late.id])
        assert session.scalars(select(RecallRecipient.told_by)).all()


def _handle(world: RecallWorld, kind: str, handler: object) -> None:
    with world.database.unit_of_work() as session:
        for row in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)):
            handler(session, Message(row.id, row.kind, row.payload))  # type: ignore[operator]
