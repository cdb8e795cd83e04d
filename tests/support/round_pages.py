"""Working with a round's pages as a picker's browser does."""

from __future__ import annotations

from datetime import date

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Identity
from auth.models import Commission
from orders.models import Article
from tests.support.depot_work import World, lines_of
from tests.support.pages import check_page
from tests.support.web import sign_in, token_of

LATE = date(2028, 12, 31)


def client_of(app: Flask, world: World, picker: Identity | None = None) -> FlaskClient:
    staff_id = (picker or world.picker).staff_id
    with world.database.session() as session:
        commission = session.scalars(select(Commission).where(Commission.staff_id == staff_id)).one()
    return sign_in(app.test_client(), commission)


def post(client: FlaskClient, url: str, **data: object) -> str:
    answer = client.post(url, data={"csrf_token": token_of(client, "/depot"), **data}, follow_redirects=True)
    assert answer.status_code == 200
    check_page(answer)
    return answer.text


def scan_json(client: FlaskClient, url: str, code: str, key: str) -> dict[str, str]:
    answer = client.post(
        f"{url}/scan",
        data={"csrf_token": token_of(client, "/depot"), "scan": code, "idempotency_key": key},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200
    found: dict[str, str] = answer.get_json()
    return found


def on_shelf(world: World, name: str, location: str, packages: int = 9) -> Article:
    article = world.article(name)
    with world.database.unit_of_work() as session:
        session.get_one(Article, article.id).location = location
    world.stock(article, packages, f"LOT-{name}")
    return article


def planned(client: FlaskClient) -> str:
    post(client, "/depot/waves", carrier="PostNord")
    answer = client.post("/depot/rounds/start", data={"csrf_token": token_of(client, "/depot")})
    assert answer.status_code == 303
    return str(answer.location)


def picked_of(world: World, depot_order_id: int) -> list[tuple[int, int]]:
    with world.database.session() as session:
        return [(line.picked, line.short) for line in lines_of(session, depot_order_id)]
