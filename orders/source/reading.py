"""Taking a source's answer about one person: what they may order, what they withdrew, and what became of orders sent there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.importing import Outcome
from orders.importing.items import ItemWriter
from orders.importing.parsed import ParsedSubject
from orders.importing.prescriptions import GONE, books_of
from orders.kinds import OWN_SOURCE
from orders.models import Order
from orders.services import lock_person
from orders.source.copies import name_rows, note_cancelled, note_deliveries, stated_rows
from orders.source.models import AwaitedOrder, SourceReading
from orders.source.policy import source_of
from orders.source.registering import register_order, undo_order
from orders.source.requests import sent_rows
from orders.source.rules import Standing, match_rows, may_take, standing_of


class Taken(StrEnum):
    """What became of an answer: taken, taken but for rows that could not be read, older than what is known, or put off."""

    TAKEN = "TAKEN"
    TAKEN_IN_PART = "TAKEN_IN_PART"
    OLDER = "OLDER"
    AWAITING = "AWAITING"


def fresh_reading(session: Session, person: Person) -> SourceReading | None:
    """Return the latest reading when it is so recent that the source need not be asked; never while an order is awaited."""
    awaited = select(AwaitedOrder.order_id).where(AwaitedOrder.person_id == person.id)
    if session.scalar(awaited) is not None:
        return None
    reading = session.get(SourceReading, person.id)
    is_fresh = reading is not None and now(session) - reading.asked_at < source_of(person.region).fresh
    return reading if is_fresh else None


def take_answer(
    session: Session, identity: Identity, person_id: int, subject: ParsedSubject, asked_at: datetime
) -> Taken:
    """Make the person's prescriptions what the source says, as it was asked at `asked_at`; it has everything of theirs but our own.

    An order that is awaited comes first: what the answer says of it is settled, and while that is nothing, nothing is taken, for its
    withdrawals would be counted as made elsewhere or not at all. The articles and units are known already (`learn_articles`). Locks the
    person, then as an import of prescriptions. Raises NotPermitted, NotFound for a person of another region.
    """
    require(identity, Permission.RUN_IMPORT)
    person = lock_person(session, person_id)
    if person.region != identity.region:
        raise NotFound
    reading = session.get(SourceReading, person_id, populate_existing=True)
    if not may_take(asked_at, reading.settled_at if reading is not None else None):
        return Taken.OLDER
    if _settle_awaited(session, identity, person, subject, asked_at) is Standing.AWAITED:
        return Taken.AWAITING
    name_rows(session, person, subject)
    note_cancelled(session, identity, person, subject, asked_at)
    outcome = Outcome()
    _write_items(session, identity, person, subject, asked_at, outcome)
    note_deliveries(session, person, subject)
    is_in_part = bool(outcome.refused or not subject.is_readable or subject.mentioned)
    # Of two answers that were asked for before either was taken, nobody can say which is the younger: the second one is not taken.
    values = {"asked_at": asked_at, "settled_at": now(session), "is_in_part": is_in_part}
    seen = insert(SourceReading).values(person_id=person_id, **values)
    session.execute(seen.on_conflict_do_update(index_elements=[SourceReading.person_id], set_=values))
    return Taken.TAKEN_IN_PART if is_in_part else Taken.TAKEN


def _settle_awaited(
    session: Session, identity: Identity, person: Person, subject: ParsedSubject, asked_at: datetime
) -> Standing:
    awaited = session.scalar(
        select(AwaitedOrder).where(AwaitedOrder.person_id == person.id).execution_options(populate_existing=True)
    )
    if awaited is None:
        return Standing.REGISTERED
    if asked_at <= awaited.sent_at:
        # Asked before it was sent: this answer cannot know of it.
        return Standing.AWAITED
    sent, stated = sent_rows(session, session.get_one(Order, awaited.order_id)), stated_rows(subject)
    standing = standing_of(
        sent,
        match_rows(sent, stated, frozenset(awaited.known_item_ids)),
        waited=asked_at - awaited.sent_at,
        patience=source_of(person.region).patience,
    )
    match standing:
        case Standing.REGISTERED:
            register_order(session, identity, awaited.order_id, stated)
        case Standing.NOT_REGISTERED:
            undo_order(session, identity, awaited.order_id, tell_patient=True)
    session.flush()
    return standing


def _write_items(
    session: Session,
    identity: Identity,
    person: Person,
    subject: ParsedSubject,
    asked_at: datetime,
    outcome: Outcome,
) -> None:
    books = books_of(session, person.region, [subject])
    writer = ItemWriter(session, identity, books, person, subject, outcome, counted_until=asked_at)
    writer.write()
    if subject.is_readable and (subject.items or subject.mentioned or subject.is_empty_answer):
        keys = subject.mentioned | {item.key for item in subject.items}
        for key, item in sorted(writer.existing.items(), key=lambda pair: pair[1].id):
            if key.source != OWN_SOURCE and key not in keys and item.status not in GONE:
                writer.cancel(item.id)
    if writer.wrote_something:
        record(session, identity.actor, "prescription.imported", subject_person_id=person.id, object_ref="source")
