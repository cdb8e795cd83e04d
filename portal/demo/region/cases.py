"""The consultant's board of the demo: reports of some weeks, in every state that consultants leave cases in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Unit
from auth.numbers import parse_number
from delivery.complaints.adding import AddToCase, add_to_case
from delivery.complaints.asking import ask
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product, take_case
from delivery.complaints.merging import mark_duplicate
from delivery.complaints.models import Complaint, FaultKind
from delivery.complaints.services import ReportFault, report_fault
from delivery.complaints.triage import Triage, add_note, close, triage
from delivery.models import Lot, PickedLot
from orders.models import Article
from portal.demo.region.acting import acting_for
from portal.demo.region.crowd import Patient, prescribe, send_lot
from portal.demo.region.filling import number_of

_NAMES = (
    "Märta Almgläntan",
    "Sten Bokliden",
    "Ebba Dalkullen",
    "Ture Ekängen",
    "Vera Furuviken",
    "Alve Granbacka",
    "Siri Hasselnäs",
    "Rune Idegränd",
    "Tea Kastanjegård",
    "Ossian Lärkdalen",
    "Juni Mossängen",
    "Loke Näckroshult",
)
# Article → lot, the day before loading on which it began to be sent, its last day.
_LOTS = {
    "21001": ("FS26K081", 40, 400),
    "22101": ("PI2609", 38, 700),
    "22001": ("PV4410", 60, 1500),
    "23101": ("TV0426", 35, 500),
    "24001": ("PK7731", 50, 900),
    "31002": ("SG1188", 45, 900),
    "41002": ("MS2205", 30, 1200),
    "51001": ("NB0931", 25, 200),
}

Act = Callable[[Session, Identity, str], object]


@dataclass(frozen=True)
class _Case:
    """One report: when (days before loading, hour), who (place among the names), of what, and what was done with it afterwards."""

    days_ago: int
    hour: int
    who: int
    article_no: str
    kind: FaultKind
    words: str
    is_red: bool = False
    harmed: bool = False
    wants: bool = True
    packages: int = 1
    acts: tuple[tuple[int, int, Act], ...] = ()


def _triaged(note: str, *, serious: bool = False, pattern: bool = False) -> Act:
    return lambda session, who, case_no: triage(session, who, Triage(case_no, serious, pattern, note))


def _asked(question: str) -> Act:
    return lambda session, who, case_no: ask(session, who, case_no, question, f"demo-{case_no}")


def _declined(reason: str) -> Act:
    return lambda session, who, case_no: decline(session, who, case_no, reason, f"demo-{case_no}")


def _added(text: str) -> Act:
    """What the reporter adds; it is nobody's act at work."""

    def add(session: Session, _who: Identity, case_no: str) -> object:
        person = session.scalars(select(Complaint).where(Complaint.case_no == case_no)).one().person
        return add_to_case(
            session, acting_for(session, person, person), AddToCase(case_no, f"demo-more-{case_no}", text)
        )

    return add


def _closed(reason: str) -> Act:
    return lambda session, who, case_no: close(session, who, case_no, reason)


def _replaced(packages: int = 1) -> Act:
    return lambda session, who, case_no: replace_product(
        session, who, ReplaceProduct(case_no, packages, f"demo-{case_no}")
    )


def _noted(text: str) -> Act:
    return lambda session, who, case_no: add_note(session, who, case_no, text)


def _same_as_before(session: Session, who: Identity, case_no: str) -> object:
    complaint = session.scalars(select(Complaint).where(Complaint.case_no == case_no)).one()
    earlier = session.scalars(
        select(Complaint.case_no)
        .where(Complaint.person_id == complaint.person_id, Complaint.id < complaint.id)
        .order_by(Complaint.id.desc())
    ).first()
    assert earlier is not None
    return mark_duplicate(session, who, case_no, earlier)


