"""Service points where parcels can be collected, as the providers list them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, String, UniqueConstraint
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
