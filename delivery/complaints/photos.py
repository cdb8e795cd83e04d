"""Photos of a faulty product: who may see which, and how one that has been made safe is kept.

A photo arrives here re-encoded (`CleanPhoto`): what cameras write beside the picture, where and when it was taken, is gone. The re-encoding
itself is the portal's (`portal/adapters/photos.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, undefer

from auth.identity import Identity, Relation
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import DomainError, NotFound
from delivery.complaints.draft_models import FaultDraft, Photo
from delivery.complaints.models import Complaint, FaultReport

# With a report; what is added later has room besides.
MOST_PHOTOS = 5
MOST_PHOTOS_OF_CASE = 10


class PhotoProblem(StrEnum):
    """Why a photo is not taken."""

    NOT_A_PHOTO = "NOT_A_PHOTO"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    BROKEN = "BROKEN"
    TOO_MANY = "TOO_MANY"


class PhotoRefused(DomainError):
    """A photo is not taken, and why."""

    def __init__(self, problem: PhotoProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True)
class CleanPhoto:
    """A photo as a JPEG that was written anew: no metadata, the right way up, bounded in size (pixels)."""

    content: bytes = field(repr=False)
    width: int
    height: int


def photo_rows(session: Session, identity: Identity, photos: Sequence[CleanPhoto]) -> list[Photo]:
    """Build the rows of photos; the caller says whose they are."""
    return [
        Photo(
            content=photo.content,
            sha256=hashlib.sha256(photo.content).hexdigest(),
            width=photo.width,
            height=photo.height,
            added_at=now(session),
            added_by_person_id=identity.person_id,
            added_by_staff_id=identity.staff_id,
        )
        for photo in photos
    ]


def count_photos(session: Session, complaint_id: int) -> int:
    """Return how many photos a case has."""
    return session.scalars(select(func.count(Photo.id)).where(Photo.complaint_id == complaint_id)).one()


def photos_of_case(session: Session, complaint_id: int) -> list[Photo]:
    """Return the photos of a case without their content, in the order in which they came; the caller has checked and logged."""
    return list(session.scalars(select(Photo).where(Photo.complaint_id == complaint_id).order_by(Photo.id)))


def photos_for_reporter(session: Session, identity: Identity, complaint_id: int) -> list[Photo]:
    """Return those of a case's photos that its reporter may see; the caller has found the case for them and logged the look."""
    found = photos_of_case(session, complaint_id)
    if identity.relation is Relation.PROXY:
        return [photo for photo in found if photo.added_by_person_id == identity.person_id]
    return found


def own_photo(session: Session, identity: Identity, photo_id: int) -> Photo:
    """Return a photo, with its content, of the reporter's draft or of a case that they follow; raise NotPermitted, NotFound.

    Logs the look at one that has been sent. A proxy sees only what they took themselves.
    """
    require(identity, Permission.SEE_OWN_CASES)
    photo = _load(session, photo_id)
    if photo.draft_id is not None:
        is_own = session.scalar(select(FaultDraft.id).where(FaultDraft.id == photo.draft_id, *of_reporter(identity)))
        if is_own is None:
            raise NotFound
        return photo
    complaint = session.get_one(Complaint, photo.complaint_id)
    is_seen = complaint.person_id == identity.subject_person_id
    if identity.relation is Relation.PROXY:
        reporter = select(FaultReport.reporter_person_id).where(FaultReport.complaint_id == complaint.id)
        is_seen = is_seen and {photo.added_by_person_id, session.scalar(reporter)} == {identity.person_id}
    if not is_seen:
        raise NotFound
    _log(session, identity, complaint)
    return photo


def photo_for_consultant(session: Session, identity: Identity, photo_id: int) -> Photo:
    """Return a photo, with its content, of a case of the consultant's region and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.SEE_COMPLAINTS)
    photo = _load(session, photo_id)
    complaint = session.get(Complaint, photo.complaint_id) if photo.complaint_id is not None else None
    if complaint is None or complaint.region != identity.region:
        raise NotFound
    _log(session, identity, complaint)
    return photo


def of_reporter(identity: Identity) -> tuple[ColumnElement[bool], ...]:
    """Return what finds the drafts that are the identity's own, for its subject."""
    if identity.is_staff:
        who = FaultDraft.reporter_staff_id == identity.staff_id
    else:
        who = FaultDraft.reporter_person_id == identity.person_id
    return FaultDraft.person_id == identity.subject_person_id, who


def _load(session: Session, photo_id: int) -> Photo:
    photo = session.scalar(select(Photo).where(Photo.id == photo_id).options(undefer(Photo.content)))
    if photo is None:
        raise NotFound
    return photo


def _log(session: Session, identity: Identity, complaint: Complaint) -> None:
    record(
        session,
        identity.actor,
        "photo.seen",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
