"""Finding persons and staff, and leaving messages for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Commission, ContactSettings, InboxMessage, NotifyBy, Person, StaffMember, Unit
from auth.numbers import PersonNumber
from core.clock import now
from core.crypto import keyring
from core.outbox import publish

# Statements that every call of the contract sends are built once: that costs as much as sending them.
_BY_NUMBER = select(Person).where(Person.number_index == bindparam("number_index"))


def find_person_by_number(session: Session, number: PersonNumber) -> Person | None:
    """Return the person with this number, found by the blind index alone."""
    return session.scalar(_BY_NUMBER, {"number_index": keyring().blind_index(number.index_text)})


def find_persons_by_number(
    session: Session, numbers: Collection[PersonNumber], *, lock: bool = False
) -> dict[PersonNumber, Person]:
    """Return the known persons among `numbers`; with `lock`, locked for update in id order."""
    by_index = {keyring().blind_index(number.index_text): number for number in numbers}
    indexes, found = list(by_index), list[Person]()
    for start in range(0, len(indexes), 1000):
        query = select(Person).where(Person.number_index.in_(indexes[start : start + 1000])).order_by(Person.id)
        found.extend(session.scalars(query))
    if lock and found:
        # By id over all of them: a locked batch at a time would not be in order. Rows that only refer to a person are not kept out:
        # whoever writes one holds other locks already.
        query = select(Person).where(Person.id.in_([person.id for person in found])).order_by(Person.id)
        found = list(session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)))
    return {by_index[person.number_index]: person for person in found}


def find_commission(session: Session, staff_hsa_id: str, commission_hsa_id: str) -> Commission | None:
    """Return the commission in force that a log-in states, or None."""
    return session.scalar(
        select(Commission)
        .join(StaffMember, Commission.staff_id == StaffMember.id)
        .join(Unit, Commission.unit_id == Unit.id)
        .where(
            StaffMember.hsa_id == staff_hsa_id, Commission.hsa_id == commission_hsa_id, Commission.ended_at.is_(None)
        )
    )


def staff_identity(commission: Commission) -> Identity:
    """Build the identity of a staff member at work under one commission."""
    return Identity(
        role=commission.role,
        region=commission.unit.region,
        staff_id=commission.staff_id,
        unit_id=commission.unit_id,
        label=commission.staff_member.name,
    )


# Built once: every order posts a message.
_TO_BE_TOLD = select(ContactSettings.person_id).where(
    ContactSettings.person_id.in_(bindparam("receivers", expanding=True)), ContactSettings.notify_by != NotifyBy.NONE
)


@dataclass(frozen=True)
class Posting:
    """One message to put into an inbox; `facts` are plain JSON values."""

    receiver_id: int
    about_person_id: int
    kind: str
    facts: Mapping[str, Any]


def post_message(session: Session, receiver_id: int, about_person_id: int, kind: str, **facts: Any) -> None:
    """Put a message into a person's inbox, in the caller's transaction; `facts` are plain JSON values."""
    post_messages(session, [Posting(receiver_id, about_person_id, kind, facts)])


def post_messages(session: Session, postings: Collection[Posting]) -> None:
    """Put messages into inboxes, in the caller's transaction; whoever has chosen e-mail or SMS is to be told that there is one."""
    instant = now(session)
    messages = [
        InboxMessage(
            receiver_id=posting.receiver_id,
            about_person_id=posting.about_person_id,
            kind=posting.kind,
            facts=dict(posting.facts),
            created_at=instant,
        )
        for posting in postings
    ]
    if not messages:
        return
    session.add_all(messages)
    session.flush()
    told = set(session.scalars(_TO_BE_TOLD, {"receivers": sorted({message.receiver_id for message in messages})}))
    # "You have a new message" is said once, however many came together.
    for message in {message.receiver_id: message for message in messages}.values():
        if message.receiver_id in told:
            publish(session, "message.posted", inbox_message_id=message.id)
