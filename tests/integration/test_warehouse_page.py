"""The page of the messages with a warehouse: what somebody must do, said in words, and done with one button."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Role
from auth.models import Commission
from core.db import Database
from delivery.ubl.names import Reason
from delivery.warehouse_models import Outcome
from portal.depot.warehouse_words import problem_words
from portal.warehouse import NotTaken
from tests.support.builders import add_staff
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.warehouse import Sent, answer, despatch, elsewhere_policies, orders_out, work_outbox
from tests.support.web import make_app, sign_in, token_of

PAGE = "/depot/warehouse"


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path) -> Elsewhere:
    elsewhere_policies(tmp_path)
    return Elsewhere(World(database))


def client_of(elsewhere: Elsewhere, tmp_path: Path, language: str = "en") -> FlaskClient:
    app = make_app(elsewhere.world.database, policy_dir=tmp_path, warehouse_folder=tmp_path)
    with elsewhere.world.database.session() as session:
        who = session.scalars(select(Commission).where(Commission.staff_id == elsewhere.world.picker.staff_id)).one()
        _ = who.unit, who.staff_member
    return sign_in(app.test_client(), who, language=language)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_says_what_to_do_and_never_to_whom(elsewhere: Elsewhere, tmp_path: Path, language: str) -> None:
    article = elsewhere.world.article()
    first, second = elsewhere.order({article: 4}), elsewhere.order({article: 2})
    elsewhere.take(answer(first))
    elsewhere.take(despatch(first, [Sent(first.line, 4, lot_no="OLD", expires="2026-01-01")]))
    elsewhere.take(despatch(second, [Sent(second.line, 5)]))
    elsewhere.take(answer(second, "RE"))
    with counted(elsewhere.world.database) as statements:
        response = client_of(elsewhere, tmp_path, language).get(PAGE)
    assert response.status_code == 200
    assert len(statements) <= 20
    check_page(response)
    for secret in ("Testsson", "Provgatan"):
        assert secret not in response.text
    assert "OLD" in response.text
    if language == "en":
        assert "Lot OLD was too old when it was sent." in response.text
        assert "The warehouse says that it sends more than was ordered." in response.text
        assert f"The warehouse does not deliver article {article.article_no}." in response.text


def test_sending_again_and_noting_what_is_done_are_one_button_each(elsewhere: Elsewhere, tmp_path: Path) -> None:
    elsewhere.desk.problem = NotTaken(422)
    elsewhere.world.order({elsewhere.world.article(): 4})
    work_outbox(elsewhere.world.database, elsewhere.desk)
    client = client_of(elsewhere, tmp_path)
    token = token_of(client, PAGE)
    (sent,) = orders_out(elsewhere.world.database)
    assert client.post(f"{PAGE}/{sent.id}/seen", data={"csrf_token": token}).status_code == 404
    assert client.post(f"{PAGE}/{sent.id}/send-again", data={"csrf_token": token}).status_code == 303
    elsewhere.desk.problem = None
    work_outbox(elsewhere.world.database, elsewhere.desk)
    order = elsewhere.desk.last
    elsewhere.take(answer(order, "RE"))
    odd = elsewhere.messages()[-1]
    assert odd.outcome is Outcome.EXCEPTION
    assert client.post(f"{PAGE}/{odd.id}/seen", data={"csrf_token": token}).status_code == 303
    assert "Nothing needs you." in client.get(PAGE).text


def test_only_the_depot_of_such_a_region_has_it_in_its_menu(elsewhere: Elsewhere, tmp_path: Path) -> None:
    client = client_of(elsewhere, tmp_path)
    assert f'href="{PAGE}"' in client.get("/depot").text
    with elsewhere.world.database.unit_of_work() as session:
        consultant = add_staff(session, Role.CONSULTANT)
        _ = consultant.unit, consultant.staff_member
    assert sign_in(client.application.test_client(), consultant).get(PAGE).status_code == 403


def test_a_depot_that_picks_itself_does_not(database: Database) -> None:
    world = World(database)
    app = make_app(database)
    with database.session() as session:
        who = session.scalars(select(Commission).where(Commission.staff_id == world.picker.staff_id)).one()
        _ = who.unit, who.staff_member
    client = sign_in(app.test_client(), who)
    assert f'href="{PAGE}"' not in client.get("/depot").text
    assert client.get(PAGE).status_code == 200


def test_every_problem_has_words(elsewhere: Elsewhere, tmp_path: Path) -> None:
    kept = set(Reason) - {Reason.TOO_LARGE, Reason.NOT_XML, Reason.NOT_OURS}
    codes = [
        *kept,
        *("STATUS", "ORDER_CANCELLED", "DECEASED", "RECEIVER_PROTECTED", "NOT_DELIVERED", "SUBSTITUTE"),
        *("LOT_RECALLED", "LOT_QUARANTINED", "LOT_ON_HOLD", "LOT_EXPIRED", "LOT_EXPIRES_TOO_SOON", "LOT_WAS_FAULTY"),
    ]
    app = make_app(elsewhere.world.database, policy_dir=tmp_path, warehouse_folder=tmp_path)
    with app.test_request_context():
        for code in codes:
            words = problem_words(code, "X")
            assert words.detail, code
            assert code not in words.text
