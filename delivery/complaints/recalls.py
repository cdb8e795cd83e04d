"""Opening a recall, which stops everything at once, and undoing one that nobody has been told of. Handbook §7.

Locks the recall, then the lots by id: whoever hands a parcel over holds its lots shared, and has either left before, and is traced, or
finds the lot recalled. Depot orders are touched by outbox messages alone, one each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_finding import find_recalled
from delivery.complaints.recall_models import (
    RECALL_NO_SEQUENCE,
    Recall,
    RecallItem,
    RecallLot,
    RecallRecipient,
    RecallStatus,
    RecallUnit,
    WhatToDo,
)
from delivery.complaints.recall_trace import any_id, traced
from delivery.goods_models import SerialisedUnit
from delivery.models import Depot, Lot, LotStatus
from orders.models import Supplier

NOT_UNDONE = (RecallStatus.OPEN, RecallStatus.TOLD, RecallStatus.CLOSED)


@dataclass(frozen=True)
class OpenRecall:
    """A supplier's notice: `what` as it was pasted; `typed_count` is how many patients and units whoever opens it says are affected."""

    what: str
    typed_count: int
    title: str
    what_to_do: WhatToDo
    text_sv: str
    text_en: str = ""
    article_no: str = ""
    supplier_id: int | None = None
    notice_ref: str = ""
    replaces: bool = False
    idempotency_key: str = ""


def open_recall(session: Session, identity: Identity, command: OpenRecall) -> Recall:
    """Recall what the notice names: nothing of it leaves from now on, and everybody who has it is found; again by key returns the first.

    Locks the lots by id, then the units. Writes access log and `recall.opened`, which stops what is under way at the depot. Raises
    NotPermitted, NothingNamed, CountDiffers (nothing is recalled), TextMissing, NoticeTooLong, NotFound for another region's supplier.
    """
    require(identity, Permission.RECALL)
    key = command.idempotency_key
    spent = idempotency.spend(session, "recall", f"staff:{identity.staff_id}", key) if key else None
    if spent is not None and not spent.is_first:
        return session.scalars(select(Recall).where(Recall.recall_no == spent.earlier_result)).one()
    if not command.title.strip() or not command.text_sv.strip():
        raise errors.TextMissing
    found = find_recalled(session, identity, command.what, command.article_no)
    if not found.lots and not found.units:
        raise errors.NothingNamed
    if command.supplier_id is not None:
        supplier = session.get(Supplier, command.supplier_id)
        if supplier is None or supplier.region != identity.region:
            raise NotFound
    recall = _add(session, identity, command)
    _stop_lots(session, recall, found.lot_ids, {unit.lot_id for unit in found.units})
    _stop_units(session, recall, found.unit_ids)
    add_recipients(session, recall.id, found.lot_ids, found.unit_ids)
    affected = session.scalars(
        select(func.count()).select_from(RecallRecipient).where(RecallRecipient.recall_id == recall.id)
    ).one()
    if affected != command.typed_count:
        raise errors.CountDiffers(command.typed_count, affected)
    for changed in (*found.lots, *found.units):
        session.expire(changed)
    _record(session, identity, recall, "recall.opened")
    publish(session, "recall.opened", recall_id=recall.id)
    if spent is not None:
        spent.settle(session, recall.recall_no)
    return recall


def _add(session: Session, identity: Identity, command: OpenRecall) -> Recall:
    assert identity.staff_id is not None
    recall = Recall(
        region=identity.region,
        recall_no=str(session.scalar(RECALL_NO_SEQUENCE)),
        supplier_id=command.supplier_id,
        notice_ref=command.notice_ref.strip(),
        title=command.title.strip(),
        what_to_do=command.what_to_do,
        text_sv=command.text_sv.strip(),
        text_en=command.text_en.strip(),
        replaces=command.replaces,
        status=RecallStatus.OPEN,
        opened_at=now(session),
        opened_by_id=identity.staff_id,
    )
    session.add(recall)
    session.flush()
    return recall


def _stop_lots(session: Session, recall: Recall, lot_ids: Collection[int], lots_of_units: Collection[int]) -> None:
    # The lots of units too: a parcel with the unit is on its way out or not, as with a whole lot.
    lock_lots(session, {*lot_ids, *lots_of_units})
    session.execute(
        insert(RecallLot).from_select(
            ["recall_id", "lot_id", "earlier_status"],
            select(literal(recall.id), Lot.id, Lot.status).where(Lot.id == any_id(lot_ids)).order_by(Lot.id),
        )
    )
    session.execute(
        update(Lot)
        .where(Lot.id == any_id(lot_ids))
        .values(status=LotStatus.RECALLED)
        .execution_options(synchronize_session=False)
    )


def _stop_units(session: Session, recall: Recall, unit_ids: Collection[int]) -> None:
    if not unit_ids:
        return
    _lock_units(session, unit_ids)
    session.execute(insert(RecallUnit), [{"recall_id": recall.id, "unit_id": unit_id} for unit_id in sorted(unit_ids)])
    session.execute(
        update(SerialisedUnit)
        .where(SerialisedUnit.id == any_id(unit_ids))
        .values(is_recalled=True)
        .execution_options(synchronize_session=False)
    )


