"""Thousands of broken envelopes: each gets an answer or a fault, none half an order, and the service still answers."""

from __future__ import annotations

import random
import re
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings, strategies as st
from lxml import etree
from sqlalchemy import func, select

from core.db import Database
from orders.contract.names import V1, V2, Service
from orders.models import Order, OrderRow, Withdrawal
from tests.integration.contract.conftest import Scene
from tests.support.contract_calls import Caller, envelope, fault, order, request, result

ENVELOPES = 5000
_SNIPPETS = (
    "",
    "<",
    "&",
    "]]>",
    "<!--",
    "\x00",
    "æ",
    "🙂",
    "9" * 40,
    "-1",
    "1e9",
    "9999-12-31",
    "true",
    "' OR 1=1",
    "../" * 20,
)
_WORDS = (
    "NoOfPackages",
    "NoOfPcs",
    "OrderRow",
    "Source",
    "SubjectOfCareId",
    "Order",
    "Body",
    "Envelope",
    "DeliveryChoice",
    "xmlns",
)


_VALUE = re.compile(r">([^<>]*)</")
_values = st.one_of(
    st.sampled_from([snippet for snippet in _SNIPPETS if snippet.isprintable()]),
    st.integers(-5, 10**12).map(str),
    st.dates().map(str),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=500),
)


@st.composite
def _broken(draw: st.DrawFn, whole: str) -> bytes:
    """One envelope with some of it cut, doubled, swapped or written over."""
    text = whole
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        until = min(len(text), place + draw(st.integers(0, 60)))
        match draw(
            st.sampled_from(["cut", "double", "write", "rename", "swap", "character", "value", "value", "value"])
        ):
            case "cut":
                text = text[:place] + text[until:]
            case "double":
                text = text[:until] + text[place:]
            case "write":
                text = text[:place] + draw(st.sampled_from(_SNIPPETS)) + text[until:]
            case "rename":
                text = text.replace(
                    draw(st.sampled_from(_WORDS)), draw(st.sampled_from(_WORDS)), draw(st.integers(1, 3))
                )
            case "swap":
                text = text[:place] + text[place:until][::-1] + text[until:]
            case "value":
                values = list(_VALUE.finditer(text))
                if values:
                    one = draw(st.sampled_from(values))
                    text = text[: one.start(1)] + escape(draw(_values)) + text[one.end(1) :]
            case "character":
                text = text[:place] + draw(st.characters(codec="utf-8")) + text[place:]
    return text.encode("utf-8", "surrogatepass")


def test_no_broken_envelope_is_a_crash_or_half_an_order(scene: Scene, database: Database) -> None:
    # The statements of five thousand calls are enough for the log of one test.
    callers = {version: Caller(scene.caller.app, version) for version in (V1, V2)}
    wholes = {
        (version, service): envelope(request(service, version, content))
        for version in (V1, V2)
        for service, content in (
            (Service.ORDER, order(version, scene.number, scene.first, scene.second)),
            (Service.PRESCRIPTIONS, f"<m:SubjectOfCareId>{scene.number}</m:SubjectOfCareId>"),
            (
                Service.POINTS,
                "<m:PostalCode>54130</m:PostalCode><m:ServicePointProvider>POSTNORD</m:ServicePointProvider>",
            ),
        )
    }
    seen = {"faults": 0, "errors": 0, "answers": 0}

    @settings(max_examples=ENVELOPES, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data(), st.sampled_from(sorted(wholes, key=str)))
    def send(data: st.DataObject, which: tuple[object, Service]) -> None:
        version, service = which
        raw = data.draw(_broken(wholes[which]))  # type: ignore[index]
        response = callers[version].post(service, raw)  # type: ignore[index]
        assert response.status_code in (200, 413, 500)
        etree.fromstring(response.data)
        if response.status_code == 200:
            seen["answers" if result(response)[0] == "OK" else "errors"] += 1
            assert result(response)[0] in ("OK", "ERROR")
        else:
            seen["faults"] += 1
            # A fault of ours would be a crash that somebody caught.
            assert fault(response)[0] == "soap:Client", raw

    random.seed(1)
    send()
    with database.unit_of_work() as session:
        orders, rows, withdrawals = (
            session.scalars(select(func.count()).select_from(table)).one() for table in (Order, OrderRow, Withdrawal)
        )
        assert rows == withdrawals
        with_rows = session.scalars(select(func.count(OrderRow.order_id.distinct()))).one()
        assert with_rows == orders
    assert result(scene.caller.prescriptions(scene.number))[0] == "OK"
    assert seen["faults"] > ENVELOPES / 10
    assert seen["answers"] > 0
