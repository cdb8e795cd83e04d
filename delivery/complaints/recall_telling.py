"""Telling everybody who has something of a recall: in the inbox, by letter, or by phone. Handbook §§5, 7 and 11.

Whoever reads for a patient gets a message. A letter goes to those of whose readers none has chosen to be told by e-mail or SMS: a message
that nobody knows of is read too late. Those without an address are phoned. It goes through the outbox, a batch at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity, Task, system_identity
from auth.models import ContactSettings, Guardianship, NotifyBy, Person, ProxyAppointment
from auth.permissions import TABLE, Permission
from auth.persons import Posting, post_messages
from auth.relations import ActingPolicy, guardian_tasks, own_tasks, proxy_tasks
from core.audit import record
from core.clock import now, today
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_models import Recall, RecallRecipient, RecallStatus, ToldBy
from delivery.complaints.recalls import lock_recall

BATCH = 200
NOTICE = "recall.notice"
ANSWERING: frozenset[Task] = TABLE[Permission.ANSWER_RECALL].tasks


@dataclass(frozen=True)
class Texts:
    """What people are asked to do, in Swedish and in English; without English those who read it get the Swedish text."""

    sv: str
    en: str = ""


def tell(session: Session, identity: Identity, recall_no: str, texts: Texts) -> Recall:
    """Tell everybody with these texts, by the outbox; from now on the recall cannot be undone. Again changes nothing.

    Replacements are ordered now where the recall says so. Locks the recall. Raises NotPermitted, NotFound, TextMissing, WrongRecallStep.
    """
    recall = lock_recall(session, identity, recall_no)
    if recall.status is RecallStatus.TOLD:
        return recall
    if recall.status is not RecallStatus.OPEN:
        raise errors.WrongRecallStep(recall.status.value)
    if not texts.sv.strip():
        raise errors.TextMissing
    recall.text_sv, recall.text_en = texts.sv.strip(), texts.en.strip()
    recall.status, recall.told_at, recall.told_by_id = RecallStatus.TOLD, now(session), identity.staff_id
    publish(session, "recall.tell", recall_id=recall.id, after=0)
    if recall.replaces:
        publish(session, "recall.replace", recall_id=recall.id, after=0)
    record(session, identity.actor, "recall.told", subject_person_id=None, object_ref=f"recall:{recall.recall_no}")
    return recall


def tell_batch(session: Session, message: Message) -> None:
    """Tell the next recipients, and ask for those after them; handles `recall.tell`. Locks these recipients by id.

    A fixed number of statements beside those of the outbox. Whoever has been told is not told again.
    """
    recall = session.get_one(Recall, message.payload["recall_id"])
    if recall.status is not RecallStatus.TOLD:
        return
    recipients = session.scalars(
        select(RecallRecipient)
        .where(
            RecallRecipient.recall_id == recall.id,
            RecallRecipient.id > message.payload["after"],
            RecallRecipient.told_by.is_(None),
        )
        .order_by(RecallRecipient.id)
        .limit(BATCH)
        .with_for_update(of=RecallRecipient)
        .execution_options(populate_existing=True)
    ).all()
    persons = _persons(session, [one.person_id for one in recipients if one.person_id is not None])
    readers = readers_of(session, persons.values())
    reachable = _choosing_to_be_told(session, {reader for found in readers.values() for reader in found})
    instant, identity = now(session), system_identity(recall.region, "recalls")
    postings: list[Posting] = []
    for recipient in recipients:
        if recipient.person_id is None:
            # A unit reads it where it works.
            recipient.told_by, recipient.told_at = ToldBy.INBOX, instant
            continue
        person = persons[recipient.person_id]
        if person.deceased_on is not None:
            continue
        reading = readers[person.id]
        facts = {"recall_no": recall.recall_no, "title": recall.title, "what_to_do": recall.what_to_do.value}
        postings += [Posting(reader, person.id, NOTICE, facts) for reader in reading]
        recipient.told_by = _way(person, reading, reachable)
        if recipient.told_by is ToldBy.INBOX:
            recipient.told_at = instant
        record(
            session,
            identity.actor,
            "recall.told",
            subject_person_id=person.id,
            object_ref=f"recall:{recall.recall_no}",
        )
    post_messages(session, postings)
    if len(recipients) == BATCH:
        publish(session, "recall.tell", recall_id=recall.id, after=recipients[-1].id)


def _way(person: Person, readers: Collection[int], reachable: Collection[int]) -> ToldBy:
    if any(reader in reachable for reader in readers):
        return ToldBy.INBOX
    # With protected identity the unit is written to: there is an address that nobody here knows.
    return ToldBy.LETTER if person.is_protected or person.street else ToldBy.PHONE


def _persons(session: Session, person_ids: Collection[int]) -> dict[int, Person]:
    found = session.scalars(select(Person).where(Person.id.in_(person_ids)).order_by(Person.id))
    return {person.id: person for person in found}


def readers_of(session: Session, persons: Collection[Person]) -> dict[int, tuple[int, ...]]:
    """Return whose inboxes tell of something about each person: their own or their guardians', and those of proxies who may answer.

    In two statements. Between the ages the message waits for the patient.
    """
    ids = [person.id for person in persons]
    by_id, day = {person.id: person for person in persons}, today(session)
    guardians: dict[int, list[int]] = defaultdict(list)
    for child_id, guardian in session.execute(
        select(Guardianship.child_id, Person)
        .join(Person, Guardianship.guardian_id == Person.id)
        .where(Guardianship.child_id.in_(ids), Guardianship.ended_on.is_(None))
        .order_by(Person.id)
    ):
        policy = policy_of(by_id[child_id].region).section(ActingPolicy)
        if guardian_tasks(by_id[child_id], guardian, day, policy):
            guardians[child_id].append(guardian.id)
    proxies: dict[int, list[int]] = defaultdict(list)
    for appointment, proxy in session.execute(
        select(ProxyAppointment, Person)
        .join(Person, ProxyAppointment.proxy_id == Person.id)
        .where(ProxyAppointment.patient_id.in_(ids), ProxyAppointment.valid_until >= day)
        .order_by(ProxyAppointment.id)
    ):
        if proxy_tasks(appointment, by_id[appointment.patient_id], proxy, day) & ANSWERING:
            proxies[appointment.patient_id].append(proxy.id)
    found = {}
    for person in persons:
        policy = policy_of(person.region).section(ActingPolicy)
        own = own_tasks(person.birth_date, day, policy)
        first = [person.id] if own or not guardians[person.id] else guardians[person.id]
        found[person.id] = tuple(dict.fromkeys([*first, *proxies[person.id]]))
    return found


def _choosing_to_be_told(session: Session, person_ids: Collection[int]) -> set[int]:
    rows = session.scalars(
        select(ContactSettings.person_id)
        .join(Person, ContactSettings.person_id == Person.id)
        .where(
            ContactSettings.person_id.in_(person_ids),
            ContactSettings.notify_by != NotifyBy.NONE,
            Person.protection == "NONE",
            Person.deceased_on.is_(None),
        )
    )
    return set(rows)


def letters_to_post(session: Session, recall: Recall, *, is_lock: bool = False) -> Sequence[RecallRecipient]:
    """Return those who are to have a letter and have had none; the caller has checked the right to see them."""
    statement = (
        select(RecallRecipient)
        .join(RecallRecipient.person)
        .where(
            RecallRecipient.recall_id == recall.id,
            RecallRecipient.told_by == ToldBy.LETTER,
            RecallRecipient.told_at.is_(None),
            RecallRecipient.acknowledged_at.is_(None),
            Person.deceased_on.is_(None),
        )
        .order_by(RecallRecipient.id)
        .options(joinedload(RecallRecipient.person))
    )
    if is_lock:
        statement = statement.with_for_update(of=RecallRecipient).execution_options(populate_existing=True)
    return session.scalars(statement).all()


def note_letters_posted(session: Session, identity: Identity, recall_no: str) -> int:
    """Note that the letters have been posted: those they are for count as reached. Returns how many.

    Locks the recall, then the recipients by id. Raises NotPermitted, NotFound, WrongRecallStep.
    """
    recall = lock_recall(session, identity, recall_no)
    if recall.status is not RecallStatus.TOLD:
        raise errors.WrongRecallStep(recall.status.value)
    waiting = letters_to_post(session, recall, is_lock=True)
    for recipient in waiting:
        recipient.told_at = now(session)
    record(session, identity.actor, "recall.letters_posted", subject_person_id=None, object_ref=f"recall:{recall_no}")
    return len(waiting)
