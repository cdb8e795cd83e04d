"""Builders of test data: each makes a valid thing with as few words as the test needs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from sqlalchemy.orm import Session
from stdnum import ean, luhn

from auth.identity import ALL_TASKS, Identity, Relation, Role
from auth.models import Commission, Person, Protection, StaffMember, Unit
from auth.numbers import parse_number
from core.policy import policy_of
from delivery.models import Depot, Lot, MovementReason, StockMovement
from delivery.policy import DeliveryPolicy
from orders.models import (
    Article,
    DeliveryAlternative,
    DeliveryMethod,
    Prescription,
    PrescriptionItem,
    ProductArea,
    ProductKind,
)
from orders.policy import OrderingPolicy

REGION = "vgr"
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
_serial = count(1)


def number_text(born: date, serial: int | None = None) -> str:
    """Return twelve digits with a valid check digit; serials 980–999 are never given to anybody."""
    short = f"{born:%y%m%d}{980 + (next(_serial) if serial is None else serial) % 20:03d}"
    return f"{born.year // 100}{short}{luhn.calc_check_digit(short)}"


def add_person(
    session: Session,
    *,
    born: date | None = None,
    name: str = "Test Testsson",
    protection: Protection = Protection.NONE,
    county: str = "",
    region: str = REGION,
) -> Person:
    """Add an adult with an address in the region, unless told otherwise."""
    county = county or policy_of(region).section(OrderingPolicy).county_code
    # A day of birth of their own keeps numbers unique although only twenty serials are free for tests.
    born = born or date(1960, 1, 1) + timedelta(days=next(_serial))
    person = Person(region=region, county_code=county, protection=protection)
    person.set_number(parse_number(number_text(born), date(2026, 11, 23)))
    if protection is Protection.NONE:
        person.given_name, _, person.family_name = name.partition(" ")
        person.street, person.postal_code, person.city = "Provgatan 1", "54130", "Skövde"
    session.add(person)
    session.flush()
    return person


def add_unit(session: Session, name: str = "Diabetesmottagningen Provstad", *, region: str = REGION) -> Unit:
    """Add a unit with an address."""
    unit = Unit(
        region=region,
        hsa_id=f"SE2321000131-E9{next(_serial):011d}",
        name=name,
        street="Vårdvägen 2",
        postal_code="54185",
        city="Skövde",
        phone="0500-00 00 00",
        cost_centre="10100",
    )
    session.add(unit)
    session.flush()
    return unit


def add_article(
    session: Session,
    *,
    package_size: int = 1,
    kind: ProductKind = ProductKind.SENSOR,
    generic: Article | None = None,
    name: str = "Glukossensor",
    price: Decimal | None = None,
    region: str = REGION,
) -> Article:
    """Add an orderable article with a GTIN."""
    serial = next(_serial)
    digits = f"73500{serial:07d}"
    article = Article(
        region=region,
        article_no=f"{10000 + serial:05d}",
        name=name,
        price=price,
        gtin="0" + digits + ean.calc_check_digit(digits),
        package_size=package_size,
        product_area=ProductArea.DIABETES,
        kind=kind,
        generic_article_id=generic.id if generic else None,
        location=f"A-{serial:02d}",
    )
    session.add(article)
    session.flush()
    return article


def add_item(
    session: Session,
    person: Person,
    article: Article,
    *,
    allowed: int = 4,
    packages: int = 6,
    valid_until: date = date(2027, 6, 30),
    earliest: date | None = None,
    days: int = 84,
    sub_articles: tuple[Article, ...] = (),
    unit: Unit | None = None,
) -> PrescriptionItem:
    """Prescribe an article home to a person."""
    unit = unit or add_unit(session, region=person.region)
    prescription = Prescription(
        region=person.region,
        source="TEST",
        external_id=f"P{next(_serial)}",
        person_id=person.id,
        unit_id=unit.id,
        prescriber_id="SE2321000131-P000000000001",
        prescriber_name="Sjuksköterska Prov",
    )
    session.add(prescription)
    session.flush()
    item = PrescriptionItem(
        prescription_id=prescription.id,
        external_id=f"I{next(_serial)}",
        article_id=article.id,
        orders_allowed=allowed,
        orders_remaining=allowed,
        packages_per_order=packages,
        pieces_per_order=packages * article.package_size,
        days_per_order=days,
        source_next_earliest_date=earliest,
        next_earliest_order_date=earliest,
        last_valid_date=valid_until,
        imported_at=NOON,
        sub_articles=list(sub_articles),
        delivery_alternatives=[
            DeliveryAlternative(method_id="HOME", name="Hemleverans", method=DeliveryMethod.HOME_DELIVERY)
        ]
        if DeliveryMethod.HOME_DELIVERY in policy_of(person.region).section(OrderingPolicy).delivery_methods
        else [],
    )
    session.add(item)
    session.flush()
    return item


def add_depot(session: Session, *, region: str = REGION) -> Depot:
    """Add the depot that the region's policy names."""
    unit = Unit(
        region=region,
        hsa_id=policy_of(region).section(DeliveryPolicy).depot_hsa_id,
        name="Depån i Skövde",
        street="Depåvägen 1",
        postal_code="54139",
        city="Skövde",
    )
    session.add(unit)
    session.flush()
    depot = Depot(region=region, unit_id=unit.id, gs1_prefix="7350000")
    session.add(depot)
    session.flush()
    return depot


def add_stock(
    session: Session,
    depot: Depot,
    article: Article,
    packages: int,
    *,
    lot_no: str = "LOT1",
    expires: date = date(2028, 12, 31),
) -> Lot:
    """Receive packages of one lot."""
    lot = Lot(article_id=article.id, lot_no=lot_no, expires_on=expires)
    session.add(lot)
    session.flush()
    session.add(
        StockMovement(depot_id=depot.id, lot_id=lot.id, packages=packages, reason=MovementReason.RECEIVED, at=NOON)
    )
    session.flush()
    return lot


def add_staff(
    session: Session, role: Role, *, unit: Unit | None = None, name: str = "Provia Personal", region: str = REGION
) -> Commission:
    """Add a staff member with one commission."""
    unit = unit or add_unit(session, "Arbetsplatsen", region=region)
    member = StaffMember(hsa_id=f"SE2321000131-P{next(_serial):012d}", name=name)
    session.add(member)
    session.flush()
    commission = Commission(
        hsa_id=f"SE2321000131-U{next(_serial):012d}", staff_id=member.id, unit_id=unit.id, role=role
    )
    session.add(commission)
    session.flush()
    return commission


def patient_identity(person: Person, *, actor: Person | None = None, relation: Relation = Relation.SELF) -> Identity:
    """Build the identity of a person acting for themselves, or of `actor` acting for them."""
    actor = actor or person
    return Identity(
        role=Role.PATIENT,
        region=person.region,
        person_id=actor.id,
        label=actor.full_name,
        subject_person_id=person.id,
        relation=relation,
        tasks=ALL_TASKS,
    )
