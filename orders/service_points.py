"""Service points where parcels can be collected, as the providers list them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId


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
