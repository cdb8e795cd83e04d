"""What suppliers have told lately: pumps that one has exchanged directly, and two pieces of news that the consultant passed on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from fpdf import FPDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Role
from auth.models import Commission, Person, Unit
from auth.persons import staff_identity
from core.clock import STOCKHOLM
from delivery.complaints.exchanges import read_exchanges, upload_exchanges
from delivery.complaints.models import FaultKind
from delivery.complaints.services import ReportFault, report_fault
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import Lot
from delivery.news import DraftNews, publish_news, save_draft
from delivery.news_files import check_file
from delivery.news_queries import read_news
from delivery.warranty import warranty_ends_on
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus
from portal.demo.region.acting import acting_for
from portal.demo.region.crowd import CROWD_UNIT, Patient, send_lot

PUMP, SENSOR, SETS = "22002", "21001", "22101"
SENT_DAYS_AGO = 210


def suppliers_tell(
    session: Session, loaded_on: date, consultant: Identity, at: Callable[[int, int], None], work: Callable[[], None]
) -> None:
    """Let it happen in the last weeks; `at` sets the clock, `work` does what the workers do."""
    at(9, 10)
    sent = _send_pumps(session, loaded_on)
    report_fault(session, _themselves(session, sent[0]), _fault(sent[0]))
    work()
    at(3, 9)
    _read_file(session, loaded_on, consultant)
    at(2, 11)
    _publish(session, consultant)
    work()


def _article(session: Session, number: str) -> Article:
    return session.scalars(select(Article).where(Article.region == "vgr", Article.article_no == number)).one()


def _send_pumps(session: Session, loaded_on: date) -> list[SerialisedUnit]:
    """Send a pump each to some of the crowd."""
    article = _article(session, PUMP)
    persons = session.scalars(
        select(Person)
        .join(Prescription, Prescription.person_id == Person.id)
        .join(Unit, Prescription.unit_id == Unit.id)
        .where(Unit.hsa_id == CROWD_UNIT)
        .order_by(Person.id)
        .limit(4)
    ).all()
    lot = Lot(article=article, lot_no="PV2398", expires_on=loaded_on + timedelta(days=600))
    patients = [Patient(person, _item(session, person, article, loaded_on)) for person in persons]
    session.add(lot)
    session.flush()
    picked = send_lot(session, loaded_on, lot, patients, SENT_DAYS_AGO, packages=1)
    shipped_on = loaded_on - timedelta(days=SENT_DAYS_AGO)
    units = [
        SerialisedUnit(
            article_id=article.id,
            serial_no=f"P2-25-{7301 + place}",
            lot_id=lot.id,
            status=UnitStatus.SHIPPED,
            arrived_on=shipped_on - timedelta(days=20),
            picked_lot_id=one.id,
            person_id=patient.person.id,
            shipped_on=shipped_on,
            warranty_until=warranty_ends_on(shipped_on, 4),
        )
        for place, (one, patient) in enumerate(zip(picked, patients, strict=True))
    ]
    session.add_all(units)
    session.flush()
    return units


def _item(session: Session, person: Person, article: Article, loaded_on: date) -> PrescriptionItem:
    prescription = session.scalars(select(Prescription).where(Prescription.person_id == person.id).limit(1)).one()
    item = PrescriptionItem(
        prescription_id=prescription.id,
        external_id="2",
        article_id=article.id,
        status=PrescriptionStatus.DELIVERED,
        orders_allowed=1,
        orders_used_here=1,
        orders_remaining=0,
        packages_per_order=1,
        pieces_per_order=1,
        days_per_order=1460,
        last_valid_date=loaded_on - timedelta(days=60),
        imported_at=datetime.combine(loaded_on - timedelta(days=SENT_DAYS_AGO + 20), time(9), STOCKHOLM),
    )
    session.add(item)
    session.flush()
    return item


def _themselves(session: Session, unit: SerialisedUnit) -> Identity:
    person = session.get_one(Person, unit.person_id)
    return acting_for(session, person, person)


def _fault(unit: SerialisedUnit) -> ReportFault:
    assert unit.picked_lot_id is not None
    return ReportFault(
        picked_lot_id=unit.picked_lot_id,
        kind=FaultKind.BROKEN_PACKAGE,
        was_harmed=False,
        has_danger_sign=False,
        is_kept=True,
        wants_replacement=True,
        idempotency_key="demo-pump",
        description="Luckan till batteriet har spruckit. Jag har ringt Pumpverkstan, de skickar en ny pump.",
    )


def _read_file(session: Session, loaded_on: date, consultant: Identity) -> None:
    """The month's file: two pumps exchanged, one row without a reason, one number that nobody knows."""
    days = [(loaded_on - timedelta(days=ago)).isoformat() for ago in (7, 6, 5, 4)]
    rows = (
        "Pumpverkstan i Norr AB;;;",
        "Gammalt serienr;Nytt serienr;Bytesdatum;Orsak",
        f"P2-25-7301;P2-26-0118;{days[0]};Sprucken batterilucka",
        f"P2-25-7302;P2-26-0119;{days[1]};Knappen reagerar inte",
        f"P2-25-7303;P2-26-0120;{days[2]};",
        f"P2-25-9999;P2-26-0121;{days[3]};Larmar utan anledning",
    )
    supplier_id = _article(session, PUMP).supplier_id
    assert supplier_id is not None
    raw = "\r\n".join(rows).encode("cp1252")
    upload = upload_exchanges(session, consultant, supplier_id, "utbyten-pumpverkstan.csv", raw)
    read_exchanges(session, consultant, upload.id)


