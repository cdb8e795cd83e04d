"""Reading the access log: what auditors go through, and the patient's own extract. Handbook §11 (HSLF-FS 2016:40 ch. 4 § 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Protection, Unit
from auth.permissions import Permission, require
from core.audit import AccessLogEntry, ActorKind, record
from core.clock import STOCKHOLM, today

PAGE_SIZE = 100
OWN_PAGE_SIZE = 50
# How long the log is kept at the least (HSLF-FS 2016:40 ch. 4 § 9), and so how far back an extract goes.
EXTRACT_YEARS = 5


@dataclass(frozen=True)
class LogLine:
    """One entry with the name of the unit that was acted for.

    `person_name` is only in a patient's own extract: the name of the patient or relative who acted, empty with protected identity.
    """

    entry: AccessLogEntry
    unit_name: str
    person_name: str = ""


@dataclass(frozen=True)
class LogPage:
    """One page of the log, newest first; `older_than` is where the next page begins, None on the last."""

    lines: tuple[LogLine, ...]
    older_than: int | None


def read_access_log(
    session: Session,
    identity: Identity,
    *,
    day: date | None = None,
    staff_name: str = "",
    older_than: int | None = None,
) -> LogPage:
    """Return a page of the region's log, of one Swedish day or staff name where given, and log this look too.

    One statement. Raises NotPermitted.
    """
    require(identity, Permission.READ_ACCESS_LOG)
    statement = (
        select(AccessLogEntry, Unit.name)
        .outerjoin(Unit, AccessLogEntry.unit_id == Unit.id)
        .where(AccessLogEntry.region == identity.region)
        .order_by(AccessLogEntry.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if day is not None:
        begins = datetime.combine(day, time(), STOCKHOLM)
        ends = datetime.combine(day + timedelta(days=1), time(), STOCKHOLM)
        statement = statement.where(AccessLogEntry.at >= begins, AccessLogEntry.at < ends)
    if staff_name.strip():
        statement = statement.where(
            AccessLogEntry.actor_kind == ActorKind.STAFF.value,
            AccessLogEntry.actor_label.icontains(staff_name.strip(), autoescape=True),
        )
    if older_than is not None:
        statement = statement.where(AccessLogEntry.id < older_than)
    rows = session.execute(statement).all()
    lines = tuple(LogLine(entry, name or "") for entry, name in rows[:PAGE_SIZE])
    record(
        session,
        identity.actor,
        "access_log.read",
        subject_person_id=None,
        manner="LOOK",
        object_ref=f"day:{day}" if day else "",
    )
    return LogPage(lines, lines[-1].entry.id if len(rows) > PAGE_SIZE else None)


def who_looked(
    session: Session, identity: Identity, *, others_only: bool = True, older_than: int | None = None
) -> LogPage:
    """Return a page of what was logged about the subject, without what the reader did unless asked for, and log this look.

    One statement. An `older_than` that is not about the subject gives an empty page. Raises NotPermitted.
    """
    require(identity, Permission.SEE_WHO_LOOKED)
    statement = _about_subject(identity).limit(OWN_PAGE_SIZE + 1)
    if others_only:
        statement = statement.where(
            or_(
                AccessLogEntry.actor_kind != ActorKind.PERSON.value,
                AccessLogEntry.actor_id.is_distinct_from(identity.person_id),
            )
        )
    if older_than is not None:
        begins = (
            select(AccessLogEntry.at)
            .where(AccessLogEntry.id == older_than, AccessLogEntry.subject_person_id == identity.subject_person_id)
            .scalar_subquery()
        )
        statement = statement.where(tuple_(AccessLogEntry.at, AccessLogEntry.id) < tuple_(begins, older_than))
    lines = _lines(session, statement)
    shown = lines[:OWN_PAGE_SIZE]
    _record_own_look(session, identity, "own_log.seen")
    return LogPage(shown, shown[-1].entry.id if len(lines) > OWN_PAGE_SIZE else None)


def extract_of_log(session: Session, identity: Identity) -> tuple[LogLine, ...]:
    """Return everything logged about the subject in the last five years, newest first, and log that it was fetched.

    One statement. Raises NotPermitted.
    """
    require(identity, Permission.SEE_WHO_LOOKED)
    day = today(session)
    # The first of the month: five years before 29 February would be no day.
    begins = datetime.combine(day.replace(year=day.year - EXTRACT_YEARS, day=1), time(), STOCKHOLM)
    lines = _lines(session, _about_subject(identity).where(AccessLogEntry.at >= begins))
    _record_own_look(session, identity, "own_log.downloaded")
    return lines


def _about_subject(identity: Identity) -> Select[AccessLogEntry, str, str, str, Protection]:
    assert identity.subject_person_id is not None
    return (
        select(AccessLogEntry, Unit.name, Person.given_name, Person.family_name, Person.protection)
        .outerjoin(Unit, AccessLogEntry.unit_id == Unit.id)
        .outerjoin(
            Person,
            and_(AccessLogEntry.actor_kind == ActorKind.PERSON.value, AccessLogEntry.actor_id == Person.id),
        )
        .where(AccessLogEntry.subject_person_id == identity.subject_person_id)
        .order_by(AccessLogEntry.at.desc(), AccessLogEntry.id.desc())
    )


def _lines(session: Session, statement: Select[AccessLogEntry, str, str, str, Protection]) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(entry, unit or "", f"{given} {family}".strip() if protection is Protection.NONE else "")
        for entry, unit, given, family, protection in session.execute(statement)
    )


def _record_own_look(session: Session, identity: Identity, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=identity.subject_person_id, manner="LOOK")
