"""Two installations, one as portal and one as source, make one order end to end: over SOAP and mutual TLS, each with its own database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.models import Person
from core.audit import AccessLogEntry
from core.outbox import OutboxMessage
from orders.contract.names import V1, V2, Version
from orders.errors import OrderRefused
from orders.kinds import Channel
from orders.models import (
    DeliveryAlternative,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    PrescriptionItem,
    Registration,
    RowStatus,
)
from orders.services import OrderLine, PlaceOrder, place_order
from portal.demo.pair import PORTAL_HSA_ID
from tests.support.builders import patient_identity
from tests.support.databases import TestDatabases
from tests.support.delivery_pages import POINT, form_of, points_shown
from tests.support.pages import check_page
from tests.support.pair import Pair, TickingClock, running_pair
from tests.support.web import sign_in

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(params=[V2, V1], ids=["2.0", "1.0"])
def version(request: pytest.FixtureRequest) -> Version:
    found = request.param
    assert isinstance(found, Version)
    return found


@pytest.fixture
def pair(databases: TestDatabases, tmp_path: Path, version: Version) -> Iterator[Pair]:
    with (
        databases.copy() as portal_url,
        databases.copy() as source_url,
        running_pair(tmp_path, portal_url, source_url, TickingClock(NOW), version) as running,
    ):
        yield running


def _client(pair: Pair, who: Person, acting_for: Person | None = None) -> FlaskClient:
    return sign_in(pair.portal.test_client(), who, acting_for=acting_for)


def _review(pair: Pair, client: FlaskClient) -> TestResponse:
    """Look at what can be ordered, tick all of it, and go on."""
    assert client.get("/my-products").status_code == 200
    with pair.at_portal.session() as session:
        items = session.scalars(select(PrescriptionItem.id).order_by(PrescriptionItem.id)).all()
    page = client.get("/order/review", query_string={"item": list(items)})
    assert page.status_code == 200
    check_page(page)
    return page


def _order(pair: Pair, client: FlaskClient, **changes: str) -> TestResponse:
    return client.post("/order", data=form_of(_review(pair, client).text, **changes))


def _order_directly(pair: Pair, there: Person, item: PrescriptionItem) -> None:
    """Order at the source itself, as its own pages do."""
    with pair.at_source.unit_of_work() as session:
        fresh = session.get_one(PrescriptionItem, item.id)
        line = OrderLine(fresh.id, {fresh.article_id: 6}, fresh.orders_remaining)
        place_order(session, patient_identity(there), PlaceOrder((line,), idempotency_key="at the source"))


def _left(pair: Pair) -> tuple[int, int]:
    """What is left of the one prescription item, as the portal and as the source count."""
    with pair.at_portal.session() as here, pair.at_source.session() as there:
        statement = select(PrescriptionItem.orders_remaining)
        return here.scalars(statement).one(), there.scalars(statement).one()


def test_one_order_from_the_portal_to_the_door(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = _client(pair, here)
    products = client.get("/my-products")
    check_page(products)
    assert "Glukossensor" in products.text
    assert "4 of 4 withdrawals left" in products.text

    placed = _order(pair, client, receiver="Test Testsson", street="Andra gatan 9 🏠", door_code="0987")
    assert placed.status_code == 303, placed.text
    [mine], [theirs] = pair.orders(pair.at_portal), pair.orders(pair.at_source)
    assert (mine.registration, theirs.registration) == (Registration.AT_SOURCE, Registration.HERE)
    assert theirs.channel is Channel.CONTRACT_1177
    assert theirs.orderer_name == here.full_name
    assert not theirs.by_delegate
    [my_row], [their_row] = pair.rows(pair.at_portal), pair.rows(pair.at_source)
    assert my_row.source_item_id
    assert (my_row.packages, their_row.packages) == (6, 6)
    with pair.at_source.session() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
        assert (choice.method, choice.street, choice.door_code) == (
            DeliveryMethod.HOME_DELIVERY,
            "Andra gatan 9 🏠",
            "0987",
        )
        callers = session.scalars(select(AccessLogEntry.actor_label).where(AccessLogEntry.manner == "ACT"))
        assert PORTAL_HSA_ID in set(callers)
    with pair.at_portal.session() as session:
        # The depot is there, not here.
        assert session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == "order.placed")).all() == []
    shown = client.get(placed.headers["Location"])
    check_page(shown)
    assert "Your order is placed" in shown.text
    assert _left(pair) == (3, 3)

    [depot_order_id] = pair.reach_depot()
    pair.deliver(depot_order_id)
    # A day later nobody is logged in any more.
    delivered = _client(pair, here).get(f"/orders/{mine.order_no}")
    check_page(delivered)
    assert "Delivered" in delivered.text
    assert "2 Dec" in delivered.text
    assert pair.rows(pair.at_portal)[0].status is RowStatus.DELIVERED
    assert _left(pair) == (3, 3)


def test_an_order_to_a_service_point_that_the_source_told_of(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(
        there,
        ways=(
            DeliveryAlternative(
                method_id="PN",
                name="Utlämningsställe",
                method=DeliveryMethod.SERVICE_POINT,
                provider="POSTNORD",
                allow_choice_of_delivery_points=True,
                allow_contact_person=True,
                allow_delivery_comment=True,
                notifications=["SMS", "LETTER"],
            ),
        ),
    )
    with pair.at_portal.unit_of_work() as session:
        session.get_one(Person, here.id).postal_code = "54132"
    client = _client(pair, here)
    page = _review(pair, client)
    way = {"way": "SERVICE_POINT-POSTNORD", "way-0": "SERVICE_POINT-POSTNORD"}
    known = {name: value for name, value in way.items() if f'name="{name}"' in page.text}
    assert known
    looked = client.post("/order", data=form_of(page.text, **known, do="look"))
    points = points_shown(looked.text)
    assert len(points) > 1
    chosen = points[1][0]
    fields = form_of(looked.text, **known)
    fields[f"{POINT}point"] = [chosen]
    fields[f"{POINT}notification"] = ["SMS"]
    for name in fields:
        if name.startswith(POINT) and name.endswith(("sms", "phone", "notify_to")):
            fields[name] = ["070-174 06 35"]
    placed = client.post("/order", data=fields)
    assert placed.status_code == 303, placed.text
    with pair.at_source.session() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
    assert (choice.method, choice.provider, choice.method_id) == (DeliveryMethod.SERVICE_POINT, "POSTNORD", "PN")
    assert f"{choice.point_id}" in chosen
    assert choice.point_name
    assert choice.notify_to == "+46701740635"


def test_a_guardian_orders_for_a_child(pair: Pair) -> None:
    guardian, _there = pair.person("Sara Provsson")
    child, child_there = pair.child_of(guardian)
    pair.prescribe(child_there)
    client = _client(pair, guardian, acting_for=child)
    placed = _order(pair, client)
    assert placed.status_code == 303, placed.text
    [theirs] = pair.orders(pair.at_source)
    assert theirs.person_id == child_there.id
    assert theirs.orderer_name == "Sara Provsson"
    assert theirs.by_delegate
    assert pair.orders(pair.at_portal)[0].person_id == child.id


def test_what_was_used_up_at_the_source_meanwhile_is_refused_and_nothing_is_kept(pair: Pair) -> None:
    here, there = pair.person()
    item = pair.prescribe(there)
    client = _client(pair, here)
    fields = form_of(_review(pair, client).text, street="Andra gatan 9")
    # Between what the portal reads and what it sends.
    ask = pair.prescriptions._read

    def read_and_be_late(region: str, person_id: int) -> object:
        found = ask(region, person_id)
        _order_directly(pair, there, item)
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
    assert _left(pair) == (3, 3)


def test_an_answer_that_was_lost_is_found_by_asking_and_the_order_stands_once(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = _client(pair, here)
    pair.way.loses_answers = True
    fields = form_of(_review(pair, client).text)
    placed = client.post("/order", data=fields)
    assert placed.status_code == 303, placed.text
    # The same form once more, as an impatient browser sends it.
    again = client.post("/order", data=fields)
    assert urlsplit(again.headers["Location"]).path == urlsplit(placed.headers["Location"]).path
    [mine], [_theirs] = pair.orders(pair.at_portal), pair.orders(pair.at_source)
    assert mine.registration is Registration.AT_SOURCE
    assert pair.rows(pair.at_portal)[0].source_item_id
    assert _left(pair) == (3, 3)


def test_an_order_is_awaited_while_the_source_is_away_after_taking_it(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = _client(pair, here)
    fields = form_of(_review(pair, client).text)
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
    assert _left(pair) == (3, 3)


def test_a_source_that_is_down_is_said_to_be_and_what_was_typed_is_kept(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = _client(pair, here)
    fields = form_of(_review(pair, client).text, street="Andra gatan 9", comment="Ring på hos grannen")
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
    client = _client(pair, here)
    fields = form_of(_review(pair, client).text)
    start = Barrier(2)

    def at_the_source() -> bool:
        start.wait(20)
        try:
            _order_directly(pair, there, item)
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
    assert _left(pair) == (0, 0)
