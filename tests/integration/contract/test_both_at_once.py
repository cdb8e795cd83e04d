"""Two installations, one as portal and one as source, make one order end to end: over SOAP and mutual TLS, each with its own database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from auth.models import Person, Protection
from core.audit import AccessLogEntry
from core.outbox import OutboxMessage
from orders.cancelling import cancel_order
from orders.kinds import Channel
from orders.models import DeliveryAlternative, DeliveryChoice, DeliveryMethod, PrescriptionItem, Registration, RowStatus
from portal.demo.pair import PORTAL_HSA_ID
from tests.support.builders import patient_identity
from tests.support.delivery_pages import POINT, form_of, points_shown
from tests.support.pages import check_page
from tests.support.pair import Pair, browser_of, left_of, place, review_page


def test_one_order_from_the_portal_to_the_door(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    client = browser_of(pair, here)
    products = client.get("/my-products")
    check_page(products)
    assert "Glukossensor" in products.text
    assert "4 of 4 withdrawals left" in products.text

    placed = place(pair, client, receiver="Test Testsson", street="Andra gatan 9 🏠", door_code="0987")
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
    assert left_of(pair) == (3, 3)

    [depot_order_id] = pair.reach_depot()
    pair.deliver(depot_order_id)
    # A day later nobody is logged in any more.
    delivered = browser_of(pair, here).get(f"/orders/{mine.order_no}")
    check_page(delivered)
    assert "Delivered" in delivered.text
    assert "2 Dec" in delivered.text
    assert pair.rows(pair.at_portal)[0].status is RowStatus.DELIVERED
    assert left_of(pair) == (3, 3)


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
    client = browser_of(pair, here)
    page = review_page(pair, client)
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
    client = browser_of(pair, guardian, acting_for=child)
    placed = place(pair, client)
    assert placed.status_code == 303, placed.text
    [theirs] = pair.orders(pair.at_source)
    assert theirs.person_id == child_there.id
    assert theirs.orderer_name == "Sara Provsson"
    assert theirs.by_delegate
    assert pair.orders(pair.at_portal)[0].person_id == child.id


def test_with_protected_identity_nothing_but_the_number_crosses_over(pair: Pair) -> None:
    here, there = pair.person(protection=Protection.CONFIDENTIALITY_FLAG)
    pair.prescribe(there)
    placed = place(pair, browser_of(pair, here))
    assert placed.status_code == 303, placed.text
    with pair.at_source.session() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
        unit = session.scalars(select(PrescriptionItem)).one().prescription.prescribing_unit
        # To the clinic, as the source has it.
        assert (choice.street, choice.city) == (unit.street, unit.city)
    assert [order.orderer_name for order in pair.orders(pair.at_source)] == [""]
    assert pair.orders(pair.at_portal)[0].registration is Registration.AT_SOURCE


def test_what_is_cancelled_at_the_source_is_cancelled_at_the_portal_and_can_be_ordered_again(pair: Pair) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    assert place(pair, browser_of(pair, here)).status_code == 303
    [theirs] = pair.orders(pair.at_source)
    with pair.at_source.unit_of_work() as session:
        cancel_order(session, patient_identity(there), theirs.order_no)
    # Other sources count by the night's run only, so it is believed a day later.
    pair.clock.advance(timedelta(hours=25))
    client = browser_of(pair, here)
    assert "4 of 4 withdrawals left" in client.get("/my-products").text
    assert [row.status for row in pair.rows(pair.at_portal)] == [RowStatus.CANCELLED]
    assert place(pair, client).status_code == 303
    assert left_of(pair) == (3, 3)
    assert len(pair.orders(pair.at_source)) == 2
