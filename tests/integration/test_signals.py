"""The daily look on real PostgreSQL: what is flagged by which evidence, and what consultants decide about it."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import func, select, update

from auth.identity import Role
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message
from delivery.complaints.models import Complaint, ComplaintState
from delivery.complaints.signal_models import LotSignal, SignalStatus
from delivery.complaints.signal_queries import flagged_lots, lot_story
from delivery.complaints.signals import (
    NoteMissing,
    SignalSettled,
    dismiss_signal,
    look_at_lots,
    look_for_signals,
    open_signals,
)
from delivery.models import Depot, Lot, LotStatus, MovementReason, StockMovement
from portal.duties import DUTIES
from portal.jobs import HANDLERS
from tests.support.builders import NOON
from tests.support.counting import PATIENTS, Counting
from tests.support.deliveries import add_lot
from tests.support.statements import counted


@pytest.fixture
def counting(database: Database) -> Counting:
    counting = Counting(database)
    counting.usual_lots()
    return counting


def _flag(counting: Counting, lot_no: str = "BAD", reports: int = 10) -> int:
    picked = counting.send(lot_no, days_ago=40)
    counting.report(picked[:reports])
    counting.look()
    return counting.lot_id(lot_no)


def test_a_lot_that_stands_out_is_flagged_with_its_evidence(counting: Counting) -> None:
    lot_id = _flag(counting)
    (signal,) = counting.signals()
    assert (signal.lot_id, signal.status, signal.found_on) == (lot_id, SignalStatus.OPEN, NOON.date())
    assert (signal.reports, signal.delivered) == (10, PATIENTS * 30)
    assert 0.2 < signal.expected < 2
    assert signal.p_value < 1e-4
    with counting.database.unit_of_work() as session:
        assert open_signals(session, counting.eva) == 1
        (flagged,) = flagged_lots(session, counting.eva)
    assert flagged.weeks[-1].reports_so_far == 10
    assert flagged.weeks[-1].expected_so_far == pytest.approx(signal.expected)
    assert sum(week.sent for week in flagged.weeks) == PATIENTS * 30


def test_lots_as_usual_stay_silent(counting: Counting) -> None:
    picked = counting.send("NEW", days_ago=40)
    counting.report(picked[:2])
    assert counting.look().flagged == 0
    assert counting.signals() == []


def test_a_second_look_renews_the_evidence_of_the_one_signal(counting: Counting) -> None:
    picked = counting.send("BAD", days_ago=40)
    counting.report(picked[:10])
    counting.look()
    counting.look()
    counting.report(picked[10:12], days_ago=0)
    assert counting.look(NOON + timedelta(days=1)).updated == 1
    (signal,) = counting.signals()
    assert (signal.found_on, signal.looked_on) == (NOON.date(), NOON.date() + timedelta(days=1))
    assert signal.reports == 12


def test_each_patient_counts_once_and_what_is_no_fault_not_at_all(counting: Counting) -> None:
    picked = counting.send("BAD", days_ago=40)
    first = counting.report(picked[:1])
    for _again in range(9):
        counting.report(picked[:1])
    counting.report(picked[1:6], state=ComplaintState.DECLINED)
    counting.report(picked[6:11], duplicate_of=first[0])
    assert counting.look().flagged == 0
    counting.report(picked[1:11])
    assert counting.look().flagged == 1
    assert counting.signals()[0].reports == 11


def test_what_came_back_was_not_delivered(counting: Counting) -> None:
    lot_id = _flag(counting)
    picked = counting.send("BAD", days_ago=30)
    with counting.database.unit_of_work() as session:
        depot_id = session.scalars(select(Depot.id)).one()
        session.add(
            StockMovement(
                depot_id=depot_id,
                lot_id=lot_id,
                packages=30,
                reason=MovementReason.RETURNED,
                object_ref=f"picked_lot:{picked[0].id}",
                at=NOON,
            )
        )
    counting.look()
    assert counting.signals()[0].delivered == (2 * PATIENTS - 1) * 30
    with counting.database.unit_of_work() as session:
        story = lot_story(session, counting.eva, lot_id)
    assert (story.delivered, story.patients, story.on_hand) == ((2 * PATIENTS - 1) * 30, PATIENTS, 30)


def test_reports_of_a_lot_that_nobody_was_sent_flag_nothing(counting: Counting) -> None:
    """Typed by the reporter: there is nothing to count them against."""
    picked = counting.send("SENT", days_ago=40)
    cases = counting.report(picked)
    with counting.database.unit_of_work() as session:
        typed = add_lot(session, counting.article, "TYPED")
        session.execute(update(Complaint).where(Complaint.id.in_(cases)).values(lot_id=typed.id))
    assert counting.look().flagged == 0
    with counting.database.unit_of_work() as session:
        story = lot_story(session, counting.eva, typed.id)
    assert (story.case_count, story.delivered, story.weeks) == (len(cases), 0, ())


def test_dismissing_takes_a_note_and_a_colleague_is_told(counting: Counting) -> None:
    lot_id = _flag(counting)
    with counting.database.unit_of_work() as session, pytest.raises(NoteMissing):
        dismiss_signal(session, counting.eva, lot_id, "  ")
    with counting.database.unit_of_work() as session:
        dismiss_signal(session, counting.eva, lot_id, "Alla från samma kurs där de sattes fel.")
    (signal,) = counting.signals()
    assert (signal.status, signal.decided_by_id) == (SignalStatus.DISMISSED, counting.eva.staff_id)
    with counting.database.unit_of_work() as session:
        assert open_signals(session, counting.eva) == 0
        with pytest.raises(SignalSettled) as settled:
            dismiss_signal(session, counting.eva, lot_id, "En gång till.")
        assert settled.value.status is SignalStatus.DISMISSED
        story = lot_story(session, counting.eva, lot_id)
        logged = session.scalars(
            select(func.count()).where(AccessLogEntry.action == "signal.dismissed", AccessLogEntry.reason != "")
        ).one()
    assert logged == 1
    assert story.signal is None
    assert [one.decided_by for one in story.earlier] == ["Eva Konsulent"]


def test_a_dismissed_lot_comes_back_when_clearly_more_report(counting: Counting) -> None:
    picked = counting.send("BAD", days_ago=40)
    counting.report(picked[:8])
    counting.look()
    with counting.database.unit_of_work() as session:
        dismiss_signal(session, counting.eva, counting.lot_id("BAD"), "Vi avvaktar.")
    counting.report(picked[8:10], days_ago=0)
    assert counting.look(NOON + timedelta(days=1)).flagged == 0
    counting.report(picked[10:14], days_ago=0)
    assert counting.look(NOON + timedelta(days=2)).flagged == 1
    assert [signal.status for signal in counting.signals()] == [SignalStatus.DISMISSED, SignalStatus.OPEN]


def test_a_recalled_lot_is_no_signal_any_more(counting: Counting) -> None:
    lot_id = _flag(counting)
    with counting.database.unit_of_work() as session:
        session.get_one(Lot, lot_id).status = LotStatus.RECALLED
    with counting.database.unit_of_work() as session:
        assert open_signals(session, counting.eva) == 0
        assert flagged_lots(session, counting.eva) == []
        with pytest.raises(SignalSettled):
            dismiss_signal(session, counting.eva, lot_id, "För sent.")
    counting.look(NOON + timedelta(days=1))
    assert [signal.status for signal in counting.signals()] == [SignalStatus.RECALLED]
    assert counting.look(NOON + timedelta(days=2)).flagged == 0


def test_a_look_takes_as_many_statements_however_many_lots(counting: Counting) -> None:
    with counted(counting.database) as few:
        counting.look()
    counting.usual_lots(6)
    with counted(counting.database) as many:
        counting.look()
    assert len(few) == len(many) <= 8


def test_only_consultants_of_the_region_see_and_decide(counting: Counting) -> None:
    lot_id = _flag(counting)
    depot = counting.other_identity(Role.DEPOT)
    with counting.database.unit_of_work() as session:
        for act in (
            lambda: flagged_lots(session, depot),
            lambda: lot_story(session, depot, lot_id),
            lambda: dismiss_signal(session, depot, lot_id, "x"),
            lambda: open_signals(session, depot),
            lambda: look_for_signals(session, counting.eva),
        ):
            with pytest.raises(NotPermitted):
                act()
        with pytest.raises(NotFound):
            lot_story(session, counting.eva, 999_999)
        with pytest.raises(NotFound):
            dismiss_signal(session, counting.eva, counting.lot_id("U0"), "Aldrig flaggad.")


def test_the_clock_asks_for_a_look_every_morning(counting: Counting) -> None:
    picked = counting.send("BAD", days_ago=40)
    counting.report(picked[:10])
    (duty,) = [duty for duty in DUTIES if duty.kind == "signals.look"]
    assert (duty.at, duty.every) == (time(5), None)
    assert HANDLERS[duty.kind] is look_at_lots
    message = Message(1, duty.kind, {"region": "vgr", "day": "2026-11-23"})
    for _time in range(2):
        with counting.database.unit_of_work() as session:
            look_at_lots(session, message)
    with counting.database.session() as session:
        assert session.scalars(select(func.count()).select_from(LotSignal)).one() == 1


def test_other_regions_lots_are_not_looked_at(counting: Counting) -> None:
    picked = counting.send("BAD", days_ago=40)
    counting.report(picked[:10])
    with counting.database.unit_of_work() as session:
        look_at_lots(session, Message(1, "signals.look", {"region": "norrbotten", "day": "2026-11-23"}))
    assert counting.signals() == []
