"""What a source answers in tests: an order and its answers, and every way of giving none."""

from __future__ import annotations

import gzip
from typing import Any

from orders.contract.names import V1, V2, Service, Version
from tests.support.hostile_server import answering, silent, trickling
from tests.support.source import FakeSource, SourceItem
from tests.support.source_servers import Behaviour, answer_of, endless, fault, hanging_up, soap

NUMBER = "191212121212"
ORDER: dict[str, Any] = {
    "SubjectOfCareId": NUMBER,
    "Orderer": "Tolvan Tolvansson",
    "OrderByDelegate": False,
    "OrderRow": [
        {
            "PrescriptionId": "F1",
            "PrescriptionItemId": "I1",
            "DeliveryChoice": {"DeliveryMethodId": "HEM-1", "DeliveryMethod": "HEMLEVERANS"},
            "Article": {
                "ArticleNo": "21001",
                "ArticleName": "Glukossensor",
                "PackageSize": 1,
                "ProductArea": {"code": "DIABETES"},
                "IsOrderable": True,
            },
            "NoOfPackages": 2,
            "NoOfPcs": 2,
            "Source": "KÄLLAN",
        }
    ],
}
BOMB = (
    "<!DOCTYPE x ["
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
    + ']><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>&e11;</s:Body></s:Envelope>'
).encode()


def order_item(name: str = "K1", version: Version = V2) -> dict[str, Any]:
    """A row of an answer to an order."""
    row = ORDER["OrderRow"][0]
    area = {"code": "DIABETES"} if version.has_coded_values else "DIABETES"
    return {
        "OrderItemId": name,
        "PrescriptionItemId": "I1",
        "DeliveryChoice": row["DeliveryChoice"],
        "Article": {**row["Article"], "ProductArea": area},
        "NoOfPcs": 2,
        "OrderDate": "2026-12-01",
    }


def taken(version: Version = V2, result: str = "OK", *, status: str = "200 OK", **more: object) -> Behaviour:
    """Answer that an order is taken."""
    values = {"Order": [order_item(version=version)], "ResultCode": result, **more}
    return answer_of(Service.ORDER, version, values, status=status)


def prescriptions(version: Version = V2) -> Behaviour:
    """Answer with one prescription item."""
    known = FakeSource(version=version)
    known.prescribe(NUMBER, SourceItem("I1", "21001"))
    envelope = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%b</s:Body></s:Envelope>'
    return soap(envelope % known.read("vgr", NUMBER))


DRIP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
# What takes too long: asked twice when reading, and an order may have been taken.
ENDLESS: list[tuple[str, Behaviour]] = [
    ("silent", silent(2)),
    ("drips the body", trickling(DRIP_HEAD, b" ", seconds=6)),
    ("drips the head", trickling(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x", seconds=6)),
    ("asks to go on", trickling(b"", b"HTTP/1.1 100 Continue\r\n\r\n", seconds=6)),
]
# What fails, how often it is asked when reading, and whether an order may have been taken.
FAILURES: list[tuple[str, Behaviour, int, bool]] = [
    ("hangs up", hanging_up, 2, True),
    ("stops half way", answering(b"<half", length=500), 2, True),
    ("no HTTP", lambda connection: connection.sendall(b"hej\r\n"), 2, True),
    ("empty", answering(b""), 1, True),
    ("accepted", answering(b"", status="202 Accepted"), 1, True),
    ("a page", answering(b"<html><body>Welcome</body></html>"), 1, True),
    ("too large", endless(50), 1, True),
    ("entity bomb", soap(BOMB), 1, True),
    ("packed", answering(gzip.compress(b"<a/>" * 1000), Content_Encoding="gzip"), 1, True),
    ("another version", taken(V1), 1, True),
    ("another service", answer_of(Service.POINTS, V2, {"ResultCode": "OK"}), 1, True),
    ("redirected for good", answering(b"", status="301 Moved", Location="http://127.0.0.1:9/"), 1, True),
    ("redirected for now", answering(b"", status="307 Temporary", Location="http://127.0.0.1:9/"), 1, True),
    ("broken", answering(b"", status="500 Broken"), 2, True),
    ("broken, with a good answer", taken(status="500 Broken"), 2, True),
    ("behind a dead gateway", answering(b"<html>", status="502 Bad Gateway"), 2, True),
    ("busy", answering(b"", status="503 Busy"), 2, True),
    ("a gateway that waited too long", answering(b"", status="504 Gateway Timeout"), 2, True),
    ("somebody that waited too long", answering(b"", status="408 Request Timeout"), 2, True),
    ("server's fault", fault("soap:Server"), 2, True),
    ("server's fault, politely", fault("s:Server.Busy", status="200 OK"), 2, True),
    ("a fault without a code", fault(""), 2, True),
    ("client's fault", fault("soap:Client"), 1, False),
    ("client's fault, politely", fault("Client.Authentication", status="200 OK"), 1, False),
    ("does not understand", fault("s:MustUnderstand"), 1, False),
    ("malformed", answering(b"", status="400 Bad Request"), 1, False),
    ("unknown caller", answering(b"", status="401 Unauthorized"), 1, False),
    ("forbidden", fault("soap:Server", status="403 Forbidden"), 1, False),
    ("not here", trickling(b"HTTP/1.1 404 Not Found\r\n\r\n", b" ", seconds=1), 1, False),
    ("too many", answering(b"", status="429 Too Many Requests"), 1, False),
]
