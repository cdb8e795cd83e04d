"""A report that has been begun and not yet sent: kept on the way, so that a lost connection loses nothing.

A draft is of one reporter, one subject and one product; nobody else sees it, and after two weeks it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.idempotency import IdempotencyKey
from core.outbox import Message
from delivery.complaints.draft_models import FaultDraft, Photo
from delivery.complaints.photos import (
    MOST_PHOTOS,
    CleanPhoto,
    PhotoProblem,
    PhotoRefused,
    of_reporter,
    photo_rows,
)
from delivery.complaints.products import ProductRef, find_product
from orders.services import lock_person

KEPT_FOR = timedelta(days=14)
SCOPE = "fault"
MOST_FIELDS = 40
LONGEST_VALUE = 2000


def key_owner(identity: Identity) -> str:
    """Return whose idempotency keys a report's are."""
    who = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    return f"{who}:{identity.subject_person_id}"


def find_draft(session: Session, identity: Identity, ref: ProductRef) -> FaultDraft | None:
    """Return the identity's draft about a product, with its photos; raise NotPermitted."""
    require(identity, Permission.REPORT_FAULT)
    return session.scalar(
        select(FaultDraft)
        .where(*of_reporter(identity), FaultDraft.product_key == ref.key)
        .options(selectinload(FaultDraft.photos))
        .execution_options(populate_existing=True)
    )


def drafts_of(session: Session, identity: Identity) -> list[FaultDraft]:
    """Return what the identity has begun for its subject, the latest first; raise NotPermitted."""
    require(identity, Permission.REPORT_FAULT)
    return list(
        session.scalars(
            select(FaultDraft)
            .where(*of_reporter(identity), FaultDraft.updated_at > now(session) - KEPT_FOR)
            .order_by(FaultDraft.updated_at.desc(), FaultDraft.id)
            .limit(20)
        )
    )


def keep_draft(
    session: Session,
    identity: Identity,
    ref: ProductRef,
    form: Mapping[str, str],
    *,
    photos: Sequence[CleanPhoto] = (),
    idempotency_key: str = "",
) -> FaultDraft | None:
    """Keep what has been typed about a product, and photos; None when the same form has been sent already.

    Locks the person. Raises NotPermitted, NotFound for a product that cannot be reported, PhotoRefused when there are too many.
    """
    require(identity, Permission.REPORT_FAULT)
    person = lock_person(session, identity.subject_person_id)
    if idempotency_key and _is_sent(session, identity, idempotency_key):
        return None
    find_product(session, identity, ref)
    draft = find_draft(session, identity, ref)
    if draft is None:
        draft = FaultDraft(
            person_id=person.id,
            reporter_person_id=None if identity.is_staff else identity.person_id,
            reporter_staff_id=identity.staff_id,
            product_key=ref.key,
            updated_at=now(session),
        )
        session.add(draft)
        record(session, identity.actor, "fault.draft_begun", subject_person_id=person.id)
    if len(draft.photos) + len(photos) > MOST_PHOTOS:
        raise PhotoRefused(PhotoProblem.TOO_MANY)
    draft.form = {name[:40]: value[:LONGEST_VALUE] for name, value in list(form.items())[:MOST_FIELDS]}
    draft.photos.extend(photo_rows(session, identity, photos))
    draft.updated_at = now(session)
    session.flush()
    return draft


def drop_photo(session: Session, identity: Identity, ref: ProductRef, photo_id: int) -> None:
    """Take a photo out of a draft; one that is not there is no fault. Locks the person; raises NotPermitted."""
    require(identity, Permission.REPORT_FAULT)
    lock_person(session, identity.subject_person_id)
    draft = find_draft(session, identity, ref)
    if draft is None:
        return
    draft.photos[:] = [photo for photo in draft.photos if photo.id != photo_id]
    session.flush()


def throw_away(session: Session, identity: Identity, draft_id: int) -> None:
    """Throw a draft away, with its photos. Locks the person; raises NotPermitted, NotFound for another's."""
    require(identity, Permission.REPORT_FAULT)
    person = lock_person(session, identity.subject_person_id)
    draft = session.scalar(
        select(FaultDraft)
        .where(FaultDraft.id == draft_id, *of_reporter(identity))
        .options(selectinload(FaultDraft.photos))
    )
    if draft is None:
        raise NotFound
    session.delete(draft)
    record(session, identity.actor, "fault.draft_dropped", subject_person_id=person.id)
    session.flush()


def hand_over_photos(session: Session, identity: Identity, ref: ProductRef, complaint_id: int) -> None:
    """Give a draft's photos to the case that came of it, and end the draft. The caller has locked the person."""
    draft = find_draft(session, identity, ref)
    if draft is None:
        return
    for photo in list(draft.photos):
        photo.draft_id, photo.complaint_id = None, complaint_id
    session.flush()
    session.execute(
        delete(FaultDraft).where(FaultDraft.id == draft.id), execution_options={"synchronize_session": False}
    )
    session.expunge(draft)


def delete_old_drafts(session: Session, message: Message) -> None:
    """Delete the region's drafts that nobody has touched for two weeks, with their photos."""
    old = (
        select(FaultDraft.id)
        .join(Person, FaultDraft.person_id == Person.id)
        .where(Person.region == message.payload["region"], FaultDraft.updated_at <= now(session) - KEPT_FOR)
        .order_by(FaultDraft.id)
        .with_for_update(of=FaultDraft, skip_locked=True)
    )
    gone = session.scalars(old).all()
    session.execute(delete(Photo).where(Photo.draft_id.in_(gone)))
    session.execute(delete(FaultDraft).where(FaultDraft.id.in_(gone)))


def _is_sent(session: Session, identity: Identity, key: str) -> bool:
    spent = select(IdempotencyKey.id).where(
        IdempotencyKey.scope == SCOPE,
        IdempotencyKey.owner == key_owner(identity),
        IdempotencyKey.key == key.replace("\x00", "")[:64],
    )
    return session.scalar(spent) is not None
