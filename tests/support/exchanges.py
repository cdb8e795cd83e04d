"""A supplier of pumps, patients who have one each, and the files in which it tells what it exchanged."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Relation, Role
from auth.models import Person
from auth.persons import staff_identity
from core.db import Database
from delivery.complaints.exchanges import read_exchanges, upload_exchanges
from delivery.complaints.models import Complaint, ComplaintState, FaultKind, FaultReport
from delivery.goods_models import SerialisedUnit, UnitStatus
from orders.models import Article, ProductKind, Supplier
from tests.support.builders import NOON, add_article, add_person, add_staff
from tests.support.deliveries import add_delivered

HEADING = "Gammalt serienr;Nytt serienr;Datum;Orsak"
SENT_ON = date(2026, 11, 3)
_case_no = count(900001)


def exchange_csv(*rows: str) -> bytes:
    """Return a file as the supplier saves it."""
    return "\r\n".join((HEADING, *rows)).encode("cp1252")


class Exchanging:
    """A region's consultant, a supplier with one pump, and patients whose pumps it may exchange."""

    def __init__(self, database: Database, region: str = "vgr") -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.supplier = Supplier(region=region, supplier_no="P1", name="Pumpleverantören AB")
            session.add(self.supplier)
            session.flush()
            self.pump = self.article(session, "Insulinpump", region)
            self.commission = add_staff(session, Role.CONSULTANT, name="Eva Konsulent", region=region)
            self.eva: Identity = staff_identity(self.commission)

    def article(self, session: Session, name: str, region: str = "vgr") -> Article:
        """Return a new article of the supplier's whose packages have a number each."""
        article = add_article(session, name=name, kind=ProductKind.PUMP, region=region)
        article.is_serialised, article.supplier_id = True, self.supplier.id
        session.flush()
        return article

    def sent(self, serial_no: str, *, until: date | None = date(2029, 5, 31), article: Article | None = None) -> Person:
        """Send a pump to a new patient and return them."""
        article = article or self.pump
        with self.database.unit_of_work() as session:
            person = add_person(session)
            picked = add_delivered(session, person, article=article, packages=1, lot_no="L1")
            session.add(
                SerialisedUnit(
                    article_id=article.id,
                    serial_no=serial_no,
                    lot_id=picked.lot_id,
                    status=UnitStatus.SHIPPED,
                    arrived_on=SENT_ON - timedelta(days=30),
                    picked_lot_id=picked.id,
                    person_id=person.id,
                    shipped_on=SENT_ON,
                    warranty_until=until,
                )
            )
            return person

    def case(
        self, serial_no: str, state: ComplaintState = ComplaintState.RECEIVED, *, is_red: bool = False, stated: str = ""
    ) -> str:
        """Make a case about the pump of that number and return the case's number."""
        with self.database.unit_of_work() as session:
            unit = session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == serial_no)).one()
            assert unit.person_id is not None
            case = Complaint(
                case_no=str(next(_case_no)),
                region=self.eva.region,
                person_id=unit.person_id,
                article_id=unit.article_id,
                lot_id=unit.lot_id,
                state=state,
                has_red_flag=is_red,
                received_at=NOON,
                triaged_at=NOON if state is not ComplaintState.RECEIVED else None,
                decline_reason="Den var tappad." if state is ComplaintState.DECLINED else "",
            )
            session.add(case)
            session.flush()
            session.add(
                FaultReport(
                    complaint_id=case.id,
                    picked_lot_id=unit.picked_lot_id,
                    stated_serial_no=stated,
                    reporter_person_id=unit.person_id,
                    reporter_name="Test Testsson",
                    relation=Relation.SELF,
                    kind=FaultKind.STOPPED_WORKING,
                    was_harmed=is_red,
                    has_danger_sign=False,
                    is_kept=True,
                    wants_replacement=True,
                    reported_at=NOON,
                )
            )
            return case.case_no

    def upload(self, raw: bytes, name: str = "november.csv") -> int:
        """Upload a file and return the upload's id."""
        with self.database.unit_of_work() as session:
            return upload_exchanges(session, self.eva, self.supplier.id, name, raw).id

    def read(self, raw: bytes) -> int:
        """Upload and read a file and return the file's id."""
        upload_id = self.upload(raw)
        with self.database.unit_of_work() as session:
            return read_exchanges(session, self.eva, upload_id)

    def unit(self, serial_no: str) -> SerialisedUnit:
        """Return the unit of a number."""
        with self.database.session() as session:
            return session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == serial_no)).one()


def add_exchanges(database: Database, identity: Identity) -> dict[str, object]:
    """Read one supplier's file in the identity's region and leave another waiting; returns the values of the routes' parameters."""
    with database.unit_of_work() as session:
        supplier = Supplier(region=identity.region, supplier_no="P1", name="Pumpleverantören i regionen")
        session.add(supplier)
        session.flush()
        upload = upload_exchanges(session, identity, supplier.id, "läst.csv", exchange_csv("A1;A2;2026-11-10;Sprucken"))
        file_id = read_exchanges(session, identity, upload.id)
        waiting = upload_exchanges(session, identity, supplier.id, "väntar.csv", exchange_csv("B1;B2;2026-11-10;"))
        return {"exchange_file_id": file_id, "exchange_upload_id": waiting.id}
