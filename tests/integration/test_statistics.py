"""Statistics of complaints on real PostgreSQL: what is counted by what, and that the files are what the page says and nothing else."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import product

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from auth.identity import Role
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus
from delivery.complaints.models import Complaint, ComplaintState, FaultKind
from delivery.complaints.statistics import Asked, By, Statistics, statistics_of
from delivery.models import Depot, MovementReason, StockMovement
from orders.models import OrderRow, ProductArea, RowKind, RowStatus
from tests.support.builders import NOON, REGION, add_article
from tests.support.counting import PATIENTS, Counting
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in

FIRST, LAST = date(2026, 1, 1), NOON.date()
# A supplier that prints what a spreadsheet program would run.
FORMULA = "=cmd|'/C calc'!A0"


@pytest.fixture
def counting(database: Database) -> Counting:
    """Two lots of one article and one of another; four cases that count, one declined and one duplicate."""
    database.clock = ManualClock(NOON)
    counting = Counting(database)
    old = counting.send("OLD", days_ago=100, packages=10)
    new = counting.send(FORMULA, days_ago=40, packages=10)
    with database.unit_of_work() as session:
        other = add_article(session, name="Provkanyl", price=Decimal("50.00"))
        other.product_area = ProductArea.STOMA
    needles = counting.send("NEEDLE", days_ago=40, packages=5, article=other, to=counting.people[:2])
    first = counting.report(old[:1], days_ago=60, kind=FaultKind.STOPPED_WORKING)
    counting.report(new[:2], days_ago=10, is_red=True)
    counting.report(needles[:1], days_ago=10, kind=FaultKind.LEAKS)
    counting.report(new[2:3], days_ago=9, state=ComplaintState.DECLINED)
    counting.report(old[:1], days_ago=8, duplicate_of=first[0])
    return counting


def _count(counting: Counting, by: By, **chosen: object) -> Statistics:
    asked = Asked(by, chosen.pop("first", FIRST), chosen.pop("last", LAST), **chosen)  # type: ignore[arg-type]
    with counting.database.unit_of_work() as session:
        return statistics_of(session, counting.eva, asked)


def _cases(found: Statistics) -> dict[str, tuple[int, int | None]]:
    return {line.code or str(line.key): (line.cases, line.delivered) for line in found.lines}


def test_every_way_of_counting_adds_up_to_the_same(counting: Counting) -> None:
    found = {by: _count(counting, by) for by in By}
    sent = 2 * PATIENTS * 10 + 2 * 5
    for by, one in found.items():
        assert (one.total.cases, one.total.red_flags, one.total.delivered) == (4, 2, sent), by
        assert sum(line.cases for line in one.lines) == 4, by
    assert _cases(found[By.LOT]) == {"OLD": (1, 140), FORMULA: (2, 140), "NEEDLE": (1, 10)}
    assert _cases(found[By.FAULT]) == {"STOPPED_WORKING": (1, sent), "CAME_LOOSE": (2, sent), "LEAKS": (1, sent)}
    assert _cases(found[By.MONTH]) == {"2026-08": (0, 140), "2026-09": (1, 0), "2026-10": (0, 150), "2026-11": (3, 0)}
    assert {line.name: line.cases for line in found[By.SUPPLIER].lines} == {"Provsensor AB": 3, "": 1}
    assert sum(line.delivered or 0 for line in found[By.ARTICLE].lines) == sent
    assert all(line.name.startswith("Diabetesmottagningen") for line in found[By.UNIT].lines)


def test_per_thousand_is_of_what_was_delivered_in_the_same_time(counting: Counting) -> None:
    (line,) = [line for line in _count(counting, By.LOT).lines if line.code == FORMULA]
    assert line.per_thousand == Decimal(2000) / 140
    late = _count(counting, By.LOT, first=NOON.date() - timedelta(days=20))
    assert {line.per_thousand for line in late.lines} == {None}
    assert (late.total.cases, late.total.delivered) == (3, 0)


def test_both_days_are_included_and_no_more(counting: Counting) -> None:
    day = NOON.date() - timedelta(days=10)
    assert _count(counting, By.MONTH, first=day, last=day).total.cases == 3
    assert _count(counting, By.MONTH, first=day + timedelta(days=1)).total.cases == 0
    assert _count(counting, By.MONTH, last=day - timedelta(days=1)).total.cases == 1


def test_what_is_chosen_narrows_both_sides(counting: Counting) -> None:
    stoma = _count(counting, By.LOT, area=ProductArea.STOMA)
    assert _cases(stoma) == {"NEEDLE": (1, 10)}
    supplied = _count(counting, By.ARTICLE, supplier_id=counting.supplier_id)
    assert (supplied.total.cases, supplied.total.delivered, supplied.supplier_name) == (3, 280, "Provsensor AB")
    assert _count(counting, By.LOT, article_id=counting.article.id).article_name == "Provsensor"
    assert _count(counting, By.LOT, article_id=999_999).total.cases == 0


def test_what_came_back_is_taken_off(counting: Counting) -> None:
    with counting.database.unit_of_work() as session:
        complaint = session.scalars(select(Complaint).where(Complaint.state == ComplaintState.RECEIVED)).first()
        assert complaint is not None
        assert complaint.lot_id is not None
        session.add(
            StockMovement(
                depot_id=session.scalars(select(Depot.id)).one(),
                lot_id=complaint.lot_id,
                packages=4,
                reason=MovementReason.RETURNED,
                object_ref=f"picked_lot:{complaint.report.picked_lot_id}",
                at=NOON,
            )
        )
    assert _count(counting, By.LOT).total.delivered == 290 - 4


def test_money_is_what_was_replaced_claimed_and_credited(counting: Counting) -> None:
    with counting.database.unit_of_work() as session:
        cases = session.scalars(select(Complaint).where(Complaint.has_red_flag).order_by(Complaint.id)).all()
        row = session.scalars(select(OrderRow).limit(1)).one()
        for complaint, status in zip(cases, (RowStatus.SENT, RowStatus.CANCELLED), strict=True):
            session.add(
                OrderRow(
                    order_id=row.order_id,
                    delivery_choice_id=row.delivery_choice_id,
                    article_id=complaint.article_id,
                    kind=RowKind.REPLACEMENT,
                    complaint_ref=complaint.id,
                    packages=3,
                    status=status,
                    status_at=NOON,
                    package_price=Decimal("99.95"),
                )
            )
        pack = ClaimPack(
            region=REGION,
            claim_no="2001",
            supplier_id=counting.supplier_id,
            status=ClaimStatus.SENT,
            opened_at=NOON,
            sent_at=NOON,
        )
        session.add(pack)
        session.flush()
        answers = (
            (cases[0].id, ClaimOutcome.REJECTED, "Otydligt", Decimal(0)),
            (cases[0].id, None, "", Decimal("100.05")),
            (cases[1].id, ClaimOutcome.ACCEPTED, "", Decimal("299.85")),
        )
        for number, (case_id, outcome, reason, credited) in enumerate(answers):
            one = pack
            if number == 0:
                one = ClaimPack(
                    region=REGION,
                    claim_no="2000",
                    supplier_id=counting.supplier_id,
                    status=ClaimStatus.CLOSED,
                    opened_at=NOON,
                    sent_at=NOON,
                )
                session.add(one)
                session.flush()
            session.add(
                ClaimLine(
                    pack_id=one.id,
                    complaint_id=case_id,
                    packages=3,
                    value=Decimal("299.85"),
                    outcome=outcome,
                    outcome_reason=reason,
                    answered_at=NOON if outcome else None,
                    credited=credited,
                )
            )
    for by in By:
        total = _count(counting, by).total
        money = (total.replaced, total.claimed, total.credited)
        assert money == (Decimal("299.85"), Decimal("599.70"), Decimal("399.90")), by
        assert (total.cases, total.delivered) == (4, 290), by


def test_it_takes_as_many_statements_however_much_there_is(counting: Counting) -> None:
    def statements(by: By) -> int:
        with counted(counting.database) as sent:
            _count(counting, by, supplier_id=counting.supplier_id)
        return len(sent)

    before = {by: statements(by) for by in By}
    for number in range(3):
        counting.report(counting.send(f"MORE{number}", days_ago=30)[:3])
    assert {by: statements(by) for by in By} == before
    assert max(before.values()) <= 7


def test_the_look_is_logged_and_others_are_refused(counting: Counting) -> None:
    _count(counting, By.LOT)
    depot = counting.other_identity(Role.DEPOT)
    with counting.database.unit_of_work() as session:
        with pytest.raises(NotPermitted):
            statistics_of(session, depot, Asked(By.LOT, FIRST, LAST))
        actions = session.scalars(select(AccessLogEntry.action)).all()
    assert "statistics.seen" in actions


def test_every_page_is_right(counting: Counting) -> None:
    client = sign_in(make_app(counting.database).test_client(), counting.commission)
    for by, area in product(By, ("", "STOMA", "NUTRITION")):
        page = client.get(f"/statistics?by={by}&area={area}")
        check_page(page)
        assert "Test Testsson" not in page.text
        if area == "NUTRITION":
            assert "Nothing was sent or reported" in page.text
        else:
            assert "<svg" in page.text
            assert "per 1,000" in page.text.lower()
            assert re.search(r"(has most|Most in|Most often)", page.text)


def test_what_cannot_be_read_is_as_if_it_was_not_said(counting: Counting) -> None:
    client = sign_in(make_app(counting.database).test_client(), counting.commission)
    for query in (
        "by=nothing&from=yesterday&until=2026-13-40&area=X&supplier=abc&article=-1",
        "from=9999-12-31&until=9999-12-31",
        "from=0001-01-01&until=0001-01-01",
        "supplier=99999999999999999999&article=0",
        "from=2026-11-20&until=2026-11-01",
    ):
        for path in ("/statistics", "/statistics/csv", "/statistics/xlsx"):
            assert client.get(f"{path}?{query}").status_code == 200, query


def test_the_files_hold_the_page_and_no_formula(counting: Counting) -> None:
    client = sign_in(make_app(counting.database).test_client(), counting.commission)
    answer = client.get("/statistics/csv?by=lot&from=2026-01-01")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="complaints-by-lot-2026-01-01-')
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.data.decode("utf-8-sig")
    assert answer.data.startswith("\N{BYTE ORDER MARK}".encode())
    assert "\N{BYTE ORDER MARK}" not in text
    rows = list(csv.reader(StringIO(text), delimiter=";"))
    assert rows[1][:6] == [f"'{FORMULA}", "Provsensor", "2", "2", "140", "14,29"]
    assert rows[-1][2:5] == ["4", "2", "290"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]

    sheet = load_workbook(BytesIO(client.get("/statistics/xlsx?by=lot&from=2026-01-01").data)).active
    assert sheet is not None
    cells = [list(row) for row in sheet.iter_rows()]
    assert [cell.value for cell in cells[1][:5]] == [FORMULA, "Provsensor", 2, 2, 140]
    assert cells[1][5].value == pytest.approx(14.29)
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "inlineStr"}
    assert [cell.value for cell in cells[-1][2:5]] == [4, 2, 290]


def test_a_formula_would_be_seen(counting: Counting) -> None:
    """The guard sees: written without care, the same lot number is a formula."""
    careless = Workbook()
    page = careless.active
    assert page is not None
    page.append([FORMULA])
    assert page["A1"].data_type == "f"
