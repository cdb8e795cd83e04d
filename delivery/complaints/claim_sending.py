"""A claim pack on its way: sent by e-mail or by hand, chased when the answer is late. Lock → check → build → record; the caller commits.

The e-mails themselves are outbox messages (`claim.send`, `claim.chase`); what became of them is written on the pack.
"""

from __future__ import annotations

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity, system_identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from auth.settings import ContactRefused, email_address
from core import idempotency
from core.audit import record
from core.clock import now, swedish_date, today
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.complaints import claim_rules
from delivery.complaints.cases import record_case, tell_timeline
from delivery.complaints.claim_errors import AddressMalformed, PackIsEmpty, PackNotThere
from delivery.complaints.claim_models import ClaimLine, ClaimPack, ClaimStatus
from delivery.complaints.claims import lock_pack
from delivery.complaints.models import ComplaintEventKind
from delivery.complaints.policy import ComplaintsPolicy


def send_pack(session: Session, identity: Identity, claim_no: str, email: str, idempotency_key: str) -> ClaimPack:
    """Have the open pack sent to the supplier's e-mail address; the same key gives the same result.

    The supplier's days to answer begin now. Locks the pack; writes each case's timeline and access log, for names leave the region's
    hands. Raises NotPermitted, NotFound, AddressMalformed, PackNotThere, PackIsEmpty.
    """
    require(identity, Permission.CLAIM)
    pack = lock_pack(session, identity, claim_no)
    if _is_repeated(session, identity, pack, idempotency_key):
        return pack
    _leave(session, identity, pack, _address(email))
    publish(session, "claim.send", claim_id=pack.id, to=pack.sent_to)
    return pack


def mark_sent(session: Session, identity: Identity, claim_no: str, idempotency_key: str) -> ClaimPack:
    """Note that the open pack was downloaded and sent some other way; the same key gives the same result.

    Locks the pack. Raises NotPermitted, NotFound, PackNotThere, PackIsEmpty.
    """
    require(identity, Permission.CLAIM)
    pack = lock_pack(session, identity, claim_no)
    if not _is_repeated(session, identity, pack, idempotency_key):
        _leave(session, identity, pack, "")
    return pack


def send_again(session: Session, identity: Identity, claim_no: str, email: str) -> ClaimPack:
    """Send a pack once more, to a corrected address or because no e-mail of it has left; its days to answer stand.

    Empty `email` notes that it was sent some other way instead. Locks the pack. Raises NotPermitted, NotFound, AddressMalformed,
    PackNotThere for a pack that is not waiting for its answer or whose e-mail has left.
    """
    require(identity, Permission.CLAIM)
    pack = lock_pack(session, identity, claim_no)
    if pack.status is not ClaimStatus.SENT or (pack.emailed_at is not None and pack.address_refused_at is None):
        raise _not_there(session, pack)
    pack.sent_to = _address(email) if email.strip() else ""
    pack.emailed_at = pack.address_refused_at = None
    if pack.sent_to:
        publish(session, "claim.send", claim_id=pack.id, to=pack.sent_to)
    _record_pack(session, identity, pack, "claim.sent_again")
    return pack


def mark_chased(session: Session, identity: Identity, claim_no: str) -> ClaimPack:
    """Count a reminder that somebody gave the supplier themselves. Locks the pack. Raises NotPermitted, NotFound, PackNotThere."""
    require(identity, Permission.CLAIM)
    pack = lock_pack(session, identity, claim_no)
    if pack.status is not ClaimStatus.SENT:
        raise _not_there(session, pack)
    _count_chase(session, identity, pack)
    return pack


