"""A red flag reaches the consultants' address at once, and says nothing of whom or what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.db import Database
from core.outbox import OutboxMessage
from core.policy import policy_of
from delivery.complaints import routing
from delivery.complaints.policy import ComplaintsPolicy
from delivery.complaints.triage import Triage, triage
from portal import alerts
from portal.jobs import run_message
from portal.telling import AddressRefused, Couriers, use_couriers
from tests.integration.test_telling import LOGIN, Recorder
from tests.support.complaints import Office

ADDRESS = "konsulent@example.org"


@pytest.fixture
def mail() -> Iterator[Recorder]:
    recorder = Recorder()
    use_couriers(Couriers(LOGIN, mail=recorder))
    yield recorder
    use_couriers(Couriers(LOGIN))


@pytest.fixture
def office(database: Database, monkeypatch: pytest.MonkeyPatch) -> Office:
    changed = replace(policy_of("vgr").section(ComplaintsPolicy), alert_email=ADDRESS)
    real = policy_of

    class Changed:
        def section(self, kind: type) -> object:
            return changed if kind is ComplaintsPolicy else real("vgr").section(kind)

    for module in (routing, alerts):
        monkeypatch.setattr(module, "policy_of", lambda _region: Changed())
    return Office(database)


def _alert(database: Database) -> bool:
    with database.session() as session:
        alert = session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == "complaint.alert")).one()
    return run_message(database, alert)


def test_the_mail_names_the_case_and_nothing_else(database: Database, office: Office, mail: Recorder) -> None:
    case_no = office.report(is_red=True)
    assert _alert(database)
    ((to, subject, text, key),) = mail.sent
    assert to == ADDRESS
    assert f"{case_no[:3]}\N{NO-BREAK SPACE}{case_no[3:]}" in subject
    assert LOGIN in text
    for secret in ("Astrid", "Kim", "Glukossensor", "sensor", "L24A88", "0500"):
        assert secret not in subject + text
    # Handled twice it is the same message to the other side.
    assert key.startswith("alert-")
    assert not _alert(database)


def test_nobody_is_mailed_about_what_somebody_has_looked_at(database: Database, office: Office, mail: Recorder) -> None:
    case_no = office.report(is_red=True)
    with database.unit_of_work() as session:
        triage(session, office.eva, Triage(case_no))
    assert _alert(database)
    assert mail.sent == []


def test_a_mail_that_fails_is_tried_again_and_a_refused_address_is_not(
    database: Database, office: Office, mail: Recorder
) -> None:
    office.report(is_red=True)
    mail.failures = 1
    assert not _alert(database)
    assert _alert(database)
    assert len(mail.sent) == 1


def test_a_refused_address_is_left_at_that(database: Database, office: Office, mail: Recorder) -> None:
    office.report(is_red=True)
    mail.failures, mail.problem = 1, AddressRefused
    assert _alert(database)
    assert mail.sent == []
