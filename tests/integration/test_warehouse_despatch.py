"""What a warehouse answers and sends: partly, late, twice and wrong; each package ends with its patient or with a reason."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database
from delivery.history import delivered_products
from delivery.models import Lot, LotStatus
from delivery.shipping import register_delivery
from delivery.warehouse_models import Outcome
from orders.models import RowStatus
from tests.support.builders import add_person, patient_identity
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.warehouse import OrderedLine, ReadOrder, Sent, answer, despatch, elsewhere_policies, new_sscc


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path) -> Elsewhere:
    elsewhere_policies(tmp_path)
    return Elsewhere(World(database))


def nothing_has_changed(elsewhere: Elsewhere, order: ReadOrder, raw: bytes, reason: str) -> None:
    """The message is refused for the reason, and but for the list of messages nothing is different."""
    before = (elsewhere.statuses(order), elsewhere.rows(order), elsewhere.lines(order), elsewhere.lots())
    receipt = elsewhere.take(raw)
    assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, reason)
    assert (elsewhere.statuses(order), elsewhere.rows(order), elsewhere.lines(order), elsewhere.lots()) == before
    assert elsewhere.parcels() == []
    assert elsewhere.told("order.sent") == []


def test_everything_comes_at_once(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    assert elsewhere.take(answer(order)).outcome is Outcome.TAKEN
    sscc = new_sscc()
    raw = despatch(order, [Sent(order.line, 3), Sent(order.line, 1, lot_no="L26B02")], sscc=sscc, tracking_no="SE 1")
    assert elsewhere.take(raw).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED"]
    assert elsewhere.rows(order) == [RowStatus.SENT]
    assert elsewhere.lots() == {"L26A01": 3, "L26B02": 1}
    (parcel,) = elsewhere.parcels()
    assert (parcel.sscc, parcel.tracking_no, parcel.carrier) == (sscc, "SE1", "PostNord")
    assert [(facts["tracking_no"], facts["carrier"]) for facts in elsewhere.told("order.sent")] == [("SE1", "PostNord")]
    with elsewhere.world.database.unit_of_work() as session:
        register_delivery(session, elsewhere.identity, parcel.id, "carrier")
    assert elsewhere.rows(order) == [RowStatus.DELIVERED]


def test_the_same_advice_twice_changes_nothing(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    raw = despatch(order, [Sent(order.line, 2)])
    first, second = elsewhere.take(raw), elsewhere.take(raw)
    assert (first.outcome, first.is_repeat) == (Outcome.TAKEN, False)
    assert (second.outcome, second.is_repeat) == (Outcome.TAKEN, True)
    assert elsewhere.lots() == {"L26A01": 2}
    assert len(elsewhere.told("order.sent")) == 1


def test_the_same_number_with_another_content_is_refused_and_kept(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    elsewhere.take(despatch(order, [Sent(order.line, 1)], number="DA-77"))
    raw = despatch(order, [Sent(order.line, 2)], number="DA-77")
    for _time in range(2):
        receipt = elsewhere.take(raw)
        assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, "OTHER_CONTENT")
    assert elsewhere.lots() == {"L26A01": 1}
    kept = [message for message in elsewhere.messages() if message.document_id.startswith("DA-77 (")]
    assert [message.outcome for message in kept] == [Outcome.REFUSED]


def test_it_comes_in_parts_and_each_part_is_found_by_the_first_orders_number(elsewhere: Elsewhere) -> None:
    article, other = elsewhere.world.article(), elsewhere.world.article("Lansett")
    order = elsewhere.order({article: 4, other: 2})
    first, second = order.lines
    assert elsewhere.take(despatch(order, [Sent(first, 3, outstanding=1)])).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED", "AT_WAREHOUSE"]
    assert elsewhere.rows(order) == [RowStatus.SENT, RowStatus.BACK_ORDERED]
    assert elsewhere.lines(order) == [(4, 3, 1), (2, 0, 2), (1, 0, 0), (2, 0, 0)]
    assert sorted(facts["packages"] for facts in elsewhere.told("order.short")) == [1, 2]  # type: ignore[type-var]
    assert elsewhere.take(despatch(order, [Sent(second, 2)])).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED", "SHIPPED", "AT_WAREHOUSE"]
    one_too_many = elsewhere.take(despatch(order, [Sent(first, 2)]))
    assert (one_too_many.outcome, one_too_many.reason) == (Outcome.REFUSED, "MORE_THAN_ORDERED")
    parcels = elsewhere.parcels()
    with elsewhere.world.database.unit_of_work() as session:
        register_delivery(session, elsewhere.identity, parcels[0].id, "carrier")
    assert elsewhere.rows(order)[0] is RowStatus.SENT, "a row with a part to come is not delivered"
    assert elsewhere.take(despatch(order, [Sent(first, 1)])).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["DELIVERED", "SHIPPED", "SHIPPED"]
    assert elsewhere.lots() == {"L26A01": 6}
    closed = elsewhere.take(despatch(order, [Sent(first, 1)]))
    assert closed.reason == "ORDER_CLOSED"


def test_what_the_warehouse_says_never_comes_is_a_back_order_of_ours(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    receipt = elsewhere.take(despatch(order, [Sent(order.line, 3, outstanding=0)]))
    assert (receipt.outcome, receipt.detail) == (Outcome.EXCEPTION, f"NOT_DELIVERED:{order.line.article_no}")
    assert elsewhere.statuses(order) == ["SHIPPED", "BACK_ORDERED"]
    assert elsewhere.lines(order) == [(4, 3, 1), (1, 0, 0)]


def test_an_advice_before_its_answer_and_a_late_answer_are_both_taken(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    assert elsewhere.take(despatch(order, [Sent(order.line, 4)])).outcome is Outcome.TAKEN
    assert elsewhere.take(answer(order, "RE")).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED"]
    assert elsewhere.rows(order) == [RowStatus.SENT]
    assert elsewhere.told("order.short") == []


def test_an_answer_that_something_comes_later_is_told_once_with_its_day(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    facts: dict[OrderedLine, dict[str, str | int]]
    facts = {order.line: {"status": "3", "packages": 0, "later": 4, "expected": "2027-01-20"}}
    for _time in range(2):
        assert elsewhere.take(answer(order, "CA", facts)).outcome is Outcome.TAKEN
    assert elsewhere.rows(order) == [RowStatus.BACK_ORDERED]
    assert elsewhere.statuses(order) == ["AT_WAREHOUSE"]
    assert [(one["packages"], one["expected"]) for one in elsewhere.told("order.short")] == [(4, "2027-01-20")]
    assert elsewhere.parts(order)[0].promised_date == date(2027, 1, 20)
    assert elsewhere.take(despatch(order, [Sent(order.line, 4)])).outcome is Outcome.TAKEN
    assert elsewhere.rows(order) == [RowStatus.SENT]


def test_a_line_that_is_rejected_is_split_off_and_the_rest_comes(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4, elsewhere.world.article("Lansett"): 2})
    first, second = order.lines
    receipt = elsewhere.take(answer(order, "CA", {first: {"status": "5"}, second: {"status": "7"}}))
    assert (receipt.outcome, receipt.detail) == (Outcome.EXCEPTION, f"NOT_DELIVERED:{second.article_no}")
    assert elsewhere.statuses(order) == ["AT_WAREHOUSE", "BACK_ORDERED"]
    assert elsewhere.rows(order) == [RowStatus.PICKING, RowStatus.BACK_ORDERED]
    assert elsewhere.take(despatch(order, [Sent(second, 2)])).reason == "MORE_THAN_ORDERED"
    assert elsewhere.take(despatch(order, [Sent(first, 4)])).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED", "BACK_ORDERED"]


def test_a_substitute_is_never_taken_by_itself(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    receipt = elsewhere.take(answer(order, "CA", {order.line: {"status": "3", "packages": 4, "substitute": 1}}))
    assert (receipt.outcome, receipt.detail) == (Outcome.EXCEPTION, f"SUBSTITUTE:{order.line.article_no}")
    assert elsewhere.rows(order) == [RowStatus.PICKING]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"packages": 5}, "MORE_THAN_ORDERED"),
        ({"packages": 0}, "MORE_THAN_ORDERED"),
        ({"packages": 2, "lot_no": ""}, "BAD_LOT"),
        ({"packages": 2, "lot_no": "X" * 21}, "BAD_LOT"),
        ({"packages": 2, "expires": "soon"}, "INVALID"),
        ({"packages": 2, "article_no": "99999"}, "OTHER_ARTICLE"),
        ({"packages": 2, "line_ref": "987654"}, "UNKNOWN_LINE"),
        ({"packages": 2, "outstanding": 3}, "MORE_THAN_ORDERED"),
    ],
)
def test_what_does_not_fit_the_order_is_refused(elsewhere: Elsewhere, facts: dict[str, object], reason: str) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    sent = [Sent(order.line, **facts)]  # type: ignore[arg-type]
    if facts["packages"] == 0:
        # Two lines of the same order line are added up.
        sent = [Sent(order.line, 3), Sent(order.line, 2, lot_no="L2")]
    nothing_has_changed(elsewhere, order, despatch(order, sent), reason)
    assert elsewhere.take(despatch(order, [Sent(order.line, 4)])).outcome is Outcome.TAKEN


def test_a_refused_message_is_judged_anew_when_it_comes_again_corrected(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    wrong = despatch(order, [Sent(order.line, 5)], number="DA-1")
    nothing_has_changed(elsewhere, order, wrong, "MORE_THAN_ORDERED")
    assert elsewhere.take(despatch(order, [Sent(order.line, 4)], number="DA-1")).outcome is Outcome.TAKEN
    assert [message.outcome for message in elsewhere.messages() if message.document_id == "DA-1"] == [Outcome.TAKEN]


def test_an_order_that_was_never_sent_is_unknown(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    stranger = ReadOrder("1000017-999999", "X", "Y", "HOME_DELIVERY", order.lines)
    nothing_has_changed(elsewhere, order, despatch(stranger, [Sent(order.line, 1)]), "UNKNOWN_ORDER")


def test_a_lot_that_is_known_with_another_expiry_is_refused(elsewhere: Elsewhere) -> None:
    article = elsewhere.world.article()
    first, second = elsewhere.order({article: 2}), elsewhere.order({article: 2})
    elsewhere.take(despatch(first, [Sent(first.line, 2)]))
    receipt = elsewhere.take(despatch(second, [Sent(second.line, 2, expires="2028-11-30")]))
    assert receipt.reason == "LOT_DIFFERS"
    assert elsewhere.lots() == {"L26A01": 2}


def test_a_parcel_number_or_tracking_number_of_another_parcel_is_refused(elsewhere: Elsewhere) -> None:
    first, second = elsewhere.order({elsewhere.world.article(): 2}), elsewhere.order({elsewhere.world.article(): 2})
    sscc = new_sscc()
    elsewhere.take(despatch(first, [Sent(first.line, 2)], sscc=sscc, tracking_no="T-1"))
    for taken in ({"sscc": sscc}, {"tracking_no": "t-1"}):
        receipt = elsewhere.take(despatch(second, [Sent(second.line, 2)], **taken))
        assert receipt.reason == "PARCEL_TAKEN"
    assert elsewhere.statuses(second) == ["AT_WAREHOUSE"]
    assert elsewhere.take(despatch(second, [Sent(second.line, 2)], sscc="", tracking_no="")).outcome is Outcome.TAKEN


def mark(elsewhere: Elsewhere, lot_no: str, status: LotStatus) -> None:
    with elsewhere.world.database.unit_of_work() as session:
        session.scalars(select(Lot).where(Lot.lot_no == lot_no)).one().status = status


def test_odd_lots_have_left_and_are_booked_and_said_aloud(elsewhere: Elsewhere) -> None:
    article = elsewhere.world.article()
    first, second = elsewhere.order({article: 2}), elsewhere.order({article: 3})
    elsewhere.take(despatch(first, [Sent(first.line, 2)]))
    mark(elsewhere, "L26A01", LotStatus.RECALLED)
    receipt = elsewhere.take(
        despatch(
            second,
            [
                Sent(second.line, 1),
                Sent(second.line, 1, lot_no="OLD", expires="2026-11-01"),
                Sent(second.line, 1, lot_no="SOON", expires="2026-12-20"),
            ],
        )
    )
    assert receipt.outcome is Outcome.EXCEPTION
    assert receipt.detail == "LOT_RECALLED:L26A01; LOT_EXPIRED:OLD; LOT_EXPIRES_TOO_SOON:SOON"
    assert elsewhere.lots() == {"L26A01": 3, "OLD": 1, "SOON": 1}
    assert elsewhere.statuses(second) == ["SHIPPED"]


def test_a_late_advice_says_when_it_left(elsewhere: Elsewhere, clock: ManualClock) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    clock.advance(timedelta(days=5))
    elsewhere.take(despatch(order, [Sent(order.line, 4)], despatched="2026-12-02"))
    (parcel,) = elsewhere.parcels()
    assert parcel.shipped_at is not None
    assert parcel.shipped_at.date() == date(2026, 12, 2)


def test_what_the_warehouse_sent_is_the_patients_to_report_a_fault_on(elsewhere: Elsewhere) -> None:
    with elsewhere.world.database.unit_of_work() as session:
        person = add_person(session)
    order = elsewhere.order({elsewhere.world.article(): 4}, person)
    sscc = new_sscc()
    elsewhere.take(despatch(order, [Sent(order.line, 3), Sent(order.line, 1, lot_no="L2")], sscc=sscc))
    with elsewhere.world.database.unit_of_work() as session:
        found = delivered_products(session, patient_identity(person), parcel_sscc=sscc)
        assert {(one.lot.lot_no, one.packages) for one in found} == {("L26A01", 3), ("L2", 1)}
