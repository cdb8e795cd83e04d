"""The code in one's hand: the package's, the delivery note's, or the numbers as typed; and what is in no delivery of ours."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.db import Database
from core.idempotency import new_key
from delivery.complaints.models import Complaint, FaultReport
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import Parcel, PickedLot
from orders.models import Article, ProductKind
from tests.integration.test_fault_pages import ANSWERS, Reporter
from tests.support.builders import NOON, add_article
from tests.support.deliveries import add_delivered, add_lot
from tests.support.pages import check_page
from tests.support.web import token_of

GTIN, UNKNOWN_GTIN = "07350000000016", "04012345678901"


class Scanner(Reporter):
    """The proxy, with the package of what was delivered in their hand."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.unit_of_work() as session:
            picked = session.get_one(PickedLot, self.picked_lot_id)
            picked.lot.article.gtin = GTIN
            self.article_id = picked.lot.article_id
            self.sscc = session.scalars(select(Parcel.sscc)).one()

    def read(self, code: str) -> TestResponse:
        """Send a code as the camera or a finger does."""
        token = token_of(self.client, "/fault-reports/new")
        return self.client.post("/fault-reports/new", data={"csrf_token": token, "scan": code})

    def file(self, page: str, **changes: str) -> TestResponse:
        """Send the form of a page."""
        answers = {**ANSWERS, **changes, "csrf_token": token_of(self.client, page), "idempotency_key": new_key()}
        return self.client.post(page, data={name: value for name, value in answers.items() if value})


@pytest.fixture
def scanner(database: Database) -> Scanner:
    return Scanner(database)


@pytest.mark.parametrize(
    "code",
    [
        f"01{GTIN}1727063010L24A88",
        f"]d201{GTIN}1727063010L24A88",
        f"(01){GTIN}(17)270630(10)L24A88",
        f"(01){GTIN}(10)l24a88",
        f"https://id.gs1.org/01/{GTIN}/10/L24A88",
        GTIN,
        GTIN[1:],
        f"  {GTIN}\r\n",
    ],
)
def test_the_packages_code_leads_straight_to_its_product(scanner: Scanner, code: str) -> None:
    answer = scanner.read(code)
    assert (answer.status_code, answer.location) == (303, scanner.page)


def test_the_article_number_and_lot_do_too(scanner: Scanner) -> None:
    with scanner.database.session() as session:
        number = session.get_one(Article, scanner.article_id).article_no
    assert scanner.read(f"{number} L24A88").location == scanner.page


def test_the_delivery_notes_code_leads_to_its_parcel(scanner: Scanner) -> None:
    with scanner.database.unit_of_work() as session:
        parcel = session.scalars(select(Parcel)).one()
        parcel.sscc = "373500001234567894"
    for code in (
        "373500001234567894",
        "00373500001234567894",
        "(00)373500001234567894",
        "https://portal.example/fault-reports/new?parcel=373500001234567894",
    ):
        answer = scanner.read(code)
        assert (answer.status_code, answer.location) == (303, "/fault-reports/new?parcel=373500001234567894"), code


def test_a_lot_from_nowhere_is_said_and_can_be_reported_all_the_same(scanner: Scanner) -> None:
    answer = scanner.read(f"01{GTIN}10X99NEW")
    assert answer.status_code == 200
    check_page(answer)
    assert "We have not sent lot X99NEW of it here, as far as we know." in answer.text
    assert f'href="{scanner.page}"' in answer.text, "or one that was delivered"
    page = f"/fault-reports/new/articles/{scanner.article_id}?lot=X99NEW"
    assert f'href="{page}"' in answer.text
    shown = scanner.client.get(page)
    check_page(shown)
    assert "Not among what we have sent here" in shown.text
    assert 'name="packages"' not in shown.text
    filed = scanner.file(page, applied_on="2020-01-01")
    assert filed.status_code == 303
    receipt = scanner.client.get(filed.location)
    check_page(receipt)
    assert "lot X99NEW" in receipt.text
    check_page(scanner.client.get("/fault-reports/100016"))
    with scanner.database.session() as session:
        case = session.scalars(select(Complaint)).one()
        assert (case.article_id, case.lot_id) == (scanner.article_id, None)
        assert (case.report.picked_lot_id, case.report.stated_lot_no) == (None, "X99NEW")