def add_recipients(session: Session, recall_id: int, lot_ids: Collection[int], unit_ids: Collection[int]) -> None:
    """Write down everybody who has something of it and is not known yet, set by set; the caller holds the lots' locks, or has what left."""
    trace = traced(lot_ids, unit_ids)
    session.execute(
        insert_or_ignore(RecallRecipient)
        .from_select(
            ["recall_id", "person_id", "unit_id", "packages", "phone_note"],
            select(literal(recall_id), trace.c.person_id, trace.c.unit_id, func.sum(trace.c.packages), literal(""))
            .group_by(trace.c.person_id, trace.c.unit_id)
            .order_by(trace.c.person_id, trace.c.unit_id),
        )
        .on_conflict_do_nothing()
    )
    mine = RecallRecipient.recall_id == recall_id
    whose = (RecallRecipient.person_id == trace.c.person_id) | (RecallRecipient.unit_id == trace.c.unit_id)
    session.execute(
        insert_or_ignore(RecallItem)
        .from_select(
            ["recipient_id", "picked_lot_id", "packages", "returned"],
            select(RecallRecipient.id, trace.c.picked_lot_id, trace.c.packages, literal(0))
            .join(trace, whose)
            .where(mine, trace.c.picked_lot_id.is_not(None))
            .order_by(trace.c.picked_lot_id),
        )
        .on_conflict_do_nothing()
    )


def undo_recall(session: Session, identity: Identity, recall_no: str) -> Recall:
    """Take back a recall that nobody has been told of: lots are what they were before, unless another recall has them too.

    Who was found is kept as history. Locks the recall, the lots by id, then the units. Writes access log, `recall.undone`, and
    `stock.received` where something may leave again. Raises NotPermitted, NotFound, AlreadyTold, WrongRecallStep.
    """
    recall = lock_recall(session, identity, recall_no)
    if recall.told_at is not None:
        raise errors.AlreadyTold
    if recall.status is not RecallStatus.OPEN:
        raise errors.WrongRecallStep(recall.status.value)
    unit_ids = session.scalars(select(RecallUnit.unit_id).where(RecallUnit.recall_id == recall.id)).all()
    lots_of_units = session.scalars(select(SerialisedUnit.lot_id).where(SerialisedUnit.id == any_id(unit_ids))).all()
    lot_ids = session.scalars(select(RecallLot.lot_id).where(RecallLot.recall_id == recall.id)).all()
    lock_lots(session, {*lot_ids, *lots_of_units})
    # Read under the lock: whoever undoes another recall of the lot may have changed what this one gives back.
    mine = session.scalars(
        select(RecallLot)
        .where(RecallLot.recall_id == recall.id)
        .order_by(RecallLot.lot_id)
        .execution_options(populate_existing=True)
    ).all()
    recall.status, recall.undone_at = RecallStatus.UNDONE, now(session)
    session.flush()
    _give_lots_back(session, mine)
    _give_units_back(session, unit_ids)
    for depot_id in session.scalars(select(Depot.id).where(Depot.region == recall.region).order_by(Depot.id)):
        publish(session, "stock.received", depot_id=depot_id)
    publish(session, "recall.undone", recall_id=recall.id)
    _record(session, identity, recall, "recall.undone")
    return recall


def _give_lots_back(session: Session, mine: Collection[RecallLot]) -> None:
    others = session.scalars(
        select(RecallLot)
        .join(Recall, RecallLot.recall_id == Recall.id)
        .where(RecallLot.lot_id == any_id([one.lot_id for one in mine]), Recall.status.in_(NOT_UNDONE))
        .order_by(RecallLot.id)
    ).all()
    for one in mine:
        also = [other for other in others if other.lot_id == one.lot_id]
        if not also:
            session.get_one(Lot, one.lot_id, populate_existing=True).status = one.earlier_status
        elif one.earlier_status is not LotStatus.RECALLED:
            # Whoever undoes the other one then gives back what the lot was before this one.
            also[0].earlier_status = one.earlier_status
    session.flush()


def _give_units_back(session: Session, unit_ids: Collection[int]) -> None:
    if not unit_ids:
        return
    _lock_units(session, unit_ids)
    other = aliased(RecallUnit)
    is_elsewhere = exists().where(
        other.unit_id == SerialisedUnit.id, Recall.id == other.recall_id, Recall.status.in_(NOT_UNDONE)
    )
    session.execute(
        update(SerialisedUnit)
        .where(SerialisedUnit.id == any_id(unit_ids), ~is_elsewhere)
        .values(is_recalled=False)
        .execution_options(synchronize_session=False)
    )


def close_recall(session: Session, identity: Identity, recall_no: str) -> Recall:
    """End the work with a recall: nothing of it may leave still, and nobody is asked to answer any more.

    Locks the recall. Raises NotPermitted, NotFound, WrongRecallStep.
    """
    recall = lock_recall(session, identity, recall_no)
    if recall.status is not RecallStatus.TOLD:
        raise errors.WrongRecallStep(recall.status.value)
    recall.status, recall.closed_at = RecallStatus.CLOSED, now(session)
    _record(session, identity, recall, "recall.closed")
    return recall


def lock_recall(
    session: Session, identity: Identity, recall_no: str, permission: Permission = Permission.RECALL
) -> Recall:
    """Lock a recall of the identity's region; raise NotPermitted or NotFound."""
    require(identity, permission)
    recall = session.scalar(
        select(Recall)
        .where(Recall.recall_no == recall_no[:12], Recall.region == identity.region)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if recall is None:
        raise NotFound
    return recall


def lock_lots(session: Session, lot_ids: Collection[int]) -> None:
    """Lock lots in id order, against whoever ships, picks or recalls them; what only refers to a lot is not kept out."""
    session.execute(select(Lot.id).where(Lot.id == any_id(lot_ids)).order_by(Lot.id).with_for_update(key_share=True))


def _lock_units(session: Session, unit_ids: Collection[int]) -> None:
    session.execute(
        select(SerialisedUnit.id)
        .where(SerialisedUnit.id == any_id(unit_ids))
        .order_by(SerialisedUnit.id)
        .with_for_update()
    )


def _record(session: Session, identity: Identity, recall: Recall, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=None, object_ref=f"recall:{recall.recall_no}")
