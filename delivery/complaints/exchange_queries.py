"""What consultants see of the suppliers' exchange files: the files, what came of each row, and a unit's whole chain. Handbook §7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.errors import NotFound
from delivery.complaints.exchange_models import ExchangeFile, ExchangeRow
from delivery.complaints.exchange_units import UNKNOWN_LOT
from delivery.complaints.models import Complaint
from delivery.goods_models import SerialisedUnit
from delivery.unit_chain import chains_behind
from orders.models import Article, Supplier

PAGE_SIZE = 25
MOST_FOUND = 20


@dataclass(frozen=True)
class ReadFile:
    """One file that was read, in rows; `returned_at` is when the latest of the refused ones went back."""

    file: ExchangeFile
    rows: int
    refused: int
    not_returned: int
    returned_at: datetime | None


@dataclass(frozen=True)
class ExchangeLine:
    """One row of a file and what came of it; `chain` are the serial numbers before the new one, the latest first."""

    row: ExchangeRow
    is_known: bool
    chain: tuple[str, ...] = ()
    replaced_by: str = ""
    case_no: str = ""
    # The later file in which the same exchange could be used.
    corrected_in: int | None = None


@dataclass(frozen=True)
class OpenExchangeFile:
    """One file with all its rows, in the file's order."""

    file: ExchangeFile
    read_by: str
    lines: tuple[ExchangeLine, ...]

    @property
    def refused(self) -> tuple[ExchangeLine, ...]:
        """The rows that go back to the supplier."""
        return tuple(line for line in self.lines if line.row.problem is not None)

    @property
    def registered(self) -> tuple[ExchangeLine, ...]:
        """The rows that made a unit a patient's."""
        return tuple(line for line in self.lines if line.row.problem is None and not line.is_known)

    @property
    def known(self) -> tuple[ExchangeLine, ...]:
        """The rows that said what was known."""
        return tuple(line for line in self.lines if line.is_known)


@dataclass(frozen=True)
class ChainLink:
    """One unit of a chain: until when its warranty lasts, why the supplier took it back, and the case about that."""

    unit: SerialisedUnit
    reason: str = ""
    case_no: str = ""


def suppliers_of(session: Session, identity: Identity) -> Sequence[Supplier]:
    """Return the region's suppliers by name. Raises NotPermitted."""
    require(identity, Permission.READ_EXCHANGES)
    return session.scalars(
        select(Supplier).where(Supplier.region == identity.region).order_by(Supplier.name, Supplier.id)
    ).all()


