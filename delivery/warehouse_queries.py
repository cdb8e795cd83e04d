"""Read model of the messages with a depot that has a warehouse system of its own. Staff see their own region only, and no names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import now, today
from delivery.models import DepotOrder, DepotOrderStatus
from delivery.warehouse_models import MessageKind, Outcome, WarehouseMessage
from orders.models import Order

# A refused message is the sender's to mend; after this long nobody will.
REFUSED_SHOWN = timedelta(days=14)
_TO_DO = (Outcome.NOT_TAKEN, Outcome.CALL_TO_STOP, Outcome.EXCEPTION)


@dataclass(frozen=True)
class MessageLine:
    """One message in a list; `problems` are codes, each with what it is about."""

    id: int
    kind: MessageKind
    document_id: str
    outcome: Outcome
    problems: tuple[tuple[str, str], ...]
    at: datetime
    order_no: str | None
    part: int | None


@dataclass(frozen=True)
class WaitingOrder:
    """An order that is at the warehouse, or on its way there; `is_sent` whether the warehouse has it."""

    depot_order_id: int
    order_no: str
    part: int
    promised_date: date
    is_sent: bool


@dataclass(frozen=True)
class WarehousePage:
    """What somebody must do, what is late, and what has been said lately."""

    to_do: list[MessageLine]
    late: list[WaitingOrder]
    recent: list[MessageLine]
    waiting: int


def warehouse_page(session: Session, identity: Identity, limit: int = 100) -> WarehousePage:
    """Return the messages of the region, in three statements. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    fresh = WarehouseMessage.at >= now(session) - REFUSED_SHOWN
    to_do = or_(WarehouseMessage.outcome.in_(_TO_DO), and_(WarehouseMessage.outcome == Outcome.REFUSED, fresh))
    waiting = _waiting(session, identity)
    day = today(session)
    return WarehousePage(
        to_do=_messages(session, identity, to_do, limit),
        late=[order for order in waiting if order.promised_date < day][:limit],
        recent=_messages(session, identity, true(), limit),
        waiting=len(waiting),
    )


def _messages(session: Session, identity: Identity, condition: ColumnElement[bool], limit: int) -> list[MessageLine]:
    rows = session.execute(
        select(
            WarehouseMessage.id,
            WarehouseMessage.kind,
            WarehouseMessage.document_id,
            WarehouseMessage.outcome,
            WarehouseMessage.detail,
            WarehouseMessage.at,
            Order.order_no,
            DepotOrder.part,
        )
        .outerjoin(DepotOrder, WarehouseMessage.depot_order_id == DepotOrder.id)
        .outerjoin(Order, DepotOrder.order_id == Order.id)
        .where(WarehouseMessage.region == identity.region, condition)
        .order_by(WarehouseMessage.id.desc())
        .limit(limit)
    )
    return [
        MessageLine(
            row.id, row.kind, row.document_id, row.outcome, problems_in(row.detail), row.at, row.order_no, row.part
        )
        for row in rows
    ]


def _waiting(session: Session, identity: Identity) -> list[WaitingOrder]:
    has_it = (
        select(WarehouseMessage.id)
        .where(
            WarehouseMessage.depot_order_id == DepotOrder.id,
            WarehouseMessage.kind == MessageKind.ORDER,
            WarehouseMessage.sent_at.is_not(None),
        )
        .exists()
    )
    rows = session.execute(
        select(DepotOrder.id, Order.order_no, DepotOrder.part, DepotOrder.promised_date, has_it)
        .join(Order, DepotOrder.order_id == Order.id)
        .where(DepotOrder.region == identity.region, DepotOrder.status == DepotOrderStatus.AT_WAREHOUSE)
        .order_by(DepotOrder.promised_date, DepotOrder.id)
    )
    return [WaitingOrder(*row) for row in rows]


def problems_in(detail: str) -> tuple[tuple[str, str], ...]:
    """Return the codes of a message's detail, each with what it is about."""
    parts = [one.partition(":") for one in detail.split("; ") if one]
    return tuple((code.strip(), about.strip()) for code, _colon, about in parts)


def warehouse_to_do(session: Session, identity: Identity) -> int:
    """Return how many of the region's messages wait for somebody, in one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    return session.scalars(
        select(func.count())
        .select_from(WarehouseMessage)
        .where(WarehouseMessage.region == identity.region, WarehouseMessage.outcome.in_(_TO_DO))
    ).one()
