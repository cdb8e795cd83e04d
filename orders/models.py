"""Tables of prescriptions and orders; those of the catalogue are beside it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Numeric,
    Sequence,
    String,
    UniqueConstraint,
    and_,
    exists,
    false,
    text,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from auth.models import Person, Unit
from core.db import Base, BigId, Region
from orders.catalogue import Article as Article, Supplier as Supplier
from orders.kinds import (
    Channel as Channel,
    DeliveryMethod as DeliveryMethod,
    Notification as Notification,
    PayerKind as PayerKind,
    PrescriptionStatus as PrescriptionStatus,
    ProductArea as ProductArea,
    ProductKind as ProductKind,
    RowKind as RowKind,
    RowStatus as RowStatus,
)

ORDER_NO_SEQUENCE = Sequence("order_no_seq", start=100001, metadata=Base.metadata)


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


class Order(Base):
    """What was ordered at one moment, by whom, through which channel."""

    __tablename__ = "order"
    __table_args__ = (CheckConstraint("num_nonnulls(person_id, unit_id) = 1", name="patient_or_unit"),)

    id: Mapped[BigId]
    order_no: Mapped[str] = mapped_column(String(12), unique=True)
    region: Mapped[Region]
    # Either a patient's order, or a unit's for its own store (handbook §6).
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    placed_at: Mapped[datetime]
    channel: Mapped[Channel]
    orderer_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    orderer_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    orderer_name: Mapped[str] = mapped_column(String(400))
    by_delegate: Mapped[bool] = mapped_column(default=False)
    promised_date: Mapped[date]
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    unit: Mapped[Unit | None] = relationship()
    # What a change has replaced is history for the log and the depot, and no part of the order that anybody sees.
    rows: Mapped[list[OrderRow]] = relationship(
        back_populates="order",
        order_by="OrderRow.id",
        primaryjoin=lambda: and_(Order.id == OrderRow.order_id, ~_is_superseded()),
    )
    delivery_choices: Mapped[list[DeliveryChoice]] = relationship(
        back_populates="order",
        order_by="DeliveryChoice.id",
        primaryjoin=lambda: and_(Order.id == DeliveryChoice.order_id, DeliveryChoice.superseded_at.is_(None)),
    )


class DeliveryChoice(Base):
    """How the rows that share it are to be delivered: a snapshot from when the order was placed."""

    __tablename__ = "delivery_choice"

    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    method_id: Mapped[str] = mapped_column(String(40))
    method: Mapped[DeliveryMethod]
    receiver: Mapped[str] = mapped_column(String(400))
    care_of: Mapped[str] = mapped_column(String(100), default="")
    street: Mapped[str] = mapped_column(String(200))
    postal_code: Mapped[str] = mapped_column(String(5))
    city: Mapped[str] = mapped_column(String(100))
    door_code: Mapped[str] = mapped_column(String(40), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    comment: Mapped[str] = mapped_column(String(100), default="")
    # At a service point `street`, `postal_code` and `city` are the point's.
    provider: Mapped[str] = mapped_column(String(20), default="INGEN", server_default="INGEN")
    point_id: Mapped[str] = mapped_column(String(40), default="", server_default="")
    point_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    notification: Mapped[Notification | None]
    notify_to: Mapped[str] = mapped_column(String(254), default="", server_default="")
    contact_person: Mapped[str] = mapped_column(String(200), default="", server_default="")
    invoice_receiver: Mapped[str] = mapped_column(String(200), default="", server_default="")
    invoice_street: Mapped[str] = mapped_column(String(200), default="", server_default="")
    invoice_postal_code: Mapped[str] = mapped_column(String(5), default="", server_default="")
    invoice_city: Mapped[str] = mapped_column(String(100), default="", server_default="")
    # The order was changed before anybody picked it: its rows were cancelled and go on with another choice.
    superseded_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(back_populates="delivery_choices")


class Withdrawal(Base):
    """One use of a prescription item: never more packages than the prescription gives, one per item and order."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        UniqueConstraint("order_id", "prescription_item_id"),
        CheckConstraint("packages > 0 AND packages <= limit_packages", name="within_limit"),
    )

    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"), index=True)
    packages: Mapped[int]
    limit_packages: Mapped[int]
    withdrawn_on: Mapped[date]
    cancelled_at: Mapped[datetime | None]
    prescription_item: Mapped[PrescriptionItem] = relationship()


class ExternalWithdrawal(Base):
    """A withdrawal made outside this program, as the source's history tells it."""

    __tablename__ = "external_withdrawal"
    __table_args__ = (UniqueConstraint("prescription_item_id", "order_item_id"),)

    id: Mapped[BigId]
    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"), index=True)
    order_item_id: Mapped[str] = mapped_column(String(80))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    pieces: Mapped[int]
    order_date: Mapped[date]
    delivered_date: Mapped[date | None]
    prescription_item: Mapped[PrescriptionItem] = relationship()
    article: Mapped[Article | None] = relationship()


class OrderRow(Base):
    """One article of an order, in whole packages; a withdrawal spread over sub-articles has several."""

    __tablename__ = "order_row"
    __table_args__ = (
        CheckConstraint("packages > 0", name="packages_positive"),
        CheckConstraint("(kind = 'WITHDRAWAL') = (withdrawal_id IS NOT NULL)", name="withdrawal_or_replacement"),
        CheckConstraint(
            "(kind = 'REPLACEMENT') = (num_nonnulls(complaint_ref, recall_ref) = 1)", name="replacement_has_complaint"
        ),
        # One replacement per complaint, whatever is retried.
        Index(
            "uq_order_row_complaint", "complaint_ref", unique=True, postgresql_where=text("complaint_ref IS NOT NULL")
        ),
        # And one per article for whoever was sent something that was recalled.
        Index(
            "uq_order_row_recall",
            "recall_ref",
            "article_id",
            unique=True,
            postgresql_where=text("recall_ref IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    delivery_choice_id: Mapped[int] = mapped_column(ForeignKey("delivery_choice.id"))
    withdrawal_id: Mapped[int | None] = mapped_column(ForeignKey("withdrawal.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    kind: Mapped[RowKind] = mapped_column(default=RowKind.WITHDRAWAL)
    complaint_ref: Mapped[int | None] = mapped_column(BigInteger)
    recall_ref: Mapped[int | None] = mapped_column(BigInteger)
    packages: Mapped[int]
    status: Mapped[RowStatus] = mapped_column(default=RowStatus.RECEIVED)
    status_at: Mapped[datetime]
    # Rows from before payers were kept have none. `payer_ref` is a cost centre, a municipality's or a county's code.
    payer: Mapped[PayerKind | None]
    payer_ref: Mapped[str] = mapped_column(String(40), default="", server_default="")
    # SEK when it was ordered: what a month cost does not change with the next agreement's prices.
    package_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    order: Mapped[Order] = relationship(back_populates="rows")
    delivery_choice: Mapped[DeliveryChoice] = relationship()
    article: Mapped[Article] = relationship()
    withdrawal: Mapped[Withdrawal | None] = relationship()


def _is_superseded() -> ColumnElement[bool]:
    choice = aliased(DeliveryChoice)
    return exists().where(choice.id == OrderRow.delivery_choice_id, choice.superseded_at.is_not(None))
