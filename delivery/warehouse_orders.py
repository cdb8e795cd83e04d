"""Orders to a depot with a warehouse system of its own: built, stored, sent once, and stopped by phone when it is too late.

Peppol's ordering profile has no message that takes an order back: docs/adr/0010-what-the-warehouse-has-is-stopped-by-phone.md.
"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.permissions import Permission, require
from core.clock import now, today
from core.errors import NotFound
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.claims import live_lines, lock_depot_order, record_act
from delivery.models import Depot, DepotOrder, DepotOrderStatus, PickLine
from delivery.policy import DeliveryPolicy
from delivery.shipping import reroute_if_protected
from delivery.ubl.order import Line, OrderDocument, Party, Place, build_order
from delivery.warehouse_models import Direction, MessageKind, Outcome, WarehouseMessage
from delivery.warehouse_parts import left_of
from orders.models import DeliveryMethod, Order, RowStatus

_WORKER = "warehouse"
_UNSENT = (Outcome.WAITING, Outcome.NOT_TAKEN)


def prepare_order(session: Session, message: Message) -> None:
    """Build the message of a depot order and store it to be sent; handles `warehouse.order`, and again changes nothing.

    A receiver whose identity is now protected has become the unit; nothing is built for the dead or for what nobody wants any more.
    Locks person (shared), rows and depot order.
    """
    known = session.get_one(DepotOrder, message.payload["depot_order_id"])
    identity = system_identity(known.region, _WORKER)
    depot_order = lock_depot_order(session, identity, known.id, Permission.ROUTE_MESSAGES, with_person=True)
    if depot_order.status is not DepotOrderStatus.AT_WAREHOUSE:
        return
    sent = sent_order_of(session, depot_order.id)
    if sent is not None and sent.outcome is not Outcome.REJECTED and (sent.outcome is not Outcome.WAITING or sent.body):
        return
    lines = [line for line in live_lines(depot_order) if left_of(line)]
    if depot_order.order.receiver_has_died or not lines:
        depot_order.status = DepotOrderStatus.CANCELLED
        if sent is not None and sent.outcome is Outcome.WAITING:
            sent.outcome = Outcome.NOT_SENT
        return
    reroute_if_protected(session, identity, depot_order)
    if sent is None or sent.outcome is Outcome.REJECTED:
        sent = WarehouseMessage(
            region=depot_order.region,
            direction=Direction.OUT,
            kind=MessageKind.ORDER,
            document_id=_next_document_id(session, depot_order),
            depot_order_id=depot_order.id,
            body="",
            outcome=Outcome.WAITING,
            at=now(session),
        )
        session.add(sent)
    sent.at = now(session)
    sent.body = build_order(_document(session, depot_order, lines, sent.document_id))
    session.flush()
    publish(session, "warehouse.send", warehouse_message_id=sent.id)
    record_act(session, identity, depot_order, "warehouse.ordered")


def sent_order_of(session: Session, depot_order_id: int) -> WarehouseMessage | None:
    """Return the newest order message of which a depot order is what is still to come."""
    return session.scalar(
        select(WarehouseMessage)
        .where(WarehouseMessage.depot_order_id == depot_order_id, WarehouseMessage.kind == MessageKind.ORDER)
        .order_by(WarehouseMessage.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def mark_sent(session: Session, warehouse_message_id: int, body: str) -> None:
    """Note that the warehouse has this body; one that was stopped or hidden while it was on its way must be stopped by phone.

    Locks the message.
    """
    sent = _lock_message(session, warehouse_message_id)
    sent.sent_at = now(session)
    if sent.outcome is Outcome.WAITING and sent.body == body:
        sent.outcome = Outcome.SENT
    elif sent.outcome in (Outcome.WAITING, Outcome.NOT_SENT):
        sent.detail = "ORDER_CANCELLED" if sent.outcome is Outcome.NOT_SENT else "RECEIVER_PROTECTED"
        sent.outcome = Outcome.CALL_TO_STOP


def mark_not_taken(session: Session, warehouse_message_id: int, status: int) -> None:
    """Note that the warehouse will not take the message as it is; somebody must look at it. Locks the message."""
    sent = _lock_message(session, warehouse_message_id)
    if sent.outcome is Outcome.WAITING:
        sent.outcome, sent.detail = Outcome.NOT_TAKEN, f"STATUS:{status}"


def send_again(session: Session, identity: Identity, warehouse_message_id: int) -> None:
    """Build an order that was not taken anew, and send it. Locks the message; raises NotPermitted, NotFound."""
    sent = _own_message(session, identity, warehouse_message_id)
    if sent.outcome is not Outcome.NOT_TAKEN:
        raise NotFound
    sent.outcome, sent.detail, sent.body = Outcome.WAITING, "", ""
    publish(session, "warehouse.order", depot_order_id=int(sent.depot_order_id or 0))


def note_stopped(session: Session, identity: Identity, warehouse_message_id: int) -> None:
    """Note that somebody has called and the warehouse knows; what nobody wants any more is then cancelled here.

    Locks rows, depot order and message. Raises NotPermitted, NotFound.
    """
    require(identity, Permission.SHIP)
    known = session.get(WarehouseMessage, warehouse_message_id)
    if known is None or known.depot_order_id is None:
        raise NotFound
    depot_order = lock_depot_order(session, identity, known.depot_order_id, Permission.SHIP)
    sent = _own_message(session, identity, warehouse_message_id)
    if sent.outcome is not Outcome.CALL_TO_STOP:
        raise NotFound
    sent.outcome = Outcome.STOPPED
    if depot_order.status is DepotOrderStatus.AT_WAREHOUSE and not live_lines(depot_order):
        depot_order.status = DepotOrderStatus.CANCELLED
    record_act(session, identity, depot_order, "warehouse.stopped")


def note_seen(session: Session, identity: Identity, warehouse_message_id: int) -> None:
    """Note that somebody has looked at what was odd about a message. Locks it; raises NotPermitted, NotFound."""
    message = _own_message(session, identity, warehouse_message_id)
    if message.outcome is not Outcome.EXCEPTION:
        raise NotFound
    message.outcome = Outcome.SEEN


def stop_at_warehouse(session: Session, order: Order, *, has_died: bool) -> None:
    """Take back what has not been sent of what nobody wants any more, and ask for a call about what has.

    The caller holds the locks of the order's rows.
    """
    depot_orders = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.order_id == order.id, DepotOrder.status == DepotOrderStatus.AT_WAREHOUSE)
        .order_by(DepotOrder.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for depot_order in depot_orders:
        unwanted = [line for line in depot_order.lines if has_died or line.order_row.status is RowStatus.CANCELLED]
        if not unwanted:
            continue
        sent = sent_order_of(session, depot_order.id)
        is_all = len(unwanted) == len(depot_order.lines)
        if sent is None or sent.outcome in _UNSENT:
            _take_back(session, depot_order, sent, is_all=is_all)
        elif sent.outcome is Outcome.SENT:
            sent.outcome, sent.detail = Outcome.CALL_TO_STOP, "DECEASED" if has_died else "ORDER_CANCELLED"


def forget_bodies(session: Session, person_id: int) -> None:
    """Forget what was written to and by the warehouse about somebody whose identity is now protected (handbook §4).

    What is not sent is built anew, for the unit; what is on its way home must be stopped by phone. The caller holds the person's lock.
    """
    of_person = select(DepotOrder.id).join(DepotOrder.order).where(Order.person_id == person_id)
    messages = session.scalars(
        select(WarehouseMessage)
        .where(WarehouseMessage.depot_order_id.in_(of_person), WarehouseMessage.body != "")
        .order_by(WarehouseMessage.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for message in messages:
        if message.outcome is Outcome.WAITING:
            publish(session, "warehouse.order", depot_order_id=int(message.depot_order_id or 0))
        elif message.outcome is Outcome.SENT and f">{DeliveryMethod.UNIT.value}</" not in message.body:
            part = session.get_one(DepotOrder, message.depot_order_id)
            if part.status is DepotOrderStatus.AT_WAREHOUSE:
                message.outcome, message.detail = Outcome.CALL_TO_STOP, "RECEIVER_PROTECTED"
        message.body = ""


def _take_back(session: Session, depot_order: DepotOrder, sent: WarehouseMessage | None, *, is_all: bool) -> None:
    if is_all:
        depot_order.status = DepotOrderStatus.CANCELLED
        if sent is not None:
            sent.outcome = Outcome.NOT_SENT
    elif sent is not None:
        sent.outcome, sent.body = Outcome.WAITING, ""
        publish(session, "warehouse.order", depot_order_id=depot_order.id)


def _lock_message(session: Session, warehouse_message_id: int) -> WarehouseMessage:
    return session.scalars(
        select(WarehouseMessage)
        .where(WarehouseMessage.id == warehouse_message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _own_message(session: Session, identity: Identity, warehouse_message_id: int) -> WarehouseMessage:
    require(identity, Permission.SHIP)
    message = session.scalar(
        select(WarehouseMessage)
        .where(WarehouseMessage.id == warehouse_message_id, WarehouseMessage.region == identity.region)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise NotFound
    return message


def _next_document_id(session: Session, depot_order: DepotOrder) -> str:
    """Number the order and its part, and the second message about the same part after a rejected first."""
    first = f"{depot_order.order.order_no}-{depot_order.id}"
    earlier = session.scalars(
        select(WarehouseMessage.document_id).where(
            WarehouseMessage.region == depot_order.region,
            WarehouseMessage.kind == MessageKind.ORDER,
            or_(WarehouseMessage.document_id == first, WarehouseMessage.document_id.startswith(f"{first}-")),
        )
    ).all()
    return f"{first}-{len(earlier) + 1}" if earlier else first


def _document(session: Session, depot_order: DepotOrder, lines: list[PickLine], document_id: str) -> OrderDocument:
    unit = session.get_one(Depot, depot_order.depot_id).unit
    policy = policy_of(depot_order.region).section(DeliveryPolicy)
    # An HSA-id begins with the country and the organisation's number (0007: Swedish organisation numbers).
    organisation = f"0007:{unit.hsa_id.partition('-')[0].removeprefix('SE')}"
    choice = depot_order.delivery_choice
    instructions = [choice.door_code and f"Portkod {choice.door_code}", choice.comment]
    return OrderDocument(
        document_id=document_id,
        issued_on=today(session),
        wanted_by=depot_order.promised_date,
        order_no=depot_order.order.order_no,
        buyer=Party(organisation, organisation.partition(":")[2], unit.name),
        seller=Party(policy.warehouse_endpoint or organisation, unit.hsa_id, unit.name),
        receiver=choice.receiver,
        phone=choice.phone,
        place=Place(
            street=choice.street,
            postal_code=choice.postal_code,
            city=choice.city,
            care_of=choice.care_of,
            instructions=", ".join(text for text in instructions if text),
            location_id=choice.point_id,
            name=choice.point_name,
        ),
        way=choice.method.value,
        lines=tuple(
            Line(
                line_id=str(line.order_row_id),
                packages=left_of(line),
                article_no=line.article.article_no,
                name=line.article.display_name,
                gtin=line.article.gtin or "",
            )
            for line in lines
        ),
    )
