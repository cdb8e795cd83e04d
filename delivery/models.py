"""Tables of the depot: stock as a ledger, orders to pick, parcels and their tracking. Quantities are packages."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    String,
    UniqueConstraint,
    column,
    func,
    select,
    table,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from auth.models import Unit
from core.db import Base, BigId, Region
from delivery.wave_models import PickRound as PickRound, Wave as Wave
from orders.models import Article, DeliveryChoice, Order, OrderRow

PARCEL_NO_SEQUENCE = Sequence("parcel_no_seq", start=1, metadata=Base.metadata)
# Units with numbers have tables of their own, which know these.
_UNIT = table("serialised_unit", column("lot_id"), column("is_recalled", Boolean), column("status"))


class Depot(Base):
    """A depot that serves a region; `gs1_prefix` is the company prefix of its parcels' SSCC."""

    __tablename__ = "depot"

    id: Mapped[BigId]
    region: Mapped[Region]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), unique=True)
    gs1_prefix: Mapped[str] = mapped_column(String(9))
    unit: Mapped[Unit] = relationship(lazy="joined")


class LotStatus(StrEnum):
    """Whether a lot may leave the depot."""

    AVAILABLE = "AVAILABLE"
    ON_HOLD = "ON_HOLD"
    QUARANTINED = "QUARANTINED"
    RECALLED = "RECALLED"


class Lot(Base):
    """A batch of one article, with one expiry."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("article_id", "lot_no"),)

    id: Mapped[BigId]
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    lot_no: Mapped[str] = mapped_column(String(20))
    expires_on: Mapped[date]
    status: Mapped[LotStatus] = mapped_column(default=LotStatus.AVAILABLE)
    # Why somebody put it on hold or let it go, in their own words.
    status_note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    article: Mapped[Article] = relationship()


class MovementReason(StrEnum):
    """Why stock moved."""

    RECEIVED = "RECEIVED"
    PICKED = "PICKED"
    PICK_UNDONE = "PICK_UNDONE"
    COUNTED = "COUNTED"
    SCRAPPED = "SCRAPPED"
    RETURNED = "RETURNED"


class StockMovement(Base):
    """One line of the ledger: never edited, only counter-booked. A trigger keeps `stock_balance` equal to the sum."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        CheckConstraint("packages <> 0", name="moves_something"),
        # The source's own reference makes a repeated import change nothing.
        Index(
            "uq_stock_movement_source_ref",
            "depot_id",
            "source_ref",
            unique=True,
            postgresql_where=text("source_ref IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    packages: Mapped[int]
    reason: Mapped[MovementReason]
    object_ref: Mapped[str] = mapped_column(String(80), default="")
    source_ref: Mapped[str | None] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(BigInteger)


class StockBalance(Base):
    """What is on hand and reserved of a lot; `on_hand` is written by the ledger's trigger alone."""

    __tablename__ = "stock_balance"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="reserved_within_on_hand"),
    )

    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    # Where the lot was put away; empty is the article's own shelf.
    location: Mapped[str] = mapped_column(String(20), default="", server_default="")
    lot: Mapped[Lot] = relationship()
    # On hand and called back by their own numbers, so that nobody can be promised them.
    held_back: Mapped[int] = column_property(
        select(func.count())
        .select_from(_UNIT)
        .where(_UNIT.c.lot_id == lot_id, _UNIT.c.is_recalled, _UNIT.c.status == "IN_STOCK")
        .correlate_except(_UNIT)
        .scalar_subquery(),
        deferred=False,
    )


class DepotOrderStatus(StrEnum):
    """Where a depot order is; AT_WAREHOUSE is with a depot that has a warehouse system of its own."""

    WAITING = "WAITING"
    PICKING = "PICKING"
    PICKED = "PICKED"
    AT_WAREHOUSE = "AT_WAREHOUSE"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    BACK_ORDERED = "BACK_ORDERED"
    CANCELLED = "CANCELLED"


