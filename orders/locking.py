"""Locking what an order is about. Lock order everywhere: person, prescription items (by id), order rows, then what delivery owns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ScalarResult, bindparam, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from auth.models import Person, Unit
from auth.numbers import PersonNumber
from core.crypto import keyring
from core.errors import NotFound
from orders.models import Article, Prescription, PrescriptionItem

# Built once: putting a statement together costs as much as sending it.
_LOCK_PERSON = select(Person).with_for_update(key_share=True).execution_options(populate_existing=True)
_BY_ID = _LOCK_PERSON.where(Person.id == bindparam("person_id"))
_BY_NUMBER = _LOCK_PERSON.where(Person.number_index == bindparam("number_index"), Person.region == bindparam("region"))
# Sub-articles are many or none, ways of delivery few: those are read with the item. Whoever changes them has locked the person.
_LOCK_ITEMS = (
    select(PrescriptionItem)
    .join(PrescriptionItem.prescription)
    .where(Prescription.person_id == bindparam("person_id"))
    .order_by(PrescriptionItem.id)
    .with_for_update(of=PrescriptionItem)
    .execution_options(populate_existing=True)
    .options(
        contains_eager(PrescriptionItem.prescription)
        .joinedload(Prescription.prescribing_unit, innerjoin=True)
        .selectinload(Unit.adult_unit),
        joinedload(PrescriptionItem.article, innerjoin=True).selectinload(Article.successor),
        joinedload(PrescriptionItem.delivery_alternatives),
        selectinload(PrescriptionItem.sub_articles),
    )
)
_ITEMS_BY_ID = _LOCK_ITEMS.where(PrescriptionItem.id.in_(bindparam("ids", expanding=True)))
_ITEMS_BY_NAME = _LOCK_ITEMS.where(PrescriptionItem.external_id.in_(bindparam("names", expanding=True)))


@dataclass(frozen=True)
class Locked:
    """A person and some of their prescription items by id, locked in the transaction under way and as they are now."""

    person: Person
    items: Mapping[int, PrescriptionItem]


def lock_person(session: Session, person_id: int | None) -> Person:
    """Lock the person, so that one person's orders queue and no change of address, protection or death comes between; raise NotFound.

    Exclusive from the start: a shared lock that is later raised to write the door code would let two orders wait for each other.
    """
    person = session.scalar(_BY_ID, {"person_id": person_id})
    if person is None:
        raise NotFound
    return person


def find_and_lock_person(session: Session, region: str, number: PersonNumber) -> Person | None:
    """Lock a region's person as `lock_person` does, found by the blind index; None when the region has nobody with the number."""
    index = keyring().blind_index(number.index_text)
    return session.scalar(_BY_NUMBER, {"number_index": index, "region": region})


def lock_items(session: Session, person: Person, item_ids: Iterable[int]) -> Locked:
    """Lock items of a person whom the caller has locked, in id order, with all that an order needs of them; others' are left out."""
    return _locked(person, session.scalars(_ITEMS_BY_ID, {"person_id": person.id, "ids": sorted(set(item_ids))}))


def lock_named_items(session: Session, person: Person, names: Iterable[str]) -> Locked:
    """Lock as `lock_items` does, found by what the prescriptions' sources call them; several sources may use the same name."""
    return _locked(person, session.scalars(_ITEMS_BY_NAME, {"person_id": person.id, "names": sorted(set(names))}))


def _locked(person: Person, rows: ScalarResult[PrescriptionItem]) -> Locked:
    return Locked(person, {item.id: item for item in rows.unique()})
