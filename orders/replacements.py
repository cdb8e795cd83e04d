"""Replacement orders for what is faulty or called back: no withdrawal is used. Handbook §§3.8 and 7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Unit
from core.clock import now, today
from core.policy import policy_of
from orders.addresses import wish_of
from orders.announcing import announce_order
from orders.delivery_plans import (
    PlannedDelivery,
    build_delivery_choice,
    find_points,
    health_centre_of,
    to_prescribing_unit,
)
from orders.models import Article, Channel, DeliveryChoice, DeliveryMethod, Order, OrderRow, Prescription, RowKind
from orders.payers import Payer, payer_of
from orders.policy import OrderingPolicy
from orders.services import lock_person, new_order
from orders.wishes import DeliveryWish, Way


def place_replacement(
    session: Session,
    identity: Identity,
    *,
    person_id: int,
    complaint_id: int,
    article_id: int,
    packages: int,
    replaced_row_id: int | None = None,
) -> Order:
    """Order `packages` of the article because of a complaint; once per complaint, whatever is retried.

    It goes the way that the replaced row went as long as that can be gone: home always to the registered address, to the same service
    point while it is known. The caller has checked the right to decide. Locks the person; writes order, access log, outbox and inbox. A
    person without any prescription cannot have had the product: LookupError.
    """
    earlier = session.scalar(
        select(Order).join(OrderRow, OrderRow.order_id == Order.id).where(OrderRow.complaint_ref == complaint_id)
    )
    if earlier is not None:
        return earlier
    person = lock_person(session, person_id)
    prescription = _latest_prescription(session, person_id)
    order = new_order(session, identity, person, Channel.COMPLAINT)
    replaced = session.get(OrderRow, replaced_row_id) if replaced_row_id is not None else None
    choice = build_delivery_choice(session, order, person, _plan(session, person, prescription, replaced))
    payer = _payer(session, person, prescription, replaced)
    session.add(
        OrderRow(
            order_id=order.id,
            delivery_choice_id=choice.id,
            article_id=article_id,
            kind=RowKind.REPLACEMENT,
            complaint_ref=complaint_id,
            packages=packages,
            status_at=now(session),
            payer=payer.kind,
            payer_ref=payer.ref,
            package_price=session.get_one(Article, article_id).price,
        )
    )
    session.flush()
    announce_order(session, identity, order)
    return order


def place_recall_replacement(
    session: Session,
    identity: Identity,
    *,
    person_id: int,
    recall_ref: int,
    packages: Mapping[int, int],
    replaced_row_id: int | None = None,
) -> Order | None:
    """Order packages by article id for somebody whose products are called back; once per recipient and article, whatever is retried.

    `recall_ref` is the recipient in the recall. None when all of it was ordered before. The lots need no avoiding: nothing recalled is
    allocated. Goes, locks, writes and raises as `place_replacement`; the caller has checked the right to decide.
    """
    person = lock_person(session, person_id)
    ordered = set(session.scalars(select(OrderRow.article_id).where(OrderRow.recall_ref == recall_ref)))
    wanted = {article_id: count for article_id, count in packages.items() if article_id not in ordered and count > 0}
    if not wanted:
        return None
    prescription = _latest_prescription(session, person_id)
    order = new_order(session, identity, person, Channel.COMPLAINT)
    replaced = session.get(OrderRow, replaced_row_id) if replaced_row_id is not None else None
    choice = build_delivery_choice(session, order, person, _plan(session, person, prescription, replaced))
    payer = _payer(session, person, prescription, replaced)
    session.add_all(
        OrderRow(
            order_id=order.id,
            delivery_choice_id=choice.id,
            article_id=article_id,
            kind=RowKind.REPLACEMENT,
            recall_ref=recall_ref,
            packages=count,
            status_at=now(session),
            payer=payer.kind,
            payer_ref=payer.ref,
            package_price=session.get_one(Article, article_id).price,
        )
        for article_id, count in sorted(wanted.items())
    )
    session.flush()
    announce_order(session, identity, order)
    return order


def _latest_prescription(session: Session, person_id: int) -> Prescription:
    prescription = session.scalar(
        select(Prescription).where(Prescription.person_id == person_id).order_by(Prescription.id.desc()).limit(1)
    )
    if prescription is None:
        raise LookupError("no prescription to deliver a replacement by")
    return prescription


def _payer(session: Session, person: Person, latest: Prescription, replaced: OrderRow | None) -> Payer:
    """Whoever paid for what was faulty, also when another would pay today: what the supplier credits goes back to them."""
    if replaced is not None and replaced.payer is not None:
        return Payer(replaced.payer, replaced.payer_ref)
    return payer_of(person, _unit(latest, replaced), today(session))


def _plan(session: Session, person: Person, latest: Prescription, replaced: OrderRow | None) -> PlannedDelivery:
    unit = _unit(latest, replaced)
    if person.is_protected:
        return to_prescribing_unit(person, unit)
    methods = policy_of(person.region).section(OrderingPolicy).delivery_methods
    usual = DeliveryMethod.HOME_DELIVERY if DeliveryMethod.HOME_DELIVERY in methods else methods[0]
    # Nothing is left of where it went when the identity has been protected meanwhile.
    wish = _wish(replaced.delivery_choice) if replaced and replaced.delivery_choice.street else DeliveryWish(Way(usual))
    points = find_points(session, [wish])
    point = points.get((wish.way.provider, wish.point_id))
    if wish.way.method not in methods or (wish.point_id and point is None):
        wish, point = DeliveryWish(Way(usual)), None
    at_centre = wish.way.method is DeliveryMethod.HEALTH_CENTRE
    return PlannedDelivery(
        item_ids=(),
        method_id=wish.way.method.value,
        wish=wish,
        unit=health_centre_of(person, unit) if at_centre else None,
        point=point,
    )


def _wish(choice: DeliveryChoice) -> DeliveryWish:
    """The wish that may be acted on again: where home is may have changed, and nobody is billed for what was faulty."""
    if choice.method is DeliveryMethod.HOME_DELIVERY:
        return DeliveryWish(Way(choice.method, choice.provider))
    return replace(wish_of(choice), invoice=None)


def _unit(latest: Prescription, replaced: OrderRow | None) -> Unit:
    if replaced is None or replaced.withdrawal is None:
        return latest.prescribing_unit
    return replaced.withdrawal.prescription_item.prescription.prescribing_unit
