"""What a warehouse system tells us: kept, judged, and taken once. A message that is refused changes nothing but the list of messages."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import now
from core.errors import NotFound
from delivery.claims import lock_depot_order
from delivery.models import DepotOrder, PickLine
from delivery.ubl.despatch_advice import DespatchAdvice, read_despatch_advice
from delivery.ubl.names import MessageRefused, Reason, Transaction
from delivery.ubl.order_response import OrderResponse, read_order_response
from delivery.ubl.reading import Document, read_document
from delivery.udi import NotACode, normalise_gtin
from delivery.warehouse_despatch import book_despatch
from delivery.warehouse_models import Direction, MessageKind, Outcome, WarehouseMessage
from delivery.warehouse_parts import is_elsewhere
from delivery.warehouse_response import book_response

_KINDS = {
    Transaction.ORDER_RESPONSE: MessageKind.ORDER_RESPONSE,
    Transaction.DESPATCH_ADVICE: MessageKind.DESPATCH_ADVICE,
}

log = logging.getLogger("delivery.warehouse")


@dataclass(frozen=True)
class Receipt:
    """What the sender is told; `is_repeat` when the very same message had been taken before."""

    outcome: Outcome
    detail: str = ""
    document_id: str = ""
    is_repeat: bool = False

    @property
    def reason(self) -> str:
        """Why it was refused, as a code; empty when it was not."""
        return self.detail.partition(":")[0] if self.outcome is Outcome.REFUSED else ""


def take_message(session: Session, identity: Identity, region: str, raw: bytes) -> Receipt:
    """Keep a message and do what it says, once; the caller commits, also when it is refused.

    Locks the document's number until commit, then as its kind does. One that was refused is judged anew when it comes again. Raises
    NotPermitted, NotFound for a region whose depot is our own, and MessageRefused for what is too broken to be kept.
    """
    require(identity, Permission.ROUTE_MESSAGES, region=region)
    if not is_elsewhere(region):
        raise NotFound
    document = read_document(raw)
    kind = _KINDS[document.transaction]
    _lock_number(session, region, kind, document.document_id)
    row = _known(session, region, kind, document.document_id)
    if row is not None and row.outcome is not Outcome.REFUSED:
        if row.body in ("", document.text):
            return Receipt(row.outcome, row.detail, document.document_id, is_repeat=True)
        return _keep_other_content(session, region, kind, document)
    if row is None:
        row = _keep(session, region, kind, document.document_id)
    row.body, row.at, row.detail = document.text, now(session), ""
    session.flush()
    try:
        with session.begin_nested():
            row.outcome, row.detail = _take(session, identity, row, document)
            session.flush()
    except MessageRefused as refusal:
        row.outcome, row.detail = Outcome.REFUSED, str(refusal)[:300]
    _say(row)
    return Receipt(row.outcome, row.detail, document.document_id)


def _take(session: Session, identity: Identity, row: WarehouseMessage, document: Document) -> tuple[Outcome, str]:
    if document.transaction is Transaction.ORDER_RESPONSE:
        return take_order_response(session, identity, row, read_order_response(document))
    return take_despatch_advice(session, identity, row, read_despatch_advice(document))


def take_order_response(
    session: Session, identity: Identity, row: WarehouseMessage, response: OrderResponse
) -> tuple[Outcome, str]:
    """Do what an answer says: what comes later or not at all is back-ordered, and the patient is told.

    Locks person (shared), rows and depot order. Raises MessageRefused.
    """
    sent, depot_order = _lock_order(session, identity, row, response.order_ref)
    lines = {str(line.order_row_id): line for line in depot_order.lines}
    for answer in response.lines:
        _check_line(lines, answer.line_ref, answer.article_no, answer.gtin)
    exceptions = book_response(session, identity, depot_order, sent, response, lines)
    return _outcome(exceptions)


def take_despatch_advice(
    session: Session, identity: Identity, row: WarehouseMessage, advice: DespatchAdvice
) -> tuple[Outcome, str]:
    """Book what has left: lots and serial numbers to the patient, parcels, rows sent, the rest to come.

    Locks person (shared), rows, depot order, then serialised units. Raises MessageRefused.
    """
    sent, depot_order = _lock_order(session, identity, row, advice.order_ref)
    lines = {str(line.order_row_id): line for line in depot_order.lines}
    for despatched in advice.lines:
        _check_line(lines, despatched.line_ref, despatched.article_no, despatched.gtin)
    return _outcome(book_despatch(session, identity, depot_order, sent, advice, lines))


def _outcome(exceptions: list[str]) -> tuple[Outcome, str]:
    if not exceptions:
        return Outcome.TAKEN, ""
    return Outcome.EXCEPTION, "; ".join(dict.fromkeys(exceptions))[:300]


def _lock_order(
    session: Session, identity: Identity, row: WarehouseMessage, order_ref: str
) -> tuple[WarehouseMessage, DepotOrder]:
    """Lock the part of a sent order that is still to come, and make the message one about it."""
    statement = select(WarehouseMessage).where(
        WarehouseMessage.region == row.region,
        WarehouseMessage.direction == Direction.OUT,
        WarehouseMessage.document_id == order_ref,
    )
    while True:
        sent = session.scalar(statement.execution_options(populate_existing=True))
        if sent is None or sent.depot_order_id is None:
            raise MessageRefused(Reason.UNKNOWN_ORDER, "no such order was sent")
        part = sent.depot_order_id
        depot_order = lock_depot_order(session, identity, part, Permission.ROUTE_MESSAGES, with_person=True)
        session.refresh(sent)
        # Another advice may have split the order while this one waited for the lock.
        if sent.depot_order_id == part:
            row.depot_order_id = part
            return sent, depot_order


def _check_line(lines: dict[str, PickLine], line_ref: str, article_no: str, gtin: str) -> None:
    line = lines.get(line_ref)
    if line is None:
        raise MessageRefused(Reason.UNKNOWN_LINE, f"the order has no line {line_ref[:20]}")
    wanted = line.article
    try:
        is_same_gtin = not gtin or (wanted.gtin is not None and normalise_gtin(wanted.gtin) == normalise_gtin(gtin))
    except NotACode:
        is_same_gtin = False
    if (article_no and article_no != wanted.article_no) or not is_same_gtin:
        raise MessageRefused(Reason.OTHER_ARTICLE, f"line {line_ref} is of article {wanted.article_no}")


def _lock_number(session: Session, region: str, kind: MessageKind, document_id: str) -> None:
    digest = hashlib.sha256(f"warehouse:{region}:{kind.value}:{document_id}".encode()).digest()
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))


def _known(session: Session, region: str, kind: MessageKind, document_id: str) -> WarehouseMessage | None:
    return session.scalar(
        select(WarehouseMessage)
        .where(
            WarehouseMessage.region == region,
            WarehouseMessage.direction == Direction.IN,
            WarehouseMessage.kind == kind,
            WarehouseMessage.document_id == document_id,
        )
        .execution_options(populate_existing=True)
    )


def _keep(session: Session, region: str, kind: MessageKind, document_id: str) -> WarehouseMessage:
    row = WarehouseMessage(
        region=region,
        direction=Direction.IN,
        kind=kind,
        document_id=document_id,
        body="",
        outcome=Outcome.REFUSED,
        at=now(session),
    )
    session.add(row)
    return row


def _keep_other_content(session: Session, region: str, kind: MessageKind, document: Document) -> Receipt:
    """Keep what came under a number that was taken with another content, beside it; it changes nothing."""
    digest = hashlib.sha256(document.text.encode()).hexdigest()[:8]
    beside = f"{document.document_id} ({digest})"
    row = _known(session, region, kind, beside) or _keep(session, region, kind, beside)
    row.body, row.detail = document.text, Reason.OTHER_CONTENT.value
    _say(row)
    return Receipt(Outcome.REFUSED, row.detail, document.document_id)


def _say(row: WarehouseMessage) -> None:
    facts = {"kind": row.kind.value, "outcome": row.outcome.value, "reason": row.detail.partition(":")[0]}
    level = logging.INFO if row.outcome is Outcome.TAKEN else logging.WARNING
    log.log(level, "warehouse message", extra=facts)
