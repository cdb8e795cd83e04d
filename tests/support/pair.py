"""Two installations in one process: a portal's application and a source's, each with its own database, and TLS on loopback between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from auth.models import Guardianship, Person, Protection
from auth.numbers import parse_number
from core.clock import ManualClock, today
from core.db import Database
from core.policy import Policies, use_policies
from delivery.models import DepotOrder
from delivery.shipping import register_delivery, ship
from orders.contract.names import Version
from orders.models import DeliveryAlternative, Order, OrderRow, PrescriptionItem, Withdrawal
from orders.services import OrderLine, PlaceOrder, place_order
from portal.adapters.contract_source import ContractSource
from portal.adapters.contract_source_file import read_contract_sources
from portal.demo.certificates import Certificates, make_certificates
from portal.demo.contract_proxy import Behind, ContractProxy, Trouble
from portal.demo.environment import SERVICE_POINTS
from portal.demo.pair import PORTAL_HSA_ID, portal_section, source_section, sources_file, write_policy
from portal.prescriptions import Prescriptions
from tests.support.builders import add_article, add_item, add_person, patient_identity
from tests.support.delivery_pages import form_of
from tests.support.depot_work import World
from tests.support.pages import check_page
from tests.support.web import make_app, sign_in

# Policies belong to the process, so the two are different regions of it.
PORTAL, SOURCE = "vastmanland", "vgr"
KEY = "a-key-that-only-the-proxy-and-tests-know"


class TickingClock(ManualClock):
    """Moves a millisecond whenever it is asked: of two instants one is the earlier."""

    def __init__(self, instant: datetime) -> None:
        self._lock = Lock()
        super().__init__(instant)

    def now(self) -> datetime:
        with self._lock:
            self.advance(timedelta(milliseconds=1))
            return super().now()


@dataclass
class Way:
    """What happens between the two: nobody is answered, or orders are taken and the answers lost."""

    is_down: bool = False
    loses_answers: bool = False

    def trouble(self) -> Trouble:
        """Return it as the proxy asks."""
        return Trouble(lambda: self.is_down, lambda: self.loses_answers)


@dataclass
class Pair:
    """The two, and what a test does to them."""

    clock: TickingClock
    portal: Flask
    source: Flask
    way: Way
    address: str
    certificates: Certificates
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.at_source)

    @property
    def at_portal(self) -> Database:
        """The portal's database."""
        return _database(self.portal)

    @property
    def at_source(self) -> Database:
        """The source's database."""
        return _database(self.source)

    @property
    def prescriptions(self) -> Prescriptions:
        """The portal's way to prescriptions."""
        found = self.portal.extensions["prescriptions"]
        assert isinstance(found, Prescriptions)
        return found

    def person(
        self, name: str = "Anna Provsson", born: date | None = None, protection: Protection = Protection.NONE
    ) -> tuple[Person, Person]:
        """Let somebody be known to both; returns them as the portal and as the source know them."""
        with self.at_source.unit_of_work() as session:
            there = add_person(session, name=name, born=born, region=SOURCE, protection=protection)
            number = there.number
        with self.at_portal.unit_of_work() as session:
            here = add_person(session, name=name, region=PORTAL, protection=protection)
            here.set_number(parse_number(number, today(session)))
        return here, there

    def child_of(self, guardian: Person) -> tuple[Person, Person]:
        """Let a guardian of the portal's have a child of nine, known to both."""
        child = self.person("Elsa Provsson", born=date(2017, 5, 5))
        with self.at_portal.unit_of_work() as session:
            session.add(Guardianship(guardian_id=guardian.id, child_id=child[0].id))
        return child

    def prescribe(
        self, there: Person, name: str = "Glukossensor", *, stock: int = 40, ways: tuple[DeliveryAlternative, ...] = ()
    ) -> PrescriptionItem:
        """Prescribe something at the source, and have it on the shelf there."""
        with self.at_source.unit_of_work() as session:
            article = add_article(session, name=name, package_size=2)
            item = add_item(session, there, article)
            item.delivery_alternatives = [*item.delivery_alternatives, *ways]
        self.world.stock(article, stock)
        return item

    def orders(self, database: Database) -> list[Order]:
        """Return an installation's orders, oldest first."""
        with database.session() as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def rows(self, database: Database) -> list[OrderRow]:
        """Return an installation's order rows, oldest first."""
        with database.session() as session:
            return list(session.scalars(select(OrderRow).order_by(OrderRow.id)))

    def withdrawals(self, database: Database) -> int:
        """Return how many withdrawals an installation knows of its own orders."""
        with database.session() as session:
            return len(session.scalars(select(Withdrawal).where(Withdrawal.order_id.is_not(None))).all())

    def reach_depot(self) -> list[int]:
        """Let the source's workers route what was ordered there; returns the depot orders."""
        self.world.handle("order.placed")
        with self.at_source.session() as session:
            return list(session.scalars(select(DepotOrder.id).order_by(DepotOrder.id)))

    def deliver(self, depot_order_id: int) -> None:
        """Pick, pack and send at the source, and have the parcel delivered a day later."""
        parcel_id = self.world.packed(depot_order_id)
        with self.at_source.unit_of_work() as session:
            ship(session, self.world.picker, parcel_id, f"PROV{depot_order_id:08d}")
        self.clock.advance(timedelta(days=1))
        with self.at_source.unit_of_work() as session:
            register_delivery(session, self.world.picker, parcel_id, "TEST")


