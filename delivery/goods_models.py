"""Tables of goods in: what is ordered from suppliers, what came, what was refused, and each serialised unit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, String, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.goods_rules import Refusal as Refusal
from delivery.models import Lot
from orders.catalogue import Article, Supplier

RECEIPT_NO_SEQUENCE = Sequence("receipt_no_seq", start=1001, metadata=Base.metadata)
SUPPLIER_ORDER_NO_SEQUENCE = Sequence("supplier_order_no_seq", start=5001, metadata=Base.metadata)


class SupplierOrder(Base):
    """What the depot has ordered from one supplier."""

    __tablename__ = "supplier_order"
    __table_args__ = (UniqueConstraint("region", "order_no"),)

    id: Mapped[BigId]
    region: Mapped[Region]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    order_no: Mapped[str] = mapped_column(String(40))
    ordered_at: Mapped[datetime]
    expected_on: Mapped[date]
    closed_at: Mapped[datetime | None]
    supplier: Mapped[Supplier] = relationship()
    lines: Mapped[list[SupplierOrderLine]] = relationship(back_populates="order", order_by="SupplierOrderLine.id")


class SupplierOrderLine(Base):
    """One article of a supplier order, in packages; `received` counts what was accepted, `refused` what was sent back."""

    __tablename__ = "supplier_order_line"
    __table_args__ = (
        UniqueConstraint("supplier_order_id", "article_id"),
        CheckConstraint("packages > 0 AND received >= 0 AND refused >= 0", name="counts_not_negative"),
    )

    id: Mapped[BigId]
    supplier_order_id: Mapped[int] = mapped_column(ForeignKey("supplier_order.id"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    packages: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    order: Mapped[SupplierOrder] = relationship(back_populates="lines")
    article: Mapped[Article] = relationship()


class GoodsReceipt(Base):
    """One delivery from a supplier, with or without an order of ours."""

    __tablename__ = "goods_receipt"

    id: Mapped[BigId]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"), index=True)
    receipt_no: Mapped[str] = mapped_column(String(12), unique=True)
    supplier_order_id: Mapped[int | None] = mapped_column(ForeignKey("supplier_order.id"))
    delivery_note_no: Mapped[str] = mapped_column(String(40), default="")
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    supplier_order: Mapped[SupplierOrder | None] = relationship()
    lines: Mapped[list[ReceiptLine]] = relationship(back_populates="receipt", order_by="ReceiptLine.id")


class ReceiptLine(Base):
    """Packages of one lot that were accepted or refused, in one act; `source_ref` of the movement is `receipt_line:<id>`."""

    __tablename__ = "receipt_line"
    __table_args__ = (
        CheckConstraint("packages > 0", name="packages_positive"),
        CheckConstraint("(refusal IS NULL) = (lot_id IS NOT NULL)", name="accepted_has_lot"),
        Index(
            "ix_receipt_line_to_return", "receipt_id", postgresql_where=text("refusal IS NOT NULL AND return_no = ''")
        ),
    )

    id: Mapped[BigId]
    receipt_id: Mapped[int] = mapped_column(ForeignKey("goods_receipt.id"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    gtin: Mapped[str] = mapped_column(String(14), default="")
    lot_no: Mapped[str] = mapped_column(String(20), default="")
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"), index=True)
    expires_on: Mapped[date | None]
    packages: Mapped[int]
    refusal: Mapped[Refusal | None]
    note: Mapped[str] = mapped_column(String(200), default="")
    location: Mapped[str] = mapped_column(String(20), default="")
    # Application identifiers of the code that nothing here asks for, kept as they were read.
    other_identifiers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    return_no: Mapped[str] = mapped_column(String(12), default="")
    returned_at: Mapped[datetime | None]
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    receipt: Mapped[GoodsReceipt] = relationship(back_populates="lines")
    article: Mapped[Article | None] = relationship()
    lot: Mapped[Lot | None] = relationship()


class UnitStatus(StrEnum):
    """Where a serialised unit is."""

    IN_STOCK = "IN_STOCK"
    PICKED = "PICKED"
    SHIPPED = "SHIPPED"
    RETURNED = "RETURNED"
    SCRAPPED = "SCRAPPED"


class SerialisedUnit(Base):
    """One pump or other unit with a number of its own; bound to the patient when it is shipped (handbook §6)."""

    __tablename__ = "serialised_unit"
    __table_args__ = (
        UniqueConstraint("article_id", "serial_no"),
        Index("ix_serialised_unit_recalled", "lot_id", postgresql_where=text("is_recalled")),
        CheckConstraint("(status = 'SHIPPED') <= (person_id IS NOT NULL)", name="shipped_has_person"),
    )

    id: Mapped[BigId]
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    serial_no: Mapped[str] = mapped_column(String(20))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    receipt_line_id: Mapped[int | None] = mapped_column(ForeignKey("receipt_line.id"))
    status: Mapped[UnitStatus] = mapped_column(default=UnitStatus.IN_STOCK)
    arrived_on: Mapped[date]
    picked_lot_id: Mapped[int | None] = mapped_column(ForeignKey("picked_lot.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    shipped_on: Mapped[date | None]
    warranty_until: Mapped[date | None]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("serialised_unit.id"), index=True)
    # Called back by its own number; what is called back by its lot has the lot's status.
    is_recalled: Mapped[bool] = mapped_column(default=False, server_default=false())
    article: Mapped[Article] = relationship()
    lot: Mapped[Lot] = relationship()
