"""The yearly compilation for Läkemedelsverket: what was reported and how serious it was, per supplier and article. Handbook §7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import record
from core.clock import STOCKHOLM, now, swedish_date
from delivery.complaints.incident_models import Incident, Severity
from delivery.complaints.incident_queries import waits_for_assessment
from delivery.complaints.incident_rules import is_serious
from delivery.complaints.models import Complaint
from delivery.models import Lot
from orders.models import Article, Supplier

FIRST_YEAR = 2020
_IS_SERIOUS = Incident.severity != Severity.NOT_SERIOUS


@dataclass(frozen=True)
class YearRow:
    """One article: how many reports of faults came in during the year, and how those that were assessed turned out."""

    supplier: str
    article_no: str
    article: str
    reports: int
    severities: Mapping[Severity, int]
    reported: int
    answered: int

    @property
    def serious(self) -> int:
        """How many were serious incidents."""
        return sum(count for severity, count in self.severities.items() if is_serious(severity))


@dataclass(frozen=True)
class YearIncident:
    """One serious incident of the year; instants, None for what has not been done."""

    case_no: str
    article_no: str
    article: str
    lot_no: str
    severity: Severity
    reported_at: datetime | None
    authority_ref: str
    notified_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True)
class YearCompilation:
    """A year's reports of faults, by the Swedish day on which they came in, and what was assessed of them.

    `reports` counts all of them; `unassessed` red flags are still to be judged: until then it is not whole.
    """

    year: int
    rows: tuple[YearRow, ...]
    incidents: tuple[YearIncident, ...]
    reports: int
    unassessed: int
    sender: str
    made_at: datetime
    is_over: bool

    @property
    def serious(self) -> int:
        """How many serious incidents there were."""
        return sum(row.serious for row in self.rows)

    def total(self, severity: Severity) -> int:
        """Return how many there were of a severity."""
        return sum(row.severities[severity] for row in self.rows)


def year_compilation(
    session: Session, identity: Identity, year: int, *, download: bool = False
) -> YearCompilation | None:
    """Return a year's compilation for the identity's region, None for a year that has not begun or lies before the portal.

    A fixed number of statements; names nobody. The look or download is logged. Raises NotPermitted.
    """
    require(identity, Permission.ASSESS_INCIDENT)
    instant = now(session)
    this_year = swedish_date(instant).year
    if not FIRST_YEAR <= year <= this_year:
        return None
    begins, ends = (datetime(one, 1, 1, tzinfo=STOCKHOLM).astimezone(UTC) for one in (year, year + 1))
    of_year = (
        Complaint.region == identity.region,
        Complaint.received_at >= begins,
        Complaint.received_at < ends,
        # The same fault told twice is one.
        Complaint.duplicate_of_id.is_(None),
    )
    rows = _rows(session, of_year)
    unassessed, reports = session.execute(
        select(
            func.count().filter(waits_for_assessment(identity.region)),
            func.count(),
        )
        .select_from(Complaint)
        .where(*of_year)
    ).one()
    unit = session.get(Unit, identity.unit_id) if identity.unit_id is not None else None
    record(
        session,
        identity.actor,
        "incident_year.downloaded" if download else "incident_year.seen",
        subject_person_id=None,
        manner="LOOK",
        object_ref=f"year:{year}",
    )
    return YearCompilation(
        year=year,
        rows=rows,
        incidents=_incidents(session, of_year),
        reports=reports,
        unassessed=unassessed,
        sender=unit.name if unit else "",
        made_at=instant,
        is_over=year < this_year,
    )


def _rows(session: Session, of_year: tuple[ColumnElement[bool], ...]) -> tuple[YearRow, ...]:
    counts = [func.count().filter(Incident.severity == severity) for severity in Severity]
    found = session.execute(
        select(
            func.coalesce(Supplier.name, ""),
            Article,
            func.count(),
            func.count().filter(_IS_SERIOUS, Incident.reported_at.is_not(None)),
            func.count().filter(_IS_SERIOUS, Incident.manufacturer_answered_at.is_not(None)),
            *counts,
        )
        .select_from(Complaint)
        .join(Article, Complaint.article_id == Article.id)
        .outerjoin(Supplier, Article.supplier_id == Supplier.id)
        .outerjoin(Incident, Incident.complaint_id == Complaint.id)
        .where(*of_year)
        .group_by(Supplier.name, Article.id)
        .having(func.count(Incident.id) > 0)
        .order_by(func.coalesce(Supplier.name, ""), Article.article_no)
    ).all()
    return tuple(
        YearRow(
            supplier=supplier,
            article_no=article.article_no,
            article=article.display_name,
            reports=reports,
            severities=dict(zip(Severity, severities, strict=True)),
            reported=reported,
            answered=answered,
        )
        for supplier, article, reports, reported, answered, *severities in found
    )


def _incidents(session: Session, of_year: tuple[ColumnElement[bool], ...]) -> tuple[YearIncident, ...]:
    found = session.execute(
        select(Incident, Complaint.case_no, Article, Lot.lot_no)
        .join(Complaint, Incident.complaint_id == Complaint.id)
        .join(Article, Complaint.article_id == Article.id)
        .outerjoin(Lot, Complaint.lot_id == Lot.id)
        .where(*of_year, _IS_SERIOUS)
        .order_by(Complaint.received_at, Complaint.id)
    ).all()
    return tuple(
        YearIncident(
            case_no=case_no,
            article_no=article.article_no,
            article=article.display_name,
            lot_no=lot_no or "",
            severity=incident.severity,
            reported_at=incident.reported_at,
            authority_ref=incident.authority_ref,
            notified_at=incident.manufacturer_notified_at,
            answered_at=incident.manufacturer_answered_at,
        )
        for incident, case_no, article, lot_no in found
    )
