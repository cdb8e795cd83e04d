"""Tables of news: supplier information that has passed the consultant. Handbook §7."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from orders.catalogue import Article, Supplier


class NewsStatus(StrEnum):
    """Published news is withdrawn, never edited: what somebody has read must stay what it was."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class News(Base):
    """One piece of news for prescribers and, when chosen, for the patients who use the article."""

    __tablename__ = "news"
    __table_args__ = (
        CheckConstraint("(status = 'DRAFT') = (published_at IS NULL)", name="published_when"),
        CheckConstraint("NOT for_patients OR article_id IS NOT NULL", name="patients_of_an_article"),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    status: Mapped[NewsStatus] = mapped_column(default=NewsStatus.DRAFT)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(String(200), default="")
    body_en: Mapped[str] = mapped_column(Text, default="")
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"), index=True)
    for_patients: Mapped[bool] = mapped_column(default=False)
    written_at: Mapped[datetime]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    published_at: Mapped[datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    withdrawn_at: Mapped[datetime | None]
    # How many messages to patients have gone out, a batch at a time.
    patients_told: Mapped[int] = mapped_column(default=0)
    supplier: Mapped[Supplier | None] = relationship()
    article: Mapped[Article | None] = relationship()
    attachments: Mapped[list[NewsAttachment]] = relationship(order_by="NewsAttachment.id")


class NewsAttachment(Base):
    """One file that goes with a piece of news, of a type that is only ever downloaded."""

    __tablename__ = "news_attachment"

    id: Mapped[BigId]
    news_id: Mapped[int] = mapped_column(ForeignKey("news.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class NewsReceipt(Base):
    """That one staff member or one patient's reader has read a piece of news, and when first."""

    __tablename__ = "news_receipt"
    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, staff_id) = 1", name="one_reader"),
        UniqueConstraint("news_id", "person_id"),
        UniqueConstraint("news_id", "staff_id"),
    )

    id: Mapped[BigId]
    news_id: Mapped[int] = mapped_column(ForeignKey("news.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    read_at: Mapped[datetime]
