"""Reminding those who have chosen it, once of each thing. Handbook §4: death and protected identity are heeded on the day.

A day's reminders go through the outbox a batch at a time: each batch commits with the message that asks for the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from sqlalchemy import func, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity, Task, system_identity
from auth.models import ContactSettings, Guardianship, Person
from auth.permissions import Permission, require
from auth.persons import Posting, post_messages
from auth.relations import ActingPolicy, guardian_tasks, own_tasks
from core import idempotency
from core.audit import record
from core.clock import STOCKHOLM, now, today
from core.outbox import Message, publish
from core.policy import policy_of
from orders import rules
from orders.kinds import ReminderKind
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus
from orders.policy import OrderingPolicy
from orders.queries import item_facts, person_facts, supplies_of
from orders.reminder_models import Reminder
from orders.reminder_rules import Due, ReminderFacts, due_reminders

# Swedish time: late enough to wake nobody, early enough to call the unit the same day.
REMIND_AT = time(7, 0)
BATCH = 200
_IN_USE_FOR = timedelta(days=200)
KINDS = {kind: f"reminder.{kind.value.lower()}" for kind in ReminderKind}


@dataclass(frozen=True)
class Reminded:
    """How many reminders a batch sent, and where the next one begins; None after the last."""

    sent: int
    next_after: int | None


def start_reminders(session: Session, region: str) -> bool:
    """Ask for the day's reminders by the outbox, from seven o'clock on and once a day whoever asks; True for the one who did."""
    local = now(session).astimezone(STOCKHOLM)
    if local.time() < REMIND_AT:
        return False
    if not idempotency.spend(session, "reminders", region, local.date().isoformat()).is_first:
        return False
    publish(session, "reminders.due", region=region, day=local.date().isoformat(), after=0)
    return True


def continue_reminders(session: Session, message: Message) -> None:
    """Send one batch of a day's reminders and ask for the next; handles `reminders.due`."""
    region, day = message.payload["region"], date.fromisoformat(message.payload["day"])
    # A message that had to wait speaks of the day on which it is handled.
    batch = remind(
        session, system_identity(region, "reminders"), max(day, today(session)), after=message.payload["after"]
    )
    if batch.next_after is not None:
        publish(session, "reminders.due", region=region, day=day.isoformat(), after=batch.next_after)


def remind(session: Session, identity: Identity, day: date, *, after: int = 0, limit: int = BATCH) -> Reminded:
    """Send what is due on `day` for the next `limit` patients of the region, themselves or a guardian having chosen it.

    A fixed number of statements beside those of the outbox. Two at once are harmless: a reminder is a row that only one can insert.
    Raises NotPermitted.
    """
    require(identity, Permission.ROUTE_MESSAGES)
    person_ids = _next_patients(session, identity.region, after, limit)
    persons = {
        person.id: person
        for person in session.scalars(select(Person).where(Person.id.in_(person_ids)).order_by(Person.id))
    }
    receivers = _receivers(session, persons, day)
    due = [one for one in _due(session, identity, persons, day) if receivers.get((one[0], one[2].kind))]
    sent = _insert(session, due)
    postings: dict[tuple[int, int, Due], list[PrescriptionItem]] = defaultdict(list)
    for person_id, item, one in sent:
        for receiver_id in receivers[person_id, one.kind]:
            postings[receiver_id, person_id, one].append(item)
    post_messages(
        session,
        [
            Posting(
                receiver_id,
                person_id,
                KINDS[one.kind],
                {
                    "articles": [item.article.display_name for item in items],
                    "items": [item.id for item in items],
                    "day": one.about.isoformat(),
                },
            )
            for (receiver_id, person_id, one), items in postings.items()
        ],
    )
    for person_id in sorted({person_id for person_id, _item, _due in sent}):
        record(session, identity.actor, "reminder.sent", subject_person_id=person_id)
    return Reminded(len(sent), person_ids[-1] if len(person_ids) == limit else None)


def _next_patients(session: Session, region: str, after: int, limit: int) -> list[int]:
    chose = func.cardinality(ContactSettings.reminders) > 0
    themselves = select(ContactSettings.person_id.label("id")).where(chose)
    children = (
        select(Guardianship.child_id.label("id"))
        .join(ContactSettings, ContactSettings.person_id == Guardianship.guardian_id)
        .where(chose, Guardianship.ended_on.is_(None))
    )
    either = union(themselves, children).subquery()
    return list(
        session.scalars(
            select(Person.id)
            .join(either, either.c.id == Person.id)
            .where(Person.region == region, Person.deceased_on.is_(None), Person.id > after)
            .order_by(Person.id)
            .limit(limit)
        )
    )