def chase_late(session: Session, message: Message) -> None:
    """Remind the suppliers whose answer is late, by e-mail where that is how the pack went; handles `claims.due` of one region.

    Locks the packs by id. A pack that went another way stays on the consultants' list of late ones.
    """
    region, day = str(message.payload["region"]), today(session)
    identity = system_identity(region, "claim reminders")
    require(identity, Permission.ROUTE_MESSAGES, region=region)
    every_days = policy_of(region).section(ComplaintsPolicy).claim_chase_every_days
    packs = session.scalars(
        select(ClaimPack)
        .where(
            ClaimPack.region == region,
            ClaimPack.status == ClaimStatus.SENT,
            ClaimPack.answer_due_on < day,
            ClaimPack.emailed_at.is_not(None),
            ClaimPack.address_refused_at.is_(None),
        )
        .order_by(ClaimPack.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for pack in packs:
        chased_on = swedish_date(pack.chased_at) if pack.chased_at else None
        assert pack.answer_due_on is not None
        if claim_rules.chase_is_due(day, pack.answer_due_on, chased_on, every_days):
            _count_chase(session, identity, pack)
            publish(session, "claim.chase", claim_id=pack.id, to=pack.sent_to, times=pack.times_chased)


def waits_to_be_mailed(session: Session, message: Message) -> ClaimPack | None:
    """Return the pack that a message is to be mailed for; None when it was mailed meanwhile, or is to go elsewhere."""
    pack = session.get(ClaimPack, message.payload["claim_id"], options=[joinedload(ClaimPack.supplier)])
    if pack is None or pack.sent_to != message.payload["to"] or pack.address_refused_at is not None:
        return None
    is_sent = pack.emailed_at is not None
    if message.kind == "claim.send":
        return None if is_sent else pack
    return pack if is_sent and pack.status is ClaimStatus.SENT else None


def note_mailed(session: Session, pack: ClaimPack) -> None:
    """Note that the mail server has taken the pack for the address that it is to go to."""
    _set_if_still_there(session, pack, emailed_at=now(session))


def note_refused(session: Session, pack: ClaimPack) -> None:
    """Note that there is no such address, so that a consultant corrects it."""
    _set_if_still_there(session, pack, address_refused_at=now(session))


def _set_if_still_there(session: Session, pack: ClaimPack, **values: object) -> None:
    session.execute(
        update(ClaimPack).where(ClaimPack.id == pack.id, ClaimPack.sent_to == pack.sent_to).values(**values)
    )


def _leave(session: Session, identity: Identity, pack: ClaimPack, sent_to: str) -> None:
    if pack.status is not ClaimStatus.OPEN:
        raise _not_there(session, pack)
    lines = session.scalars(lines_of(pack)).all()
    if not lines:
        raise PackIsEmpty
    days = policy_of(pack.region).section(ComplaintsPolicy).claim_answer_days
    pack.status = ClaimStatus.SENT
    pack.sent_at, pack.sent_by_id, pack.sent_to = now(session), identity.staff_id, sent_to
    pack.answer_due_on = claim_rules.answer_due(today(session), days)
    for line in lines:
        tell_timeline(session, identity, line.complaint, ComplaintEventKind.CLAIM_SENT, pack.claim_no)
        record_case(session, identity, line.complaint, "complaint.claim_sent")


def lines_of(pack: ClaimPack) -> Select[ClaimLine]:
    """Select a pack's lines with their cases, as they stand in it."""
    return (
        select(ClaimLine)
        .where(ClaimLine.pack_id == pack.id)
        .options(joinedload(ClaimLine.complaint))
        .order_by(ClaimLine.id)
    )


def _count_chase(session: Session, identity: Identity, pack: ClaimPack) -> None:
    pack.chased_at = now(session)
    pack.times_chased += 1
    _record_pack(session, identity, pack, "claim.chased")


def _record_pack(session: Session, identity: Identity, pack: ClaimPack, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=None, object_ref=f"claim:{pack.claim_no}")


def _is_repeated(session: Session, identity: Identity, pack: ClaimPack, key: str) -> bool:
    return not idempotency.spend(session, "claim.send", f"staff:{identity.staff_id}:{pack.id}", key).is_first


def _address(email: str) -> str:
    try:
        return email_address(email)
    except ContactRefused:
        raise AddressMalformed from None


def _not_there(session: Session, pack: ClaimPack) -> PackNotThere:
    return PackNotThere(pack.claim_no, pack.status, pack.sent_at, sender_name(session, pack))


def sender_name(session: Session, pack: ClaimPack) -> str:
    """Return who sent the pack; empty while nobody has."""
    return session.get_one(StaffMember, pack.sent_by_id).name if pack.sent_by_id is not None else ""
