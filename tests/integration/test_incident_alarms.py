"""Clocks of serious incidents that run out: each rings once, whoever looks, and the consultants are mailed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.outbox import Message, OutboxMessage
from core.policy import policy_of
from delivery.complaints.incident_rules import AT_ONCE
from delivery.complaints.incident_watch import watch_incidents
from delivery.complaints.models import Complaint
from delivery.complaints.policy import ComplaintsPolicy
from portal import alerts
from portal.duties import DUTIES
from portal.jobs import HANDLERS
from portal.telling import Couriers
from tests.support.incidents import LETTER, Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_alarm_rings_once_for_each_clock_that_runs_out(desk: Desk, clock: ManualClock) -> None:
    before = desk.alerts()
    desk.assess()
    clock.advance(AT_ONCE)
    desk.watch()
    assert desk.alerts() == before
    clock.advance(timedelta(minutes=10))
    for _ in range(3):
        desk.watch()
        clock.advance(timedelta(minutes=10))
    assert desk.alerts() == before + 1
    desk.send(desk.write())
    desk.send(desk.write(LETTER))
    clock.advance(timedelta(days=9))
    desk.watch()
    assert desk.alerts() == before + 1
    clock.advance(timedelta(days=2))
    desk.watch()
    desk.watch()
    assert desk.alerts() == before + 2
    with desk.database.session() as session:
        told = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "incident.alarmed")).all()
    assert [entry.subject_person_id for entry in told] == [desk.patient.id] * 2


def test_workers_who_watch_at_once_alarm_once(desk: Desk, clock: ManualClock) -> None:
    before = desk.alerts()
    desk.assess()
    clock.advance(AT_ONCE + timedelta(minutes=1))
    barrier = Barrier(4)

    def watch() -> None:
        barrier.wait(10)
        desk.watch()

    threads = [Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert desk.alerts() == before + 1


def test_the_clock_does_it_and_another_region_is_left_alone(desk: Desk, clock: ManualClock) -> None:
    assert "incidents.watch" in {duty.kind for duty in DUTIES}
    assert HANDLERS["incidents.watch"] is watch_incidents
    before = desk.alerts()
    desk.assess()
    clock.advance(timedelta(days=3))
    with desk.database.unit_of_work() as session:
        watch_incidents(session, Message(1, "incidents.watch", {"region": "norrbotten", "day": "2026-12-01"}))
    assert desk.alerts() == before


class Mailbox:
    """A way to mail that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def send(self, to: str, subject: str, text: str, key: str) -> None:
        """Keep a message."""
        assert key
        self.sent.append((to, subject, text))


def test_the_consultants_are_mailed_also_when_somebody_has_looked(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Mailbox()
    monkeypatch.setattr(alerts, "couriers", lambda: Couriers("https://portal.example.se", mailbox))
    policy = replace(policy_of("vgr").section(ComplaintsPolicy), alert_email="konsulenter@example.se")
    monkeypatch.setattr(alerts, "policy_of", lambda _region: SimpleNamespace(section=lambda _kind: policy))
    desk.assess()
    with desk.database.unit_of_work() as session:
        session.scalars(select(Complaint)).one().triaged_at = clock.now()
    clock.advance(AT_ONCE + timedelta(minutes=1))
    desk.watch()
    with desk.database.unit_of_work() as session:
        messages = select(OutboxMessage).where(OutboxMessage.kind == "complaint.alert").order_by(OutboxMessage.id)
        for row in session.scalars(messages).all():
            HANDLERS["complaint.alert"](session, Message(row.id, row.kind, row.payload))
    ((to, subject, said),) = mailbox.sent
    assert to == "konsulenter@example.se"
    assert f"{desk.case_no[:-3]}\N{NO-BREAK SPACE}{desk.case_no[-3:]}" in subject
    assert not {"Astrid", "Provsson", "Glukossensor", "L24A88"} & set(re.split(r"\W+", subject + said))
