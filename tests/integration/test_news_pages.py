"""News on the pages: written and looked at, published, read by prescribers, patients and customer service, and withdrawn."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from auth.models import Guardianship, InboxMessage, Person
from core.db import Database
from delivery.news import withdraw_news
from delivery.news_files import MOST_FILES, check_file
from delivery.news_models import News, NewsAttachment, NewsStatus
from tests.support.builders import add_item, add_person, add_staff
from tests.support.news import Desk
from tests.support.pages import check_page
from tests.support.web import make_app, sign_in, token_of
from tests.support.web_files import post_files
from tests.unit.test_news_files import PDF, picture


@pytest.fixture
def desk_of(database: Database) -> Desk:
    return Desk(database)


@pytest.fixture
def app(desk_of: Desk) -> Flask:
    return make_app(desk_of.database)


@pytest.fixture
def eva(app: Flask, desk_of: Desk) -> FlaskClient:
    return sign_in(app.test_client(), desk_of.commission)


def _write(client: FlaskClient, path: str = "/news-desk/new", **typed: Any) -> TestResponse:
    form = {
        "csrf_token": token_of(client, "/news-desk"),
        "title": "Ny programvara",
        "body": "Första stycket\nmed två rader.\n\n<script>alert(1)</script>",
        **typed,
    }
    return post_files(client, path, form)


def _press(client: FlaskClient, page: str, act: str) -> TestResponse:
    return client.post(f"{page}/{act}", data={"csrf_token": token_of(client, page)})


def _patient(desk_of: Desk) -> Person:
    with desk_of.database.unit_of_work() as session:
        person = add_person(session, name="Astrid Provsson")
        add_item(session, person, desk_of.article)
        return person


def test_written_looked_at_published_and_read(app: Flask, desk_of: Desk, eva: FlaskClient) -> None:
    patient = _patient(desk_of)
    check_page(eva.get("/news-desk"))
    check_page(eva.get("/news-desk/new"))
    written = _write(
        eva,
        title_en="New software",
        body_en="Update the app.",
        article_no=desk_of.article.article_no,
        for_patients="y",
        files=[(io.BytesIO(PDF), "Leverantörens brev.pdf"), (io.BytesIO(picture("PNG")), "bild.png")],
    )
    assert written.status_code == 303
    draft = eva.get(written.location)
    check_page(draft)
    assert "1 patient uses the article" in draft.text
    assert "Publish to prescribers and 1 patient" in draft.text
    assert "&lt;script&gt;" in draft.text
    assert "Första stycket<br>med två rader." in draft.text
    assert "Leverantörens brev.pdf" in draft.text

    published = _press(eva, written.location, "publish")
    after = eva.get(published.location)
    check_page(after)
    assert "Read by 0 of 2 prescribers" in after.text
    desk_of.work()

    nurse = sign_in(app.test_client(), desk_of.nurses[0])
    start = nurse.get("/prescriber")
    assert 'href="/prescriber/news"' in start.text
    listed = nurse.get("/prescriber/news")
    check_page(listed)
    assert "New software" in listed.text
    page = nurse.get("/prescriber/news/1")
    check_page(page)
    assert "Update the app." in page.text
    swedish = sign_in(app.test_client(), desk_of.nurses[1], language="sv").get("/prescriber/news/1")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in swedish.text

    reader = sign_in(app.test_client(), patient)
    with desk_of.database.session() as session:
        message_id = session.scalars(select(InboxMessage.id).where(InboxMessage.receiver_id == patient.id)).one()
    message = reader.get(f"/inbox/{message_id}")
    check_page(message)
    assert "There is something new about Glukossensor." in message.text
    assert 'href="/news/1"' in message.text
    for path in ("/news", "/news/1", "/inbox"):
        check_page(reader.get(path))
    assert "Update the app." in reader.get("/news/1").text
    assert 'href="/news"' in reader.get("/inbox").text

    summary = eva.get(written.location)
    check_page(summary)
    assert "Read by 2 of 2 prescribers" in summary.text
    assert "Anna Sköterska" in summary.text
    assert "1 patient has been told." in summary.text
    assert "1 reader has opened it." in summary.text
    assert "Astrid" not in summary.text
    assert "2 of 2" in eva.get("/news-desk").text


def test_attachments_are_only_ever_saved(app: Flask, desk_of: Desk, eva: FlaskClient) -> None:
    patient = _patient(desk_of)
    written = _write(
        eva,
        article_no=desk_of.article.article_no,
        for_patients="y",
        files=[(io.BytesIO(PDF), 'bre"v\r\nX: å.pdf'), (io.BytesIO(picture("JPEG")), "bild.html")],
    )
    with desk_of.database.session() as session:
        ids = session.scalars(select(NewsAttachment.id).order_by(NewsAttachment.id)).all()
    _press(eva, written.location, "publish")
    desk_of.work()
    nurse, reader = sign_in(app.test_client(), desk_of.nurses[0]), sign_in(app.test_client(), patient)
    for client, page in ((eva, written.location), (nurse, "/prescriber/news/1"), (reader, "/news/1")):
        for attachment_id, media_type in zip(ids, ("application/pdf", "image/jpeg"), strict=True):
            answer = client.get(f"{page}/files/{attachment_id}")
            assert answer.status_code == 200
            assert answer.mimetype == media_type
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "\n" not in answer.headers["Content-Disposition"]
    assert client.get("/news/1/files/999").status_code == 404


def test_what_is_wrong_stands_beside_its_question_and_what_was_typed_stays(desk_of: Desk, eva: FlaskClient) -> None:
    for typed, said in (
        ({"title": " \x00 "}, "Write a heading that says what is new."),
        ({"body": ""}, "Write what is new"),
        ({"title": "x" * 201}, "at most 200 characters"),
        ({"title_en": "News"}, "Write both heading and text in English"),
        ({"for_patients": "y"}, "it decides which patients are told"),
        ({"article_no": "99999"}, "No article in the region has that number"),
        ({"files": [(io.BytesIO(b"<svg/>"), "bild.svg")]}, "bild.svg is no PDF, PNG or JPEG"),
        ({"files": [(io.BytesIO(b""), "tom.pdf")]}, "tom.pdf is empty"),
        ({"files": [(io.BytesIO(b"x" * 5_300_000), "stor.pdf")]}, "stor.pdf is larger than 5 MB"),
        ({"files": [(io.BytesIO(PDF), "brev.pdf")] * (MOST_FILES + 1)}, "Attach at most 5 files"),
        ({"title": "", "files": [(io.BytesIO(PDF), "brev.pdf")]}, "Choose the files again"),
    ):
        answer = _write(eva, **typed)
        assert answer.status_code == 422, typed
        assert said in answer.text
        check_page(answer)
        if "body" not in typed:
            assert "med två rader." in answer.text
    assert _write(eva, files=[(io.BytesIO(b"x" * 28_000_000), "stor.pdf")]).status_code == 413
    with desk_of.database.session() as session:
        assert session.scalars(select(News.id)).all() == []


def test_a_draft_is_changed_and_its_attachments_taken_away(desk_of: Desk, eva: FlaskClient) -> None:
    news_id = desk_of.draft(files=(check_file("brev.pdf", PDF), check_file("bild.png", picture("PNG"))))
    page = f"/news-desk/{news_id}"
    edit = eva.get(f"{page}/edit")
    check_page(edit)
    assert "Uppdatera appen" in edit.text
    with desk_of.database.session() as session:
        first = session.scalars(select(NewsAttachment.id).where(NewsAttachment.name == "brev.pdf")).one()
    changed = _write(eva, f"{page}/edit", title="Ny rubrik", without=[str(first), "999", "٣"])
    assert changed.location == page
    shown = eva.get(page).text
    assert ("Ny rubrik" in shown, "bild.png" in shown, "brev.pdf" in shown) == (True, True, False)
    _press(eva, page, "publish")
    for late in (
        eva.get(f"{page}/edit"),
        _write(eva, f"{page}/edit"),
        _press(eva, page, "publish"),
        _press(eva, page, "discard"),
    ):
        assert late.location == page
    assert "Nothing was changed now" in eva.get(page).text


def test_a_draft_is_thrown_away_and_published_news_withdrawn(app: Flask, desk_of: Desk, eva: FlaskClient) -> None:
    draft, published = desk_of.draft(), desk_of.published()
    _press(eva, f"/news-desk/{draft}", "withdraw")
    assert eva.get(_press(eva, f"/news-desk/{draft}", "discard").location).status_code == 200
    assert eva.get(f"/news-desk/{draft}").status_code == 404
    _press(eva, f"/news-desk/{published}", "withdraw")
    check_page(eva.get(f"/news-desk/{published}"))
    nurse = sign_in(app.test_client(), desk_of.nurses[0])
    gone = nurse.get(f"/prescriber/news/{published}")
    check_page(gone)
    assert "has withdrawn this news" in gone.text
    assert "Uppdatera appen" not in gone.text
    assert "No news" in nurse.get("/prescriber/news").text
    with desk_of.database.session() as session:
        assert session.get_one(News, published).status is NewsStatus.WITHDRAWN


def test_a_guardian_reads_it_and_customer_service_leaves_no_receipt(
    app: Flask, desk_of: Desk, eva: FlaskClient
) -> None:
    with desk_of.database.unit_of_work() as session:
        child, guardian = add_person(session, born=date(2018, 3, 1)), add_person(session)
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        add_item(session, child, desk_of.article)
        commission = add_staff(session, Role.CUSTOMER_SERVICE)
    news_id = desk_of.for_patients()
    desk_of.work()
    stranger = _patient(desk_of)
    # Who began to use it later was never told.
    assert sign_in(app.test_client(), stranger).get(f"/news/{news_id}").status_code == 404
    for client in (
        sign_in(app.test_client(), commission),
        sign_in(app.test_client(), commission, in_call_about=stranger),
    ):
        page = client.get("/news")
        check_page(page)
        assert f'href="/news/{news_id}"' in page.text
        assert "Uppdatera appen" in client.get(f"/news/{news_id}").text
    assert "0 readers have opened it." in eva.get(f"/news-desk/{news_id}").text
    reader = sign_in(app.test_client(), guardian)
    assert "Uppdatera appen" in reader.get(f"/news/{news_id}").text
    assert "1 reader has opened it." in eva.get(f"/news-desk/{news_id}").text
    with desk_of.database.unit_of_work() as session:
        withdraw_news(session, desk_of.eva, news_id)
    withdrawn = reader.get(f"/news/{news_id}")
    check_page(withdrawn)
    assert "no longer in force" in withdrawn.text