@contextmanager
def running_pair(
    folder: Path, portal_url: str, source_url: str, clock: TickingClock, version: Version
) -> Iterator[Pair]:
    """Run the source behind a proxy with mutual TLS and a portal in front of it, both in the same process, on one clock."""
    number = f"{version.major}.0"
    write_policy(folder, source_section(), SOURCE)
    policies = write_policy(folder, portal_section(number), PORTAL)
    use_policies(Policies.load(policies))
    certificates = make_certificates(folder / "certificates", PORTAL_HSA_ID)
    key_file = folder / "proxy-key"
    key_file.write_text(KEY, encoding="utf-8")
    databases = [Database(url, clock=clock) for url in (source_url, portal_url)]
    way = Way()
    source = make_app(
        databases[0],
        policy_dir=policies,
        contract_proxy_key_file=key_file,
        service_points_file=SERVICE_POINTS,
        contract_sources_file=_sources(folder, "https://localhost:1", certificates, number),
    )
    with (
        _serving(source) as port,
        ContractProxy(certificates, Behind(port, KEY), trouble=way.trouble()).running() as proxy,
    ):
        sources = _sources(folder, proxy.address, certificates, number)
        portal = make_app(databases[1], policy_dir=policies, contract_sources_file=sources, default_region=PORTAL)
        # As the application has it, but for the clock of its patience with a source that is down.
        asked = ContractSource(read_contract_sources(sources), clock=clock)
        portal.extensions["prescriptions"] = Prescriptions(databases[1], asked)
        yield Pair(clock, portal, source, way, proxy.address, certificates)
    for database in databases:
        database.dispose()


def browser_of(pair: Pair, who: Person, acting_for: Person | None = None) -> FlaskClient:
    """Return a browser of somebody who is logged in at the portal."""
    return sign_in(pair.portal.test_client(), who, acting_for=acting_for)


def review_page(pair: Pair, client: FlaskClient) -> TestResponse:
    """Look at what can be ordered, tick all of it, and go on."""
    assert client.get("/my-products").status_code == 200
    with pair.at_portal.session() as session:
        items = session.scalars(select(PrescriptionItem.id).order_by(PrescriptionItem.id)).all()
    page = client.get("/order/review", query_string={"item": list(items)})
    assert page.status_code == 200
    check_page(page)
    return page


def place(pair: Pair, client: FlaskClient, **changes: str) -> TestResponse:
    """Order all that can be ordered, with some of the form changed."""
    return client.post("/order", data=form_of(review_page(pair, client).text, **changes))


def order_directly(pair: Pair, there: Person, item: PrescriptionItem) -> None:
    """Order at the source itself, as its own pages do."""
    with pair.at_source.unit_of_work() as session:
        fresh = session.get_one(PrescriptionItem, item.id)
        line = OrderLine(fresh.id, {fresh.article_id: 6}, fresh.orders_remaining)
        place_order(session, patient_identity(there), PlaceOrder((line,), idempotency_key="at the source"))


def left_of(pair: Pair) -> tuple[int, int]:
    """What is left of the one prescription item, as the portal and as the source count."""
    with pair.at_portal.session() as here, pair.at_source.session() as there:
        statement = select(PrescriptionItem.orders_remaining)
        return here.scalars(statement).one(), there.scalars(statement).one()


def _sources(folder: Path, address: str, certificates: Certificates, version: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(sources_file(PORTAL, address, certificates, version), encoding="utf-8")
    return path


@contextmanager
def _serving(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _database(app: Flask) -> Database:
    database = app.extensions["database"]
    assert isinstance(database, Database)
    return database
