"""What a person has chosen: how to be told of messages, what to be reminded of, and in which language. Handbook §§4 and 11."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import ContactSettings, NotifyBy, Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import DomainError, NotFound, NotPermitted
from core.phones import swedish_mobile

LONGEST_EMAIL = 254
MOST_REMINDERS = 20
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_ABROAD = re.compile(r"\+(?!46)[1-9][0-9]{6,14}", re.ASCII)


class ContactProblem(StrEnum):
    """What is wrong with what somebody chose."""

    EMAIL_MISSING = "EMAIL_MISSING"
    EMAIL_MALFORMED = "EMAIL_MALFORMED"
    MOBILE_MISSING = "MOBILE_MISSING"
    MOBILE_MALFORMED = "MOBILE_MALFORMED"


class ContactRefused(DomainError):
    """The address to be told at cannot be used."""

    def __init__(self, problem: ContactProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class NoContactKept(DomainError):
    """With protected identity no e-mail address or phone number is kept (handbook §4)."""


@dataclass(frozen=True)
class ContactChoice:
    """What a person chooses; the address that is not used is not kept, and neither is ever shown in a representation."""

    notify_by: NotifyBy = NotifyBy.NONE
    email: str = field(default="", repr=False)
    mobile: str = field(default="", repr=False)
    reminders: frozenset[str] = frozenset()
    language: str = "sv"


def email_address(text: str) -> str:
    """Return an e-mail address as it is written to, its domain in ASCII; raise ContactRefused for what is none."""
    local, _at, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    is_domain = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    address = f"{local}@{domain}"
    # Two dots together, and at either end, are quoted or nothing.
    if not (_LOCAL_PART.fullmatch(local) and all(local.split(".")) and is_domain and len(address) <= LONGEST_EMAIL):
        raise ContactRefused(ContactProblem.EMAIL_MALFORMED)
    return address


def mobile_number(text: str) -> str:
    """Return a mobile number as +46701234567, Swedish ones also from 070-123 45 67; raise ContactRefused for what is none."""
    swedish = swedish_mobile(text)
    if swedish is not None:
        return swedish
    number = re.sub(r"[\s()\-\u2010-\u2015.]", "", text)
    if number.startswith("00"):
        number = "+" + number[2:]
    # Of other countries' numbers nobody here knows which are mobile.
    if not _ABROAD.fullmatch(number):
        raise ContactRefused(ContactProblem.MOBILE_MALFORMED)
    return number


def settings_of(session: Session, identity: Identity) -> ContactSettings | None:
    """Return what the person themselves has chosen, None for nothing yet. Raises NotPermitted."""
    return session.get(ContactSettings, _own_id(identity))


def choose_settings(session: Session, identity: Identity, choice: ContactChoice) -> None:
    """Keep what the person chooses for themselves, whoever they act for right now.

    Locks the person. Raises NotPermitted, NotFound, ContactRefused, and NoContactKept when an address is given with protected identity.
    """
    person_id = _own_id(identity)
    person = session.scalar(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if person is None:
        raise NotFound
    if person.is_protected and choice.notify_by is not NotifyBy.NONE:
        raise NoContactKept
    email = mobile = ""
    if choice.notify_by is NotifyBy.EMAIL:
        email = email_address(_given(choice.email, ContactProblem.EMAIL_MISSING))
    elif choice.notify_by is NotifyBy.SMS:
        mobile = mobile_number(_given(choice.mobile, ContactProblem.MOBILE_MISSING))
    kept = session.get(ContactSettings, person_id)
    if kept is None:
        kept = ContactSettings(person_id=person_id)
        session.add(kept)
    kept.notify_by, kept.email, kept.mobile = choice.notify_by, email, mobile
    kept.reminders = sorted(choice.reminders)[:MOST_REMINDERS]
    kept.changed_at = now(session)
    person.language = choice.language
    record(session, identity.actor, "settings.chosen", subject_person_id=person_id)


def forget_contact(session: Session, person_id: int) -> None:
    """Delete everything that a person has chosen; for a protected identity, whom the caller has locked."""
    kept = session.get(ContactSettings, person_id)
    if kept is not None:
        session.delete(kept)


def _own_id(identity: Identity) -> int:
    require(identity, Permission.CHOOSE_SETTINGS)
    if identity.person_id is None:
        raise NotPermitted
    return identity.person_id


def _given(text: str, problem: ContactProblem) -> str:
    if not text.strip():
        raise ContactRefused(problem)
    return text