def _receivers(
    session: Session, persons: dict[int, Person], day: date
) -> dict[tuple[int, ReminderKind], frozenset[int]]:
    """Whom to remind per patient and kind: the patient, when of age, and the guardians who still act on this day."""
    found: dict[tuple[int, ReminderKind], set[int]] = defaultdict(set)
    own = session.scalars(select(ContactSettings).where(ContactSettings.person_id.in_(persons)))
    for settings in own:
        person = persons[settings.person_id]
        if Task.ORDER in own_tasks(person.birth_date, day, policy_of(person.region).section(ActingPolicy)):
            for kind in _chosen(settings):
                found[person.id, kind].add(person.id)
    guardians = session.execute(
        select(Guardianship.child_id, Person, ContactSettings)
        .join(Person, Person.id == Guardianship.guardian_id)
        .join(ContactSettings, ContactSettings.person_id == Guardianship.guardian_id)
        .where(Guardianship.child_id.in_(persons), Guardianship.ended_on.is_(None))
    )
    for child_id, guardian, settings in guardians:
        child = persons[child_id]
        if Task.ORDER in guardian_tasks(child, guardian, day, policy_of(child.region).section(ActingPolicy)):
            for kind in _chosen(settings):
                found[child_id, kind].add(guardian.id)
    return {key: frozenset(receivers) for key, receivers in found.items()}


def _chosen(settings: ContactSettings) -> list[ReminderKind]:
    return [kind for kind in ReminderKind if kind.value in settings.reminders]


def _due(
    session: Session, identity: Identity, persons: dict[int, Person], day: date
) -> list[tuple[int, PrescriptionItem, Due]]:
    items = session.scalars(
        select(PrescriptionItem)
        .join(Prescription)
        # What has ended may still be in use at home.
        .where(Prescription.person_id.in_(persons), PrescriptionItem.last_valid_date >= day - _IN_USE_FOR)
        .options(
            joinedload(PrescriptionItem.article).joinedload(Article.successor),
            joinedload(PrescriptionItem.prescription),
            selectinload(PrescriptionItem.sub_articles),
            selectinload(PrescriptionItem.delivery_alternatives),
        )
        .order_by(PrescriptionItem.id)
    ).all()
    supplies, told = supplies_of(session, items), _told(session, items)
    policy = policy_of(identity.region).section(OrderingPolicy)
    by_person: dict[int, list[PrescriptionItem]] = defaultdict(list)
    for item in items:
        by_person[item.prescription.person_id].append(item)
    found = []
    for person_id, prescribed in by_person.items():
        person = persons[person_id]
        for item in prescribed:
            at_home = [one for other in prescribed if other.article_id == item.article_id for one in supplies[other.id]]
            facts = ReminderFacts(
                verdict=rules.decide_withdrawal(item_facts(item, person, policy), person_facts(person, policy), day),
                next_earliest_order_date=item.next_earliest_order_date,
                last_valid_date=item.last_valid_date,
                lasts_until=rules.supply_lasts_until(at_home),
                is_followed=any(_follows(other, item) for other in prescribed),
                told=told[item.id],
            )
            found += [(person_id, item, due) for due in due_reminders(facts, day)]
    return found


def _follows(other: PrescriptionItem, item: PrescriptionItem) -> bool:
    return (
        other.article_id in (item.article_id, item.article.successor_id)
        and other.status is PrescriptionStatus.ACTIVE
        and (other.last_valid_date, other.id) > (item.last_valid_date, item.id)
    )


def _told(session: Session, items: Sequence[PrescriptionItem]) -> dict[int, list[Due]]:
    found: dict[int, list[Due]] = defaultdict(list)
    rows = session.scalars(select(Reminder).where(Reminder.prescription_item_id.in_([item.id for item in items])))
    for row in rows:
        found[row.prescription_item_id].append(Due(row.kind, row.about))
    return found


def _insert(session: Session, due: list[tuple[int, PrescriptionItem, Due]]) -> list[tuple[int, PrescriptionItem, Due]]:
    """Write the reminders that nobody has written yet, and return those; waits for whoever is writing the same."""
    if not due:
        return []
    # In one order, so that two who write the same never wait for each other.
    ordered = sorted(due, key=lambda one: (one[1].id, one[2].kind, one[2].about))
    inserted = session.execute(
        insert(Reminder)
        .values(
            [
                {
                    "person_id": person_id,
                    "prescription_item_id": item.id,
                    "kind": one.kind,
                    "about": one.about,
                    "sent_at": now(session),
                }
                for person_id, item, one in ordered
            ]
        )
        .on_conflict_do_nothing()
        .returning(Reminder.prescription_item_id, Reminder.kind, Reminder.about)
    )
    mine = {tuple(row) for row in inserted}
    return [one for one in ordered if (one[1].id, one[2].kind, one[2].about) in mine]
