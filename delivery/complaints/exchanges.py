"""The suppliers' files of what they exchanged directly: looked at first, then read once. Handbook §7.

Lock → check → build → record; the caller commits. Files of one region are read one at a time. Lock order: the persons, their units, their
cases, each in id order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import ChangedMeanwhile, DomainError, NotFound
from core.importing import PEOPLE, one_at_a_time, wait_for_imports
from delivery.complaints.exchange_cases import tell_cases
from delivery.complaints.exchange_matching import LONGEST_REASON, Verdict, judge_exchanges
from delivery.complaints.exchange_models import ExchangeFile, ExchangeRow, ExchangeUpload
from delivery.complaints.exchange_reading import ExchangeFileRefused, StatedExchange, read_exchange_file
from delivery.complaints.exchange_units import lock_units, make_units, persons_of, unit_facts
from delivery.goods_models import SerialisedUnit
from orders.models import Supplier

KEEP_UPLOADS = timedelta(days=1)
_LONGEST_STATED = 60


class FileReadBefore(DomainError):
    """These very bytes have been read before; `file_id` is the file that they were."""

    def __init__(self, file_id: int) -> None:
        super().__init__(str(file_id))
        self.file_id = file_id


@dataclass(frozen=True)
class Preview:
    """What would come of a file that has been uploaded and not read."""

    upload: ExchangeUpload
    verdicts: tuple[Verdict, ...]

    @property
    def new(self) -> int:
        """How many rows would make a unit a patient's."""
        return sum(verdict.is_new for verdict in self.verdicts)

    @property
    def known(self) -> int:
        """How many rows say what is known already."""
        return sum(verdict.is_known for verdict in self.verdicts)

    @property
    def refused(self) -> int:
        """How many rows would go back."""
        return sum(verdict.problem is not None for verdict in self.verdicts)


def upload_exchanges(session: Session, identity: Identity, supplier_id: int, name: str, raw: bytes) -> ExchangeUpload:
    """Keep a file for a day so that somebody can look at what would come of it; no unit and no case is touched.

    Raises NotPermitted, NotFound for another region's supplier, ExchangeFileRefused, FileReadBefore.
    """
    require(identity, Permission.READ_EXCHANGES)
    if (
        session.scalar(select(Supplier.id).where(Supplier.id == supplier_id, Supplier.region == identity.region))
        is None
    ):
        raise NotFound
    sha256 = hashlib.sha256(raw).hexdigest()
    _require_unread(session, identity, supplier_id, sha256)
    read_exchange_file(raw)
    assert identity.staff_id is not None
    session.execute(
        delete(ExchangeUpload).where(
            ExchangeUpload.region == identity.region, ExchangeUpload.uploaded_at < now(session) - KEEP_UPLOADS
        )
    )
    upload = ExchangeUpload(
        region=identity.region,
        supplier_id=supplier_id,
        name=name,
        sha256=sha256,
        content=raw,
        uploaded_at=now(session),
        uploaded_by_id=identity.staff_id,
    )
    session.add(upload)
    session.flush()
    return upload


def preview_exchanges(session: Session, identity: Identity, upload_id: int) -> Preview:
    """Return what would come of an uploaded file now; locks and writes nothing but the look. Raises NotPermitted, NotFound."""
    require(identity, Permission.READ_EXCHANGES)
    upload = _upload(session, identity, upload_id)
    if upload is None:
        raise NotFound
    verdicts = _judge(session, upload, _rows_of(upload))
    record(session, identity.actor, "exchanges.previewed", subject_person_id=None, manner="LOOK")
    return Preview(upload, tuple(verdicts))


def discard_exchanges(session: Session, identity: Identity, upload_id: int) -> None:
    """Forget an uploaded file; one that is gone is gone. Raises NotPermitted, NotFound for another region's."""
    require(identity, Permission.READ_EXCHANGES)
    upload = _upload(session, identity, upload_id)
    if upload is None:
        raise NotFound
    session.delete(upload)


def read_exchanges(session: Session, identity: Identity, upload_id: int) -> int:
    """Read an uploaded file: new units become the patients', their cases are told, the rest is listed to go back; return the file's id.

    The same upload twice gives the same file. Raises NotPermitted, NotFound, FileReadBefore, and ChangedMeanwhile when what was matched
    became another's or a new number was taken in at the depot while it was being read.
    """
    require(identity, Permission.READ_EXCHANGES)
    assert identity.staff_id is not None
    spent = idempotency.spend(session, "exchanges.read", identity.region, str(upload_id))
    if not spent.is_first:
        return int(spent.earlier_result or 0)
    one_at_a_time(session, f"exchanges:{identity.region}")
    wait_for_imports(session, PEOPLE)
    upload = _upload(session, identity, upload_id)
    if upload is None:
        raise NotFound
    _require_unread(session, identity, upload.supplier_id, upload.sha256)
    rows = _rows_of(upload)
    units = _lock(session, _judge(session, upload, rows))
    verdicts = _judge(session, upload, rows)
    if any(verdict.is_new and verdict.old and verdict.old.unit_id not in units for verdict in verdicts):
        raise ChangedMeanwhile

    file = ExchangeFile(
        region=identity.region,
        supplier_id=upload.supplier_id,
        name=upload.name,
        sha256=upload.sha256,
        read_at=now(session),
        read_by_id=identity.staff_id,
    )
    session.add(file)
    session.flush()
    try:
        made = make_units(session, identity.region, verdicts, units)
    except IntegrityError:
        raise ChangedMeanwhile from None
    cases = tell_cases(session, identity, [made[place] for place in sorted(made)])
    known = _known(session, verdicts)
    for place, verdict in enumerate(verdicts):
        new = (
            made[place]
            if place in made
            else known.get(verdict.old.unit_id)
            if verdict.is_known and verdict.old
            else None
        )
        session.add(_row(file, verdict, new, cases.get(new.id) if new and place in made else None))
    for person_id in sorted({unit.person_id for unit in made.values() if unit.person_id is not None}):
        record(
            session,
            identity.actor,
            "exchange.registered",
            subject_person_id=person_id,
            object_ref=f"exchange:{file.id}",
        )
    record(session, identity.actor, "exchanges.read", subject_person_id=None, object_ref=f"exchange:{file.id}")
    session.delete(upload)
    spent.settle(session, str(file.id))
    session.flush()
    return file.id


