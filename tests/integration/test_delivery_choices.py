"""Ordering with wishes on a real database: what is kept of them, who shares a parcel, what is refused. Handbook §§4 and 5."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from auth.identity import Identity, Relation, Role
from auth.models import Person, Protection
from auth.persons import staff_identity
from core.db import Database
from core.policy import Policies, use_policies
from delivery.models import DepotOrder, Parcel
from delivery.papers import prepare_papers
from orders.addresses import last_wishes
from orders.deliveries import DeliveryProblem, Trouble
from orders.errors import DeliveryRefused
from orders.kinds import Channel, DeliveryMethod, Notification
from orders.models import DeliveryAlternative, DeliveryChoice, Order, OrderRow, PrescriptionItem
from orders.redirection import forget_address
from orders.replacements import place_replacement
from orders.service_points import ServicePoint
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import HOME_WAY, DeliveryWish, HomeAddress, InvoiceAddress, Way
from portal.config import PACKAGED_POLICIES
from tests.support.builders import add_article, add_item, add_person, add_staff, add_unit, patient_identity
from tests.support.depot_work import World
from tests.support.statements import counted

AT_POSTNORD = Way(DeliveryMethod.SERVICE_POINT, "POSTNORD")
POINT = DeliveryWish(
    AT_POSTNORD,
    point_id="730001",
    notification=Notification.SMS,
    notify_to="070-000 00 01",
    contact_person="Prova Hämtare",
    comment="Hämtas på kvällen",
)
HOME = DeliveryWish(address=HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde", door_code="77"))


def _alternative(**changes: object) -> DeliveryAlternative:
    values: dict[str, object] = {
        "method_id": "PN",
        "name": "Utlämningsställe",
        "method": DeliveryMethod.SERVICE_POINT,
        "provider": "POSTNORD",
        "allow_choice_of_delivery_points": True,
        "notifications": ["SMS", "EMAIL", "LETTER"],
        "allow_delivery_comment": True,
        "allow_contact_person": True,
    }
    return DeliveryAlternative(**{**values, **changes})


@pytest.fixture
def person(database: Database) -> Person:
    with database.unit_of_work() as session:
        for provider, point_id, name in (
            ("POSTNORD", "730001", "Paketdisken"),
            ("POSTNORD", "730002", "Livs på hörnet"),
            ("DHL", "910011", "Cykelverkstan"),
        ):
            session.add(
                ServicePoint(
                    provider=provider,
                    point_id=point_id,
                    name=name,
                    street="Torget 1",
                    postal_code="54131",
                    city="Skara",
                )
            )
        return add_person(session)


def _item(
    database: Database, person: Person, *alternatives: DeliveryAlternative, home: bool = True, invoice: bool = False
) -> PrescriptionItem:
    with database.unit_of_work() as session:
        item = add_item(session, person, add_article(session))
        item.allow_other_invoice_address = invoice
        item.delivery_alternatives = [*(item.delivery_alternatives if home else []), *alternatives]
        return item


def _order(
    database: Database, person: Person, wanted: dict[PrescriptionItem, int], *wishes: DeliveryWish, key: str = "k"
) -> Order:
    lines = tuple(
        OrderLine(item.id, {item.article_id: 1}, item.orders_remaining, index) for item, index in wanted.items()
    )
    with database.unit_of_work() as session:
        return place_order(session, patient_identity(person), PlaceOrder(lines, wishes, idempotency_key=key))


def _choices(database: Database) -> list[DeliveryChoice]:
    with database.session() as session:
        return list(session.scalars(select(DeliveryChoice).order_by(DeliveryChoice.id)))


def _refused(
    database: Database, person: Person, wanted: dict[PrescriptionItem, int], *wishes: DeliveryWish
) -> tuple[DeliveryProblem, ...]:
    with pytest.raises(DeliveryRefused) as refusal:
        _order(database, person, wanted, *wishes)
    assert _choices(database) == []
    with database.session() as session:
        assert session.scalars(select(PrescriptionItem.orders_remaining)).all() == [4] * len(wanted)
    return refusal.value.problems


def test_everything_that_was_wished_is_kept(database: Database, person: Person) -> None:
    item = _item(database, person, _alternative(), invoice=True)
    invoice = InvoiceAddress("Firman Prov", "Provvägen 2", "54131", "Skövde")
    _order(database, person, {item: 0}, replace(POINT, invoice=invoice))
    [kept] = _choices(database)
    assert (kept.method_id, kept.method, kept.provider) == ("PN", DeliveryMethod.SERVICE_POINT, "POSTNORD")
    assert (kept.point_id, kept.point_name) == ("730001", "Paketdisken")
    assert (kept.receiver, kept.street, kept.postal_code, kept.city) == ("Test Testsson", "Torget 1", "54131", "Skara")
    assert (kept.notification, kept.notify_to) == (Notification.SMS, "+46700000001")
    assert (kept.contact_person, kept.comment) == ("Prova Hämtare", "Hämtas på kvällen")
    assert (kept.door_code, kept.phone, kept.care_of) == ("", "", "")
    assert kept.invoice_receiver == "Firman Prov"
    assert (kept.invoice_street, kept.invoice_postal_code, kept.invoice_city) == ("Provvägen 2", "54131", "Skövde")


def test_a_letter_goes_to_the_registered_address_whatever_was_typed(database: Database, person: Person) -> None:
    item = _item(database, person, _alternative())
    _order(database, person, {item: 0}, replace(POINT, notification=Notification.LETTER, notify_to="elsewhere"))
    assert (_choices(database)[0].notification, _choices(database)[0].notify_to) == (Notification.LETTER, "")


def test_products_without_a_common_way_become_several_deliveries_depot_orders_and_parcels(database: Database) -> None:
    world = World(database)
    with database.unit_of_work() as session:
        person = add_person(session)
        session.add(
            ServicePoint(
                provider="POSTNORD", point_id="730001", name="P", street="T 1", postal_code="54131", city="Skara"
            )
        )
    home, point = _item(database, person), _item(database, person, _alternative(), home=False)
    for item in (home, point):
        with database.session() as session:
            article = session.get_one(PrescriptionItem, item.id).article
        world.stock(article, 1)
    order = _order(database, person, {home: 0, point: 1}, HOME, POINT)
    world.handle("order.placed")
    world.handle("order.placed")
    with database.session() as session:
        rows = session.scalars(select(OrderRow).order_by(OrderRow.id)).all()
        assert len({row.delivery_choice_id for row in rows}) == 2
        depot_orders = session.scalars(select(DepotOrder).where(DepotOrder.order_id == order.id)).all()
        assert {one.delivery_choice_id for one in depot_orders} == {row.delivery_choice_id for row in rows}
    for one in depot_orders:
        world.packed(one.id)
    with database.session() as session:
        carriers = session.execute(
            select(DeliveryChoice.method, Parcel.carrier)
            .join(DepotOrder, DepotOrder.delivery_choice_id == DeliveryChoice.id)
            .join(Parcel, Parcel.depot_order_id == DepotOrder.id)
        ).all()
        assert dict(carriers) == {
            DeliveryMethod.HOME_DELIVERY: "PostNord",
            DeliveryMethod.SERVICE_POINT: "PostNord",
        }


@pytest.mark.parametrize(("provider", "carrier"), [("DHL", "DHL"), ("SCHENKER", "DB Schenker"), ("BUD", "BUD")])
def test_a_parcel_goes_by_whoever_runs_the_service_point(database: Database, provider: str, carrier: str) -> None:
    world = World(database)
    article = world.article()
    world.stock(article, 1)
    depot_order_id = world.order({article: 1})
    with database.unit_of_work() as session:
        session.scalars(select(DeliveryChoice)).one().provider = provider
    world.packed(depot_order_id)
    with database.session() as session:
        assert session.scalars(select(Parcel.carrier)).one() == carrier


def test_the_papers_say_what_was_kept(database: Database) -> None:
    world = World(database)
    article = world.article()
    world.stock(article, 1)
    parcel_id = world.packed(world.order({article: 1}))
    with database.unit_of_work() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
        choice.point_name, choice.contact_person, choice.care_of = "Paketdisken", "Prova Hämtare", "Vårdcentralen Eken"
    with database.unit_of_work() as session:
        receiver = prepare_papers(session, world.picker, parcel_id, "label").receiver
        assert (receiver.name, receiver.point, receiver.collected_by) == (
            "Test Testsson",
            "Paketdisken",
            "Prova Hämtare",
        )
        assert (receiver.care_of, receiver.reference) == ("Vårdcentralen Eken", "")
        choice = session.scalars(select(DeliveryChoice)).one()
        choice.method, choice.care_of = DeliveryMethod.UNIT, "Björken"
        receiver = prepare_papers(session, world.picker, parcel_id, "label").receiver
        assert (receiver.care_of, receiver.reference) == ("", "Björken")


def test_deliveries_wished_alike_are_one_and_unused_wishes_are_nothing(database: Database, person: Person) -> None:
    items = [_item(database, person) for _ in range(2)]
    _order(database, person, {items[0]: 0, items[1]: 2}, HOME, POINT, replace(HOME))
    assert [choice.method for choice in _choices(database)] == [DeliveryMethod.HOME_DELIVERY]


@pytest.mark.parametrize("point_id", ["910011", "nowhere"])
def test_a_point_of_another_provider_is_refused(database: Database, person: Person, point_id: str) -> None:
    item = _item(database, person, _alternative())
    problems = _refused(database, person, {item: 0}, replace(POINT, point_id=point_id))
    assert problems == (DeliveryProblem(Trouble.POINT_UNKNOWN, "point_id"),)


def test_every_wish_that_is_wrong_is_told_at_once(database: Database, person: Person) -> None:
    home, point = _item(database, person), _item(database, person, _alternative())
    assert HOME.address is not None
    boxed = replace(HOME, address=replace(HOME.address, street="Box 9"))
    problems = _refused(database, person, {home: 0, point: 1}, boxed, replace(POINT, notify_to="nej"))
    assert problems == (
        DeliveryProblem(Trouble.PO_BOX, "street", 0),
        DeliveryProblem(Trouble.NOT_A_SWEDISH_MOBILE, "notify_to", 1),
    )


def test_a_way_that_went_between_page_and_click_names_the_product(database: Database, person: Person) -> None:
    stays, goes = _item(database, person, _alternative()), _item(database, person, _alternative())
    with database.unit_of_work() as session:
        session.execute(
            delete(DeliveryAlternative).where(
                DeliveryAlternative.prescription_item_id == goes.id, DeliveryAlternative.method_id == "PN"
            )
        )
    problems = _refused(database, person, {stays: 0, goes: 0}, POINT)
    assert problems == (DeliveryProblem(Trouble.NOT_OFFERED, "way", 0, (goes.id,)),)


def test_a_wish_that_does_not_exist_is_refused(database: Database, person: Person) -> None:
    item = _item(database, person)
    for index in (1, -1):
        [problem] = _refused(database, person, {item: index}, HOME)
        assert (problem.trouble, problem.field) == (Trouble.NOT_OFFERED, "way")


def test_only_what_all_products_of_a_delivery_allow_may_be_wished(database: Database, person: Person) -> None:
    wide = _item(database, person, _alternative())
    narrow = _item(database, person, _alternative(notifications=["EMAIL"], allow_contact_person=False))
    [problem] = _refused(database, person, {wide: 0, narrow: 0}, POINT)
    assert (problem.field, problem.offered) == ("notification", (Notification.EMAIL,))
    by_mail = replace(POINT, notification=Notification.EMAIL, notify_to="prov@example.se")
    [problem] = _refused(database, person, {wide: 0, narrow: 0}, by_mail)
    assert problem.field == "contact_person"


def test_without_wishes_the_order_goes_the_usual_way(database: Database, person: Person) -> None:
    both, only = _item(database, person, _alternative()), _item(database, person)
    _order(database, person, {both: 0, only: 0})
    [choice] = _choices(database)
    assert (choice.method, choice.street) == (DeliveryMethod.HOME_DELIVERY, "Provgatan 1")


def test_without_wishes_it_goes_as_last_time(database: Database, person: Person) -> None:
    first, second = (_item(database, person, _alternative()) for _ in range(2))
    _order(database, person, {first: 0}, POINT)
    _order(database, person, {second: 0}, key="k2")
    before, after = _choices(database)
    for name in ("method", "point_id", "street", "notification", "notify_to", "contact_person", "comment"):
        assert getattr(before, name) == getattr(after, name)


def test_without_wishes_a_summer_cottage_of_last_time_is_not_home(database: Database, person: Person) -> None:
    first, second = (_item(database, person) for _ in range(2))
    away = DeliveryWish(address=HomeAddress("Test Testsson", "Sommarvägen 9", "45791", "Tanum"))
    _order(database, person, {first: 0}, away)
    _order(database, person, {second: 0}, key="k2")
    assert [choice.street for choice in _choices(database)] == ["Sommarvägen 9", "Provgatan 1"]


def test_without_wishes_or_a_point_of_last_time_one_must_be_chosen(database: Database, person: Person) -> None:
    item = _item(database, person, _alternative(), home=False)
    [problem] = _refused(database, person, {item: 0})
    assert (problem.trouble, problem.field) == (Trouble.MISSING, "point_id")


def test_a_door_code_of_last_time_does_not_undo_a_newer_one(database: Database, person: Person) -> None:
    first, second = (_item(database, person) for _ in range(2))
    _order(database, person, {first: 0}, HOME)
    with database.unit_of_work() as session:
        session.get_one(Person, person.id).door_code = "99"
    _order(database, person, {second: 0}, key="k2")
    with database.session() as session:
        assert session.get_one(Person, person.id).door_code == "99"


def test_last_wishes_are_the_newest_of_each_way_in_one_statement(database: Database, person: Person) -> None:
    items = [_item(database, person, _alternative()) for _ in range(4)]
    _order(database, person, {items[0]: 0}, HOME, key="1")
    _order(database, person, {items[1]: 0}, replace(POINT, point_id="730002"), key="2")
    _order(database, person, {items[2]: 0}, POINT, key="3")
    with database.session() as session:
        same = session.get_one(Person, person.id)
        with counted(database) as statements:
            found = last_wishes(session, same)
    assert len(statements) == 1
    assert list(found) == [AT_POSTNORD, HOME_WAY]
    assert found[AT_POSTNORD] == replace(POINT, notify_to="+46700000001")
    assert found[HOME_WAY] == HOME
    with database.unit_of_work() as session:
        session.scalars(select(Order).order_by(Order.id.desc())).first().channel = Channel.COMPLAINT  # type: ignore[union-attr]
    with database.session() as session:
        assert last_wishes(session, session.get_one(Person, person.id))[AT_POSTNORD].point_id == "730002"


def test_staff_orders_by_phone(database: Database, person: Person) -> None:
    item = _item(database, person)
    with database.unit_of_work() as session:
        caller = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE))
    identity = replace(
        caller,
        subject_person_id=person.id,
        relation=Relation.CALL,
        tasks=patient_identity(person).tasks,
        reason="Ringer",
    )
    with database.unit_of_work() as session:
        line = OrderLine(item.id, {item.article_id: 1}, 4)
        assert place_order(session, identity, PlaceOrder((line,), idempotency_key="k")).channel is Channel.PHONE


def _protected(database: Database, alias: str = "") -> Person:
    with database.unit_of_work() as session:
        person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        person.alias = alias
        return person


def test_protected_parcels_go_to_the_unit_that_prescribed_each_product(database: Database) -> None:
    person = _protected(database, "Björken")
    with database.unit_of_work() as session:
        units = [add_unit(session, name) for name in ("Mottagning A", "Mottagning B")]
        items = [add_item(session, person, add_article(session), unit=units[i]) for i in (0, 1, 0)]
    order = _order(database, person, dict.fromkeys(items, 0), HOME)
    with database.session() as session:
        rows = session.scalars(select(OrderRow).where(OrderRow.order_id == order.id).order_by(OrderRow.id)).all()
        assert [row.delivery_choice.receiver for row in rows] == ["Mottagning A", "Mottagning B", "Mottagning A"]
    assert [(c.method, c.care_of, c.door_code) for c in _choices(database)] == [(DeliveryMethod.UNIT, "", "")] * 2


@pytest.fixture
def policy_with(tmp_path: Path) -> object:
    def change(line: str) -> None:
        text = (PACKAGED_POLICIES / "vgr.toml").read_text(encoding="utf-8")
        kept = [row for row in text.splitlines() if not row.startswith(line.split(" = ")[0])]
        kept.insert(kept.index("[ordering]") + 1, line)
        (tmp_path / "vgr.toml").write_text("\n".join(kept), encoding="utf-8")
        use_policies(Policies.load(tmp_path))

    return change


def test_an_alias_is_on_the_parcel_where_the_region_wants_it(database: Database, policy_with: object) -> None:
    policy_with("protected_parcels_carry_alias = true")  # type: ignore[operator]
    person = _protected(database, "Björken")
    _order(database, person, {_item(database, person): 0})
    [choice] = _choices(database)
    assert (choice.receiver, choice.care_of) == ("Diabetesmottagningen Provstad", "Björken")


@pytest.mark.parametrize("own_centre", [True, False])
def test_what_is_fetched_at_a_health_centre(
    database: Database, person: Person, policy_with: object, *, own_centre: bool
) -> None:
    policy_with('delivery_methods = ["HEALTH_CENTRE"]')  # type: ignore[operator]
    centre = _alternative(
        method_id="HC",
        method=DeliveryMethod.HEALTH_CENTRE,
        provider="INGEN",
        notifications=[],
        allow_choice_of_delivery_points=False,
    )
    item = _item(database, person, centre, home=False)
    with database.unit_of_work() as session:
        unit = add_unit(session, "Vårdcentralen Eken")
        unit.street = "Ekvägen 1"
        session.get_one(Person, person.id).health_centre_id = unit.id if own_centre else None
    _order(database, person, {item: 0})
    [choice] = _choices(database)
    assert (choice.method, choice.receiver) == (DeliveryMethod.HEALTH_CENTRE, "Test Testsson")
    expected = ("Vårdcentralen Eken", "Ekvägen 1") if own_centre else ("Diabetesmottagningen Provstad", "Vårdvägen 2")
    assert (choice.care_of, choice.street) == expected


def _replace(database: Database, person: Person, complaint_id: int = 1) -> DeliveryChoice:
    with database.unit_of_work() as session:
        row = session.scalars(select(OrderRow).order_by(OrderRow.id)).first()
        assert row is not None
        consultant: Identity = staff_identity(add_staff(session, Role.CONSULTANT))
        order = place_replacement(
            session,
            consultant,
            person_id=person.id,
            complaint_id=complaint_id,
            article_id=row.article_id,
            packages=1,
            replaced_row_id=row.id,
        )
        [choice] = order.delivery_choices
        return choice


def test_a_replacement_goes_the_way_of_what_it_replaces(database: Database, person: Person) -> None:
    item = _item(database, person, _alternative())
    _order(database, person, {item: 0}, POINT)
    again = _replace(database, person)
    assert (again.method, again.provider, again.point_id) == (DeliveryMethod.SERVICE_POINT, "POSTNORD", "730001")
    assert (again.street, again.notification, again.notify_to) == ("Torget 1", Notification.SMS, "+46700000001")
    assert (again.contact_person, again.invoice_receiver) == ("Prova Hämtare", "")


def test_a_replacement_goes_home_when_the_point_is_no_more_or_not_known_any_more(
    database: Database, person: Person
) -> None:
    item = _item(database, person, _alternative())
    _order(database, person, {item: 0}, POINT)
    with database.unit_of_work() as session:
        session.execute(delete(ServicePoint))
    assert (_replace(database, person).method, _choices(database)[-1].street) == (
        DeliveryMethod.HOME_DELIVERY,
        "Provgatan 1",
    )
    with database.unit_of_work() as session:
        first = session.scalars(select(DeliveryChoice).order_by(DeliveryChoice.id)).first()
        assert first is not None
        forget_address(first)
    again = _replace(database, person, 2)
    assert (again.method, again.street) == (DeliveryMethod.HOME_DELIVERY, "Provgatan 1")


def test_a_replacement_never_goes_to_a_summer_cottage(database: Database, person: Person) -> None:
    away = DeliveryWish(address=HomeAddress("Test Testsson", "Sommarvägen 9", "45791", "Tanum"))
    _order(database, person, {_item(database, person): 0}, away)
    assert _replace(database, person).street == "Provgatan 1"


def test_a_replacement_for_a_protected_identity_goes_to_the_unit_that_prescribed_it(database: Database) -> None:
    person = _protected(database)
    with database.unit_of_work() as session:
        item = add_item(session, person, add_article(session), unit=add_unit(session, "Mottagning A"))
        add_item(session, person, add_article(session), unit=add_unit(session, "Mottagning B"))
    _order(database, person, {item: 0})
    assert _replace(database, person).receiver == "Mottagning A"


def test_a_point_can_be_anywhere_in_the_country(database: Database, person: Person) -> None:
    with database.unit_of_work() as session:
        session.add(
            ServicePoint(
                provider="POSTNORD",
                point_id="739999",
                name="Nordkalotten",
                street="Gatan 1",
                postal_code="98131",
                city="Kiruna",
                latitude=Decimal("67.85"),
                longitude=Decimal("20.22"),
            )
        )
    item = _item(database, person, _alternative())
    _order(database, person, {item: 0}, replace(POINT, point_id="739999"))
    assert _choices(database)[0].city == "Kiruna"
