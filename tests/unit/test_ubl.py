"""Peppol messages: what we build is whole and well-formed whatever people are called, and what we read is never trusted."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from delivery.ubl.despatch_advice import DespatchAdvice, read_despatch_advice
from delivery.ubl.names import MOST_BYTES, MessageRefused, Reason, Transaction
from delivery.ubl.order import Line, OrderDocument, Party, Place, build_order, clean
from delivery.ubl.order_response import Answer, LineAnswer, OrderResponse, read_order_response
from delivery.ubl.reading import read_document
from tests.support.warehouse import OrderedLine, ReadOrder, Sent, answer, despatch, new_sscc, parsed, read_order

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = re.compile(r"```xml\n(.*?)```", re.DOTALL)
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
LINE = OrderedLine("71", 4, "12345", "07350053850019")
ORDER = ReadOrder("1000017-3", "Test Testsson", "Provgatan 1", "HOME_DELIVERY", (LINE,))
DEPOT = Party("0007:2321000131", "SE2321000131-E000000000101", "Depån i Skövde")
TRICKY = "Åsa <b>&amp; O'Brien</b> \U0001f9e1 \u202eعبد \x00\x1b\ud800"


def document(**changes: object) -> OrderDocument:
    """An order with some of it changed."""
    facts: dict[str, object] = {
        "document_id": "1000017-3",
        "issued_on": date(2026, 12, 1),
        "wanted_by": date(2026, 12, 8),
        "order_no": "1000017",
        "buyer": DEPOT,
        "seller": DEPOT,
        "receiver": "Test Testsson",
        "phone": "",
        "place": Place("Provgatan 1", "54130", "Skövde"),
        "way": "HOME_DELIVERY",
        "lines": (Line("71", 4, "12345", "Glukossensor", "7350053850019"),),
    }
    return OrderDocument(**{**facts, **changes})  # type: ignore[arg-type]


def advice(raw: bytes) -> DespatchAdvice:
    return read_despatch_advice(read_document(raw))


def response(raw: bytes) -> OrderResponse:
    return read_order_response(read_document(raw))


def read(raw: bytes) -> object:
    found = read_document(raw)
    return advice(raw) if found.transaction is Transaction.DESPATCH_ADVICE else response(raw)


def refused(raw: bytes) -> MessageRefused:
    """Return why a message is refused."""
    with pytest.raises(MessageRefused) as caught:
        read(raw)
    return caught.value


def test_an_order_has_every_element_that_peppol_requires() -> None:
    root = parsed(build_order(document()).encode())
    for path in (
        f"{CBC}CustomizationID",
        f"{CBC}ProfileID",
        f"{CBC}ID",
        f"{CBC}IssueDate",
        f"{CBC}DocumentCurrencyCode",
        f"{CAC}ValidityPeriod/{CBC}EndDate",
        f"{CAC}BuyerCustomerParty/{CAC}Party/{CBC}EndpointID",
        f"{CAC}BuyerCustomerParty/{CAC}Party/{CAC}PartyLegalEntity/{CBC}RegistrationName",
        f"{CAC}SellerSupplierParty/{CAC}Party/{CBC}EndpointID",
        f"{CAC}SellerSupplierParty/{CAC}Party/{CAC}PartyLegalEntity/{CBC}RegistrationName",
        f"{CAC}Delivery/{CAC}DeliveryLocation/{CAC}Address/{CAC}Country/{CBC}IdentificationCode",
        f"{CAC}Delivery/{CAC}DeliveryParty/{CAC}PartyName/{CBC}Name",
        f"{CAC}OrderLine/{CAC}LineItem/{CBC}ID",
        f"{CAC}OrderLine/{CAC}LineItem/{CBC}Quantity",
        f"{CAC}OrderLine/{CAC}LineItem/{CAC}Item/{CBC}Name",
    ):
        assert (root.findtext(path) or "").strip(), path
    assert root.findtext(f"{CBC}CustomizationID") == "urn:fdc:peppol.eu:poacc:trns:order:3"
    assert root.findtext(f"{CBC}ProfileID") == "urn:fdc:peppol.eu:poacc:bis:ordering:3"
    endpoint = root.find(f"{CAC}BuyerCustomerParty/{CAC}Party/{CBC}EndpointID")
    assert endpoint is not None
    assert endpoint.get("schemeID") == "0007"
    quantity = root.find(f"{CAC}OrderLine/{CAC}LineItem/{CBC}Quantity")
    assert quantity is not None
    assert quantity.get("unitCode") == "XPK"


def test_elements_come_in_the_order_of_the_schema() -> None:
    root = parsed(build_order(document()).encode())
    assert [child.tag.partition("}")[2] for child in root] == [
        *("CustomizationID", "ProfileID", "ID", "IssueDate", "DocumentCurrencyCode", "CustomerReference"),
        *("ValidityPeriod", "BuyerCustomerParty", "SellerSupplierParty", "Delivery", "DeliveryTerms", "OrderLine"),
    ]


@given(st.text(), st.text(), st.text(), st.text(min_size=1))
def test_whatever_people_are_called_the_order_is_well_formed_and_says_so(
    name: str, street: str, comment: str, article: str
) -> None:
    raw = build_order(
        document(
            receiver=f"x{name}",
            place=Place(f"y{street}", "54130", "Skövde", instructions=comment),
            lines=(Line("71", 4, "12345", article),),
        )
    ).encode()
    read = read_order(raw)
    assert read.receiver == clean(f"x{name}")
    assert read.street == clean(f"y{street}")
    assert read.line == OrderedLine("71", 4, "12345", "")
    for element in parsed(raw).iter():
        assert len(element) or (element.text or "").strip(), f"{element.tag} is empty, or has only empty children"


def test_a_tricky_name_survives() -> None:
    read = read_order(build_order(document(receiver=TRICKY)).encode())
    assert read.receiver == "Åsa <b>&amp; O'Brien</b> \U0001f9e1 \u202eعبد"


def test_a_service_point_is_named_with_its_number() -> None:
    place = Place("Torget 2", "54130", "Skövde", location_id="4711", name="Ombudet & Co")
    root = parsed(build_order(document(place=place)).encode())
    location = root.find(f"{CAC}Delivery/{CAC}DeliveryLocation")
    assert location is not None
    assert (location.findtext(f"{CBC}ID"), location.findtext(f"{CBC}Name")) == ("4711", "Ombudet & Co")


def test_an_advice_is_read_with_lots_serials_and_parcels() -> None:
    sscc = new_sscc()
    raw = despatch(
        ORDER,
        [Sent(LINE, 2, lot_no="A-1", serials=("S1", "S2"), outstanding=1), Sent(LINE, 1, lot_no="B/2")],
        sscc=sscc,
        tracking_no="00 37 x",
        despatched="2026-11-30",
    )
    read = advice(raw)
    assert read.order_ref == "1000017-3"
    assert read.ssccs == (sscc,)
    assert (read.tracking_no, read.carrier, read.despatched_on) == ("0037X", "PostNord", date(2026, 11, 30))
    first, second = read.lines
    assert (first.packages, first.outstanding, first.lot_no, first.expires_on) == (2, 1, "A-1", date(2028, 12, 31))
    assert first.serials == ("S1", "S2")
    assert (second.packages, second.outstanding, second.lot_no) == (1, None, "B/2")


def test_an_answer_is_read_with_what_comes_later() -> None:
    raw = answer(ORDER, "CA", {LINE: {"status": "3", "packages": 3, "later": 1, "expected": "2026-12-20"}})
    read = response(raw)
    assert (read.answer, read.order_ref) == (Answer.CHANGED, "1000017-3")
    (line,) = read.lines
    assert (line.answer, line.packages, line.later, line.expected) == (LineAnswer.CHANGED, 3, 1, date(2026, 12, 20))


GOOD = despatch(ORDER, [Sent(LINE, 2)], number="DA-X", sscc="", tracking_no="T1")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<cbc:ID>DA-X</cbc:ID>", b"", Reason.INVALID),
        (b"<cbc:IssueDate>2026-12-01</cbc:IssueDate>", b"", Reason.INVALID),
        (b"2026-12-01", b"2026-13-01", Reason.INVALID),
        (b"DespatchSupplierParty", b"OtherParty", Reason.INVALID),
        (b"<cbc:LineID>71</cbc:LineID>", b"", Reason.INVALID),
        (b'unitCode="XPK">2<', b'unitCode="C62">2<', Reason.INVALID),
        (b'">2</cbc:Del', b'">2.5</cbc:Del', Reason.INVALID),
        (b'">2</cbc:Del', b'">-2</cbc:Del', Reason.INVALID),
        (b'">2</cbc:Del', '">٣</cbc:Del'.encode(), Reason.INVALID),
        (b'">2</cbc:Del', b'">0</cbc:Del', Reason.INVALID),
        (b"DespatchAdvice-2", b"DespatchAdvice-3", Reason.NOT_OURS),
        (b"trns:despatch_advice:3", b"trns:despatch_advice:4", Reason.NOT_OURS),
        (b"CommonBasicComponents-2", b"CommonBasicComponents-1", Reason.INVALID),
        (b"L26A01", b"LOT WITH A SPACE", Reason.BAD_LOT),
        (b"L26A01", b"X" * 21, Reason.BAD_LOT),
        (b"L26A01", "LÖT".encode(), Reason.BAD_LOT),
        (b"<cbc:ExpiryDate>2028-12-31</cbc:ExpiryDate>", b"", Reason.BAD_LOT),
        (b"2028-12-31", b"2028-02-30", Reason.INVALID),
        (b"<cbc:TrackingID>T1", b"<cbc:TrackingID>" + b"9" * 41, Reason.BAD_PARCEL),
    ],
)
def test_what_is_missing_or_malformed_is_refused_with_the_reason(old: bytes, new: bytes, reason: Reason) -> None:
    assert advice(GOOD).lines[0].packages == 2
    assert GOOD.count(old) >= 1
    assert refused(GOOD.replace(old, new)).reason is reason


def test_two_lots_in_one_line_or_a_serial_twice_are_refused() -> None:
    other_lot = (
        b"<cac:ItemInstance><cac:LotIdentification><cbc:LotNumberID>L2</cbc:LotNumberID>"
        b"<cbc:ExpiryDate>2028-12-31</cbc:ExpiryDate></cac:LotIdentification></cac:ItemInstance></cac:Item>"
    )
    assert refused(GOOD.replace(b"</cac:Item>", other_lot)).reason is Reason.BAD_LOT
    assert refused(despatch(ORDER, [Sent(LINE, 2, serials=("S1", "S1"))])).reason is Reason.BAD_SERIAL


def test_a_parcel_number_that_is_no_sscc_is_refused() -> None:
    sscc = new_sscc()
    wrong = sscc[:-1] + str((int(sscc[-1]) + 1) % 10)
    assert refused(despatch(ORDER, [Sent(LINE, 2)], sscc=wrong)).reason is Reason.BAD_PARCEL


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.NOT_XML),
        (b"hello", Reason.NOT_XML),
        (b"<a><b></a>", Reason.NOT_XML),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", Reason.NOT_XML),
        (BOMB.encode(), Reason.NOT_XML),
        (OUTSIDE.encode(), Reason.NOT_XML),
        (b"<a/>", Reason.NOT_OURS),
        (b"<DespatchAdvice/>", Reason.NOT_OURS),
        (GOOD.replace(b"<cac:Shipment>", b"<!--" + b"x" * MOST_BYTES + b"--><cac:Shipment>"), Reason.TOO_LARGE),
        (b"<a>" * 5000, Reason.NOT_XML),
    ],
)
def test_what_is_no_message_is_refused_before_anything_else(raw: bytes, reason: Reason) -> None:
    assert refused(raw).reason is reason


@given(st.binary(max_size=300))
def test_no_bytes_are_an_error_of_ours(raw: bytes) -> None:
    assert refused(raw).reason in set(Reason)


@given(st.data())
def test_a_message_that_is_cut_or_changed_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 40)))
    changed = GOOD[:start] + data.draw(st.binary(max_size=8)) + GOOD[end:]
    try:
        assert advice(changed).lines
    except MessageRefused:
        return


def test_the_samples_of_the_documentation_are_read_as_it_says() -> None:
    samples = SAMPLES.findall((ROOT / "docs" / "warehouse.md").read_text(encoding="utf-8"))
    order, sent, answered = (sample.encode() for sample in samples)
    line = read_order(order).line
    assert (read_order(order).document_id, line.packages) == ("1000017-3", 4)
    (gone,) = advice(sent).lines
    assert (gone.line_ref, gone.packages, gone.outstanding, gone.gtin) == (line.line_id, 3, 1, line.gtin)
    (later,) = response(answered).lines
    assert (later.line_ref, later.packages, later.later) == (line.line_id, 3, 1)
