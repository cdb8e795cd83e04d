"""Transports on a real database: booked once, cancelled when nobody wants them, and never to an address that must not be known."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from auth.models import Person, Protection
from core.db import Database
from core.errors import NotFound
from core.outbox import OutboxMessage, publish
from delivery import errors
from delivery.booking_desk import ask_carrier, book_again, left_standing, note_called
from delivery.carrier_models import BookingStatus
from delivery.carriers import CarrierRefused
from delivery.papers import prepare_papers
from delivery.put_back import put_back
from delivery.shipping import pack, ship
from orders.models import Article
from portal.adapters.carriers import CarrierAway
from portal.carriers import use_carriers
from portal.jobs import run_message
from tests.support.builders import add_person
from tests.support.carriers import Office, booking_now, bookings_now, parcel_now, work_carriers
from tests.support.depot_work import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def office() -> Iterator[Office]:
    yield Office()
    use_carriers(None)


def packed(world: World, person: Person | None = None, packages: int = 2) -> tuple[int, int]:
    article = world.article()
    world.stock(article, 20)
    depot_order_id = world.order({article: packages}, person)
    return depot_order_id, world.packed(depot_order_id)


def patient(world: World) -> Person:
    with world.database.unit_of_work() as session:
        return add_person(session)


def protect(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        stored = session.get_one(Person, person.id)
        stored.given_name = stored.family_name = stored.street = stored.postal_code = stored.city = stored.door_code = (
            ""
        )
        stored.protection = Protection.CONFIDENTIALITY_FLAG
        publish(session, "person.protected", person_id=person.id)


def test_packing_books_the_transport_and_fills_in_its_number(world: World, office: Office) -> None:
    _, parcel_id = packed(world)
    assert work_carriers(world.database, office) == 0
    (facts,) = office.booked.values()
    assert (facts.carrier, facts.sscc) == ("PostNord", parcel_now(world.database, parcel_id).sscc)
    assert (facts.receiver.name, facts.receiver.door_code) == ("Test Testsson", "1234")
    assert "Testsson" not in repr(facts)
    booking = booking_now(world.database, parcel_id)
    assert (booking.status, booking.label) == (BookingStatus.BOOKED, b"%PDF-label")
    assert parcel_now(world.database, parcel_id).tracking_no == f"TRACK{booking.key.upper()}"


def test_the_same_message_twice_books_once(world: World, office: Office) -> None:
    _, parcel_id = packed(world)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        publish(session, "parcel.packed", parcel_id=parcel_id)
        publish(session, "carrier.book", booking_id=bookings_now(world.database)[0].id)
    assert work_carriers(world.database, office) == 0
    assert len(office.booked) == len(bookings_now(world.database)) == 1


def test_without_a_carrier_numbers_are_typed_as_before(world: World) -> None:
    _, parcel_id = packed(world)
    assert work_carriers(world.database, None) == 0
    assert bookings_now(world.database) == []
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "TYPED1")


def test_a_carrier_that_is_away_is_asked_again_under_the_same_key(world: World, office: Office) -> None:
    _, parcel_id = packed(world)
    office.problem = CarrierAway(500)
    assert work_carriers(world.database, office) == 1
    assert booking_now(world.database, parcel_id).status is BookingStatus.WANTED
    office.problem = None
    assert work_carriers(world.database, office) == 0
    assert list(office.booked) == [booking_now(world.database, parcel_id).key]


def test_a_refusal_is_kept_and_can_be_tried_again(world: World, office: Office) -> None:
    _, parcel_id = packed(world)
    office.problem = CarrierRefused("Okänt postnummer\x00\u202e", 422)
    assert work_carriers(world.database, office) == 0
    refused = booking_now(world.database, parcel_id)
    assert (refused.status, refused.problem) == (BookingStatus.REFUSED, "Okänt postnummer")
    office.problem = None
    with world.database.unit_of_work() as session:
        book_again(session, world.picker, parcel_id)
    work_carriers(world.database, office)
    booked = booking_now(world.database, parcel_id)
    assert booked.status is BookingStatus.BOOKED
    # A carrier that keeps what it answered to a key is asked under a new one.
    assert booked.key != refused.key
    assert office.cancelled == []


def test_unpacking_cancels_and_the_next_parcel_is_booked_anew(world: World, office: Office) -> None:
    depot_order_id, parcel_id = packed(world)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    work_carriers(world.database, office)
    (first,) = bookings_now(world.database)
    assert (first.status, first.parcel_id, first.label) == (BookingStatus.CANCELLED, None, None)
    assert office.cancelled == [("PostNord", first.reference, first.key)]
    again = world.packed(depot_order_id)
    assert again != parcel_id
    work_carriers(world.database, office)
    assert booking_now(world.database, again).status is BookingStatus.BOOKED


def test_what_is_unpacked_before_it_was_booked_is_never_booked(world: World, office: Office) -> None:
    depot_order_id, _ = packed(world)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    assert work_carriers(world.database, office) == 0
    assert (office.booked, office.cancelled, bookings_now(world.database)) == ({}, [], [])


def test_what_is_unpacked_while_the_carrier_books_it_is_cancelled(world: World, office: Office) -> None:
    depot_order_id, _ = packed(world)

    def unpack() -> None:
        # Nothing is locked while the carrier is called: this does not wait.
        with world.database.unit_of_work() as session:
            put_back(session, world.picker, depot_order_id)

    office.meanwhile = unpack
    assert work_carriers(world.database, office) == 0
    (booking,) = bookings_now(world.database)
    assert booking.status is BookingStatus.CANCELLED
    assert office.cancelled[-1] == ("PostNord", booking.reference, booking.key)


def test_a_booking_without_an_answer_is_cancelled_by_its_key(world: World, office: Office) -> None:
    depot_order_id, _ = packed(world)
    office.problem = CarrierAway()
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    office.problem = None
    work_carriers(world.database, office)
    (booking,) = bookings_now(world.database)
    assert (booking.status, office.booked) == (BookingStatus.CANCELLED, {})
    assert office.cancelled == [("PostNord", "", booking.key)]


def test_a_carrier_that_will_not_cancel_is_somebodys_to_call(world: World, office: Office) -> None:
    depot_order_id, _ = packed(world)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    office.problem = CarrierRefused("Redan hämtad", 409)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        (standing,) = left_standing(session, world.picker)
        assert standing.problem == "Redan hämtad"
        note_called(session, world.picker, standing.id)
    with world.database.unit_of_work() as session:
        assert left_standing(session, world.picker) == []


def test_a_number_that_another_parcel_has_is_not_believed(world: World, office: Office) -> None:
    (_, first), (_, second) = packed(world), packed(world)
    office.tracking_no = "SAME"
    assert work_carriers(world.database, office) == 0
    assert parcel_now(world.database, first).tracking_no == "SAME"
    refused = booking_now(world.database, second)
    assert (refused.status, refused.problem) == (BookingStatus.REFUSED, "TRACKING_TAKEN")
    assert parcel_now(world.database, second).tracking_no is None
    office.tracking_no = ""
    with world.database.unit_of_work() as session:
        book_again(session, world.picker, second)
    work_carriers(world.database, office)
    assert booking_now(world.database, second).status is BookingStatus.BOOKED
    assert [reference for _, reference, _ in office.cancelled] == [refused.reference]


def test_a_parcel_handed_over_under_another_number_meanwhile_keeps_it(world: World, office: Office) -> None:
    _, parcel_id = packed(world)

    def by_hand() -> None:
        with world.database.unit_of_work() as session:
            ship(session, world.picker, parcel_id, "HAND1")

    office.meanwhile = by_hand
    assert work_carriers(world.database, office) == 0
    assert parcel_now(world.database, parcel_id).tracking_no == "HAND1"
    assert bookings_now(world.database)[0].status is BookingStatus.CANCELLED
    assert len(office.cancelled) == 1


def test_protection_after_packing_cancels_at_once_and_books_for_the_unit_with_the_new_label(
    world: World, office: Office
) -> None:
    person = patient(world)
    _, parcel_id = packed(world, person)
    work_carriers(world.database, office)
    protect(world, person)
    work_carriers(world.database, office)
    (home,) = bookings_now(world.database)
    assert (home.status, home.label, len(office.cancelled)) == (BookingStatus.CANCELLED, None, 1)
    assert parcel_now(world.database, parcel_id).tracking_no is None
    with world.database.unit_of_work() as session:
        # Nothing is booked until there is a label for the unit.
        book_again(session, world.picker, parcel_id)
    work_carriers(world.database, office)
    assert len(office.booked) == 1
    with pytest.raises(errors.LabelOutdated), world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "X1")
    with world.database.unit_of_work() as session:
        prepare_papers(session, world.picker, parcel_id, "label")
    work_carriers(world.database, office)
    to_unit = list(office.booked.values())[-1].receiver
    assert to_unit.name.startswith("Diabetesmottagningen")
    assert (to_unit.door_code, to_unit.comment, to_unit.email, to_unit.care_of) == ("", "", "", "")
    assert booking_now(world.database, parcel_id).status is BookingStatus.BOOKED


def test_a_protected_persons_address_is_not_told_while_the_message_waits(world: World, office: Office) -> None:
    person = patient(world)
    packed(world, person)
    office.problem = CarrierAway()
    work_carriers(world.database, office)
    protect(world, person)
    office.problem = None
    # The booking is tried again before anybody has heard of the protection.
    with world.database.session() as session:
        waiting = select(OutboxMessage.id).where(OutboxMessage.kind == "carrier.book")
        message_id = session.scalars(waiting).one()
    assert run_message(world.database, message_id)
    assert office.booked == {}


def test_the_weight_is_what_the_scales_say_else_the_sum_where_it_is_known(world: World) -> None:
    def weigh(article: Article, grams: int | None) -> None:
        with world.database.unit_of_work() as session:
            session.get_one(Article, article.id).weight_grams = grams

    light, heavy, unknown = world.article("Lansett"), world.article("Sensor"), world.article("Okänd")
    for article, grams in ((light, 40), (heavy, 210), (unknown, None)):
        world.stock(article, 20)
        weigh(article, grams)
    known, partly = world.order({light: 3, heavy: 2}), world.order({light: 3, unknown: 1})
    assert parcel_now(world.database, world.packed(known)).weight_grams == 540
    assert parcel_now(world.database, world.packed(partly)).weight_grams is None
    weighed = world.order({light: 1})
    world.pick_all(weighed)
    with world.database.unit_of_work() as session:
        assert pack(session, world.picker, weighed, weight_grams=75).weight_grams == 75


def test_bookings_are_the_region_s_own(world: World, office: Office) -> None:
    _, parcel_id = packed(world)
    work_carriers(world.database, office)
    elsewhere = world.picker.__class__(role=world.picker.role, region="elsewhere", staff_id=world.picker.staff_id)
    with world.database.unit_of_work() as session:
        booking_id = bookings_now(world.database)[0].id
        for act in (book_again, ask_carrier):
            with pytest.raises(NotFound):
                act(session, elsewhere, parcel_id)
        with pytest.raises(NotFound):
            note_called(session, elsewhere, booking_id)
        assert left_standing(session, elsewhere) == []


def test_the_log_names_nobody(world: World, office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    packed(world)
    office.problem = CarrierRefused("Test Testsson bor inte på Provgatan 1", 422)
    work_carriers(world.database, office)
    said = " ".join(str(vars(entry)) for entry in caplog.records if entry.name.startswith(("delivery", "portal")))
    assert "refused" in said
    for secret in ("Testsson", "Provgatan"):
        assert secret not in said
