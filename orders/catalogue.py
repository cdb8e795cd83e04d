"""Tables of the catalogue: suppliers and articles."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from orders.kinds import ProductArea, ProductKind


class Supplier(Base):
    """Who delivers articles to the region, and where complaints go."""

    __tablename__ = "supplier"
    __table_args__ = (UniqueConstraint("region", "supplier_no"),)

    id: Mapped[BigId]
    region: Mapped[Region]
    supplier_no: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    complaints_email: Mapped[str] = mapped_column(String(254), default="")
    support_phone: Mapped[str] = mapped_column(String(40), default="")


class Article(Base):
    """One article of a region's assortment; a generic article has sub-articles (taste, size, colour)."""

    __tablename__ = "article"
    __table_args__ = (
        UniqueConstraint("region", "article_no"),
        CheckConstraint("package_size > 0", name="package_size_positive"),
        CheckConstraint("article_no ~ '^[0-9]{5}$'", name="five_digits"),
        Index("ix_article_gtin", "gtin"),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    article_no: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(200))
    plain_name: Mapped[str] = mapped_column(String(200), default="")
    variety: Mapped[str] = mapped_column(String(100), default="")
    gtin: Mapped[str | None] = mapped_column(String(14))
    package_size: Mapped[int]
    unit: Mapped[str] = mapped_column(String(20), default="st")
    product_area: Mapped[ProductArea]
    kind: Mapped[ProductKind] = mapped_column(default=ProductKind.OTHER)
    is_orderable: Mapped[bool] = mapped_column(default=True)
    is_serialised: Mapped[bool] = mapped_column(default=False)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    agreement_no: Mapped[str] = mapped_column(String(40), default="")
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    generic_article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    compatibility_group: Mapped[str] = mapped_column(String(40), default="")
    shelf_life_days: Mapped[int | None]
    # Goods with fewer days left are refused at the depot; None leaves it to the policy's rule for the kind (handbook §6).
    least_days_left: Mapped[int | None]
    lead_time_days: Mapped[int | None]
    weight_grams: Mapped[int | None]
    location: Mapped[str] = mapped_column(String(20), default="")
    supplier: Mapped[Supplier | None] = relationship()
    successor: Mapped[Article | None] = relationship(foreign_keys=[successor_id], remote_side="Article.id")

    @property
    def display_name(self) -> str:
        """The plain name where there is one, with the variety."""
        return f"{self.plain_name or self.name}{', ' if self.variety else ''}{self.variety}"