def test_a_lot_that_went_to_others_is_known_by_its_number(scanner: Scanner) -> None:
    with scanner.database.unit_of_work() as session:
        lot = add_lot(session, session.get_one(Article, scanner.article_id), "OTHERS1")
    assert scanner.file(f"/fault-reports/new/articles/{scanner.article_id}?lot=OTHERS1").status_code == 303
    with scanner.database.session() as session:
        case = session.scalars(select(Complaint)).one()
        assert (case.lot_id, case.report.picked_lot_id) == (lot.id, None)


def test_a_bar_code_without_a_lot_shows_those_of_its_product(scanner: Scanner) -> None:
    with scanner.database.unit_of_work() as session:
        article = session.get_one(Article, scanner.article_id)
        later = add_delivered(session, scanner.patient, article=article, lot_no="LATER1")
        add_delivered(session, scanner.patient, article=add_article(session, name="Lansetter"), lot_no="LANSETT1")
    answer = scanner.read(GTIN)
    assert answer.status_code == 200
    check_page(answer)
    assert "It has been sent more than once." in answer.text
    assert f'href="/fault-reports/new/{later.id}"' in answer.text
    assert "LANSETT1" not in answer.text


def test_a_serial_number_tells_which_of_two_it_is(scanner: Scanner) -> None:
    with scanner.database.unit_of_work() as session:
        pump = add_article(session, name="Pump", kind=ProductKind.PUMP)
        pump.gtin = "07350000000023"
        first = add_delivered(session, scanner.patient, article=pump, packages=1, lot_no="P1")
        add_delivered(session, scanner.patient, article=pump, packages=1, lot_no="P1")
        session.add(
            SerialisedUnit(
                article_id=pump.id,
                serial_no="SN77",
                lot_id=first.lot_id,
                status=UnitStatus.SHIPPED,
                arrived_on=NOON.date(),
                picked_lot_id=first.id,
                person_id=scanner.patient.id,
            )
        )
    answer = scanner.read("01073500000000232" + "1SN77")
    assert (answer.status_code, answer.location) == (303, f"/fault-reports/new/{first.id}?serial=SN77")
    assert scanner.file(answer.location, kind="LEAKS", packages="").status_code == 303
    with scanner.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
        assert (report.picked_lot_id, report.stated_serial_no) == (first.id, "SN77")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "Read a code with the camera"),
        ("01073500000", "That is not a whole code."),
        (GTIN[:-1] + "9", "That is not a whole code."),
        ("10L24A88", "That is not a whole code."),
        ("hej <b>", "That is not a whole code."),
        ("9" * 299, "That is not a whole code."),
        (UNKNOWN_GTIN, "We do not know that product"),
        ("https://[", "That is not a whole code."),
    ],
)
def test_half_a_code_or_a_strangers_is_said_and_stays_typed(scanner: Scanner, code: str, said: str) -> None:
    answer = scanner.read(code)
    assert answer.status_code == 422
    check_page(answer)
    assert said in answer.text
    assert f'value="{code.replace("<", "&lt;").replace(">", "&gt;")}"' in answer.text
    assert "L24A88" in answer.text, "the list is still there"


def test_another_regions_product_is_none_of_ours(scanner: Scanner) -> None:
    with scanner.database.unit_of_work() as session:
        foreign = add_article(session, name="Norrartikeln", region="norrbotten")
        foreign.gtin = UNKNOWN_GTIN
    assert "We do not know that product" in scanner.read(UNKNOWN_GTIN).text
    page = f"/fault-reports/new/articles/{foreign.id}"
    assert scanner.client.get(page).status_code == 404
    token = token_of(scanner.client, scanner.page)
    assert scanner.client.post(page, data={**ANSWERS, "csrf_token": token}).status_code == 404
