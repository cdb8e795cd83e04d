"""One region at work: its depot, a unit, a consultant, and a patient's whole way through it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import ALL_TASKS, Identity, Relation, Role
from auth.models import Commission, Person, Unit
from auth.persons import staff_identity
from delivery.complaints.decisions import ReplaceProduct, replace_product
from delivery.complaints.models import FaultKind
from delivery.complaints.services import report_fault
from delivery.models import DepotOrder, PickedLot, PickLine
from delivery.shipping import ship
from orders.models import Article, Order, OrderRow, PrescriptionItem, ProductKind, Supplier
from orders.services import OrderLine, PlaceOrder, place_order
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_article, add_depot, add_item, add_staff, add_stock, add_unit, patient_identity
from tests.support.depot_work import World
from tests.support.web import make_app, sign_in

_keys = count(1)


@dataclass
class Region(World):
    """A region's staff, and helpers that each commit."""

    region: str
    unit: Unit = field(init=False)
    consultant: Commission = field(init=False)
    service: Commission = field(init=False)
    _consultant: Identity = field(init=False)
    _service: Identity = field(init=False)

    def __post_init__(self) -> None:
        with self.database.unit_of_work() as session:
            self.depot = add_depot(session, region=self.region)
            self.unit = add_unit(session, f"Mottagningen {self.region}", region=self.region)
            self.consultant = add_staff(session, Role.CONSULTANT, region=self.region)
            self.service = add_staff(session, Role.CUSTOMER_SERVICE, region=self.region)
            self.picker = staff_identity(add_staff(session, Role.DEPOT, unit=self.depot.unit, region=self.region))
            self._consultant, self._service = staff_identity(self.consultant), staff_identity(self.service)

    def prescribe(self, person: Person, article: Article, packages: int = 2) -> PrescriptionItem:
        """Prescribe an article at the region's unit and put plenty of it on the shelf."""
        with self.database.unit_of_work() as session:
            add_stock(session, self.depot, article, 100, lot_no=f"LOT{next(_keys)}")
            return add_item(session, person, article, packages=packages, unit=self.unit)

    def in_call(self, person: Person) -> Identity:
        """Customer service with the person on the phone."""
        return replace(
            self._service, subject_person_id=person.id, relation=Relation.CALL, tasks=ALL_TASKS, reason="Ringer"
        )

    def place(self, person: Person, item: PrescriptionItem, identity: Identity | None = None) -> OrderRow:
        """Order the whole withdrawal the usual way and let the depot have it; return its row."""
        with self.database.unit_of_work() as session:
            item = session.get_one(PrescriptionItem, item.id)
            line = OrderLine(item.id, {item.article_id: item.packages_per_order}, item.orders_remaining)
            command = PlaceOrder((line,), idempotency_key=f"region-{next(_keys)}")
            order = place_order(session, identity or patient_identity(person), command)
        self.handle("order.placed")
        return self.row(order)

    def row(self, order: Order) -> OrderRow:
        """The only row of an order, with its delivery."""
        with self.database.session() as session:
            row = session.scalars(select(OrderRow).where(OrderRow.order_id == order.id)).one()
            assert row.delivery_choice is not None
            assert row.order is not None
            return row

    def depot_order_of(self, row: OrderRow) -> DepotOrder:
        """What the depot has to do for a row."""
        with self.database.session() as session:
            found = select(DepotOrder).join(PickLine).where(PickLine.order_row_id == row.id)
            return session.scalars(found).unique().one()

    def send(self, row: OrderRow) -> int:
        """Pick, pack and ship a row; return what was picked of it."""
        parcel_id = self.packed(self.depot_order_of(row).id)
        with self.database.unit_of_work() as session:
            ship(session, self.picker, parcel_id, f"REGION{next(_keys):08d}")
        with self.database.session() as session:
            return session.scalars(select(PickedLot.id).join(PickLine).where(PickLine.order_row_id == row.id)).one()

    def report(self, person: Person, picked_lot_id: int) -> str:
        """Report what was picked as faulty; return the case's number."""
        command = replace(
            REPORT,
            picked_lot_id=picked_lot_id,
            kind=FaultKind.OTHER,
            applied_on=None,
            failed_on=None,
            idempotency_key=f"region-{next(_keys)}",
        )
        with self.database.unit_of_work() as session:
            return report_fault(session, patient_identity(person), command).case_no

    def replaced(self, case_no: str) -> OrderRow:
        """Have the consultant replace a package; return the row of it."""
        with self.database.unit_of_work() as session:
            command = ReplaceProduct(case_no, 1, f"region-{next(_keys)}")
            complaint = replace_product(session, self._consultant, command)
            order = complaint.replacement_order
            assert order is not None
        return self.row(order)

    def faulty(self, person: Person, kind: ProductKind) -> tuple[str, str, str]:
        """Have a product of a kind delivered and reported; return the case's number, its receipt and the consultant's page."""
        with self.database.unit_of_work() as session:
            article = add_article(session, kind=kind, region=self.region)
            article.supplier = Supplier(
                region=self.region, supplier_no=f"{next(_keys)}", name="Provmakaren", support_phone="010-000 77 00"
            )
        case_no = self.report(person, self.send(self.place(person, self.prescribe(person, article, 1))))
        receipt = self.client(person).get(f"/fault-reports/{case_no}/received").text
        assert self.client(person).get(f"/fault-reports/{case_no}").status_code == 200
        return case_no, receipt, self.client(self.consultant).get(f"/complaints/{case_no}").text

    def client(self, who: Person | Commission) -> FlaskClient:
        """A browser in which somebody is signed in, reading English."""
        return sign_in(make_app(self.database).test_client(), who)
