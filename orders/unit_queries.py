"""Read models of a prescribing unit: what needs it, its patients, one patient. Own unit only, each in a fixed number of statements.

Every person shown gets a line of their own in the access log (handbook §11), all in one INSERT.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person, Unit
from auth.numbers import PersonNumber
from auth.permissions import Permission, require
from core.audit import record
from core.clock import today
from core.crypto import keyring
from core.errors import NotFound
from core.policy import policy_of
from orders import prescription_rules as rules
from orders.kinds import PrescriptionStatus, RenewalStatus
from orders.models import Article, Prescription, PrescriptionItem
from orders.policy import PrescribingPolicy
from orders.prescribing_facts import patient_facts
from orders.renewal_models import RenewalRequest
from orders.unit_access import reason_to_open
from orders.unit_history import NOT_USED, uses_of, withdrawals_of
from orders.unit_needs import (
    MOST_SHOWN,
    counted,
    ending_items,
    is_active,
    little_used,
    moved_patients,
    of_unit,
    open_requests,
)
from orders.unit_views import ItemHistory, NeedsYou, PatientList, PatientPage, PatientRow, UnitItem, Use

PAGE_SIZE = 25
MOST_WORDS = 8


def needs_you(session: Session, identity: Identity) -> NeedsYou:
    """Return what waits for the identity's unit; the deceased are left out. Raises NotPermitted."""
    require(identity, Permission.SEE_UNIT_PATIENTS)
    day, policy = today(session), policy_of(identity.region).section(PrescribingPolicy)
    asked, asked_total = counted(session, open_requests(identity))
    ending, ending_total = counted(session, ending_items(identity, day, policy.tell_days_before_end))
    little = little_used(session, identity, day, policy.little_used_below_percent)
    moved, moved_total = moved_patients(session, identity, day)
    little_shown = little[:MOST_SHOWN]
    shown = _load(session, identity, {*asked, *ending, *little_shown}, day)
    people = {one.person.id for one in shown.values()} | {one.person.id for one in moved}
    _record(session, identity, "patients.listed", people)
    return NeedsYou(
        requests=tuple(shown[item_id] for item_id in asked),
        requests_total=asked_total,
        ending=tuple(shown[item_id] for item_id in ending),
        ending_total=ending_total,
        little_used=tuple(shown[item_id] for item_id in little_shown),
        little_used_total=len(little),
        moved=moved,
        moved_total=moved_total,
        most_shown=MOST_SHOWN,
    )


def unit_patients(
    session: Session, identity: Identity, page: int = 1, number: PersonNumber | None = None, words: str = ""
) -> PatientList:
    """Return one page of the unit's patients by name, protected ones first; with a number, at most that one. Raises NotPermitted.

    With `words`, those whose name (with protected identity the name that is nobody's) has every word.
    """
    require(identity, Permission.SEE_UNIT_PATIENTS)
    day = today(session)
    mine = [of_unit(identity)]
    if number is not None:
        mine.append(Person.number_index == keyring().blind_index(number.index_text))
    for word in words.split()[:MOST_WORDS]:
        names = (Person.given_name, Person.family_name, Person.alias)
        mine.append(or_(*(name.icontains(word, autoescape=True) for name in names)))
    total = (
        session.scalar(
            select(func.count(Person.id.distinct()))
            .join(Prescription, Prescription.person_id == Person.id)
            .where(*mine)
        )
        or 0
    )
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    requests = (
        select(func.count())
        .select_from(RenewalRequest)
        .join(RenewalRequest.item)
        .join(PrescriptionItem.prescription)
        .where(RenewalRequest.person_id == Person.id, RenewalRequest.status == RenewalStatus.OPEN, of_unit(identity))
        .correlate(Person)
        .scalar_subquery()
    )
    found = session.execute(
        select(
            Person,
            func.count(PrescriptionItem.id).filter(is_active(day)),
            func.min(PrescriptionItem.last_valid_date).filter(is_active(day)),
            requests,
        )
        .join(Prescription, Prescription.person_id == Person.id)
        .outerjoin(PrescriptionItem, PrescriptionItem.prescription_id == Prescription.id)
        .where(*mine)
        .group_by(Person.id)
        .order_by(func.lower(Person.family_name), func.lower(Person.given_name), Person.id)
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    ).all()
    rows = tuple(PatientRow(*row) for row in found)
    _record(session, identity, "patients.listed", {row.person.id for row in rows})
    return PatientList(rows, total, page, pages)


