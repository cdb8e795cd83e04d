"""Where prescriptions live elsewhere: reading them before a page is shown, and ordering there; where they live here, as ever.

The source may take seconds, so nothing here runs inside a unit of work of the caller's: each step has its own.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.models import Person
from auth.numbers import MalformedNumber, parse_number
from core.clock import today
from core.db import Database
from core.errors import DomainError
from core.importing import FileRefused
from core.outbox import Message, publish
from orders.contract.writing import Values
from orders.importing.contract import parse_responses
from orders.importing.parsed import ParsedSubject
from orders.models import Order, Registration
from orders.services import PlaceOrder, place_order
from orders.source.catalogue import learn_articles, learn_units
from orders.source.policy import source_of
from orders.source.ports import AnswerLost, PrescriptionSource, Refused, SourceDown
from orders.source.reading import Taken, is_fresh, take_answer
from orders.source.registering import awaited_order_ids, register_order, submit_order, undo_order

log = logging.getLogger("portal.prescriptions")
_LABEL = "prescription source"


class State(StrEnum):
    """How true what is shown of somebody's prescriptions is."""

    HERE = "HERE"
    FRESH = "FRESH"
    IN_PART = "IN_PART"
    AWAITING = "AWAITING"
    DOWN = "DOWN"


class RefusedBySource(DomainError):
    """The source takes nothing of an order; its comment is fit for the patient, and may be empty. Nothing was ordered."""

    def __init__(self, comment: str) -> None:
        super().__init__("refused by the source")
        self.comment = comment


class Prescriptions:
    """What pages and workers ask about prescriptions, wherever they live."""

    def __init__(self, database: Database, source: PrescriptionSource | None) -> None:
        self._database, self._source = database, source

    def refresh(self, region: str, person_id: int) -> State:
        """Read a person's prescriptions from where they live, unless that was done just now; never raises for a source that is down."""
        if not source_of(region).lives_elsewhere:
            return State.HERE
        with self._database.unit_of_work() as session:
            if is_fresh(session, session.get_one(Person, person_id)):
                return State.FRESH
        try:
            _subject, taken = self._read(region, person_id)
        except SourceDown:
            return State.DOWN
        return _STATES[taken]

    def place(self, identity: Identity, command: PlaceOrder) -> Order:
        """Place an order where the region's orders are taken; what comes back is awaited when the source's answer was lost.

        Raises what `place_order` raises, and SourceDown, RefusedBySource and AnotherAwaited, with nothing ordered.
        """
        if not source_of(identity.region).lives_elsewhere:
            with self._database.unit_of_work() as session:
                return place_order(session, identity, command)
        assert identity.subject_person_id is not None
        # Asked anew: what the source has now is what a lost order is told from.
        subject, _taken = self._read(identity.region, identity.subject_person_id)
        known = [past.order_item_id for past in subject.history]
        with self._database.unit_of_work() as session:
            submitted = submit_order(session, identity, command, known)
        if submitted.request is None:
            return submitted.order
        return self._send(identity, submitted.order, submitted.request)

    def look_for(self, order_id: int) -> None:
        """Ask the source what became of an awaited order; does nothing for one that is settled, or when the source is down."""
        with self._database.unit_of_work() as session:
            order = session.get(Order, order_id)
        if order is None or order.registration is not Registration.AWAITED:
            return
        try:
            self._read(order.region, order.patient_id)
        except SourceDown:
            log.warning("an order is awaited and its source is down", extra={"order_id": order_id})

    def _send(self, identity: Identity, order: Order, request: Values) -> Order:
        try:
            answer = self._port().register(order.region, request)
        except SourceDown:
            with self._database.unit_of_work() as session:
                undo_order(session, identity, order.id, tell_patient=False)
            raise
        except AnswerLost:
            log.warning("the answer to an order was lost", extra={"order_id": order.id})
            self.look_for(order.id)
            with self._database.unit_of_work() as session:
                return session.get_one(Order, order.id)
        with self._database.unit_of_work() as session:
            if isinstance(answer, Refused):
                undo_order(session, identity, order.id, tell_patient=False)
            else:
                return register_order(session, identity, order.id, answer.rows)
        raise RefusedBySource(answer.comment)

    def _read(self, region: str, person_id: int) -> tuple[ParsedSubject, Taken]:
        with self._database.unit_of_work() as session:
            person = session.get_one(Person, person_id)
            asked_at, number = self._database.clock.now(), person.number
        subject = self._parse(self._port().read(region, number), number)
        with self._database.unit_of_work() as session:
            learn_articles(session, region, subject.items)
        with self._database.unit_of_work() as session:
            learn_units(session, region, subject.items)
        with self._database.unit_of_work() as session:
            taken = take_answer(session, system_identity(region, _LABEL), person_id, subject, asked_at)
        return subject, taken

    def _parse(self, raw: bytes, number: str) -> ParsedSubject:
        with self._database.unit_of_work() as session:
            day = today(session)
        try:
            parsed = parse_responses(raw, day)
            asked = parse_number(number, day)
        except (FileRefused, MalformedNumber) as problem:
            log.error("the source's answer cannot be read", extra={"reason": type(problem).__name__})
            raise SourceDown("unreadable") from None
        if parsed.refusals:
            log.warning("the source's answer has parts that cannot be read", extra={"count": len(parsed.refusals)})
        if len(parsed.subjects) != 1 or parsed.subjects[0].number != asked:
            log.error("the source answered about nobody or about somebody else")
            raise SourceDown("not about whom was asked")
        return parsed.subjects[0]

    def _port(self) -> PrescriptionSource:
        if self._source is None:
            raise SourceDown("no way to the source is configured")
        return self._source


_STATES = {
    Taken.TAKEN: State.FRESH,
    Taken.OLDER: State.FRESH,
    Taken.TAKEN_IN_PART: State.IN_PART,
    Taken.AWAITING: State.AWAITING,
}
_prescriptions: Prescriptions | None = None


def use_prescriptions(prescriptions: Prescriptions) -> None:
    """Give this process its way to prescriptions; called once by each entry point whose jobs look for orders."""
    global _prescriptions
    _prescriptions = prescriptions


def look_for_awaited(session: Session, message: Message) -> None:
    """Have every awaited order of a region looked for, each by itself; handles `registrations.due`."""
    for order_id in awaited_order_ids(session, message.payload["region"]):
        publish(session, "registration.look", order_id=order_id)


def look_for_order(session: Session, message: Message) -> None:
    """Look for one awaited order; handles `registration.look`. Locks nothing but its own outbox message while the source is asked."""
    if _prescriptions is None:
        raise RuntimeError("no prescriptions: call portal.prescriptions.use_prescriptions at start")
    _prescriptions.look_for(message.payload["order_id"])
