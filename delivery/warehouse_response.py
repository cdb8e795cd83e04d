"""What an order response changes: what comes later or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from delivery.claims import live_lines, record_act
from delivery.models import DepotOrder, DepotOrderStatus, PickLine, ShortReason
from delivery.ubl.names import MessageRefused, Reason
from delivery.ubl.order_response import Answer, LineAnswer, OrderResponse, ResponseLine
from delivery.warehouse_models import Outcome, WarehouseMessage
from delivery.warehouse_parts import add_part, expected_day, left_of, tell_of_missing
from orders.models import RowStatus
from orders.progress import advance_rows

_OPEN = (DepotOrderStatus.AT_WAREHOUSE, DepotOrderStatus.BACK_ORDERED)
_BEGUN = (RowStatus.RECEIVED, RowStatus.PICKING)


@dataclass(frozen=True)
class _Verdict:
    """How many packages of a line come now, later, and not at all; `expected` is the day promised."""

    now: int
    later: int
    never: int
    expected: date | None


def book_response(
    session: Session,
    identity: Identity,
    depot_order: DepotOrder,
    sent: WarehouseMessage,
    response: OrderResponse,
    lines: Mapping[str, PickLine],
) -> list[str]:
    """Book an answer to a part that the caller has locked; return what somebody must look at. Raises MessageRefused."""
    record_act(session, identity, depot_order, "warehouse.answered", reason=response.answer.value)
    if response.answer is Answer.ACKNOWLEDGED:
        return []
    if depot_order.status not in _OPEN or sent.outcome is Outcome.REJECTED:
        # The answer is late: what it was about is sent, stopped, or has been ordered anew.
        return []
    exceptions = [
        f"SUBSTITUTE:{lines[one.line_ref].article.article_no}" for one in response.lines if one.offers_substitute
    ]
    gone = _gone(session, depot_order)
    verdicts = {
        line: _judge(line, response, lines, gone.get(line.order_row_id, 0))
        for line in live_lines(depot_order)
        if left_of(line)
    }
    _book_never(session, depot_order, sent, verdicts, exceptions)
    _book_later(session, depot_order, verdicts)
    return exceptions


def _gone(session: Session, depot_order: DepotOrder) -> dict[int, int]:
    """Return the packages per order row that have left with earlier parts: an answer may come after them, and counts them too."""
    rows = session.execute(
        select(PickLine.order_row_id, func.sum(PickLine.picked))
        .where(
            PickLine.order_row_id.in_([line.order_row_id for line in depot_order.lines]),
            PickLine.depot_order_id != depot_order.id,
        )
        .group_by(PickLine.order_row_id)
    )
    return dict(rows.all())


def _judge(line: PickLine, response: OrderResponse, lines: Mapping[str, PickLine], gone: int) -> _Verdict:
    left = left_of(line)
    own = next((one for one in response.lines if lines[one.line_ref] is line), None)
    if response.answer is Answer.REJECTED:
        return _Verdict(0, 0, left, None)
    if own is None or response.answer is Answer.ACCEPTED:
        return _Verdict(left, 0, 0, response.expected)
    expected = own.expected or response.expected
    match own.answer:
        case LineAnswer.REJECTED:
            return _Verdict(0, 0, left, None)
        case LineAnswer.CHANGED:
            return _changed(own, left, gone, expected)
    return _Verdict(left, 0, 0, expected)


def _changed(own: ResponseLine, left: int, gone: int, expected: date | None) -> _Verdict:
    ordered = left + gone
    comes = ordered - (own.later or 0) if own.packages is None else own.packages
    # Peppol: zero is how a warehouse says that the rest never comes; where it says nothing, the rest is still to come.
    later = ordered - comes if own.later is None else own.later
    if comes < 0 or later < 0 or comes + later > ordered:
        raise MessageRefused(Reason.MORE_THAN_ORDERED, f"line {own.line_ref} has {left} packages left")
    now, never = max(0, comes - gone), min(left, ordered - comes - later)
    return _Verdict(now, left - now - never, never, expected)


def _book_never(
    session: Session,
    depot_order: DepotOrder,
    sent: WarehouseMessage,
    verdicts: Mapping[PickLine, _Verdict],
    exceptions: list[str],
) -> None:
    never = {line: verdict.never for line, verdict in verdicts.items() if verdict.never}
    if not never:
        return
    exceptions.extend(f"NOT_DELIVERED:{line.article.article_no}" for line in never)
    tell_of_missing(session, depot_order, {line: (count, None) for line, count in never.items() if _is_news(line)})
    expected = expected_day(session, depot_order.region)
    if all(verdict.never and not verdict.now and not verdict.later for verdict in verdicts.values()):
        depot_order.status, depot_order.promised_date = DepotOrderStatus.BACK_ORDERED, expected
        sent.outcome = Outcome.REJECTED
    else:
        add_part(session, depot_order, never, DepotOrderStatus.BACK_ORDERED, expected)
        for line, count in never.items():
            line.short, line.short_reason = line.short + count, ShortReason.NOT_IN_STOCK
    waiting = [
        line.order_row_id
        for line, verdict in verdicts.items()
        if verdict.never and not verdict.now and not verdict.later and line.order_row.status in _BEGUN
    ]
    advance_rows(session, waiting, RowStatus.BACK_ORDERED)


def _book_later(session: Session, depot_order: DepotOrder, verdicts: Mapping[PickLine, _Verdict]) -> None:
    promised = depot_order.promised_date
    delayed = {
        line: (verdict.later or verdict.now, verdict.expected)
        for line, verdict in verdicts.items()
        if verdict.later or (verdict.now and verdict.expected is not None and verdict.expected > promised)
    }
    if not delayed:
        return
    tell_of_missing(session, depot_order, {line: what for line, what in delayed.items() if _is_news(line)})
    wholly = [line for line in delayed if delayed[line][0] == left_of(line)]
    waiting = [line.order_row_id for line in wholly if line.order_row.status in _BEGUN]
    advance_rows(session, waiting, RowStatus.BACK_ORDERED)
    days = [expected for line in wholly if (expected := verdicts[line].expected) is not None]
    if days and all(line in wholly for line, verdict in verdicts.items() if verdict.now or verdict.later):
        depot_order.promised_date = max(promised, min(days))


def _is_news(line: PickLine) -> bool:
    return line.order_row.status is not RowStatus.BACK_ORDERED
