"""What of a recall comes back: counted as the depot takes it, in the same transaction. Handbook §7."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import now
from delivery.complaints.recall_models import (
    Recall,
    RecallAnswer,
    RecallItem,
    RecallLot,
    RecallRecipient,
    RecallStatus,
    RecallUnit,
)
from delivery.goods_models import SerialisedUnit
from delivery.models import Lot, LotStatus, PickedLot


def must_stay_out(session: Session, picked: PickedLot, serials: Sequence[str]) -> bool:
    """Tell whether what has come back never goes back to stock: it is called back, or the supplier sent it and nobody knows its lot.

    Locks the lot shared: a recall that is being opened has found this delivery, or finds that it has come back.
    """
    lot = session.get_one(Lot, picked.lot_id, with_for_update={"read": True}, populate_existing=True)
    if lot.status is LotStatus.RECALLED:
        return True
    if not serials:
        return False
    out = select(SerialisedUnit.id).where(
        SerialisedUnit.picked_lot_id == picked.id,
        SerialisedUnit.serial_no.in_(serials),
        or_(SerialisedUnit.is_recalled, SerialisedUnit.lot_id != picked.lot_id),
    )
    return session.scalar(out.limit(1)) is not None


def count_return(
    session: Session, identity: Identity, picked: PickedLot, packages: int, unit_ids: Sequence[int] = ()
) -> bool:
    """Count packages of one delivery as returned in every recall that they are of; whoever sends something back has answered.

    Of a recall of single units only those count. True when some recall was waiting for it. Locks the recipients and items by id; the
    caller holds the balance and the units.
    """
    rows = session.execute(
        select(RecallItem, RecallRecipient, Recall)
        .join(RecallRecipient, RecallItem.recipient_id == RecallRecipient.id)
        .join(Recall, RecallRecipient.recall_id == Recall.id)
        .where(RecallItem.picked_lot_id == picked.id, Recall.status != RecallStatus.UNDONE)
        .order_by(RecallRecipient.id)
        .with_for_update(of=(RecallRecipient, RecallItem))
        .execution_options(populate_existing=True)
    ).all()
    counted = False
    for item, recipient, recall in rows:
        of_recall = _of_recall(session, recall, picked, packages, unit_ids)
        more = min(of_recall, item.packages - item.returned)
        if more <= 0:
            continue
        item.returned += more
        counted = True
        if recipient.acknowledged_at is None:
            recipient.acknowledged_at, recipient.answer = now(session), RecallAnswer.RETURN
            recipient.acknowledged_by_staff_id = identity.staff_id
    session.flush()
    return counted


def _of_recall(session: Session, recall: Recall, picked: PickedLot, packages: int, unit_ids: Sequence[int]) -> int:
    whole_lot = select(RecallLot.id).where(RecallLot.recall_id == recall.id, RecallLot.lot_id == picked.lot_id)
    if session.scalar(whole_lot) is not None:
        return packages
    named = select(RecallUnit.id).where(RecallUnit.recall_id == recall.id, RecallUnit.unit_id.in_(unit_ids))
    return len(session.scalars(named).all())
