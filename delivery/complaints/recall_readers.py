"""Read models of recalls for those who are told: patients, and the units that prescribe or have a store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.errors import NotFound
from delivery.complaints.recall_models import Recall, RecallItem, RecallRecipient, RecallStatus
from delivery.complaints.recall_stops import named_by
from delivery.complaints.recall_trace import any_id
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import Lot, PickedLot
from orders.models import Article, Prescription


@dataclass(frozen=True)
class OwnRecall:
    """What somebody is told of a recall: what to do with what they have, and whether they have answered."""

    recall: Recall
    recipient: RecallRecipient
    # (product, lot number, serial numbers, packages not returned)
    products: tuple[tuple[str, str, tuple[str, ...], int], ...] = ()


def open_recalls_of(session: Session, identity: Identity) -> list[OwnRecall]:
    """Return the recalls that the subject has been told of and not answered, the oldest first; in one statement. Raises NotPermitted."""
    require(identity, Permission.ANSWER_RECALL)
    rows = session.scalars(
        select(RecallRecipient)
        .join(RecallRecipient.recall)
        .where(
            RecallRecipient.person_id == identity.subject_person_id,
            RecallRecipient.acknowledged_at.is_(None),
            Recall.status == RecallStatus.TOLD,
        )
        .options(joinedload(RecallRecipient.recall))
        .order_by(Recall.id)
    )
    return [OwnRecall(recipient.recall, recipient) for recipient in rows]


def own_recall(session: Session, identity: Identity, recall_no: str) -> OwnRecall:
    """Return one recall that the subject has been told of, with what they have of it; written to the access log.

    Raises NotPermitted, NotFound.
    """
    require(identity, Permission.ANSWER_RECALL)
    recipient = session.scalar(
        select(RecallRecipient)
        .join(RecallRecipient.recall)
        .where(
            RecallRecipient.person_id == identity.subject_person_id,
            Recall.recall_no == recall_no[:12],
            Recall.status.in_((RecallStatus.TOLD, RecallStatus.CLOSED)),
        )
        .options(joinedload(RecallRecipient.recall))
    )
    if recipient is None:
        raise NotFound
    record(
        session,
        identity.actor,
        "recall.seen",
        subject_person_id=recipient.person_id,
        manner="LOOK",
        object_ref=f"recall:{recipient.recall.recall_no}",
    )
    return OwnRecall(recipient.recall, recipient, _products(session, recipient))


def _products(session: Session, recipient: RecallRecipient) -> tuple[tuple[str, str, tuple[str, ...], int], ...]:
    rows = session.execute(
        select(RecallItem, Lot, Article)
        .join(PickedLot, RecallItem.picked_lot_id == PickedLot.id)
        .join(Lot, PickedLot.lot_id == Lot.id)
        .join(Article, Lot.article_id == Article.id)
        .where(RecallItem.recipient_id == recipient.id)
        .order_by(Article.name, Lot.lot_no)
    ).all()
    lot_ids, unit_ids = named_by(session, recipient.recall_id)
    picks = [item.picked_lot_id for item, _lot, _article in rows]
    serials: dict[int | None, list[str]] = {}
    for picked_lot_id, serial_no in session.execute(
        select(SerialisedUnit.picked_lot_id, SerialisedUnit.serial_no)
        .where(
            SerialisedUnit.picked_lot_id.in_(picks),
            or_(SerialisedUnit.id == any_id(unit_ids), SerialisedUnit.lot_id == any_id(lot_ids)),
            SerialisedUnit.status == UnitStatus.SHIPPED,
        )
        .order_by(SerialisedUnit.serial_no)
    ):
        serials.setdefault(picked_lot_id, []).append(serial_no)
    merged: dict[tuple[str, str], tuple[list[str], int]] = {}
    for item, lot, article in rows:
        numbers, left = merged.get((article.display_name, lot.lot_no), ([], 0))
        merged[article.display_name, lot.lot_no] = (
            [*numbers, *serials.get(item.picked_lot_id, [])],
            left + item.packages - item.returned,
        )
    return tuple((name, lot_no, tuple(numbers), left) for (name, lot_no), (numbers, left) in merged.items())


@dataclass(frozen=True)
class UnitRecall:
    """A recall that is about a unit: its own store, and how many of its patients have it and have answered."""

    recall: Recall
    store_packages: int
    has_answered: bool
    patients: int
    patients_answered: int


def recalls_of_unit(session: Session, identity: Identity) -> list[UnitRecall]:
    """Return the recalls under way that are about the identity's unit or its patients, the newest first; in one statement.

    Raises NotPermitted.
    """
    require(identity, Permission.SEE_UNIT_PATIENTS)
    own_patients = select(Prescription.person_id).where(Prescription.unit_id == identity.unit_id)
    is_store = RecallRecipient.unit_id == identity.unit_id
    is_patient = RecallRecipient.person_id.in_(own_patients)
    rows = session.execute(
        select(
            Recall,
            func.coalesce(func.sum(RecallRecipient.packages).filter(is_store), 0),
            func.coalesce(func.bool_or(RecallRecipient.acknowledged_at.is_not(None)).filter(is_store), False),
            func.count().filter(is_patient, Person.deceased_on.is_(None)),
            func.count().filter(is_patient, Person.deceased_on.is_(None), RecallRecipient.acknowledged_at.is_not(None)),
        )
        .join(RecallRecipient, RecallRecipient.recall_id == Recall.id)
        .outerjoin(Person, RecallRecipient.person_id == Person.id)
        .where(Recall.region == identity.region, Recall.status == RecallStatus.TOLD, or_(is_store, is_patient))
        .group_by(Recall.id)
        .order_by(Recall.id.desc())
    )
    return [UnitRecall(recall, int(store), answered, own, known) for recall, store, answered, own, known in rows]
