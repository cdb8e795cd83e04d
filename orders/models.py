"""Tables of orders; those of the catalogue and of prescriptions are beside it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
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
    Registration as Registration,
    RowKind as RowKind,
    RowStatus as RowStatus,
)
from orders.prescription_models import (
    DeliveryAlternative as DeliveryAlternative,
    Prescription as Prescription,
    PrescriptionItem as PrescriptionItem,
    PrescriptionItemSubArticle as PrescriptionItemSubArticle,
)

ORDER_NO_SEQUENCE = Sequence("order_no_seq", start=100001, metadata=Base.metadata)


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
    registration: Mapped[Registration] = mapped_column(
        default=Registration.HERE, server_default=Registration.HERE.value
    )
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

    @property
    def is_ours(self) -> bool:
        """Whether it is ours to send, change and stop; of what is registered elsewhere we only keep a copy."""
        return self.registration is Registration.HERE

    @property
    def patient(self) -> Person:
        """Whose order it is; LookupError for a unit's own, which is nobody's."""
        if self.person is None:
            raise LookupError(f"order {self.order_no} is for a unit's own store")
        return self.person

    @property
    def patient_id(self) -> int:
        """Whose order it is, without reading who that is; LookupError for a unit's own."""
        if self.person_id is None:
            raise LookupError(f"order {self.order_no} is for a unit's own store")
        return self.person_id

    @property
    def receiver_has_died(self) -> bool:
        """Whether nothing may be sent any more, because the patient has died; a unit has none."""
        return self.person is not None and self.person.deceased_on is not None

    @property
    def receiver_is_protected(self) -> bool:
        """Whether the patient's identity is protected; a unit's own order tells of nobody."""
        return self.person is not None and self.person.is_protected


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
    order: Mapped[Order] = relationship()
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
    # What the source calls it, when the order is registered there.
    source_item_id: Mapped[str | None] = mapped_column(String(80))
    order: Mapped[Order] = relationship(back_populates="rows")
    delivery_choice: Mapped[DeliveryChoice] = relationship()
    article: Mapped[Article] = relationship()
    withdrawal: Mapped[Withdrawal | None] = relationship()


def _is_superseded() -> ColumnElement[bool]:
    choice = aliased(DeliveryChoice)
    return exists().where(choice.id == OrderRow.delivery_choice_id, choice.superseded_at.is_not(None))
