"""Tables of persons, those who act for them, and staff."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.identity import Role, Task
from auth.numbers import PersonNumber
from core.crypto import EncryptedText, keyring
from core.db import Base, BigId, Region


class Protection(StrEnum):
    """Protected identity as the population register states it. Handbook §4."""

    NONE = "NONE"
    CONFIDENTIALITY_FLAG = "01003"
    PROTECTED_REGISTRATION = "01020"


class PersonCategory(StrEnum):
    """On what ground somebody gets products here; decides channel and payer. Handbook §8."""

    RESIDENT = "RESIDENT"
    OUT_OF_COUNTY = "OUT_OF_COUNTY"
    ASYLUM_SEEKER = "ASYLUM_SEEKER"


class Person(Base):
    """A subject of care, or somebody who acts for one.

    The number is encrypted; `number_index` is its keyed blind index. With protected identity no name, address, phone or e-mail is
    kept at all: the database refuses it. `alias` is a name that is nobody's, by which the unit tells whose parcel it is.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint(
            "protection = 'NONE' OR (given_name = '' AND family_name = '' AND care_of = '' AND street = '' AND postal_code = ''"
            " AND city = '' AND phone = '' AND email = '' AND door_code = '')",
            name="protected_keeps_nothing",
        ),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    number_root: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(EncryptedText)
    number_index: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    birth_date: Mapped[date]
    given_name: Mapped[str] = mapped_column(String(200), default="")
    family_name: Mapped[str] = mapped_column(String(200), default="")
    care_of: Mapped[str] = mapped_column(String(100), default="")
    street: Mapped[str] = mapped_column(String(200), default="")
    postal_code: Mapped[str] = mapped_column(String(5), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    door_code: Mapped[str] = mapped_column(String(40), default="")
    door_code_asked: Mapped[bool] = mapped_column(default=False)
    county_code: Mapped[str] = mapped_column(String(2))
    category: Mapped[PersonCategory] = mapped_column(
        default=PersonCategory.RESIDENT, server_default=PersonCategory.RESIDENT.value
    )
    # The municipality whose home health care or special housing the person is in; empty when in none.
    home_care_municipality: Mapped[str] = mapped_column(String(4), default="", server_default="")
    health_centre_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    alias: Mapped[str] = mapped_column(String(100), default="", server_default="")
    protection: Mapped[Protection] = mapped_column(default=Protection.NONE)
    deceased_on: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(5), default="sv")
    health_centre: Mapped[Unit | None] = relationship(foreign_keys=[health_centre_id])

    def set_number(self, number: PersonNumber) -> None:
        """Store the number encrypted, with its blind index and the day of birth."""
        self.number_root = number.root
        self.number = number.extension
        self.number_index = keyring().blind_index(number.index_text)
        self.birth_date = number.birth_date

    @property
    def is_protected(self) -> bool:
        """Whether the identity is protected in either way."""
        return self.protection != Protection.NONE

    @property
    def full_name(self) -> str:
        """Given and family name; empty with protected identity."""
        return f"{self.given_name} {self.family_name}".strip()


class Guardianship(Base):
    """A guardian of a child, as the population register states it."""

    __tablename__ = "guardianship"
    __table_args__ = (UniqueConstraint("guardian_id", "child_id"),)

    id: Mapped[BigId]
    guardian_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    child_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    ended_on: Mapped[date | None]


class ProxyAppointment(Base):
    """A proxy (ombud): who may do which tasks for a patient, until when."""

    __tablename__ = "proxy_appointment"

    id: Mapped[BigId]
    patient_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    proxy_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    tasks: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    @property
    def task_set(self) -> frozenset[Task]:
        """The tasks as values."""
        return frozenset(Task(task) for task in self.tasks)


class Unit(Base):
    """A prescribing unit, depot, customer service or other place where staff work."""

    __tablename__ = "unit"

    id: Mapped[BigId]
    region: Mapped[Region]
    hsa_id: Mapped[str] = mapped_column(String(31), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    street: Mapped[str] = mapped_column(String(200), default="")
    postal_code: Mapped[str] = mapped_column(String(5), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    cost_centre: Mapped[str] = mapped_column(String(40), default="")
    # Pays for what the unit orders for its own store (handbook §8); empty when it may not.
    store_cost_centre: Mapped[str] = mapped_column(String(40), default="", server_default="")
    # Where a children's clinic's patients belong from their 18th birthday.
    adult_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    adult_unit: Mapped[Unit | None] = relationship(remote_side="Unit.id")


class StaffMember(Base):
    """Somebody who works for the region."""

    __tablename__ = "staff_member"

    id: Mapped[BigId]
    hsa_id: Mapped[str] = mapped_column(String(31), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(5), default="sv")
    commissions: Mapped[list[Commission]] = relationship(back_populates="staff_member")


class Commission(Base):
    """A staff member's commission at a unit, and the role it gives. Handbook §12."""

    __tablename__ = "commission"
    __table_args__ = (UniqueConstraint("staff_id", "hsa_id"),)

    id: Mapped[BigId]
    hsa_id: Mapped[str] = mapped_column(String(31))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[Role]
    ended_at: Mapped[datetime | None]
    staff_member: Mapped[StaffMember] = relationship(back_populates="commissions", lazy="joined")
    unit: Mapped[Unit] = relationship(lazy="joined")


class WebSession(Base):
    """A server-side session; the cookie's token is kept only as its SHA-256."""

    __tablename__ = "web_session"

    id: Mapped[BigId]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    commission_id: Mapped[int | None] = mapped_column(ForeignKey("commission.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class InboxMessage(Base):
    """A message in somebody's inbox; `kind` and `facts` become a sentence in the reader's language when shown.

    `about_person_id` is whose care it is about: a reader who has lost the right to act for them no longer sees it.
    """

    __tablename__ = "inbox_message"
    __table_args__ = (Index("ix_inbox_message_unread", "receiver_id", postgresql_where=text("read_at IS NULL")),)

    id: Mapped[BigId]
    receiver_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    about_person_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NotifyBy(StrEnum):
    """How somebody is told that there is a message in the portal; never what it says."""

    NONE = "NONE"
    EMAIL = "EMAIL"
    SMS = "SMS"


class ContactSettings(Base):
    """What a person has chosen: where to be told of messages, and what to be reminded of. Gone with protected identity."""

    __tablename__ = "contact_settings"
    __table_args__ = (
        CheckConstraint("notify_by <> 'EMAIL' OR email <> ''", name="email_to_write_to"),
        CheckConstraint("notify_by <> 'SMS' OR mobile <> ''", name="mobile_to_write_to"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    notify_by: Mapped[NotifyBy] = mapped_column(default=NotifyBy.NONE)
    email: Mapped[str] = mapped_column(String(254), default="")
    mobile: Mapped[str] = mapped_column(String(40), default="")
    reminders: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list)
    changed_at: Mapped[datetime]
