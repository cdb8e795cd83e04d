"""A protected identity that arrives after the order: nobody is shown a name or an address any more. Handbook §4."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from auth.identity import Role
from auth.models import Person, Protection
from core.db import Database
from core.outbox import Message
from delivery.complaints.models import FaultReport
from delivery.complaints.services import report_fault
from delivery.errors import LabelOutdated
from delivery.models import Parcel
from delivery.papers import prepare_papers
from delivery.protection import hide_person
from delivery.shipping import ship
from orders.models import DeliveryChoice, DeliveryMethod, Order
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.depot_work import World
from tests.support.web import make_app, sign_in, token_of

SECRETS = ("Provgatan", "Testsson", "Hemlig", "0500-00 00 01", "1234", "54130", "541 30")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def person(database: Database) -> Person:
    with database.unit_of_work() as session:
        return add_person(session, name="Hemlig Testsson")


def _protect(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        found = session.get_one(Person, person.id)
        found.given_name = found.family_name = found.street = found.postal_code = found.city = found.door_code = ""
        found.protection = Protection.CONFIDENTIALITY_FLAG
        session.flush()
        hide_person(session, Message(1, "person.protected", {"person_id": person.id}))


def _choice(world: World) -> DeliveryChoice:
    with world.database.session() as session:
        return session.scalars(select(DeliveryChoice)).one()


def _says_nothing(text: object) -> None:
    assert not [secret for secret in SECRETS if secret in str(text)]


def test_what_is_not_packed_goes_to_the_unit_at_once(world: World, person: Person) -> None:
    world.order({world.article(): 1}, person)
    _protect(world, person)
    choice = _choice(world)
    assert (choice.method, choice.receiver) == (DeliveryMethod.UNIT, "Diabetesmottagningen Provstad")
    assert (choice.care_of, choice.door_code, choice.comment) == ("", "", "")
    with world.database.session() as session:
        assert session.scalars(select(Order.orderer_name)).one() == ""


def test_a_packed_parcel_is_not_shipped_with_its_old_label(world: World, person: Person) -> None:
    article = world.article()
    world.stock(article, 1)
    parcel_id = world.packed(world.order({article: 1}, person))
    _protect(world, person)
    _says_nothing(vars(_choice(world)))
    with world.database.unit_of_work() as session, pytest.raises(LabelOutdated):
        ship(session, world.picker, parcel_id, "T1")
    with world.database.unit_of_work() as session:
        papers = prepare_papers(session, world.picker, parcel_id, "label")
        assert papers.receiver.name == "Diabetesmottagningen Provstad"
    with world.database.unit_of_work() as session:
        assert ship(session, world.picker, parcel_id, "T1").shipped_at


def test_nothing_is_left_of_where_a_delivered_parcel_went(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        picked_lot_id = add_delivered(session, person).id
        parcel_id = session.scalars(select(Parcel.id)).one()
        case_no = report_fault(session, patient_identity(person), replace(REPORT, picked_lot_id=picked_lot_id)).case_no
        order_no = session.scalars(select(Order.order_no)).one()
        consultant = add_staff(session, Role.CONSULTANT)
        service = add_staff(session, Role.CUSTOMER_SERVICE)
        depot = add_staff(session, Role.DEPOT)
    _protect(world, person)
    with world.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
        assert (report.reporter_name, report.call_on) == ("", "")
    app = make_app(world.database)
    patient = sign_in(app.test_client(), person)
    pages = [
        patient.get(f"/orders/{order_no}"),
        patient.get("/orders"),
        patient.get("/inbox"),
        patient.get(f"/fault-reports/{case_no}"),
        sign_in(app.test_client(), consultant).get(f"/complaints/{case_no}"),
        sign_in(app.test_client(), depot).get(f"/depot/parcels/{parcel_id}"),
    ]
    caller = sign_in(app.test_client(), service)
    form = {"csrf_token": token_of(caller, "/customer-service"), "order_no": order_no, "reason": "Var?"}
    pages.append(caller.post("/customer-service", data=form))
    for page in pages:
        assert page.status_code == 200
        _says_nothing(page.text)
    for paper in ("label", "delivery-note"):
        assert sign_in(app.test_client(), depot).get(f"/depot/parcels/{parcel_id}/{paper}").status_code == 200
    with world.database.unit_of_work() as session:
        papers = prepare_papers(session, world.picker, parcel_id, "label")
        assert papers.receiver.name == "Diabetesmottagningen Provstad"


def test_a_protected_orderer_is_not_named_in_a_childs_order(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        child = add_person(session, name="Barn Provsson")
        add_delivered(session, child)
        order = session.scalars(select(Order)).one()
        order.orderer_person_id, order.orderer_name, order.by_delegate = person.id, person.full_name, True
    _protect(world, person)
    with world.database.session() as session:
        assert session.scalars(select(Order.orderer_name)).one() == ""
    assert _choice(world).street == "Provgatan 1"


def test_a_flag_that_was_taken_back_hides_nothing(world: World, person: Person) -> None:
    world.order({world.article(): 1}, person)
    with world.database.unit_of_work() as session:
        hide_person(session, Message(1, "person.protected", {"person_id": person.id}))
    assert _choice(world).method is DeliveryMethod.HOME_DELIVERY
