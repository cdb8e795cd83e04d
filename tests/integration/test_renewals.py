"""Asking one's unit to renew, and the answer. Handbook §3.4–5; issue "Rules and reasons"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from auth.identity import Identity, Relation, Role, Task
from auth.models import Guardianship, InboxMessage, Person, ProxyAppointment
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import DomainError, NotFound, NotPermitted
from orders.kinds import OWN_SOURCE, ProductKind, RenewalStatus
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus
from orders.prescribing import ExtendItem
from orders.prescribing_errors import AlreadyAnswered, MayNotAskToRenew, PrescriptionRefused, ReasonMissing
from orders.prescription_rules import ProblemKind
from orders.renewal_models import RenewalRequest
from orders.renewals import AnswerRenewal, Decline, answer_renewal, open_requests_of
from orders.rules import Reason
from tests.support.builders import add_person, add_staff, add_unit, patient_identity
from tests.support.prescribing import Clinic, good_terms, key
from tests.support.statements import counted


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def _set(clinic: Clinic, item: PrescriptionItem, **values: Any) -> PrescriptionItem:
    with clinic.database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).where(PrescriptionItem.id == item.id).values(**values))
    return clinic.now(item)


def _used_up(clinic: Clinic, **terms: Any) -> PrescriptionItem:
    return _set(clinic, clinic.item(**terms), orders_remaining=0, orders_used_elsewhere=4)


def _answer(clinic: Clinic, request: RenewalRequest, decision: Any, nurse: Identity | None = None) -> PrescriptionItem:
    with clinic.database.unit_of_work() as session:
        return answer_renewal(session, nurse or clinic.nurse, AnswerRenewal(request.id, decision))


def _more(clinic: Clinic, request: RenewalRequest, nurse: Identity | None = None, **terms: Any) -> PrescriptionItem:
    return _answer(clinic, request, replace(ExtendItem(0, key(), more_orders=2), **terms), nurse)


def _request(clinic: Clinic, request: RenewalRequest) -> RenewalRequest:
    with clinic.database.session() as session:
        return session.get_one(RenewalRequest, request.id)


def _told(clinic: Clinic) -> list[tuple[int, str, dict[str, Any]]]:
    with clinic.database.session() as session:
        found = session.scalars(select(InboxMessage).order_by(InboxMessage.id))
        return [(one.receiver_id, one.kind, one.facts) for one in found]


def test_the_patient_asks_once_and_the_unit_says_yes(clinic: Clinic) -> None:
    item = _used_up(clinic, valid_until=date(2027, 6, 30))
    request = clinic.ask(item, note="  Snart slut\x00  ")
    assert (request.note, request.unit_id, request.asked_by_person_id) == (
        "Snart slut",
        clinic.unit.id,
        clinic.person.id,
    )
    assert clinic.ask(item, note="Igen").id == request.id
    _more(clinic, request)
    answered = _request(clinic, request)
    assert (answered.status, answered.answered_by_staff_id) == (RenewalStatus.RENEWED, clinic.nurse.staff_id)
    assert clinic.now(item).orders_remaining == 2
    assert _told(clinic) == [
        (clinic.person.id, "renewal.asked", {"article": "Glukossensor", "unit": clinic.unit.name}),
        (clinic.person.id, "renewal.renewed", {"article": "Glukossensor", "until": "2027-06-30"}),
    ]
    with clinic.database.session() as session:
        actions = session.scalars(select(AccessLogEntry.action).order_by(AccessLogEntry.id)).all()
    assert list(actions) == ["renewal.asked", "prescription.extended", "renewal.renewed"]
    with pytest.raises(AlreadyAnswered):
        _more(clinic, request)


def test_the_same_form_asks_once_even_after_the_answer(clinic: Clinic) -> None:
    item = _used_up(clinic)
    request = clinic.ask(item, idempotency_key="form")
    _answer(clinic, request, Decline("Vi ses på besöket först"))
    assert clinic.ask(item, idempotency_key="form").id == request.id
    assert clinic.ask(item).id != request.id


def test_a_no_has_a_reason_that_the_patient_reads(clinic: Clinic) -> None:
    item = _used_up(clinic)
    request = clinic.ask(item)
    with pytest.raises(ReasonMissing):
        _answer(clinic, request, Decline(" "))
    _answer(clinic, request, Decline("Boka tid först"))
    assert _request(clinic, request).answer == "Boka tid först"
    assert _told(clinic)[-1] == (
        clinic.person.id,
        "renewal.declined",
        {"article": "Glukossensor", "answer": "Boka tid först"},
    )
    assert clinic.now(item).orders_remaining == 0


def test_what_is_asked_for_is_what_a_renewal_helps(clinic: Clinic, clock: ManualClock) -> None:
    item = clinic.item(valid_until=date(2027, 6, 30))
    with pytest.raises(MayNotAskToRenew) as refused:
        clinic.ask(item)
    assert refused.value.verdict.reason is Reason.ALLOWED
    clock.set(datetime(2027, 5, 1, 9, tzinfo=UTC))
    assert clinic.ask(item).status is RenewalStatus.OPEN  # it ends within sixty days
    expired = clinic.item(valid_until=date(2027, 3, 1))
    assert clinic.ask(expired).status is RenewalStatus.OPEN
    cancelled = _set(clinic, clinic.item(), status=PrescriptionStatus.CANCELLED)
    with pytest.raises(MayNotAskToRenew) as refused:
        clinic.ask(cancelled)
    assert refused.value.verdict.reason is Reason.CANCELLED


def test_a_discontinued_article_is_renewed_with_its_successor(clinic: Clinic) -> None:
    article, successor = clinic.article(ProductKind.PEN_NEEDLE), clinic.article(ProductKind.PEN_NEEDLE, name="Ny kanyl")
    with clinic.database.unit_of_work() as session:
        old = session.get_one(Article, article.id)
        old.is_orderable, old.successor_id = False, successor.id
    item = clinic.item(article)
    request = clinic.ask(item)
    # Whose it is the request says, whatever the form does.
    renewed = _answer(clinic, request, replace(good_terms(clinic.person, successor), person_id=0))
    with clinic.database.session() as session:
        made = session.get_one(PrescriptionItem, renewed.id)
        assert (made.article_id, made.prescription.source) == (successor.id, OWN_SOURCE)
        assert made.prescription.person_id == clinic.person.id
    assert _told(clinic)[-1][1:] == ("renewal.renewed", {"article": "Ny kanyl", "until": "2027-11-30"})


def test_prescribing_or_extending_without_looking_answers_the_request_too(clinic: Clinic) -> None:
    item, other = _used_up(clinic), _used_up(clinic)
    first, second = clinic.ask(item), clinic.ask(other)
    clinic.extend(item, more_orders=1)
    with clinic.database.session() as session:
        article = session.get_one(Article, other.article_id)
    with clinic.database.unit_of_work() as session:
        session.get_one(Article, article.id).agreement_no = "A-1"
    clinic.prescribe(article)
    assert {_request(clinic, one).status for one in (first, second)} == {RenewalStatus.RENEWED}
    assert [kind for _who, kind, _facts in _told(clinic)][-2:] == ["renewal.renewed", "renewal.renewed"]


def test_a_stop_closes_the_request_and_says_so_once(clinic: Clinic) -> None:
    item = clinic.item(valid_until=date(2026, 12, 20))
    request = clinic.ask(item)
    clinic.stop(item)
    assert _request(clinic, request).status is RenewalStatus.DECLINED
    assert [kind for _who, kind, _facts in _told(clinic)] == ["renewal.asked", "prescription.stopped"]


def test_a_request_follows_its_item_to_another_unit(clinic: Clinic) -> None:
    item = _used_up(clinic)
    request = clinic.ask(item)
    with clinic.database.unit_of_work() as session:
        other = add_unit(session, "Vuxenmottagningen")
        session.get_one(Prescription, item.prescription_id).unit_id = other.id
    nurse = clinic.another_nurse(other)
    with pytest.raises(NotFound):
        _more(clinic, request)
    _more(clinic, request, nurse)
    assert _request(clinic, request).unit_id == other.id


def test_a_request_of_somebody_who_moved_or_died_is_not_renewed(clinic: Clinic) -> None:
    item = _used_up(clinic)
    request = clinic.ask(item)
    with clinic.database.unit_of_work() as session:
        session.get_one(Person, clinic.person.id).county_code = "12"
    with pytest.raises(PrescriptionRefused) as refused:
        _more(clinic, request)
    assert refused.value.problems[0].kind is ProblemKind.MOVED_OUT
    assert _request(clinic, request).status is RenewalStatus.OPEN
    with clinic.database.unit_of_work() as session:
        session.get_one(Person, clinic.person.id).deceased_on = date(2026, 12, 1)
    before = len(_told(clinic))
    _answer(clinic, request, Decline("Avliden"))
    assert len(_told(clinic)) == before


@pytest.mark.parametrize(
    ("change", "still_hears"),
    [
        (lambda _one: None, True),
        (lambda one: setattr(one, "withdrawn_at", datetime(2026, 12, 1, 10, tzinfo=UTC)), False),
        (lambda one: setattr(one, "valid_until", date(2026, 11, 30)), False),
        (lambda one: setattr(one, "tasks", [Task.REPORT_FAULTS.value]), False),
    ],
)
def test_a_proxy_hears_the_answer_while_they_may_still_order(
    clinic: Clinic, change: Callable[[ProxyAppointment], None], still_hears: bool
) -> None:
    item = _used_up(clinic)
    with clinic.database.unit_of_work() as session:
        proxy = add_person(session, name="Ombud Ombudsson")
        appointment = ProxyAppointment(
            patient_id=clinic.person.id,
            proxy_id=proxy.id,
            tasks=[Task.ORDER.value],
            valid_from=date(2026, 1, 1),
            valid_until=date(2027, 12, 31),
            accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        session.add(appointment)
    request = clinic.ask(item, patient_identity(clinic.person, actor=proxy, relation=Relation.PROXY))
    assert request.asked_by_person_id == proxy.id
    assert {who for who, _kind, _facts in _told(clinic)} == {clinic.person.id, proxy.id}
    with clinic.database.unit_of_work() as session:
        change(session.get_one(ProxyAppointment, appointment.id))
    _more(clinic, request)
    heard = {who for who, kind, _facts in _told(clinic) if kind == "renewal.renewed"}
    assert heard == {clinic.person.id} | ({proxy.id} if still_hears else set())


def test_a_guardian_who_may_act_hears_what_the_unit_decides(clinic: Clinic, clock: ManualClock) -> None:
    with clinic.database.unit_of_work() as session:
        child, guardian = add_person(session, born=date(2014, 1, 10)), add_person(session)
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
    item = clinic.item(person=child, valid_until=date(2026, 12, 20))
    clinic.ask(item, patient_identity(child, actor=guardian, relation=Relation.GUARDIAN))
    clinic.extend(item, last_valid_date=date(2027, 11, 1))
    told = [(who, kind) for who, kind, _facts in _told(clinic)]
    assert told == [(who, kind) for kind in ("renewal.asked", "renewal.renewed") for who in (child.id, guardian.id)]
    # Thirteen: from the birthday on the guardian is told of nothing.
    clock.set(datetime(2027, 1, 10, 9, tzinfo=UTC))
    clinic.stop(item)
    assert [(who, kind) for who, kind, _facts in _told(clinic)][4:] == [(child.id, "prescription.stopped")]


def test_customer_service_asks_during_a_call(clinic: Clinic) -> None:
    item = _used_up(clinic)
    with clinic.database.unit_of_work() as session:
        service = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE))
    with pytest.raises(NotPermitted):
        clinic.ask(item, service)
    call = replace(
        service, subject_person_id=clinic.person.id, relation=Relation.CALL, tasks=frozenset(Task), reason="Ringer"
    )
    request = clinic.ask(item, call)
    assert (request.asked_by_person_id, request.asked_by_staff_id) == (None, service.staff_id)
    _more(clinic, request)
    assert {who for who, _kind, _facts in _told(clinic)} == {clinic.person.id}


def test_nobody_asks_for_or_answers_what_is_not_theirs(clinic: Clinic) -> None:
    item = _used_up(clinic)
    with clinic.database.unit_of_work() as session:
        stranger = add_person(session)
        other_unit = add_unit(session)
        wrong = [staff_identity(add_staff(session, role, unit=clinic.unit)) for role in (Role.DEPOT, Role.CONSULTANT)]
    with pytest.raises(NotFound):
        clinic.ask(item, patient_identity(stranger))
    no_order = replace(patient_identity(clinic.person), tasks=frozenset({Task.VIEW_HISTORY}))
    with pytest.raises(NotPermitted):
        clinic.ask(item, no_order)
    request = clinic.ask(item)
    for nurse, error in [
        (clinic.another_nurse(other_unit), NotFound),
        (replace(clinic.nurse, region="elsewhere"), NotFound),
        *((identity, NotPermitted) for identity in wrong),
    ]:
        expected: type[DomainError] = error
        with pytest.raises(expected):
            _more(clinic, request, nurse)
    with pytest.raises(NotFound):
        _more(clinic, RenewalRequest(id=request.id + 99))
    assert _request(clinic, request).status is RenewalStatus.OPEN


def test_open_requests_are_found_in_one_statement(clinic: Clinic) -> None:
    items = [_used_up(clinic) for _number in range(3)]
    requests = [clinic.ask(item) for item in items[:2]]
    _answer(clinic, requests[1], Decline("Nej"))
    with counted(clinic.database) as statements, clinic.database.session() as session:
        found = open_requests_of(session, [item.id for item in items])
    assert {item_id: request.id for item_id, request in found.items()} == {items[0].id: requests[0].id}
    assert len(statements) == 1


def test_a_request_waits_and_a_new_day_changes_nothing(clinic: Clinic, clock: ManualClock) -> None:
    request = clinic.ask(_used_up(clinic))
    clock.advance(timedelta(days=200))
    _more(clinic, request, last_valid_date=date(2028, 1, 1))
    assert _request(clinic, request).status is RenewalStatus.RENEWED
