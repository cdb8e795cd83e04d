"""Staff see and act on their own region only: every route of every role is walked with another region's things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.routing import Rule

from auth.identity import Role
from auth.models import Person
from auth.permissions import TABLE
from auth.persons import staff_identity
from core.db import Base, Database
from delivery.carrier_models import CarrierBooking
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint
from delivery.goods_models import GoodsReceipt, SupplierOrder
from delivery.models import DepotOrder, Lot, Parcel, PickLine, PickRound
from delivery.warehouse_models import Direction, MessageKind, Outcome, WarehouseMessage
from orders.models import Article, PrescriptionItem, Supplier
from orders.renewal_models import RenewalRequest
from tests.guards.route_table import ROUTES
from tests.support.builders import NOON, add_article, add_person, add_staff
from tests.support.claims import add_claim
from tests.support.exchanges import add_exchanges
from tests.support.incidents import add_incident
from tests.support.news import add_news
from tests.support.recalls import add_told_recall
from tests.support.regions import Region
from tests.support.web import make_app, sign_in

STAFF = [
    *(Role.DEPOT, Role.CONSULTANT, Role.CUSTOMER_SERVICE),
    *(Role.PRESCRIBER, Role.AUDITOR, Role.COST_RESPONSIBLE),
]
# What looking and refusing leave behind.
_TRACES = {"web_session", "access_log"}
NAME, ARTICLE, LOT = "Ragnhild Norrbottensson", "Norrbottensartikeln", "NORRLOT"


@dataclass
class Elsewhere:
    """Another region's things: by the name of the route's parameter, and the words by which a page would give them away."""

    values: dict[str, object]
    words: tuple[str, ...]


@pytest.fixture
def elsewhere(database: Database) -> Elsewhere:
    """A patient, an order sent and reported, and one to pick, in Norrbotten."""
    Region(database, "vgr")
    norrbotten = Region(database, "norrbotten")
    with database.unit_of_work() as session:
        person = add_person(session, name=NAME, region="norrbotten")
        article = add_article(session, name=ARTICLE, region="norrbotten")
    item = norrbotten.prescribe(person, article)
    sent = norrbotten.place(person, item)
    picked_lot_id = norrbotten.send(sent)
    case_no = norrbotten.report(person, picked_lot_id)
    with database.unit_of_work() as session:
        nurse = staff_identity(add_staff(session, Role.CONSULTANT, region="norrbotten"))
    case_document_id = add_incident(database, nurse, case_no)
    told = {**add_exchanges(database, nurse), **add_news(database, nurse)}
    replacement = norrbotten.replaced(norrbotten.report(person, picked_lot_id))
    norrbotten.handle("order.placed")
    waiting = norrbotten.depot_order_of(replacement)
    recall_no, recipient_id = add_told_recall(database, picked_lot_id, "norrbotten")
    with database.unit_of_work() as session:
        lot = session.scalars(select(Lot).where(Lot.article_id == article.id)).first()
        assert lot is not None
        lot.lot_no = LOT
        line = session.scalars(select(PickLine.id).where(PickLine.depot_order_id == waiting.id)).one()
        parcel = session.scalars(select(Parcel)).one()
        request = RenewalRequest(
            region="norrbotten",
            prescription_item_id=item.id,
            person_id=person.id,
            unit_id=norrbotten.unit.id,
            asked_at=NOON,
        )
        message = WarehouseMessage(
            region="norrbotten",
            direction=next(iter(Direction)),
            kind=next(iter(MessageKind)),
            document_id="NORR-1",
            depot_order_id=waiting.id,
            body="",
            outcome=next(iter(Outcome)),
            at=NOON,
        )
        booking = CarrierBooking(region="norrbotten", sscc=parcel.sscc, carrier="PostNord", changed_at=NOON)
        supplier = Supplier(region="norrbotten", supplier_no="S1", name="Leverantören i norr")
        session.add_all([request, message, booking, supplier])
        session.flush()
        assert norrbotten.picker.staff_id is not None
        pick_round = PickRound(
            depot_id=norrbotten.depot.id, picker_id=norrbotten.picker.staff_id, started_at=NOON, last_act_at=NOON
        )
        receipt = GoodsReceipt(depot_id=norrbotten.depot.id, receipt_no="N1", opened_at=NOON)
        supplier_order = SupplierOrder(
            region="norrbotten",
            depot_id=norrbotten.depot.id,
            supplier_id=supplier.id,
            order_no="N5001",
            ordered_at=NOON,
            expected_on=NOON.date(),
        )
        session.add_all([pick_round, receipt, supplier_order])
        session.flush()
        assert nurse.staff_id is not None
        claim = add_claim(session, supplier.id, case_no, nurse.staff_id)
        photo = Photo(
            complaint_id=session.scalars(select(Complaint.id).where(Complaint.case_no == case_no)).one(),
            content=b"jpeg",
            sha256="0" * 64,
            width=1,
            height=1,
            added_at=NOON,
        )
        session.add(photo)
        session.flush()
        values: dict[str, object] = {
            **claim,
            **told,
            "photo_id": photo.id,
            "depot_order_id": waiting.id,
            "pick_line_id": line,
            "line_id": line,
            "lot_id": lot.id,
            "picked_lot_id": picked_lot_id,
            "parcel_id": parcel.id,
            "request_id": request.id,
            "message_id": message.id,
            "case_no": case_no,
            "recall_no": recall_no,
            "recipient_id": recipient_id,
            "document_id": case_document_id,
            "order_no": sent.order.order_no,
            "person_id": person.id,
            "patient_id": person.id,
            "item_id": item.id,
            "article_id": article.id,
            "depot_id": norrbotten.depot.id,
            "booking_id": booking.id,
            "round_id": pick_round.id,
            "receipt_id": receipt.id,
            "supplier_id": supplier.id,
            "supplier_order_id": supplier_order.id,
        }
        words = (
            "Regionens nyhet",
            "KREDIT-9001",
            "läst.csv",
            NAME,
            NAME.split()[0],
            ARTICLE,
            LOT,
            case_no,
            sent.order.order_no,
            norrbotten.unit.name,
            parcel.sscc,
        )
    return Elsewhere(values, words)


def _staff_routes(app: Flask, role: Role) -> Iterator[tuple[Rule, str]]:

    for rule in app.url_map.iter_rules():
        permission = ROUTES.get(rule.endpoint)
        if permission is not None and role in TABLE[permission].roles and not TABLE[permission].tasks:
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                yield rule, method


@pytest.mark.parametrize("role", STAFF)
def test_nothing_of_another_region_is_shown_or_changed(database: Database, elsewhere: Elsewhere, role: Role) -> None:
    app = make_app(database)
    app.config["WTF_CSRF_ENABLED"] = False
    with database.unit_of_work() as session:
        commission = add_staff(session, role, region="vgr")
    client = sign_in(app.test_client(), commission)
    before, walked = _state(database), 0
    for rule, method in _staff_routes(app, role):
        names = set(rule._converters)
        assert names <= set(elsewhere.values) | _FREE, f"{rule.rule}: what is the other region's {names}?"
        values = {name: elsewhere.values.get(name, 1) for name in names}
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        response = client.open(path, method=method, data=_typed(elsewhere))
        where = f"{method} {path} as {role}: {response.status_code}"
        walked += 1
        if names & set(elsewhere.values):
            assert response.status_code in {403, 404, 422} or _is_back(response.status_code, method), where
        # Some answer with a file: what it says in plain text is read too.
        answer = client.get(response.location) if response.status_code == 303 else response
        page = answer.get_data().decode("utf-8", "replace")
        # What was asked for stands in the address, which the page's own forms lead back to.
        shown = [word for word in elsewhere.words if word in page and word not in path]
        assert not shown, f"{where} shows {shown}"
    assert walked
    assert _state(database) == before


# Parameters that are no region's.
_FREE = {"year", "carrier"}


def _is_back(status: int, method: str) -> bool:
    # A form that is refused may lead back to its list; that nothing was changed is seen afterwards.
    return status == 303 and method == "POST"


def _typed(elsewhere: Elsewhere) -> dict[str, str]:
    """Forms filled in with the other region's things, as somebody would who guesses."""
    return {name: str(value) for name, value in elsewhere.values.items()} | {
        "idempotency_key": "guess",
        "reason": "Gissar",
        "packages": "1",
        "tracking_no": "GUESS0000000001",
    }


def _state(database: Database) -> dict[str, list[str]]:
    with database.engine.connect() as connection:
        return {
            table.name: sorted(row[0] for row in connection.execute(text(f'SELECT t::text FROM "{table.name}" t')))  # noqa: S608
            for table in Base.metadata.sorted_tables
            if table.name not in _TRACES
        }


def test_the_walk_would_see_what_the_own_region_sees(database: Database, elsewhere: Elsewhere) -> None:
    """The guard sees: the other region's own staff is shown these very words."""
    with database.unit_of_work() as session:
        commission = add_staff(session, Role.CONSULTANT, region="norrbotten")
    page = sign_in(make_app(database).test_client(), commission).get(f"/complaints/{elsewhere.values['case_no']}").text
    assert ARTICLE in page
    with database.session() as session:
        assert session.scalars(select(Person.region)).all() == ["norrbotten"]
        assert {order.region for order in session.scalars(select(DepotOrder))} == {"norrbotten"}
        assert session.scalars(select(Article.region)).all() == ["norrbotten"]
        assert session.scalars(select(PrescriptionItem.id)).all() == [elsewhere.values["item_id"]]
