"""What the contract refuses, how precisely it says so, and that nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from core.db import Database
from orders.contract.names import V1, V2, Service
from orders.models import Order, PrescriptionItem
from portal.api.contract.callers import KEY_HEADER
from portal.api.contract.soap import MOST_BYTES
from tests.integration.contract.conftest import Scene
from tests.support.contract_calls import Caller, envelope, fault, order, request, result
from tests.support.contract_client import ADDRESS


def _orders(database: Database) -> int:
    with database.unit_of_work() as session:
        return session.scalars(select(func.count()).select_from(Order)).one()


def test_one_bad_row_refuses_the_whole_order_in_swedish(scene: Scene, database: Database) -> None:
    too_many = replace(scene.second, packages=7)
    code, comment = result(scene.caller.order(scene.number, scene.first, too_many))
    assert code == "ERROR"
    assert comment.startswith("Glukossensor: ")
    assert "högst 6" in comment
    assert _orders(database) == 0
    with database.unit_of_work() as session:
        assert set(session.scalars(select(PrescriptionItem.orders_remaining))) == {4}


@pytest.mark.parametrize("spoiled", ["another person's", "another source", "another prescription", "another article"])
def test_an_item_that_is_not_theirs_is_as_unknown_as_none(scene: Scene, database: Database, spoiled: str) -> None:
    row = {
        "another person's": scene.stranger,
        "another source": replace(scene.first, source="JOURNAL"),
        "another prescription": replace(scene.first, prescription_id="P0"),
        "another article": replace(scene.first, article_no=scene.second.article_no),
    }[spoiled]
    assert result(scene.caller.order(scene.number, row))[0] == "ERROR"
    assert _orders(database) == 0


@pytest.mark.parametrize(
    ("packages", "pieces", "code"),
    [
        (0, 50, "OK"),
        ("", 100, "OK"),
        (2, 100, "OK"),
        (2, "", "OK"),
        (2, 0, "OK"),
        (0, 0, "ERROR"),
        (0, 75, "ERROR"),
        (2, 50, "ERROR"),
        (0, 350, "ERROR"),
    ],
)
def test_packages_or_pieces_or_both_that_agree(scene: Scene, packages: object, pieces: object, code: str) -> None:
    assert result(scene.caller.order(scene.number, replace(scene.second, packages=packages, pieces=pieces)))[0] == code


def test_what_is_unknown_here_is_no_error_and_tells_nobody_anything(scene: Scene) -> None:
    nobody = scene.caller.prescriptions("191212121212")
    assert result(nobody) == ("OK", "")
    assert b"PrescriptionItem" not in nobody.data
    code, comment = result(scene.caller.prescriptions("191212121213"))
    assert code == "ERROR"
    assert comment == "Personnumret stämmer inte."


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("nothing", b""),
        ("no XML", b"hej"),
        ("half", envelope("<a")),
        ("no envelope", "<a/>"),
        (
            "SOAP 1.2",
            envelope("<a/>").replace("schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope"),
        ),
        ("empty body", envelope("")),
        ("two requests", envelope(request(Service.PRESCRIPTIONS, V2, "") * 2)),
        ("document type", f'<!DOCTYPE x [<!ENTITY e "hej">]>{envelope("<a>&e;</a>")}'),
        ("outer entity", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{envelope("<a>&e;</a>")}'),
        (
            "bomb",
            "<!DOCTYPE x ["
            + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
            + f"]>{envelope('<a>&e11;</a>')}",
        ),
        ("deep", envelope("<a>" * 5000 + "</a>" * 5000)),
        ("another version", envelope(request(Service.PRESCRIPTIONS, V1, "<m:SubjectOfCareId>1</m:SubjectOfCareId>"))),
        ("another service", envelope(request(Service.ORDER, V2, "<m:SubjectOfCareId>1</m:SubjectOfCareId>"))),
        ("nobody named", envelope(request(Service.PRESCRIPTIONS, V2, ""))),
        ("zero character", envelope(request(Service.PRESCRIPTIONS, V2, "<m:SubjectOfCareId>\x00</m:SubjectOfCareId>"))),
        ("another charset", envelope("<a/>").encode("utf-16")),
        ("unknown charset", '<?xml version="1.0" encoding="klingon"?>' + envelope("<a/>")),
    ],
)
def test_what_is_no_request_is_a_fault(scene: Scene, name: str, raw: str | bytes) -> None:
    refused = scene.caller.post(Service.PRESCRIPTIONS, raw)
    code, text = fault(refused)
    assert code == "soap:Client", name
    assert "root:" not in text
    assert "hahaha" not in text
    assert result(scene.caller.prescriptions(scene.number))[0] == "OK"


def test_a_large_body_is_refused_before_it_is_read(scene: Scene) -> None:
    refused = scene.caller.post(Service.ORDER, b" " * (MOST_BYTES + 1))
    assert refused.status_code == 413
    assert fault(refused)[0] == "soap:Client"


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("no subject", {"X-Client-Subject": ""}),
        ("no HSA-id", {"X-Client-Subject": "CN=somebody"}),
        ("another caller", {"X-Client-Subject": "CN=SE2321000131-S000000009999"}),
        ("past the proxy", {KEY_HEADER: ""}),
        ("with another key", {KEY_HEADER: "a-key"}),
    ],
)
def test_who_is_not_let_in(scene: Scene, database: Database, name: str, headers: dict[str, str]) -> None:
    stranger = Caller(scene.caller.app, headers={**scene.caller.headers, **headers})
    for response in (stranger.prescriptions(scene.number), stranger.order(scene.number, scene.first)):
        assert response.status_code == 403, name
        assert fault(response)[0] == "soap:Client"
        assert scene.number.encode() not in response.data
    assert _orders(database) == 0


@pytest.mark.parametrize("address", ["", "SE2321000131-F000000009999", "vgr", " "])
def test_a_logical_address_that_nobody_has(scene: Scene, address: str) -> None:
    content = f"<m:SubjectOfCareId>{scene.number}</m:SubjectOfCareId>"
    refused = scene.caller.call(Service.PRESCRIPTIONS, content, address)
    assert fault(refused)[0] == "soap:Client"
    assert "LogicalAddress" in fault(refused)[1]


def test_another_services_action_is_a_fault_and_an_empty_one_is_none(scene: Scene) -> None:
    body = envelope(
        request(Service.PRESCRIPTIONS, V2, f"<m:SubjectOfCareId>{scene.number}</m:SubjectOfCareId>"), ADDRESS
    )
    refused = scene.caller.post(Service.PRESCRIPTIONS, body, SOAPAction=f'"{V2.action(Service.ORDER)}"')
    assert fault(refused) != ("", "")
    for action in ('""', "", V2.action(Service.PRESCRIPTIONS), f'"{V2.action(Service.PRESCRIPTIONS)}"'):
        assert result(scene.caller.post(Service.PRESCRIPTIONS, body, SOAPAction=action))[0] == "OK"


def test_what_real_clients_send_is_understood(scene: Scene, database: Database) -> None:
    choice = (
        "<c:DeliveryMethodId>EGET</c:DeliveryMethodId><c:DeliveryMethod> HEMLEVERANS </c:DeliveryMethod>"
        "<c:HomeDeliveryAddress><c:Receiver/><c:Street/><c:PostalCode/><c:City/><c:Phone/></c:HomeDeliveryAddress>"
        '<c:DeliveryNotificationMethod xsi:nil="true"/><c:DeliveryNotificationReceiver/><c:DeliveryComment/>'
        "<c:InvoiceAddress><c:Receiver/><c:Street/><c:PostalCode/><c:City/><c:Phone/></c:InvoiceAddress><c:ContactPerson/>"
    )
    extra = '<x:Anything xmlns:x="urn:example"><x:NoOfPackages>99</x:NoOfPackages></x:Anything>'
    content = order(V2, scene.number, replace(scene.first, packages=0, pieces=" 6 ", choice=choice, extra=extra))
    raw = envelope(request(Service.ORDER, V2, content)).replace(V2.core, f"\n  {V2.core}  ")
    assert result(scene.caller.post(Service.ORDER, raw)) == ("OK", "")
    assert _orders(database) == 1


def test_the_delegate_the_orderer_and_the_channel_are_kept(scene: Scene, database: Database) -> None:
    scene.caller.order(scene.number, scene.first, orderer="Örjan O'Neill 🙂", delegate="true")
    with database.unit_of_work() as session:
        kept = session.scalars(select(Order)).one()
        assert (kept.orderer_name, kept.by_delegate, kept.channel) == ("Örjan O'Neill 🙂", True, "CONTRACT_1177")


def test_a_withdrawal_far_in_the_future_is_no_crash(scene: Scene, database: Database) -> None:
    with database.unit_of_work() as session:
        for item in session.scalars(select(PrescriptionItem)):
            item.next_earliest_order_date = date(9999, 12, 31)
    assert result(scene.caller.prescriptions(scene.number))[0] == "OK"
    code, comment = result(scene.caller.order(scene.number, scene.first))
    assert code == "ERROR"
    assert comment.startswith("Glukossensor: ")
    assert _orders(database) == 0
