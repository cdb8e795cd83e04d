"""Reading what a source answers: tolerant of how clients write, and sure of what is no answer."""

from __future__ import annotations

from typing import Any

import pytest

from orders.contract.envelope import ENVELOPE, in_envelope
from orders.contract.names import V1, V2, ResultCode, Service, Version
from orders.contract.replies import (
    LONGEST_COMMENT,
    Fault,
    NotAnAnswer,
    OrderReply,
    read_answer,
    read_order_reply,
)
from orders.contract.writing import write_response
from orders.importing.contract_nodes import Node
from orders.source.rules import StatedRow

BOTH = pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])


def reply(raw: bytes, version: Version = V2) -> OrderReply:
    """Read an answer to an order."""
    answer = read_answer(raw, Service.ORDER, version)
    assert isinstance(answer, Node)
    return read_order_reply(answer)


def written(version: Version = V2, **values: Any) -> bytes:
    """An answer to an order."""
    return in_envelope(write_response(Service.ORDER, version, values))


def bare(content: str, version: Version = V2) -> bytes:
    """An answer to an order with this content."""
    responder = version.responder(Service.ORDER)
    return (
        f'<e:Envelope xmlns:e=" {ENVELOPE} "><e:Header><x/></e:Header><e:Body><m:RegisterMedicalSupplyOrderResponse '
        f'xmlns:m="{responder} " xmlns:c="{version.core}">{content}</m:RegisterMedicalSupplyOrderResponse>'
        "</e:Body></e:Envelope>"
    ).encode()


ROW = (
    "<m:Order><c:OrderItemId> K1 </c:OrderItemId><c:PrescriptionItemId>I1</c:PrescriptionItemId><c:DeliveryChoice/>"
    "<c:Article><c:ArticleNo>21001</c:ArticleNo></c:Article><c:NoOfPcs>\n6</c:NoOfPcs>"
    '<x:OrderItemId xmlns:x="urn:other">K9</x:OrderItemId></m:Order>'
)


@BOTH
def test_rows_are_read_with_white_space_empty_elements_and_extensions(version: Version) -> None:
    raw = bare(f"{ROW}<m:ResultCode> OK\n</m:ResultCode><m:comment/>", version)
    assert reply(raw, version) == OrderReply(ResultCode.OK, "", (StatedRow("K1", "I1", "21001", 6),))


def test_a_comment_is_one_line_of_bounded_length() -> None:
    assert reply(written(ResultCode="ERROR", comment="Uttaget\tär\n\u202eredan gjort")).comment == (
        "Uttaget är redan gjort"
    )
    assert len(reply(written(ResultCode="ERROR", comment="å" * 9000)).comment) == LONGEST_COMMENT


@pytest.mark.parametrize(
    ("code", "is_turned_away"),
    [
        ("soap:Client", True),
        ("Client", True),
        (" s:Client.Authentication ", True),
        ("s:VersionMismatch", True),
        ("soap:Server", False),
        ("Server.Client", False),
        ("soap:Klient", False),
        ("", False),
    ],
)
def test_a_fault_is_told_by_its_code(code: str, is_turned_away: bool) -> None:
    raw = (
        f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body><e:Fault><faultcode>{code}</faultcode>'
        "<faultstring>191212121212</faultstring></e:Fault></e:Body></e:Envelope>"
    )
    found = read_answer(raw.encode(), Service.ORDER, V2)
    assert isinstance(found, Fault)
    assert found.is_turned_away is is_turned_away
    assert "1912" not in repr(found)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<a/>",
        written(V1, ResultCode="OK"),
        in_envelope(write_response(Service.POINTS, V2, {"ResultCode": "OK"})),
        written(ResultCode="OK").replace(ENVELOPE.encode(), b"http://www.w3.org/2003/05/soap-envelope"),
        written(ResultCode="OK").replace(b"RegisterMedicalSupplyOrderResponse", b"RegisterMedicalSupplyOrder"),
        f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body/></e:Envelope>'.encode(),
        f'<e:Envelope xmlns:e="{ENVELOPE}"/>'.encode(),
        b"<!DOCTYPE a>" + written(ResultCode="OK").partition(b"?>")[2],
    ],
)
def test_what_is_no_answer_of_the_service_is_told_so(raw: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_answer(raw, Service.ORDER, V2)


@pytest.mark.parametrize("content", ["", ROW, "<m:ResultCode/>", "<m:ResultCode>DONE</m:ResultCode>"])
def test_an_answer_that_does_not_say_how_it_went_is_none(content: str) -> None:
    with pytest.raises(NotAnAnswer, match="ResultCode"):
        reply(bare(content))
