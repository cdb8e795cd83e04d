"""Service points where parcels can be collected: what providers list, how they are asked, what they last answered. Handbook §5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, String, UniqueConstraint, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now
from core.db import Base, BigId
from core.importing import wait_for_imports
from orders.nearest_points import MOST_POINTS as MOST_POINTS, FoundPoint as FoundPoint, nearest_of

IMPORT_KIND = "service_points"
FRESH = timedelta(days=7)
# So old an answer is still better than none when the provider is down.
STILL_OF_USE = timedelta(days=60)


class ServicePoint(Base):
    """One place of one provider; providers serve the whole country, so it belongs to no region."""

    __tablename__ = "service_point"
    __table_args__ = (
        UniqueConstraint("provider", "point_id"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="on_earth"),
        Index("ix_service_point_postal_code", "provider", "postal_code"),
    )

    id: Mapped[BigId]
    provider: Mapped[str] = mapped_column(String(20))
    point_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100))
    street: Mapped[str] = mapped_column(String(200))
    postal_code: Mapped[str] = mapped_column(String(5))
    city: Mapped[str] = mapped_column(String(100))
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))


class ServicePointSearch(Base):
    """What a provider last answered for a postal code: the nearest points, nearest first."""

    __tablename__ = "service_point_search"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    postal_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    searched_at: Mapped[datetime]
    point_ids: Mapped[list[str]] = mapped_column(ARRAY(String(40)))


class ProviderDown(Exception):
    """A provider gave no usable answer in time; the words say why, and nothing of who asked or where."""


class PointSource(Protocol):
    """Somebody who knows a provider's service points."""

    def nearest(self, provider: str, postal_code: str, limit: int = MOST_POINTS) -> Sequence[FoundPoint]:
        """Return the points nearest to a postal code, nearest first; raise ProviderDown."""
        ...


@dataclass(frozen=True)
class KnownPoints:
    """A provider's kept answer; not fresh when it is older than a week."""

    points: tuple[FoundPoint, ...]
    is_fresh: bool


def known_points(session: Session, provider: str, postal_code: str) -> KnownPoints | None:
    """Return what the provider last answered for a postal code, None when it never did or that was over 60 days ago."""
    search = session.get(ServicePointSearch, (provider, postal_code))
    if search is None or now(session) - search.searched_at > STILL_OF_USE:
        return None
    found = session.scalars(
        select(ServicePoint).where(ServicePoint.provider == provider, ServicePoint.point_id.in_(search.point_ids))
    )
    by_id = {point.point_id: _found(point) for point in found}
    return KnownPoints(
        points=tuple(by_id[point_id] for point_id in search.point_ids if point_id in by_id),
        is_fresh=now(session) - search.searched_at <= FRESH,
    )


def keep_points(session: Session, provider: str, postal_code: str, points: Sequence[FoundPoint]) -> None:
    """Keep what a provider answered for a postal code, and every point that it named.

    Waits for an import of service points. Locks the points in the order of their ids, so that several may keep answers at once.
    """
    wait_for_imports(session, IMPORT_KIND)
    by_id = {point.point_id: asdict(point) for point in reversed(points)}
    if by_id:
        put = insert(ServicePoint).values([by_id[point_id] for point_id in sorted(by_id)])
        new = put.excluded
        told = {
            "name": new.name,
            "street": new.street,
            "postal_code": new.postal_code,
            "city": new.city,
            "latitude": func.coalesce(new.latitude, ServicePoint.latitude),
            "longitude": func.coalesce(new.longitude, ServicePoint.longitude),
        }
        session.execute(
            put.on_conflict_do_update(
                index_elements=[ServicePoint.provider, ServicePoint.point_id],
                set_=told,
                where=or_(*(getattr(ServicePoint, name).is_distinct_from(value) for name, value in told.items())),
            )
        )
    answer = insert(ServicePointSearch).values(
        provider=provider,
        postal_code=postal_code,
        searched_at=now(session),
        point_ids=list(dict.fromkeys(point.point_id for point in points)),
    )
    session.execute(
        answer.on_conflict_do_update(
            index_elements=[ServicePointSearch.provider, ServicePointSearch.postal_code],
            set_={"searched_at": answer.excluded.searched_at, "point_ids": answer.excluded.point_ids},
        )
    )


def nearest_known(session: Session, provider: str, postal_code: str, limit: int = MOST_POINTS) -> list[FoundPoint]:
    """Return the nearest of all points that are known of a provider: where nobody can be asked, what was imported."""
    points = session.scalars(select(ServicePoint).where(ServicePoint.provider == provider))
    return list(nearest_of([_found(point) for point in points], postal_code, limit))


def _found(point: ServicePoint) -> FoundPoint:
    return FoundPoint(
        provider=point.provider,
        point_id=point.point_id,
        name=point.name,
        street=point.street,
        postal_code=point.postal_code,
        city=point.city,
        latitude=point.latitude,
        longitude=point.longitude,
    )