_F = FaultKind
_CASES = (
    _Case(24, 9, 0, "24001", _F.BLOCKED, "Inget insulin kommer ut ur var tredje kanyl.", wants=False, acts=(
        (23, 10, _triaged("Ringde. Vill inte ha nya, bytte till annan längd.")), (23, 11, _closed("Bara ett tips.")))),
    _Case(21, 14, 1, "31002", _F.LEAKS, "Den läcker vid kanten efter en timme.", packages=2),
    _Case(20, 8, 2, "41002", _F.CAME_LOOSE, "Tejpen fäster inte.", wants=False, acts=(
        (19, 9, _declined("Skyddet är använt utan fixeringsbyxa, och så är det inte gjort för att sitta.")),
        (2, 10, _added("Jag har provat med byxan nu, och tejpen släpper ändå.")))),
    _Case(17, 19, 3, "21001", _F.STOPPED_WORKING, "Slutade efter åtta dygn, visar bara tre streck."),
    _Case(15, 7, 4, "51001", _F.TASTE_OR_SPOILED, "Smakar surt fast datumet är långt fram.", acts=(
        (14, 9, _noted("Leverantören vill ha flaskan. Hon har den kvar.")),)),
    _Case(13, 20, 5, "21001", _F.ERROR_CODE, "Felkod 6 efter två dygn."),
    _Case(12, 10, 6, "23101", _F.WRONG_READING, "Visar 14 när en annan mätare visar 7.", wants=False, acts=(
        (12, 13, _triaged("Kontrollösningen stämde inte heller.", pattern=True)),)),
    _Case(10, 16, 7, "22101", _F.BLOCKED, "Stopp i slangen efter en natt.", packages=1),
    _Case(9, 9, 8, "21001", _F.CAME_LOOSE, "Lossnade i duschen andra dagen."),
    _Case(8, 9, 8, "21001", _F.CAME_LOOSE, "Jag anmälde i går men vet inte om den kom fram.", acts=(
        (7, 8, _same_as_before),)),
    _Case(7, 6, 9, "22101", _F.LEAKS, "Insulin rann ut under plåstret. Blodsockret var 24 och hon fick ketoner.",
          is_red=True, harmed=True, acts=(
              (7, 8, _triaged("Ringde familjen. Inlagd ett dygn, mår bra nu.", serious=True)), (7, 9, _replaced()))),
    _Case(6, 11, 10, "22001", _F.ERROR_CODE, "Pumpen larmar E7 och startar om sig själv.", acts=(
        (5, 9, take_case),)),
    _Case(6, 13, 11, "41002", _F.BROKEN_PACKAGE, "Förpackningen var öppen när den kom."),
    _Case(5, 8, 0, "21001", _F.STOPPED_WORKING, "Tappade kontakten tredje dygnet.", acts=(
        (4, 10, _noted("Leverantören frågar efter serienumret på läsaren.")),)),
    _Case(5, 15, 1, "24001", _F.LEAKS, "Det droppar insulin mellan kanyl och penna.", wants=False, acts=(
        (4, 13, _asked("Vilken penna använder du, och vad står det på insulinpatronen?")),)),
    _Case(4, 9, 2, "23101", _F.ERROR_CODE, "Mätaren säger E3 för varje sticka i burken.", wants=False, acts=(
        (3, 10, _asked("När öppnade du burken, och var har den stått?")),)),
    _Case(4, 18, 3, "21001", _F.STOPPED_WORKING, "En till som dog, nu efter fem dygn.", packages=1),
    _Case(4, 19, 5, "31002", _F.SKIN_REACTION, "Huden är röd och svider under plattan.", wants=False),
    _Case(3, 8, 6, "22001", _F.STOPPED_WORKING, "Skärmen är svart. Har bytt batteri."),
    _Case(3, 12, 7, "22101", _F.CAME_LOOSE, "Fästet släpper så fort han svettas.", wants=False),
    _Case(3, 20, 10, "21001", _F.WRONG_READING, "Visade 5,2 men fingret visade 2,1. Han var svettig och darrig.",
          is_red=True),
    _Case(2, 9, 11, "51001", _F.LEAKS, "Två flaskor hade läckt i kartongen.", packages=1),
    _Case(2, 17, 4, "21001", _F.STOPPED_WORKING, "Slutade första natten, larmade hela tiden.", wants=False),
    _Case(1, 15, 8, "22101", _F.BLOCKED, "Blodsockret steg till 26 på natten. Kanylen var vikt. Vi ringde 1177.",
          is_red=True, harmed=True),
    _Case(1, 16, 9, "21001", _F.ERROR_CODE, "Felkod 6 direkt när den startades.", wants=False),
)  # fmt: skip


