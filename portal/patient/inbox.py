"""A person's inbox: only what is about somebody they may still act for, themselves included."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from auth.models import InboxMessage
from auth.permissions import Permission, permits, require
from auth.relations import identity_for
from core.audit import record
from core.clock import now
from core.errors import NotFound
from portal.messages import MessageText, message_text, needed_to_read
from portal.security import SignedIn

MOST_SHOWN = 100


@dataclass(frozen=True)
class ReadableMessage:
    """A message in the reader's language; `about` names whom it is about when that is not the reader."""

    message: InboxMessage
    text: MessageText
    about: str


def unread_count(session: Session, user: SignedIn) -> int:
    """Return how many unread messages the reader would see in their inbox; one statement."""
    if user.person is None:
        return 0
    unread = select(func.count()).where(_mine(user), InboxMessage.read_at.is_(None))
    return session.scalar(unread) or 0


def messages_of(session: Session, user: SignedIn) -> list[ReadableMessage]:
    """Return the reader's latest messages, newest first; writes the look to the access log. Raises NotPermitted."""
    require(user.identity, Permission.READ_INBOX)
    found = session.scalars(
        select(InboxMessage).where(_mine(user)).order_by(InboxMessage.id.desc()).limit(MOST_SHOWN)
    ).all()
    record(session, user.identity.actor, "inbox.seen", subject_person_id=user.identity.person_id, manner="LOOK")
    return [_readable(message, user) for message in found]


def open_message(session: Session, user: SignedIn, message_id: int) -> ReadableMessage:
    """Return one message and mark it read; writes the look to the access log. Raises NotPermitted, NotFound."""
    require(user.identity, Permission.READ_INBOX)
    message = session.scalar(select(InboxMessage).where(_mine(user), InboxMessage.id == message_id))
    if message is None:
        raise NotFound
    if message.read_at is None:
        message.read_at = now(session)
    record(
        session,
        user.identity.actor,
        "message.seen",
        subject_person_id=message.about_person_id,
        manner="LOOK",
        object_ref=f"message:{message.id}",
    )
    return _readable(message, user)


def _mine(user: SignedIn) -> ColumnElement[bool]:
    assert user.person is not None
    about_faults = InboxMessage.kind.startswith("fault.", autoescape=True)
    return and_(
        InboxMessage.receiver_id == user.person.id,
        or_(
            and_(about_faults, InboxMessage.about_person_id.in_(_permitted(user, needed_to_read("fault.")))),
            and_(~about_faults, InboxMessage.about_person_id.in_(_permitted(user, needed_to_read("order.")))),
        ),
    )


def _permitted(user: SignedIn, permission: Permission) -> list[int]:
    assert user.person is not None
    return [s.person.id for s in user.subjects if permits(identity_for(user.person, s), permission)]


def _readable(message: InboxMessage, user: SignedIn) -> ReadableMessage:
    about = ""
    if message.about_person_id != user.identity.person_id:
        about = next(s.person.full_name for s in user.subjects if s.person.id == message.about_person_id)
    return ReadableMessage(message, message_text(message.kind, message.facts), about)
