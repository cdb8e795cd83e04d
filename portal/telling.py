"""Telling people outside the portal that a message waits inside it, and nothing more. Handbook §§5 and 11.

No e-mail or SMS names a product, a unit, a person or anything of anybody's health.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Protocol

from babel.support import Translations
from sqlalchemy.orm import Session

from auth.models import ContactSettings, InboxMessage, NotifyBy, Person
from core.outbox import Message

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"

log = logging.getLogger("portal.telling")


class AddressRefused(Exception):
    """The other system says that it will never reach this address; trying again would not help."""


class MailPort(Protocol):
    """Something that sends e-mail. `key` is the same when the same message is sent again."""

    def send(self, to: str, subject: str, text: str, key: str) -> None:
        """Hand over a message; raise AddressRefused for good, anything else to be tried again."""
        ...


class SmsPort(Protocol):
    """Something that sends SMS. `key` is the same when the same message is sent again."""

    def send(self, to: str, text: str, key: str) -> None:
        """Hand over a message; raise AddressRefused for good, anything else to be tried again."""
        ...


@dataclass(frozen=True)
class Couriers:
    """The ways out of this installation; None for one that it does not have."""

    login_address: str
    mail: MailPort | None = None
    sms: SmsPort | None = None

    @property
    def ways(self) -> tuple[NotifyBy, ...]:
        """What can be chosen here."""
        found = [NotifyBy.NONE]
        found += [NotifyBy.EMAIL] if self.mail else []
        found += [NotifyBy.SMS] if self.sms else []
        return tuple(found)


_couriers: Couriers | None = None


def use_couriers(couriers: Couriers) -> None:
    """Give this process its ways out; called once by each entry point."""
    global _couriers
    _couriers = couriers


def couriers() -> Couriers:
    """Return this process's ways out; RuntimeError when no entry point gave any."""
    if _couriers is None:
        raise RuntimeError("no couriers: call portal.telling.use_couriers at start")
    return _couriers


def translated(language: str) -> Callable[[str], str]:
    """Return what turns a sentence of ours into the language, outside any request."""
    return _translations(language).gettext


def tell_of_message(session: Session, message: Message) -> None:
    """Tell the receiver of an inbox message that there is one, as they have chosen now; handles `message.posted`.

    Locks nothing but its own outbox message while the other system is called. Whoever has read it, died, become protected or chosen
    otherwise meanwhile is not told. An address that is refused for good is left at that: the message is in the inbox all the same.
    """
    posted = session.get(InboxMessage, message.payload["inbox_message_id"])
    if posted is None or posted.read_at is not None:
        return
    person = session.get_one(Person, posted.receiver_id)
    chosen = session.get(ContactSettings, person.id)
    if chosen is None or person.is_protected or person.deceased_on is not None:
        return
    if _couriers is None:
        raise RuntimeError("no couriers: call portal.telling.use_couriers at start")
    subject, text = words(person.language, _couriers.login_address)
    key = f"message-{message.id}"
    try:
        if chosen.notify_by is NotifyBy.EMAIL and _couriers.mail is not None:
            _couriers.mail.send(chosen.email, subject, text, key)
        elif chosen.notify_by is NotifyBy.SMS and _couriers.sms is not None:
            _couriers.sms.send(chosen.mobile, text, key)
    except AddressRefused:
        log.warning("an address was refused", extra={"message_id": message.id, "way": chosen.notify_by.value})


def words(language: str, login_address: str) -> tuple[str, str]:
    """Return the subject and the whole text, in the receiver's language."""
    gettext = _translations(language).gettext
    text = gettext("You have a new message. Log in at %(address)s.") % {"address": login_address}
    return gettext("You have a new message"), text


@cache
def _translations(language: str) -> NullTranslations:
    return Translations.load(str(TRANSLATIONS), [language])
