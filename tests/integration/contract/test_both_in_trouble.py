"""Two installations when something goes wrong between them: nothing is ordered twice, nothing is lost, nobody is left guessing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from urllib.parse import urlsplit

from sqlalchemy import select

from orders.errors import OrderRefused
from orders.models import DeliveryChoice, Order, PrescriptionItem, Registration
from tests.support.delivery_pages import form_of
from tests.support.pages import check_page
from tests.support.pair import Pair, browser_of, left_of, order_directly, review_page


def test_what_was_used_up_at_the_source_meanwhile_is_refused_and_nothing_is_kept(pair: Pair) -> None:
    here, there = pair.person()
    item = pair.prescribe(there)
    client = browser_of(pair, here)
    fields = form_of(review_page(pair, client).text, street="Andra gatan 9")
    # Between what the portal reads and what it sends.
    ask = pair.prescriptions._read

    def read_and_be_late(region: str, person_id: int) -> object:
        found = ask(region, person_id)
        order_directly(pair, there, item)
        return found

    pair.prescriptions._read = read_and_be_late  # type: ignore[method-assign, assignment]
    refused = client.post("/order", data=fields)
    pair.prescriptions._read = ask  # type: ignore[method-assign]
    assert refused.status_code == 422
    check_page(refused)
    assert "Andra gatan 9" in refused.text
    assert "Glukossensor: " in refused.text
    assert pair.orders(pair.at_portal) == []
    assert len(pair.orders(pair.at_source)) == 1
    # The page is shown anew as the source has it now.
    assert "Can be ordered from" in client.get("/my-products").text
    assert left_of(pair) == (3, 3)


def test_an_answer_that_was_lost_is_found_by_asking_and_the_order_stands_once(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = browser_of(pair, here)
    pair.way.loses_answers = True
    fields = form_of(review_page(pair, client).text)
    placed = client.post("/order", data=fields)
    assert placed.status_code == 303, placed.text
    # The same form once more, as an impatient browser sends it.
    again = client.post("/order", data=fields)
    assert urlsplit(again.headers["Location"]).path == urlsplit(placed.headers["Location"]).path
    [mine], [_theirs] = pair.orders(pair.at_portal), pair.orders(pair.at_source)
    assert mine.registration is Registration.AT_SOURCE
    assert pair.rows(pair.at_portal)[0].source_item_id
    assert left_of(pair) == (3, 3)


def test_an_order_is_awaited_while_the_source_is_away_after_taking_it(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = browser_of(pair, here)
    fields = form_of(review_page(pair, client).text)
    ask = pair.prescriptions.look_for

    def go_away(order_id: int) -> None:
        pair.way.is_down = True
        ask(order_id)

    pair.way.loses_answers = True
    pair.prescriptions.look_for = go_away  # type: ignore[method-assign]
    placed = client.post("/order", data=fields)
    assert placed.status_code == 303, placed.text
    [mine], [_theirs] = pair.orders(pair.at_portal), pair.orders(pair.at_source)
    assert mine.registration is Registration.AWAITED
    shown = client.get(placed.headers["Location"])
    check_page(shown)
    assert "wait for the answer" in shown.text
    pair.way.is_down = pair.way.loses_answers = False
    pair.clock.advance(timedelta(minutes=1))
    ask(mine.id)
    assert pair.orders(pair.at_portal)[0].registration is Registration.AT_SOURCE
    assert len(pair.orders(pair.at_source)) == 1
    assert left_of(pair) == (3, 3)


def test_a_source_that_is_down_is_said_to_be_and_what_was_typed_is_kept(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = browser_of(pair, here)
    fields = form_of(review_page(pair, client).text, street="Andra gatan 9", comment="Ring på hos grannen")
    pair.way.is_down = True
    for _each in range(3):
        refused = client.post("/order", data=fields)
        assert refused.status_code == 503
        check_page(refused)
        assert "Nothing has been ordered" in refused.text
        assert "Andra gatan 9" in refused.text
        assert "Ring på hos grannen" in refused.text
    products = client.get("/my-products")
    check_page(products)
    assert products.status_code == 200
    assert "does not answer right now" in products.text
    assert "Glukossensor" in products.text
    assert pair.orders(pair.at_portal) == pair.orders(pair.at_source) == []
    pair.way.is_down = False
    # One that has failed several times is left alone for half a minute.
    pair.clock.advance(timedelta(minutes=1))
    placed = client.post("/order", data=fields)
    assert placed.status_code == 303, placed.text
    [order] = pair.orders(pair.at_source)
    with pair.at_source.session() as session:
        assert session.scalars(select(DeliveryChoice.street)).all() == ["Andra gatan 9"]
    assert isinstance(order, Order)


def test_the_last_withdrawal_is_used_once_whoever_is_first(pair: Pair) -> None:
    here, there = pair.person()
    item = pair.prescribe(there)
    with pair.at_source.unit_of_work() as session:
        fresh = session.get_one(PrescriptionItem, item.id)
        fresh.orders_remaining, fresh.orders_allowed = 1, 1
    client = browser_of(pair, here)
    fields = form_of(review_page(pair, client).text)
    start = Barrier(2)

    def at_the_source() -> bool:
        start.wait(20)
        try:
            order_directly(pair, there, item)
        except OrderRefused:
            return False
        return True

    def at_the_portal() -> bool:
        start.wait(20)
        placed = client.post("/order", data=fields)
        assert placed.status_code in (303, 422), placed.text
        return placed.status_code == 303

    with ThreadPoolExecutor(2) as threads:
        directly, through = threads.submit(at_the_source), threads.submit(at_the_portal)
        assert directly.result(60) is not through.result(60)
    assert len(pair.orders(pair.at_source)) == 1
    assert len(pair.orders(pair.at_portal)) == int(through.result())
    client.get("/my-products")
    assert left_of(pair) == (0, 0)
