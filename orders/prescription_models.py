"""Tables of prescriptions: what the source states, and what a prescriber decided here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.models import Person, Unit
from core.db import Base, BigId, Region
from orders.catalogue import Article
from orders.kinds import DeliveryMethod, PrescriptionStatus


class Prescription(Base):
    """The container of one source's prescription items for one person."""

    __tablename__ = "prescription"
    __table_args__ = (UniqueConstraint("source", "external_id", "person_id"),)

    id: Mapped[BigId]
    region: Mapped[Region]
    source: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    prescriber_id: Mapped[str] = mapped_column(String(40))
    prescriber_name: Mapped[str] = mapped_column(String(200))
    prescriber_title: Mapped[str] = mapped_column(String(100), default="")
    prescriber_code: Mapped[str] = mapped_column(String(40), default="")
    person: Mapped[Person] = relationship()
    prescribing_unit: Mapped[Unit] = relationship()


class PrescriptionItem(Base):
    """One article with its limits.

    `orders_remaining` is what may still be withdrawn here; it only falls below what the source states by withdrawals made here or
    elsewhere, and the database refuses a negative one. Quantities are per withdrawal. What a prescriber decides here stays, whatever
    the source says later: `orders_added` withdrawals and `extended_until` on top of its numbers, `stopped_at` for good.
    """

    __tablename__ = "prescription_item"
    __table_args__ = (
        UniqueConstraint("prescription_id", "external_id"),
        CheckConstraint("orders_remaining >= 0", name="remaining_not_negative"),
        CheckConstraint("orders_remaining <= orders_allowed", name="remaining_within_allowed"),
        CheckConstraint("orders_used_here >= 0 AND orders_used_elsewhere >= 0", name="used_not_negative"),
        CheckConstraint(
            "orders_remaining <= GREATEST(0, orders_allowed - orders_used_here - orders_used_elsewhere)",
            name="remaining_counts_every_use",
        ),
        CheckConstraint("packages_per_order > 0 AND pieces_per_order > 0", name="quantity_positive"),
        CheckConstraint("orders_added >= 0 AND orders_added <= orders_allowed", name="added_within_allowed"),
        CheckConstraint("stopped_at IS NULL OR status = 'CANCELLED'", name="stopped_is_cancelled"),
    )

    id: Mapped[BigId]
    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"), index=True)
    external_id: Mapped[str] = mapped_column(String(80))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    status: Mapped[PrescriptionStatus] = mapped_column(default=PrescriptionStatus.ACTIVE)
    orders_allowed: Mapped[int]
    orders_used_here: Mapped[int] = mapped_column(default=0)
    orders_used_elsewhere: Mapped[int] = mapped_column(default=0)
    orders_remaining: Mapped[int]
    packages_per_order: Mapped[int]
    pieces_per_order: Mapped[int]
    days_per_order: Mapped[int]
    source_next_earliest_date: Mapped[date | None]
    next_earliest_order_date: Mapped[date | None]
    last_valid_date: Mapped[date]
    allow_other_invoice_address: Mapped[bool] = mapped_column(default=False)
    extended_until: Mapped[date | None]
    orders_added: Mapped[int] = mapped_column(default=0, server_default="0")
    stopped_at: Mapped[datetime | None]
    # An out-of-county patient's home region has been asked about the cost, and pays (handbook §8).
    home_region_agreed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Which full delivery of the source last held it: what is missing from the next one is cancelled.
    imported_at: Mapped[datetime]
    ended_on: Mapped[date | None]
    prescription: Mapped[Prescription] = relationship()
    article: Mapped[Article] = relationship()
    sub_articles: Mapped[list[Article]] = relationship(
        secondary="prescription_item_sub_article", order_by=Article.article_no
    )
    delivery_alternatives: Mapped[list[DeliveryAlternative]] = relationship(
        order_by="DeliveryAlternative.id", cascade="all, delete-orphan"
    )


class PrescriptionItemSubArticle(Base):
    """A sub-article that a prescription item may be spread over."""

    __tablename__ = "prescription_item_sub_article"

    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)


class DeliveryAlternative(Base):
    """A way in which a prescription item may be delivered."""

    __tablename__ = "delivery_alternative"
    __table_args__ = (UniqueConstraint("prescription_item_id", "method_id"),)

    id: Mapped[BigId]
    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"))
    method_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100))
    method: Mapped[DeliveryMethod]
    provider: Mapped[str] = mapped_column(String(20), default="INGEN")
    allow_choice_of_delivery_points: Mapped[bool] = mapped_column(default=False)
    notifications: Mapped[list[str]] = mapped_column(ARRAY(String(10)), default=list)
    allow_delivery_comment: Mapped[bool] = mapped_column(default=False)
    allow_contact_person: Mapped[bool] = mapped_column(default=False)