class DepotOrder(Base):
    """What one depot sends to one address for one order; part 0 is the order as placed, higher parts are what was short."""

    __tablename__ = "depot_order"
    __table_args__ = (
        UniqueConstraint("delivery_choice_id", "part"),
        Index("ix_depot_order_work", "depot_id", "status", "promised_date"),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    delivery_choice_id: Mapped[int] = mapped_column(ForeignKey("delivery_choice.id"))
    part: Mapped[int] = mapped_column(default=0)
    status: Mapped[DepotOrderStatus] = mapped_column(default=DepotOrderStatus.WAITING)
    promised_date: Mapped[date]
    created_at: Mapped[datetime]
    picker_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    picking_started_at: Mapped[datetime | None]
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"), index=True)
    # Picked together with others: which box of the trolley is this order's.
    pick_round_id: Mapped[int | None] = mapped_column(ForeignKey("pick_round.id"), index=True)
    box: Mapped[str] = mapped_column(String(2), default="", server_default="")
    order: Mapped[Order] = relationship()
    delivery_choice: Mapped[DeliveryChoice] = relationship()
    lines: Mapped[list[PickLine]] = relationship(back_populates="depot_order", order_by="PickLine.id")
    parcels: Mapped[list[Parcel]] = relationship(back_populates="depot_order", order_by="Parcel.id")


class ShortReason(StrEnum):
    """Why less was picked than was ordered; SHARED is planned, so that scarce goods reach more patients."""

    NOT_IN_STOCK = "NOT_IN_STOCK"
    NOT_FOUND = "NOT_FOUND"
    DAMAGED = "DAMAGED"
    SHARED = "SHARED"


class PickLine(Base):
    """One article to pick. `use_until` is the day until which the patient will be using it: no lot may expire before."""

    __tablename__ = "pick_line"
    __table_args__ = (
        UniqueConstraint("depot_order_id", "order_row_id"),
        CheckConstraint("packages > 0 AND picked >= 0 AND short >= 0 AND picked + short <= packages", name="adds_up"),
    )

    id: Mapped[BigId]
    depot_order_id: Mapped[int] = mapped_column(ForeignKey("depot_order.id"))
    order_row_id: Mapped[int] = mapped_column(ForeignKey("order_row.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    packages: Mapped[int]
    picked: Mapped[int] = mapped_column(default=0)
    short: Mapped[int] = mapped_column(default=0)
    short_reason: Mapped[ShortReason | None]
    use_until: Mapped[date]
    # A replacement must not come from the lot that failed (handbook §7).
    avoid_lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    # Nor from one of which the patient has another case that is not settled.
    avoid_more: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    depot_order: Mapped[DepotOrder] = relationship(back_populates="lines")
    order_row: Mapped[OrderRow] = relationship()
    article: Mapped[Article] = relationship()
    reservations: Mapped[list[Reservation]] = relationship(order_by="Reservation.id")
    picked_lots: Mapped[list[PickedLot]] = relationship(back_populates="line", order_by="PickedLot.id")


class Reservation(Base):
    """Packages of a lot that are promised to a pick line and not yet picked."""

    __tablename__ = "reservation"
    __table_args__ = (
        UniqueConstraint("pick_line_id", "lot_id"),
        CheckConstraint("packages > 0", name="packages_positive"),
    )

    id: Mapped[BigId]
    pick_line_id: Mapped[int] = mapped_column(ForeignKey("pick_line.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    packages: Mapped[int]
    lot: Mapped[Lot] = relationship()


class PickedLot(Base):
    """Packages of a lot that were picked for a line: what the patient gets, and what a fault report or recall goes by."""

    __tablename__ = "picked_lot"
    __table_args__ = (CheckConstraint("packages > 0", name="packages_positive"),)

    id: Mapped[BigId]
    pick_line_id: Mapped[int] = mapped_column(ForeignKey("pick_line.id"), index=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    packages: Mapped[int]
    picked_at: Mapped[datetime] = mapped_column(index=True)
    picker_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    scanned: Mapped[bool] = mapped_column(default=False)
    line: Mapped[PickLine] = relationship(back_populates="picked_lots")
    lot: Mapped[Lot] = relationship()


class Parcel(Base):
    """One box with an SSCC; the tracking number is the carrier's."""

    __tablename__ = "parcel"

    id: Mapped[BigId]
    depot_order_id: Mapped[int] = mapped_column(ForeignKey("depot_order.id"), index=True)
    sscc: Mapped[str] = mapped_column(String(18), unique=True)
    carrier: Mapped[str] = mapped_column(String(40), default="")
    tracking_no: Mapped[str | None] = mapped_column(String(40), unique=True)
    packed_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    weight_grams: Mapped[int | None]
    depot_order: Mapped[DepotOrder] = relationship(back_populates="parcels")
    events: Mapped[list[TrackingEvent]] = relationship(order_by="TrackingEvent.id")


class TrackingKind(StrEnum):
    """What the carrier says; never goes backwards."""

    HANDED_OVER = "HANDED_OVER"
    IN_TRANSIT = "IN_TRANSIT"
    AT_SERVICE_POINT = "AT_SERVICE_POINT"
    RETURNED = "RETURNED"
    DELIVERED = "DELIVERED"


class TrackingEvent(Base):
    """One thing that happened to a parcel on its way."""

    __tablename__ = "tracking_event"
    __table_args__ = (UniqueConstraint("parcel_id", "kind"),)

    id: Mapped[BigId]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    kind: Mapped[TrackingKind]
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(40))
