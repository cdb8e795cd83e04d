"""What a despatch advice books: goods have left, so whatever is odd about them is booked too, and said aloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import STOCKHOLM, now, today
from core.outbox import publish
from core.policy import policy_of
from delivery.claims import record_act
from delivery.goods_models import SerialisedUnit
from delivery.models import (
    PARCEL_NO_SEQUENCE,
    Depot,
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    Parcel,
    PickedLot,
    PickLine,
    ShortReason,
    TrackingEvent,
    TrackingKind,
)
from delivery.policy import DeliveryPolicy
from delivery.ubl.despatch_advice import DespatchAdvice, DespatchLine
from delivery.ubl.names import MessageRefused, Reason
from delivery.udi import build_sscc
from delivery.warehouse_models import Direction, Outcome, WarehouseMessage
from delivery.warehouse_parts import add_part, expected_day, left_of, tell_of_missing
from delivery.warehouse_serials import bind_serials
from orders.models import DeliveryMethod, RowStatus
from orders.progress import advance_rows
from orders.telling import tell

_CLOSED = (DepotOrderStatus.SHIPPED, DepotOrderStatus.DELIVERED)


@dataclass(frozen=True)
class _Share:
    """Packages of one line: those that have left, those that follow, and those that never come."""

    gone: int
    follows: int
    never: int


def book_despatch(
    session: Session,
    identity: Identity,
    depot_order: DepotOrder,
    sent: WarehouseMessage,
    advice: DespatchAdvice,
    lines: Mapping[str, PickLine],
) -> list[str]:
    """Book an advice about a part that the caller has locked; return what somebody must look at. Raises MessageRefused."""
    if depot_order.status in _CLOSED:
        raise MessageRefused(Reason.ORDER_CLOSED, "everything that was ordered has been sent already")
    shares = {
        line: _share(line, [one for one in advice.lines if lines[one.line_ref] is line]) for line in lines.values()
    }
    exceptions = _odd_about_receiver(depot_order, sent)
    is_recalled = _lock_lots(session, advice, lines)
    for despatched in advice.lines:
        if despatched.packages:
            exceptions += _book_lot(session, depot_order, lines[despatched.line_ref], despatched)
    # What has left is a fact, also when it should not have.
    session.execute(text("SET LOCAL portal.despatched_elsewhere = 'on'"))
    _add_parcels(session, depot_order, advice)
    session.execute(text("SET LOCAL portal.despatched_elsewhere = 'off'"))
    _tell_of_rest(session, depot_order, shares)
    _split(session, depot_order, shares, exceptions)
    depot_order.status = DepotOrderStatus.SHIPPED
    if sent.outcome is Outcome.CALL_TO_STOP:
        sent.outcome = Outcome.SENT
    moved = advance_rows(session, [line.order_row_id for line, one in shares.items() if one.gone], RowStatus.SENT)
    record_act(session, identity, depot_order, "parcel.shipped")
    if is_recalled or _has_recalled_units(session, depot_order):
        publish(session, "recall.despatched", depot_order_id=depot_order.id)
    if moved and not depot_order.order.receiver_has_died:
        _tell_of_parcel(session, depot_order, advice)
    return exceptions


def _lock_lots(session: Session, advice: DespatchAdvice, lines: Mapping[str, PickLine]) -> bool:
    """Lock the lots that are known, shared and by id, and tell whether one is recalled: a recall waits for this, or is found here."""
    lots = session.scalars(
        select(Lot)
        .where(
            Lot.article_id.in_({line.article_id for line in lines.values()}),
            Lot.lot_no.in_({one.lot_no for one in advice.lines if one.packages}),
        )
        .order_by(Lot.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).all()
    return any(lot.status is LotStatus.RECALLED for lot in lots)


def _has_recalled_units(session: Session, depot_order: DepotOrder) -> bool:
    picks = [pick.id for line in depot_order.lines if line.article.is_serialised for pick in line.picked_lots]
    recalled = select(SerialisedUnit.id).where(SerialisedUnit.picked_lot_id.in_(picks), SerialisedUnit.is_recalled)
    return bool(picks) and session.scalar(recalled.limit(1)) is not None


def _share(line: PickLine, despatched: list[DespatchLine]) -> _Share:
    left, gone = left_of(line), sum(one.packages for one in despatched)
    stated = [one.outstanding for one in despatched if one.outstanding is not None]
    follows = max(stated) if stated else left - gone
    if gone > left or follows > left - gone:
        raise MessageRefused(Reason.MORE_THAN_ORDERED, f"line {line.order_row_id} has {left} packages left")
    return _Share(gone, follows, left - gone - follows)


def _odd_about_receiver(depot_order: DepotOrder, sent: WarehouseMessage) -> list[str]:
    order = depot_order.order
    exceptions = ["DECEASED"] if order.receiver_has_died else []
    is_to_unit = depot_order.delivery_choice.method is DeliveryMethod.UNIT
    if order.receiver_is_protected and (sent.detail == "RECEIVER_PROTECTED" or not is_to_unit):
        exceptions.append("RECEIVER_PROTECTED")
    if any(line.order_row.status is RowStatus.CANCELLED for line in depot_order.lines):
        exceptions.append("ORDER_CANCELLED")
    return exceptions


def _book_lot(session: Session, depot_order: DepotOrder, line: PickLine, despatched: DespatchLine) -> list[str]:
    lot = _find_or_add_lot(session, line, despatched)
    pick = next((one for one in line.picked_lots if one.lot_id == lot.id), None)
    if pick is None:
        pick = PickedLot(lot_id=lot.id, lot=lot, packages=0, picked_at=now(session), scanned=False)
        line.picked_lots.append(pick)
    pick.packages += despatched.packages
    line.picked += despatched.packages
    session.flush()
    bind_serials(session, depot_order, line, pick, despatched)
    return [f"{problem}:{lot.lot_no}" for problem in _odd_about_lot(session, line, lot)]


def _find_or_add_lot(session: Session, line: PickLine, despatched: DespatchLine) -> Lot:
    session.execute(
        insert(Lot)
        .values(
            article_id=line.article_id,
            lot_no=despatched.lot_no,
            expires_on=despatched.expires_on,
            status=LotStatus.AVAILABLE,
        )
        .on_conflict_do_nothing(index_elements=["article_id", "lot_no"])
    )
    lot = session.scalars(
        select(Lot)
        .where(Lot.article_id == line.article_id, Lot.lot_no == despatched.lot_no)
        .execution_options(populate_existing=True)
    ).one()
    if lot.expires_on != despatched.expires_on:
        raise MessageRefused(Reason.LOT_DIFFERS, f"lot {lot.lot_no} is known with the expiry {lot.expires_on}")
    return lot


def _odd_about_lot(session: Session, line: PickLine, lot: Lot) -> list[str]:
    odd = []
    if lot.status is not LotStatus.AVAILABLE:
        odd.append(f"LOT_{lot.status.value}")
    if lot.expires_on < today(session):
        odd.append("LOT_EXPIRED")
    elif lot.expires_on < line.use_until:
        odd.append("LOT_EXPIRES_TOO_SOON")
    if lot.id == line.avoid_lot_id or lot.id in line.avoid_more:
        odd.append("LOT_WAS_FAULTY")
    return odd


def _add_parcels(session: Session, depot_order: DepotOrder, advice: DespatchAdvice) -> None:
    shipped_at = now(session)
    if advice.despatched_on is not None and depot_order.created_at.date() <= advice.despatched_on < today(session):
        shipped_at = datetime.combine(advice.despatched_on, time(12), STOCKHOLM).astimezone(UTC)
    ssccs = list(advice.ssccs) or [_own_sscc(session, depot_order)]
    carrier = advice.carrier or policy_of(depot_order.region).section(DeliveryPolicy).carrier
    try:
        with session.begin_nested():
            for number, sscc in enumerate(ssccs):
                depot_order.parcels.append(
                    Parcel(
                        sscc=sscc,
                        carrier=carrier,
                        # One number for the whole shipment: it is the first parcel's, as it can be only one's.
                        tracking_no=(advice.tracking_no or None) if number == 0 else None,
                        packed_at=shipped_at,
                        shipped_at=shipped_at,
                        events=[TrackingEvent(kind=TrackingKind.HANDED_OVER, at=shipped_at, source="warehouse")],
                    )
                )
            session.flush()
    except IntegrityError:
        raise MessageRefused(Reason.PARCEL_TAKEN, "another parcel has this SSCC or TrackingID") from None


def _own_sscc(session: Session, depot_order: DepotOrder) -> str:
    depot = session.get_one(Depot, depot_order.depot_id)
    return build_sscc(depot.gs1_prefix, session.scalars(select(PARCEL_NO_SEQUENCE.next_value())).one())


def _tell_of_rest(session: Session, depot_order: DepotOrder, shares: Mapping[PickLine, _Share]) -> None:
    expected = expected_day(session, depot_order.region)
    tell_of_missing(
        session,
        depot_order,
        {
            line: (share.follows + share.never, expected if share.follows else None)
            for line, share in shares.items()
            if share.follows + share.never
            and line.order_row.status not in (RowStatus.BACK_ORDERED, RowStatus.CANCELLED)
        },
    )


def _split(session: Session, depot_order: DepotOrder, shares: Mapping[PickLine, _Share], exceptions: list[str]) -> None:
    """Make a part of what follows, which the order's number is then about, and one of what never comes."""
    expected = expected_day(session, depot_order.region)
    follows = {line: share.follows for line, share in shares.items() if share.follows}
    never = {line: share.never for line, share in shares.items() if share.never}
    if follows:
        part = add_part(session, depot_order, follows, DepotOrderStatus.AT_WAREHOUSE, expected)
        for message in session.scalars(
            select(WarehouseMessage).where(
                WarehouseMessage.depot_order_id == depot_order.id, WarehouseMessage.direction == Direction.OUT
            )
        ):
            message.depot_order_id = part.id
    if never:
        add_part(session, depot_order, never, DepotOrderStatus.BACK_ORDERED, expected)
        exceptions.extend(f"NOT_DELIVERED:{line.article.article_no}" for line in never)
    for line, share in shares.items():
        if share.follows + share.never:
            line.short, line.short_reason = line.short + share.follows + share.never, ShortReason.NOT_IN_STOCK
    begun = (RowStatus.RECEIVED, RowStatus.PICKING)
    waiting = [line.order_row_id for line, one in shares.items() if not one.gone and line.order_row.status in begun]
    advance_rows(session, waiting, RowStatus.BACK_ORDERED)


def _tell_of_parcel(session: Session, depot_order: DepotOrder, advice: DespatchAdvice) -> None:
    carrier = depot_order.parcels[-1].carrier
    tell(session, depot_order.order, "order.sent", tracking_no=advice.tracking_no, carrier=carrier)
