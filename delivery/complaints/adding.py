"""What a reporter adds to a case after it was sent: words, photos, and the answer to what a consultant asks. Handbook §7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.errors import DomainError
from delivery.complaints.asking import resume_after_answer
from delivery.complaints.cases import record_case, tell_timeline
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.own_cases import find_own, is_asked
from delivery.complaints.photos import (
    MOST_PHOTOS_OF_CASE,
    CleanPhoto,
    PhotoProblem,
    PhotoRefused,
    count_photos,
    photo_rows,
)
from delivery.complaints.rules import is_case_no
from orders.services import lock_person

LONGEST_ADDITION = 2000
MOST_ADDITIONS = 40


class NothingAdded(DomainError):
    """An addition has words or a photo."""


class TooMuchAdded(DomainError):
    """A case takes forty additions; after that the reporter calls."""


class CaseIsClosed(DomainError):
    """Nothing is added to a closed case: what happens now is another report."""


class NotAsked(DomainError):
    """The consultant asks nothing, or somebody has answered already."""


@dataclass(frozen=True)
class AddToCase:
    """Words and photos for a case."""

    case_no: str
    idempotency_key: str
    text: str = field(default="", repr=False)
    photos: Sequence[CleanPhoto] = ()


def add_to_case(session: Session, identity: Identity, command: AddToCase) -> Complaint:
    """Add words, photos or both to a case that the identity follows; the same key adds once.

    Locks the person and the complaint. Raises NotPermitted, NotFound, NothingAdded, TooMuchAdded, CaseIsClosed, PhotoRefused.
    """
    complaint = _lock(session, identity, command.case_no)
    if not _is_first(session, identity, complaint, command):
        return complaint
    text = _text_of(command)
    if not text and not command.photos:
        raise NothingAdded
    _take_photos(session, identity, complaint, command)
    if text:
        tell_timeline(session, identity, complaint, ComplaintEventKind.ADDED, text, for_reporter=True)
    record_case(session, identity, complaint, "case.added_to")
    return complaint


def answer_question(session: Session, identity: Identity, command: AddToCase) -> Complaint:
    """Answer what the consultant asks, and let the case's clock go on; the same key answers once.

    Locks the person and the complaint. Raises NotPermitted, NotFound, NotAsked, NothingAdded without words, TooMuchAdded, PhotoRefused.
    """
    complaint = _lock(session, identity, command.case_no)
    if not _is_first(session, identity, complaint, command):
        return complaint
    if not is_asked(complaint):
        raise NotAsked
    text = _text_of(command)
    if not text:
        raise NothingAdded
    _take_photos(session, identity, complaint, command)
    tell_timeline(session, identity, complaint, ComplaintEventKind.ANSWERED, text, for_reporter=True)
    resume_after_answer(session, complaint)
    record_case(session, identity, complaint, "case.answered")
    return complaint


def _lock(session: Session, identity: Identity, case_no: str) -> Complaint:
    require(identity, Permission.SEE_OWN_CASES)
    lock_person(session, identity.subject_person_id)
    if is_case_no(case_no):
        own = select(Complaint.id).where(
            Complaint.case_no == case_no, Complaint.person_id == identity.subject_person_id
        )
        session.execute(own.with_for_update())
    return find_own(session, identity, case_no)


def _is_first(session: Session, identity: Identity, complaint: Complaint, command: AddToCase) -> bool:
    who = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    spent = idempotency.spend(session, "case.add", f"{who}:{complaint.id}", command.idempotency_key)
    if spent.is_first:
        spent.settle(session, complaint.case_no)
    return spent.is_first


def _text_of(command: AddToCase) -> str:
    return command.text.replace("\x00", "").strip()[:LONGEST_ADDITION]


def _take_photos(session: Session, identity: Identity, complaint: Complaint, command: AddToCase) -> None:
    if complaint.state is ComplaintState.CLOSED:
        raise CaseIsClosed
    kinds = {ComplaintEventKind.ADDED, ComplaintEventKind.ANSWERED, ComplaintEventKind.PHOTO_ADDED}
    if sum(event.kind in kinds for event in complaint.events) >= MOST_ADDITIONS:
        raise TooMuchAdded
    if not command.photos:
        return
    if count_photos(session, complaint.id) + len(command.photos) > MOST_PHOTOS_OF_CASE:
        raise PhotoRefused(PhotoProblem.TOO_MANY)
    rows = photo_rows(session, identity, command.photos)
    for row in rows:
        row.complaint_id = complaint.id
    session.add_all(rows)
    tell_timeline(session, identity, complaint, ComplaintEventKind.PHOTO_ADDED, str(len(rows)), for_reporter=True)
