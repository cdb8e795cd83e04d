"""The region's other patients: nobody logs in as them, but lots have gone to them. Rows alone, so that it takes no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from auth.models import Person, Unit
from auth.numbers import parse_number
from core.clock import STOCKHOLM
from delivery.models import (
    PARCEL_NO_SEQUENCE,
    Depot,
    DepotOrder,
    DepotOrderStatus,
    Lot,
    MovementReason,
    Parcel,
    PickedLot,
    PickLine,
    StockMovement,
)
from delivery.udi import build_sscc
from orders.models import (
    ORDER_NO_SEQUENCE,
    Article,
    Channel,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    RowStatus,
    Withdrawal,
)
from portal.demo.region.filling import number_of

GIVEN = ("Maj", "Arvid", "Sigrid", "Folke", "Tyra", "Ivar", "Signe", "Helge", "Elsy", "Bror", "Alma")
FAMILY = ("Björknäs", "Dalgärde", "Fallhult", "Gransund", "Hagviken", "Kärrholma", "Lindhage", "Myrtorp")
TOWNS = (("54130", "Skövde"), ("46130", "Trollhättan"), ("45150", "Uddevalla"), ("50430", "Borås"))


# Where the whole crowd, and nobody else, has its prescriptions.
CROWD_UNIT = "SE2321000131-E000000000209"


@dataclass
class Patient:
    """One of the crowd, with the prescription item of what they use."""

    person: Person
    item: PrescriptionItem


def add_crowd(session: Session, loaded_on: date, article: Article, size: int) -> list[Patient]:
    """Add patients of a unit of their own who have used the article for a while, and return them."""
    unit = Unit(
        region=article.region,
        hsa_id=CROWD_UNIT,
        name="Diabetesmottagningen Åbrinken",
        street="Åbrinken 3",
        postal_code="46131",
        city="Trollhättan",
        phone="010-000 02 09",
        cost_centre="40209",
    )
    session.add(unit)
    persons = [_person(loaded_on, number, article.region) for number in range(size)]
    session.add_all(persons)
    session.flush()
    patients = [Patient(person, prescribe(session, person, article, unit, loaded_on, packages=7)) for person in persons]
    session.flush()
    return patients


def prescribe(
    session: Session, person: Person, article: Article, unit: Unit, loaded_on: date, *, packages: int
) -> PrescriptionItem:
    """Add a prescription that has been in use for most of a year and has withdrawals left; nothing about it needs anybody."""
    item = PrescriptionItem(
        prescription=Prescription(
            region=person.region,
            source="VGR-FORSKRIV",
            external_id=f"L-{person.id}-{article.article_no}",
            person_id=person.id,
            unit_id=unit.id,
            prescriber_id="SE2321000131-P000000000011",
            prescriber_name="Karin Vestlind",
            prescriber_title="Diabetessjuksköterska",
        ),
        external_id="1",
        article_id=article.id,
        orders_allowed=8,
        orders_used_here=4,
        orders_remaining=4,
        packages_per_order=packages,
        pieces_per_order=packages * article.package_size,
        days_per_order=70,
        last_valid_date=loaded_on + timedelta(days=200),
        imported_at=datetime.combine(loaded_on - timedelta(days=150), time(9), STOCKHOLM),
    )
    session.add(item)
    return item


def _person(loaded_on: date, number: int, region: str) -> Person:
    postal_code, city = TOWNS[number % len(TOWNS)]
    person = Person(
        region=region,
        county_code="14",
        given_name=GIVEN[number % len(GIVEN)],
        family_name=FAMILY[number % len(FAMILY)],
        street=f"Ekbacken {number + 1}",
        postal_code=postal_code,
        city=city,
    )
    # Nobody has the serials from 980 on.
    text = number_of(loaded_on, 25 + number, 20 + 7 * number, 990 + number % 10)
    person.set_number(parse_number(text, loaded_on))
    return person


def send_lot(
    session: Session, loaded_on: date, lot: Lot, patients: Sequence[Patient], days_ago: int, packages: int = 7
) -> list[PickedLot]:
    """Receive a lot and send it to the patients, a few each working day from `days_ago` on; return what each got."""
    depot = session.scalars(select(Depot).where(Depot.region == patients[0].person.region)).one()
    begun = _at(loaded_on, days_ago + 7)
    session.add(
        StockMovement(
            depot_id=depot.id,
            lot_id=lot.id,
            packages=packages * len(patients),
            reason=MovementReason.RECEIVED,
            at=begun,
        )
    )
    sent = [
        _sent(session, depot, lot, patient, _at(loaded_on, days_ago - number // 4), packages)
        for number, patient in enumerate(patients)
    ]
    session.flush()
    return sent


def _sent(session: Session, depot: Depot, lot: Lot, patient: Patient, at: datetime, packages: int) -> PickedLot:
    person, placed = patient.person, at - timedelta(days=1)
    number = str(session.scalar(ORDER_NO_SEQUENCE))
    order = Order(
        order_no=number + luhn.calc_check_digit(number),
        region=person.region,
        person_id=person.id,
        placed_at=placed,
        channel=Channel.WEB,
        orderer_person_id=person.id,
        orderer_name=person.full_name,
        promised_date=(placed + timedelta(days=7)).date(),
    )
    choice = DeliveryChoice(
        order=order,
        method_id="HEMLEVERANS",
        method=DeliveryMethod.HOME_DELIVERY,
        receiver=person.full_name,
        street=person.street,
        postal_code=person.postal_code,
        city=person.city,
    )
    session.add(choice)
    session.flush()
    withdrawal = Withdrawal(
        order_id=order.id,
        prescription_item_id=patient.item.id,
        packages=packages,
        limit_packages=packages,
        withdrawn_on=placed.date(),
    )
    row = OrderRow(
        order_id=order.id,
        delivery_choice_id=choice.id,
        withdrawal=withdrawal,
        article_id=lot.article_id,
        packages=packages,
        status=RowStatus.DELIVERED,
        status_at=at + timedelta(days=2),
        package_price=lot.article.price,
    )
    depot_order = DepotOrder(
        region=person.region,
        depot_id=depot.id,
        order_id=order.id,
        delivery_choice_id=choice.id,
        status=DepotOrderStatus.DELIVERED,
        promised_date=order.promised_date,
        created_at=placed,
    )
    picked = PickedLot(lot_id=lot.id, packages=packages, picked_at=at, scanned=True)
    line = PickLine(
        depot_order=depot_order,
        order_row=row,
        article_id=lot.article_id,
        packages=packages,
        picked=packages,
        use_until=(at + timedelta(days=70)).date(),
        picked_lots=[picked],
    )
    parcel = Parcel(
        depot_order=depot_order,
        sscc=build_sscc(depot.gs1_prefix, session.scalar(PARCEL_NO_SEQUENCE) or 0),
        carrier="PostNord",
        tracking_no=f"DEMO{700_000_000 + order.id}SE",
        packed_at=at,
        shipped_at=at + timedelta(hours=4),
        delivered_at=at + timedelta(days=2),
    )
    movement = StockMovement(depot_id=depot.id, lot_id=lot.id, packages=-packages, reason=MovementReason.PICKED, at=at)
    session.add_all([line, parcel, movement])
    return picked


def _at(loaded_on: date, days_ago: int) -> datetime:
    day = loaded_on - timedelta(days=days_ago)
    # The depot rests at weekends.
    day -= timedelta(days=max(0, day.weekday() - 4))
    return datetime.combine(day, time(10, 20), STOCKHOLM)