def fill_board(
    session: Session, loaded_on: date, consultant: Identity, at: Callable[[int, int], None], work: Callable[[], None]
) -> None:
    """Send the lots, file the reports and do what consultants did, in the order of the days; `at` sets the clock, `work` routes."""
    patients = _people(session, loaded_on)
    sent = _send(session, loaded_on, patients)
    happenings: list[tuple[int, int, int, Callable[[], None]]] = []
    numbers: dict[int, str] = {}

    def report(place: int, case: _Case) -> None:
        numbers[place] = _report(session, place, case, patients[case.who], sent[case.article_no, case.who])

    def act(place: int, do: Act) -> None:
        do(session, consultant, numbers[place])

    for place, case in enumerate(_CASES):
        happenings.append((-case.days_ago, case.hour, place, lambda p=place, c=case: report(p, c)))  # type: ignore[misc]
        happenings += [(-days, hour, place, lambda p=place, d=do: act(p, d)) for days, hour, do in case.acts]  # type: ignore[misc]
    for days, hour, _place, happen in sorted(happenings, key=lambda one: one[:3]):
        at(-days, hour)
        happen()
        work()


def _report(session: Session, place: int, case: _Case, person: Person, picked: PickedLot) -> str:
    return report_fault(
        session,
        acting_for(session, person, person),
        ReportFault(
            picked_lot_id=picked.id,
            kind=case.kind,
            was_harmed=case.harmed,
            has_danger_sign=case.is_red,
            is_kept=True,
            wants_replacement=case.wants,
            idempotency_key=f"demo-case-{place}",
            packages=case.packages,
            description=case.words,
            error_code="6" if "Felkod 6" in case.words else "",
            call_on="070-000 00 99",
        ),
    ).case_no


def _people(session: Session, loaded_on: date) -> list[Person]:
    persons = []
    for place, name in enumerate(_NAMES):
        given, _space, family = name.partition(" ")
        person = Person(
            region="vgr",
            county_code="14",
            given_name=given,
            family_name=family,
            street=f"Lönnvägen {place + 1}",
            postal_code="46232",
            city="Vänersborg",
        )
        # Nobody has the serials from 980 on.
        number = number_of(loaded_on, 31 + 3 * place, 201 + 5 * place, 980 + place % 10)
        person.set_number(parse_number(number, loaded_on))
        persons.append(person)
    session.add_all(persons)
    session.flush()
    return persons


def _send(session: Session, loaded_on: date, persons: list[Person]) -> dict[tuple[str, int], PickedLot]:
    """Send each lot to those who report it, and return what each got."""
    unit = session.scalars(select(Unit).where(Unit.hsa_id == "SE2321000131-E000000000201")).one()
    sent = {}
    for number, (lot_no, days_ago, lasts) in _LOTS.items():
        article = session.scalars(select(Article).where(Article.region == "vgr", Article.article_no == number)).one()
        lot = Lot(article=article, lot_no=lot_no, expires_on=loaded_on + timedelta(days=lasts))
        session.add(lot)
        places = sorted({case.who for case in _CASES if case.article_no == number})
        patients = [
            Patient(persons[place], prescribe(session, persons[place], article, unit, loaded_on, packages=4))
            for place in places
        ]
        session.flush()
        for place, picked in zip(
            places, send_lot(session, loaded_on, lot, patients, days_ago, packages=4), strict=True
        ):
            sent[number, place] = picked
    return sent
