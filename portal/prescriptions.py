"""Where prescriptions live elsewhere: reading them before a page is shown, and ordering there; where they live here, as ever.

The source may take seconds, so nothing here runs inside a unit of work of the caller's: each step has its own.
"""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.models import Person
from auth.numbers import MalformedNumber, PersonNumber, parse_number
from core.clock import now, swedish_date
from core.db import Database
from core.errors import DomainError, NotFound
from core.importing import FileRefused
from core.outbox import Message, OutboxMessage, publish
from orders.contract.writing import Values
from orders.importing.contract import parse_responses
from orders.importing.parsed import ParsedSubject
from orders.models import Order, Registration
from orders.services import PlaceOrder, place_order
from orders.source.catalogue import learn_articles, learn_units
from orders.source.policy import source_of
from orders.source.ports import AnswerLost, PrescriptionSource, Refused, SourceDown
from orders.source.reading import Taken, fresh_reading, take_answer
from orders.source.registering import awaited_order_ids, order_made_by, register_order, submit_order, undo_order

log = logging.getLogger("portal.prescriptions")
LOOK = "registration.look"
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
        """Read a person's prescriptions from where they live, unless that was done just now; a source that is down is a state.

        Raises NotFound for a person of another region, whose number its source is never asked about.
        """
        if not source_of(region).lives_elsewhere:
            return State.HERE
        with self._database.unit_of_work() as session:
            reading = fresh_reading(session, _person(session, region, person_id))
            if reading is not None:
                return State.IN_PART if reading.is_in_part else State.FRESH
        try:
            _subject, taken = self._read(region, person_id)
        except SourceDown:
            return State.DOWN
        return _STATES[taken]

    def place(self, identity: Identity, command: PlaceOrder) -> Order:
        """Place an order where the region's orders are taken; what comes back is awaited when the source's answer was lost.

        The same form is sent once: whoever sends it again is given what it made, also while the source is down. Raises what
        `place_order` raises, and SourceDown, RefusedBySource and AnotherAwaited, with nothing ordered.
        """
        if not source_of(identity.region).lives_elsewhere:
            with self._database.unit_of_work() as session:
                return place_order(session, identity, command)
        with self._database.unit_of_work() as session:
            made = order_made_by(session, identity, command)
        if made is not None:
            return made
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
            number, asked_at = _person(session, region, person_id).number, now(session)
        try:
            asked = parse_number(number, swedish_date(asked_at))
        except MalformedNumber:
            # A reserve number is no number of the contract's.
            raise SourceDown("cannot be asked about") from None
        subject = self._parse(self._port().read(region, number), asked)
        return subject, self._take(region, person_id, subject, asked_at)

    def _take(self, region: str, person_id: int, subject: ParsedSubject, asked_at: datetime) -> Taken:
        with self._database.unit_of_work() as session:
            learn_articles(session, region, subject.items)
        with self._database.unit_of_work() as session:
            learn_units(session, region, subject.items)
        with self._database.unit_of_work() as session:
            return take_answer(session, system_identity(region, _LABEL), person_id, subject, asked_at)

    def _parse(self, raw: bytes, asked: PersonNumber) -> ParsedSubject:
        try:
            parsed = parse_responses(raw, swedish_date(self._database.clock.now()))
        except FileRefused:
            log.error("the source's answer cannot be read")
            raise SourceDown("unreadable") from None
        if parsed.names_nobody and not parsed.subjects:
            return ParsedSubject(1, asked, is_empty_answer=True)
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


def _person(session: Session, region: str, person_id: int) -> Person:
    person = session.get(Person, person_id)
    if person is None or person.region != region:
        raise NotFound
    return person


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
    """Have every awaited order of a region looked for, each by itself; handles `registrations.due`.

    Not once more where the last time has not come yet: looking may take longer than a minute when a source hangs.
    """
    waiting = set(
        session.scalars(
            select(OutboxMessage.payload["order_id"].as_integer()).where(
                OutboxMessage.kind == LOOK, OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None)
            )
        )
    )
    for order_id in awaited_order_ids(session, message.payload["region"]):
        if order_id not in waiting:
            publish(session, LOOK, order_id=order_id)


def look_for_order(session: Session, message: Message) -> None:
    """Look for one awaited order; handles `registration.look`. Locks nothing but its own outbox message while the source is asked."""
    if _prescriptions is None:
        raise RuntimeError("no prescriptions: call portal.prescriptions.use_prescriptions at start")
    _prescriptions.look_for(message.payload["order_id"])
