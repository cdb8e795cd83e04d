"""A protected identity that arrives after the order: nobody is shown a name or an address any more. Handbook §4."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import delete, select

from auth.identity import Role
from auth.models import Person, Protection, Unit
from core.db import Database
from core.outbox import Message
from delivery.complaints.models import FaultReport
from delivery.complaints.services import report_fault
from delivery.errors import LabelOutdated
from delivery.models import DepotOrder, DepotOrderStatus, Parcel, PickLine
from delivery.papers import prepare_papers
from delivery.protection import hide_person
from delivery.shipping import pack, ship
from orders.models import DeliveryChoice, DeliveryMethod, Notification, Order
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
        _flag(session.get_one(Person, person.id))
        session.flush()
        hide_person(session, Message(1, "person.protected", {"person_id": person.id}))


def _flag(person: Person) -> None:
    person.given_name = person.family_name = person.street = person.postal_code = person.city = person.door_code = ""
    person.protection = Protection.CONFIDENTIALITY_FLAG


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
    form = {"csrf_token": token_of(caller, "/customer-service"), "number": order_no, "reason": "Var?"}
    assert caller.post("/customer-service", data=form).location == f"/orders/{order_no}"
    pages += [caller.get(path) for path in (f"/orders/{order_no}", "/my-products", f"/fault-reports/{case_no}")]
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


# Everything of a choice that tells of a person or of where they live.
TELLING = {
    "receiver": "Hemlig Testsson",
    "care_of": "Familjen Hemlig",
    "street": "Provgatan 1",
    "postal_code": "54130",
    "city": "Skövde",
    "door_code": "1234",
    "phone": "0500-00 00 01",
    "comment": "Hemlig grind",
    "point_id": "730001",
    "point_name": "Paketdisken Hemlig",
    "notify_to": "+46700000001",
    "contact_person": "Prova Hemlig",
    "invoice_receiver": "Firman Hemlig",
    "invoice_street": "Provgatan 3",
    "invoice_postal_code": "54131",
    "invoice_city": "Skara",
}
# What a delivery says beside that.
UNTELLING = {"id", "order_id", "method_id", "method", "provider", "notification", "superseded_at"}


def _tell_all(world: World) -> None:
    with world.database.unit_of_work() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
        choice.method, choice.provider = DeliveryMethod.SERVICE_POINT, "POSTNORD"
        choice.notification = Notification.SMS
        for name, value in TELLING.items():
            setattr(choice, name, value)


def test_every_column_is_known_to_tell_or_not_to() -> None:
    assert {column.name for column in DeliveryChoice.__table__.columns} == TELLING.keys() | UNTELLING


def test_nothing_of_what_was_wished_is_left_when_it_turns_to_the_unit(world: World, person: Person) -> None:
    world.order({world.article(): 1}, person)
    _tell_all(world)
    _protect(world, person)
    choice = _choice(world)
    assert (choice.method, choice.provider, choice.notification) == (DeliveryMethod.UNIT, "INGEN", None)
    left = {name for name in TELLING if getattr(choice, name)}
    assert left == {"receiver", "street", "postal_code", "city", "phone"}
    assert not {getattr(choice, name) for name in left} & set(TELLING.values()) - {"Skövde"}


def test_nothing_of_what_was_wished_is_left_where_it_has_already_gone(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        add_delivered(session, person)
    _tell_all(world)
    _protect(world, person)
    choice = _choice(world)
    assert {name: getattr(choice, name) for name in TELLING} == dict.fromkeys(TELLING, "")
    assert (choice.method, choice.provider, choice.notification) == (DeliveryMethod.SERVICE_POINT, "POSTNORD", None)


def test_nothing_of_what_was_wished_is_left_when_packing_turns_it(world: World, person: Person) -> None:
    article = world.article()
    world.stock(article, 1)
    depot_order_id = world.order({article: 1}, person)
    _tell_all(world)
    world.pick_all(depot_order_id)
    with world.database.unit_of_work() as session:
        # The flag is there, and its message has not been handled yet.
        _flag(session.get_one(Person, person.id))
    with world.database.unit_of_work() as session:
        assert pack(session, world.picker, depot_order_id).carrier == "PostNord"
    choice = _choice(world)
    assert (choice.method, choice.notify_to, choice.contact_person, choice.point_name) == (
        DeliveryMethod.UNIT,
        "",
        "",
        "",
    )


def _two_units(world: World, person: Person) -> int:
    """A routed order of two products that different units have prescribed; returns the depot order's id."""
    articles = [world.article(name) for name in ("Sensor", "Påse")]
    for article in articles:
        world.stock(article, 1)
    return world.order(dict.fromkeys(articles, 1), person)