def patient_page(session: Session, identity: Identity, person_id: int) -> PatientPage:
    """Return one patient of the unit, or one found in the region today. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_UNIT_PATIENTS)
    day = today(session)
    reason = reason_to_open(session, identity, person_id)
    person = session.get_one(Person, person_id)
    item_ids = session.scalars(
        select(PrescriptionItem.id).join(Prescription).where(Prescription.person_id == person_id, of_unit(identity))
    ).all()
    histories = _histories(session, identity, item_ids, day)
    active = select(func.count(PrescriptionItem.id)).join(Prescription)
    elsewhere = session.scalar(
        active.where(Prescription.person_id == person_id, Prescription.unit_id != identity.unit_id, is_active(day))
    )
    unit = session.get_one(Unit, identity.unit_id)
    problems = rules.check_patient(patient_facts(session, person, unit, None))
    _record(session, identity, "patient.seen", {person_id}, reason=reason)
    ordered = sorted(histories, key=lambda one: (not one.shown.is_active, -one.shown.item.id))
    return PatientPage(person, tuple(ordered), problems, elsewhere or 0, reason)


def unit_item(session: Session, identity: Identity, item_id: int) -> ItemHistory:
    """Return one item that the unit has prescribed, with its withdrawals and requests. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_UNIT_PATIENTS)
    found = _histories(session, identity, [item_id], today(session))
    if not found:
        raise NotFound
    _record(session, identity, "patient.seen", {found[0].shown.person.id}, object_ref=f"prescription-item:{item_id}")
    return found[0]


def renewal_request(session: Session, identity: Identity, request_id: int) -> ItemHistory:
    """Return the item that a request is about, the request among its `requests`. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_UNIT_PATIENTS)
    asked = session.scalar(select(RenewalRequest.prescription_item_id).where(RenewalRequest.id == request_id))
    if asked is None:
        raise NotFound
    return unit_item(session, identity, asked)


def _histories(session: Session, identity: Identity, item_ids: Sequence[int], day: date) -> list[ItemHistory]:
    shown = _load(session, identity, item_ids, day)
    drawn = withdrawals_of(session, list(shown))
    requests = session.scalars(
        select(RenewalRequest).where(RenewalRequest.prescription_item_id.in_(shown)).order_by(RenewalRequest.id.desc())
    ).all()
    return [
        ItemHistory(
            one,
            drawn.get(item_id, ()),
            tuple(request for request in requests if request.prescription_item_id == item_id),
        )
        for item_id, one in shown.items()
    ]


def _load(session: Session, identity: Identity, item_ids: Iterable[int], day: date) -> dict[int, UnitItem]:
    wanted = list(item_ids)
    items = session.scalars(
        select(PrescriptionItem)
        .join(PrescriptionItem.prescription)
        .where(PrescriptionItem.id.in_(wanted), of_unit(identity))
        .options(
            contains_eager(PrescriptionItem.prescription).joinedload(Prescription.person),
            joinedload(PrescriptionItem.article).joinedload(Article.successor),
            selectinload(PrescriptionItem.sub_articles),
        )
        .order_by(PrescriptionItem.id)
    ).all()
    uses = uses_of(session, PrescriptionItem.id.in_(wanted), day)
    requests = session.scalars(
        select(RenewalRequest).where(
            RenewalRequest.prescription_item_id.in_(wanted), RenewalRequest.status == RenewalStatus.OPEN
        )
    )
    asked = {request.prescription_item_id: request for request in requests}
    return {item.id: _shown(item, uses.get(item.id, NOT_USED), asked.get(item.id), day) for item in items}


def _shown(item: PrescriptionItem, use: Use, request: RenewalRequest | None, day: date) -> UnitItem:
    remaining = 0 if item.status is PrescriptionStatus.DELIVERED else item.orders_remaining
    return UnitItem(
        item=item,
        person=item.prescription.person,
        use=use,
        used_up_on=rules.used_up_on(item.next_earliest_order_date, remaining, item.days_per_order, day),
        is_active=item.status is PrescriptionStatus.ACTIVE and remaining > 0 and item.last_valid_date >= day,
        open_request=request,
    )


def _record(
    session: Session,
    identity: Identity,
    action: str,
    person_ids: Collection[int],
    *,
    object_ref: str = "",
    reason: str = "",
) -> None:
    for person_id in sorted(person_ids):
        record(
            session,
            identity.actor,
            action,
            subject_person_id=person_id,
            manner="LOOK",
            object_ref=object_ref,
            reason=reason,
        )