def _publish(session: Session, consultant: Identity) -> None:
    """One piece of news for prescribers and patients, one for prescribers alone, and one that is not ready."""
    sensor, sets = _article(session, SENSOR), _article(session, SETS)
    told = save_draft(
        session,
        consultant,
        DraftNews(
            title="Appen till sensorn måste uppdateras",
            body=(
                "Fjordsensor har släppt en ny version av appen. Den gamla slutar visa värden i slutet av nästa månad.\n\n"
                "Uppdatera appen i telefonen. Sensorn på armen kan sitta kvar.\n\n"
                "Går det inte? Ring Fjordsensor: 010-000 10 01."
            ),
            title_en="The app of the sensor must be updated",
            body_en=(
                "Fjordsensor has a new version of the app. The old one stops showing values at the end of next month.\n\n"
                "Update the app in your phone. The sensor on your arm can stay.\n\n"
                "Any trouble? Call Fjordsensor: 010-000 10 01."
            ),
            supplier_id=sensor.supplier_id,
            article_no=SENSOR,
            for_patients=True,
            files=(check_file("Fjordsensor om appen.pdf", _letter()),),
        ),
    )
    publish_news(session, consultant, told.id)
    quiet = save_draft(
        session,
        consultant,
        DraftNews(
            title="Infusionsset i ny förpackning från årsskiftet",
            body=(
                "Pumpverkstan byter kartong på infusionsset 60 cm. Innehållet och artikelnumret är desamma.\n\n"
                "Förskriv som vanligt. Patienterna behöver inte göra något."
            ),
            supplier_id=sets.supplier_id,
            article_no=SETS,
        ),
    )
    publish_news(session, consultant, quiet.id)
    save_draft(
        session, consultant, DraftNews("Nya stickor till blodsockermätaren", "Vi väntar på bilder från leverantören.")
    )
    prescribers = session.scalars(
        select(Commission).where(Commission.role == Role.PRESCRIBER).order_by(Commission.id).limit(3)
    ).all()
    for place, commission in enumerate(prescribers):
        read_news(session, staff_identity(commission), quiet.id)
        if place == 0:
            continue
        read_news(session, staff_identity(commission), told.id)


def _letter() -> bytes:
    """The supplier's own paper."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=16)
    pdf.cell(text="Fjordsensor AB", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=11)
    pdf.multi_cell(
        0, 7, "Ny version av appen. Uppdatera före slutet av nästa månad. Sensorer som sitter på fungerar som förut."
    )
    return bytes(pdf.output())