def test_products_of_several_units_go_to_their_own(world: World, person: Person) -> None:
    depot_order_id = _two_units(world, person)
    with world.database.unit_of_work() as session:
        units = session.scalars(select(Unit).where(Unit.name.startswith("Diabetes")).order_by(Unit.id)).all()
        for unit, name in zip(units, ("Mottagning A", "Mottagning B"), strict=True):
            unit.name = name
    _protect(world, person)
    world.handle("order.placed")
    with world.database.session() as session:
        depot_orders = session.scalars(select(DepotOrder).order_by(DepotOrder.id)).all()
        assert [one.delivery_choice.receiver for one in depot_orders] == ["Mottagning A", "Mottagning B"]
        assert [[line.article.name for line in one.lines] for one in depot_orders] == [["Sensor"], ["Påse"]]
        for one in depot_orders:
            assert [line.order_row.delivery_choice_id for line in one.lines] == [one.delivery_choice_id]
            assert one.status is DepotOrderStatus.WAITING
    assert depot_orders[0].id == depot_order_id
    names = []
    for one in depot_orders:
        parcel_id = world.packed(one.id)
        with world.database.unit_of_work() as session:
            names.append(prepare_papers(session, world.picker, parcel_id, "label").receiver.name)
    assert names == ["Mottagning A", "Mottagning B"]


def test_products_of_several_units_are_split_before_they_are_routed_too(world: World, person: Person) -> None:
    _two_units(world, person)
    with world.database.unit_of_work() as session:
        session.execute(delete(PickLine))
        session.execute(delete(DepotOrder))
    _protect(world, person)
    world.handle("order.placed")
    with world.database.session() as session:
        depot_orders = session.scalars(select(DepotOrder)).all()
        assert [len(one.lines) for one in depot_orders] == [1, 1]
        assert len({one.delivery_choice_id for one in depot_orders}) == 2


def test_what_is_being_picked_is_not_taken_apart(world: World, person: Person) -> None:
    world.start(_two_units(world, person))
    _protect(world, person)
    assert _choice(world).method is DeliveryMethod.UNIT


def test_a_flag_and_a_picker_in_the_same_moment_lose_nothing(world: World) -> None:
    articles = [world.article(name) for name in ("Sensor", "Påse")]
    for article in articles:
        world.stock(article, 20)
    for _ in range(8):
        with world.database.unit_of_work() as session:
            person = add_person(session, name="Hemlig Testsson")
        depot_order_id = world.order(dict.fromkeys(articles, 1), person)
        together = Barrier(3)

        def at_once(act: Callable[[], object], together: Barrier = together) -> None:
            together.wait()
            act()

        acts: list[Callable[[], object]] = [
            partial(_protect, world, person),
            partial(world.start, depot_order_id),
            partial(world.handle, "order.placed"),
        ]
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(at_once, act) for act in acts]:
                done.result()
        with world.database.session() as session:
            depot_orders = session.scalars(
                select(DepotOrder).join(DepotOrder.order).where(Order.person_id == person.id).order_by(DepotOrder.id)
            ).all()
            assert sorted(line.article.name for one in depot_orders for line in one.lines) == ["Påse", "Sensor"]
            for one in depot_orders:
                assert {line.order_row.delivery_choice_id for line in one.lines} == {one.delivery_choice_id}
                assert one.delivery_choice.method is DeliveryMethod.UNIT
            assert depot_orders[0].status is DepotOrderStatus.PICKING