def exchange_files(session: Session, identity: Identity, page: int = 1) -> tuple[tuple[ReadFile, ...], int]:
    """Return one page of the region's files, the latest first, and how many pages there are. Raises NotPermitted."""
    require(identity, Permission.READ_EXCHANGES)
    total = session.scalars(select(func.count()).where(ExchangeFile.region == identity.region)).one()
    refused = ExchangeRow.problem.is_not(None)
    rows = session.execute(
        select(
            ExchangeFile,
            func.count(ExchangeRow.id),
            func.count(ExchangeRow.id).filter(refused),
            func.count(ExchangeRow.id).filter(refused, ExchangeRow.returned_at.is_(None)),
            func.max(ExchangeRow.returned_at),
        )
        .outerjoin(ExchangeRow, ExchangeRow.file_id == ExchangeFile.id)
        .where(ExchangeFile.region == identity.region)
        .group_by(ExchangeFile.id)
        .order_by(ExchangeFile.id.desc())
        .limit(PAGE_SIZE)
        .offset((max(1, page) - 1) * PAGE_SIZE)
        .options(joinedload(ExchangeFile.supplier))
    )
    return tuple(ReadFile(*row) for row in rows), max(1, -(-total // PAGE_SIZE))


def exchange_file(session: Session, identity: Identity, file_id: int) -> OpenExchangeFile:
    """Return one file of the identity's region and log the look; nobody is named in it. A fixed number of statements.

    Raises NotPermitted, NotFound.
    """
    require(identity, Permission.READ_EXCHANGES)
    found = session.execute(
        select(ExchangeFile, StaffMember.name)
        .join(StaffMember, ExchangeFile.read_by_id == StaffMember.id)
        .where(ExchangeFile.id == file_id, ExchangeFile.region == identity.region)
        .options(joinedload(ExchangeFile.supplier))
    ).one_or_none()
    if found is None:
        raise NotFound
    file, read_by = found
    record(
        session,
        identity.actor,
        "exchanges.seen",
        subject_person_id=None,
        manner="LOOK",
        object_ref=f"exchange:{file.id}",
    )
    return OpenExchangeFile(file, read_by, _lines(session, file))


def _lines(session: Session, file: ExchangeFile) -> tuple[ExchangeLine, ...]:
    rows = session.execute(
        select(ExchangeRow, Complaint.case_no)
        .outerjoin(Complaint, ExchangeRow.complaint_id == Complaint.id)
        .where(ExchangeRow.file_id == file.id)
        .order_by(ExchangeRow.line_no)
        .options(
            joinedload(ExchangeRow.new_unit).joinedload(SerialisedUnit.lot),
            joinedload(ExchangeRow.new_unit).joinedload(SerialisedUnit.article),
            joinedload(ExchangeRow.old_unit).joinedload(SerialisedUnit.article),
        )
    ).all()
    new_ids = [row.new_unit_id for row, _case in rows if row.new_unit_id is not None]
    chains = chains_behind(session, new_ids)
    newer = _replaced_by(session, new_ids)
    first = _first_rows(session, new_ids)
    corrected = _corrected(session, file, [row for row, _case in rows if row.problem is not None])
    return tuple(
        ExchangeLine(
            row=row,
            is_known=row.new_unit is not None
            and (first[row.new_unit.id] != row.id or row.new_unit.lot.lot_no != UNKNOWN_LOT),
            chain=chains.get(row.new_unit_id or 0, ()),
            replaced_by=newer.get(row.new_unit_id, ""),
            case_no=case_no or "",
            corrected_in=corrected.get(row.old_serial.upper()) if row.problem else None,
        )
        for row, case_no in rows
    )


def _replaced_by(session: Session, unit_ids: Sequence[int]) -> Mapping[int | None, str]:
    rows = session.execute(
        select(SerialisedUnit.replaces_id, SerialisedUnit.serial_no).where(SerialisedUnit.replaces_id.in_(unit_ids))
    )
    return dict(rows.all())


def _first_rows(session: Session, unit_ids: Sequence[int]) -> Mapping[int | None, int]:
    """Which row said first of each new unit."""
    rows = session.execute(
        select(ExchangeRow.new_unit_id, func.min(ExchangeRow.id))
        .where(ExchangeRow.new_unit_id.in_(unit_ids))
        .group_by(ExchangeRow.new_unit_id)
    )
    return dict(rows.all())


def _corrected(session: Session, file: ExchangeFile, refused: Sequence[ExchangeRow]) -> Mapping[str, int]:
    """In which later file of the supplier's the exchange of each refused row's old number could be used."""
    old = func.upper(ExchangeRow.old_serial)
    rows = session.execute(
        select(old, func.min(ExchangeFile.id))
        .join(ExchangeFile, ExchangeRow.file_id == ExchangeFile.id)
        .where(
            ExchangeFile.supplier_id == file.supplier_id,
            ExchangeFile.id > file.id,
            ExchangeRow.problem.is_(None),
            old.in_(sorted({row.old_serial.upper() for row in refused if row.old_serial})),
        )
        .group_by(old)
    )
    return dict(rows.all())


def chain_of_serial(session: Session, identity: Identity, serial_no: str) -> tuple[tuple[ChainLink, ...], ...]:
    """Return the chains that a serial number is in, each from its first unit to the last, and log the look at their patients.

    Three statements. Raises NotPermitted.
    """
    require(identity, Permission.READ_EXCHANGES)
    wanted = serial_no.strip().upper()
    ids = session.scalars(
        select(SerialisedUnit.id)
        .join(Article, SerialisedUnit.article_id == Article.id)
        .where(Article.region == identity.region, func.upper(SerialisedUnit.serial_no) == wanted)
        .order_by(SerialisedUnit.id)
        .limit(MOST_FOUND)
    ).all()
    units = _connected(session, ids)
    links = _links(session, units)
    chains = _in_chains(units, links)
    for person_id in sorted({unit.person_id for unit in units if unit.person_id is not None}):
        record(session, identity.actor, "unit.traced", subject_person_id=person_id, manner="LOOK")
    return chains


def _connected(session: Session, ids: Sequence[int]) -> Sequence[SerialisedUnit]:
    """The units and all that came before and after them."""
    part = select(SerialisedUnit.id, SerialisedUnit.replaces_id).where(SerialisedUnit.id.in_(ids)).cte(recursive=True)
    unit = aliased(SerialisedUnit)
    part = part.union(
        select(unit.id, unit.replaces_id).join(part, or_(unit.replaces_id == part.c.id, unit.id == part.c.replaces_id))
    )
    return session.scalars(
        select(SerialisedUnit)
        .where(SerialisedUnit.id.in_(select(part.c.id)))
        .order_by(SerialisedUnit.id)
        .options(joinedload(SerialisedUnit.article))
    ).all()


def _links(session: Session, units: Sequence[SerialisedUnit]) -> dict[int, ChainLink]:
    rows = session.execute(
        select(ExchangeRow.old_unit_id, ExchangeRow.reason, Complaint.case_no)
        .outerjoin(Complaint, ExchangeRow.complaint_id == Complaint.id)
        .where(ExchangeRow.old_unit_id.in_([unit.id for unit in units]), ExchangeRow.problem.is_(None))
        .order_by(ExchangeRow.id.desc())
    )
    why = {old_unit_id: (reason, case_no or "") for old_unit_id, reason, case_no in rows}
    return {unit.id: ChainLink(unit, *why.get(unit.id, ("", ""))) for unit in units}


def _in_chains(units: Sequence[SerialisedUnit], links: Mapping[int, ChainLink]) -> tuple[tuple[ChainLink, ...], ...]:
    after: dict[int, list[int]] = {}
    for unit in units:
        if unit.replaces_id is not None:
            after.setdefault(unit.replaces_id, []).append(unit.id)
    chains = []
    for unit in units:
        if unit.replaces_id is None or unit.replaces_id not in links:
            chain, waiting = [], [unit.id]
            while waiting:
                current = waiting.pop(0)
                chain.append(links[current])
                waiting.extend(after.get(current, ()))
            chains.append(tuple(chain))
    return tuple(chains)