def mark_returned(session: Session, identity: Identity, file_id: int) -> int:
    """Note that the rows which could not be used have gone back to the supplier; return how many. Locks the file.

    What has gone back before keeps its day. Raises NotPermitted, NotFound.
    """
    require(identity, Permission.READ_EXCHANGES)
    file = session.scalar(
        select(ExchangeFile)
        .where(ExchangeFile.id == file_id, ExchangeFile.region == identity.region)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if file is None:
        raise NotFound
    rows = session.scalars(
        select(ExchangeRow).where(
            ExchangeRow.file_id == file.id, ExchangeRow.problem.is_not(None), ExchangeRow.returned_at.is_(None)
        )
    ).all()
    for row in rows:
        row.returned_at = now(session)
    if rows:
        record(session, identity.actor, "exchanges.returned", subject_person_id=None, object_ref=f"exchange:{file.id}")
    return len(rows)


def _upload(session: Session, identity: Identity, upload_id: int) -> ExchangeUpload | None:
    return session.scalar(
        select(ExchangeUpload)
        .where(ExchangeUpload.id == upload_id, ExchangeUpload.region == identity.region)
        .options(undefer(ExchangeUpload.content))
    )


def _require_unread(session: Session, identity: Identity, supplier_id: int, sha256: str) -> None:
    earlier = session.scalar(
        select(ExchangeFile.id).where(
            ExchangeFile.region == identity.region,
            ExchangeFile.supplier_id == supplier_id,
            ExchangeFile.sha256 == sha256,
        )
    )
    if earlier is not None:
        raise FileReadBefore(earlier)


def _rows_of(upload: ExchangeUpload) -> tuple[StatedExchange, ...]:
    try:
        return read_exchange_file(upload.content)
    except ExchangeFileRefused as problem:
        # It could be read when it came: what reads it has changed since.
        raise NotFound from problem


def _judge(session: Session, upload: ExchangeUpload, rows: Sequence[StatedExchange]) -> list[Verdict]:
    facts = unit_facts(session, upload.region, upload.supplier_id, rows)
    return judge_exchanges(rows, facts, today(session))


def _lock(session: Session, verdicts: Sequence[Verdict]) -> Mapping[int, SerialisedUnit]:
    """Lock the patients and then the units that the rows take away; a unit whose patient is another by then is left out."""
    ids = sorted({verdict.old.unit_id for verdict in verdicts if verdict.is_new and verdict.old})
    persons = persons_of(session, ids)
    session.execute(
        select(Person.id).where(Person.id.in_(persons)).order_by(Person.id).with_for_update(key_share=True)
    ).all()
    return {unit_id: unit for unit_id, unit in lock_units(session, ids).items() if unit.person_id in persons}


def _known(session: Session, verdicts: Sequence[Verdict]) -> dict[int, SerialisedUnit]:
    """The units that have come already, by the old unit's id."""
    ids = [verdict.old.unit_id for verdict in verdicts if verdict.is_known and verdict.old]
    units = session.scalars(
        select(SerialisedUnit).where(SerialisedUnit.replaces_id.in_(ids)).order_by(SerialisedUnit.id)
    )
    return {unit.replaces_id: unit for unit in units if unit.replaces_id is not None}


def _row(file: ExchangeFile, verdict: Verdict, new: SerialisedUnit | None, complaint_id: int | None) -> ExchangeRow:
    stated = verdict.row
    old_unit_id = new.replaces_id if new else verdict.old.unit_id if verdict.old else None
    return ExchangeRow(
        file_id=file.id,
        line_no=stated.line_no,
        old_serial=stated.old_serial[:_LONGEST_STATED],
        new_serial=stated.new_serial[:_LONGEST_STATED],
        exchanged_on=stated.exchanged_on,
        stated_date=stated.stated_date[:_LONGEST_STATED],
        reason=stated.reason[:LONGEST_REASON],
        problem=verdict.problem,
        old_unit_id=old_unit_id,
        new_unit_id=new.id if new else None,
        complaint_id=complaint_id,
    )
