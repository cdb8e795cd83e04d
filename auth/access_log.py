"""Reading the access log: what auditors go through. Handbook §11 (HSLF-FS 2016:40 ch. 4 § 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import AccessLogEntry, ActorKind, record
from core.clock import STOCKHOLM

PAGE_SIZE = 100


@dataclass(frozen=True)
class LogLine:
    """One entry with the name of the unit that was acted for."""

    entry: AccessLogEntry
    unit_name: str


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
