"""News reaches every prescriber and just the patients who use the article, and who has read it is known. Handbook §7."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from auth.identity import Identity, Relation, Role
from auth.models import Guardianship
from auth.persons import staff_identity
from core.clock import ManualClock, now
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from delivery import news as news_service
from delivery.news import (
    DraftNews,
    NewsProblem,
    NewsRefused,
    NotADraft,
    discard_draft,
    publish_news,
    save_draft,
    withdraw_news,
)
from delivery.news_files import AttachmentProblem, AttachmentRefused, check_file
from delivery.news_models import News, NewsAttachment, NewsReceipt, NewsStatus
from delivery.news_queries import (
    desk,
    news_attachment,
    news_for,
    open_news,
    read_news,
    suppliers_to_name,
    unread_news,
)
from orders.models import Supplier
from portal.jobs import run_message
from tests.support.builders import add_item, add_person, add_staff, patient_identity
from tests.support.news import TEXT, Desk
from tests.unit.test_news_files import PDF


@pytest.fixture
def desk_of(database: Database) -> Desk:
    return Desk(database)


def test_prescribers_read_it_once_it_is_published_and_the_consultant_sees_who_has(
    desk_of: Desk, clock: ManualClock
) -> None:
    news_id = desk_of.draft()
    with desk_of.database.unit_of_work() as session:
        assert news_for(session, desk_of.anna) == []
        with pytest.raises(NotFound):
            read_news(session, desk_of.anna, news_id)
        publish_news(session, desk_of.eva, news_id)
    with desk_of.database.unit_of_work() as session:
        assert unread_news(session, desk_of.anna) == 1
        (listed,) = news_for(session, desk_of.anna)
        assert (listed.news.title, listed.is_read) == (TEXT.title, False)
        read_news(session, desk_of.anna, news_id)
    first_read_at = clock.now()
    clock.advance(timedelta(hours=1))
    with desk_of.database.unit_of_work() as session:
        read_news(session, desk_of.anna, news_id)
        # Whoever publishes it, and customer service, leave no receipt.
        read_news(session, desk_of.eva, news_id)
        read_news(session, staff_identity(add_staff(session, Role.CUSTOMER_SERVICE)), news_id)
    with desk_of.database.unit_of_work() as session:
        opened = open_news(session, desk_of.eva, news_id)
        assert [(reader.name, reader.read_at) for reader in opened.have_read] == [("Anna Sköterska", first_read_at)]
        assert [reader.name for reader in opened.have_not] == ["Bo Läkare"]
        (shown,), prescribers = desk(session, desk_of.eva)
        assert (shown.readers, prescribers) == (1, 2)
        assert (unread_news(session, desk_of.anna), unread_news(session, desk_of.bo)) == (0, 1)
        assert session.scalars(select(func.count()).select_from(NewsReceipt)).one() == 1
    clock.advance(timedelta(days=91))
    with desk_of.database.unit_of_work() as session:
        assert unread_news(session, desk_of.bo) == 0


def test_a_prescriber_at_two_units_counts_once_and_one_who_has_left_not_at_all(desk_of: Desk) -> None:
    news_id = desk_of.published()
    with desk_of.database.unit_of_work() as session:
        read_news(session, desk_of.bo, news_id)
        second = add_staff(session, Role.PRESCRIBER)
        second.staff_id = desk_of.nurses[0].staff_id
        left = add_staff(session, Role.PRESCRIBER, name="Cia Slutat")
        left.ended_at = now(session)
        session.flush()
    with desk_of.database.unit_of_work() as session:
        (shown,), prescribers = desk(session, desk_of.eva)
        assert (shown.readers, prescribers) == (1, 2)
        assert {reader.name for reader in open_news(session, desk_of.eva, news_id).prescribers} == {
            "Anna Sköterska",
            "Bo Läkare",
        }


def test_withdrawing_stops_what_has_not_gone_and_nobody_reads_it_any_more(
    desk_of: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_of.database.unit_of_work() as session:
        people = [add_person(session) for _ in range(8)]
        for person in people:
            add_item(session, person, desk_of.article)
    monkeypatch.setattr(news_service, "BATCH", 5)
    news_id = desk_of.for_patients()
    with desk_of.database.session() as session:
        message_id = session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == "news.tell")).one()
    run_message(desk_of.database, message_id)
    with desk_of.database.unit_of_work() as session:
        withdraw_news(session, desk_of.eva, news_id)
        # Twice is no more.
        withdraw_news(session, desk_of.eva, news_id)
    desk_of.work()
    assert len(desk_of.told()) == 5
    with desk_of.database.unit_of_work() as session:
        reader = patient_identity(people[0])
        assert read_news(session, reader, news_id, [people[0].id]).status is NewsStatus.WITHDRAWN
        assert news_for(session, reader, [people[0].id]) == []
        assert news_for(session, desk_of.anna) == []
        assert session.scalars(select(func.count()).select_from(NewsReceipt)).one() == 0
        with pytest.raises(NotADraft):
            publish_news(session, desk_of.eva, news_id)


def test_a_patient_reads_what_they_were_told_of_and_nothing_else(desk_of: Desk) -> None:
    with desk_of.database.unit_of_work() as session:
        patient, stranger = add_person(session), add_person(session)
        child = add_person(session, born=date(2018, 3, 1))
        guardian = add_person(session)
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        for person in (patient, child):
            add_item(session, person, desk_of.article)
    for_all, for_staff = desk_of.for_patients(), desk_of.published(title="Bara för vården")
    desk_of.work()
    as_guardian = patient_identity(child, actor=guardian, relation=Relation.GUARDIAN)
    with desk_of.database.unit_of_work() as session:
        read_news(session, patient_identity(patient), for_all, [patient.id])
        read_news(session, as_guardian, for_all, [guardian.id, child.id])
        refused: list[tuple[Identity, int, list[int]]] = [
            (patient_identity(patient), for_staff, [patient.id]),
            (patient_identity(stranger), for_all, [stranger.id]),
            # A guardian no more.
            (patient_identity(guardian), for_all, [guardian.id]),
        ]
        for identity, news_id, about in refused:
            with pytest.raises(NotFound):
                read_news(session, identity, news_id, about)
        assert [one.news.id for one in news_for(session, as_guardian, [child.id])] == [for_all]
        opened = open_news(session, desk_of.eva, for_all)
        assert (opened.patient_readers, opened.news.patients_told) == (2, 2)


def test_attachments_follow_who_may_read(desk_of: Desk) -> None:
    news_id = desk_of.draft(files=(check_file("brev.pdf", PDF), check_file("brev.pdf", PDF)))
    with desk_of.database.session() as session:
        first, second = session.scalars(select(NewsAttachment.id).order_by(NewsAttachment.id)).all()
    with desk_of.database.unit_of_work() as session:
        with pytest.raises(NotFound):
            news_attachment(session, desk_of.anna, news_id, first)
        save_draft(session, desk_of.eva, replace(TEXT, without=frozenset({second, 999})), news_id)
        publish_news(session, desk_of.eva, news_id)
        assert news_attachment(session, desk_of.anna, news_id, first).content == PDF
        with pytest.raises(NotFound):
            news_attachment(session, desk_of.anna, news_id, second)
        with pytest.raises(NotFound):
            news_attachment(session, patient_identity(add_person(session)), news_id, first, [1])
        withdraw_news(session, desk_of.eva, news_id)
        with pytest.raises(NotFound):
            news_attachment(session, desk_of.anna, news_id, first)


def test_a_draft_names_everything_that_is_wrong(desk_of: Desk) -> None:
    with desk_of.database.unit_of_work() as session:
        elsewhere = Supplier(region="norrbotten", supplier_no="S1", name="Leverantören i norr")
        session.add(elsewhere)
        session.flush()
        for draft, problems in (
            (DraftNews("", ""), {NewsProblem.TITLE_MISSING, NewsProblem.BODY_MISSING}),
            (DraftNews("x" * 201, "y" * 10_001), {NewsProblem.TITLE_TOO_LONG, NewsProblem.BODY_TOO_LONG}),
            (replace(TEXT, title_en="News"), {NewsProblem.ENGLISH_HALF}),
            (replace(TEXT, for_patients=True), {NewsProblem.ARTICLE_MISSING}),
            (replace(TEXT, article_no="99999"), {NewsProblem.ARTICLE_UNKNOWN}),
            (replace(TEXT, supplier_id=elsewhere.id), {NewsProblem.SUPPLIER_UNKNOWN}),
        ):
            with pytest.raises(NewsRefused) as refused:
                save_draft(session, desk_of.eva, draft)
            assert set(refused.value.problems) == problems
        files = (check_file("brev.pdf", PDF),) * 6
        with pytest.raises(AttachmentRefused) as too_many:
            save_draft(session, desk_of.eva, replace(TEXT, files=files))
        assert too_many.value.problem is AttachmentProblem.TOO_MANY


def test_what_is_published_is_not_changed_and_a_draft_can_be_thrown_away(desk_of: Desk) -> None:
    published, draft = desk_of.published(), desk_of.draft(files=(check_file("brev.pdf", PDF),))
    with desk_of.database.unit_of_work() as session:
        for act in (publish_news, discard_draft):
            with pytest.raises(NotADraft):
                act(session, desk_of.eva, published)
        with pytest.raises(NotADraft):
            save_draft(session, desk_of.eva, TEXT, published)
        with pytest.raises(NotADraft):
            withdraw_news(session, desk_of.eva, draft)
        discard_draft(session, desk_of.eva, draft)
    with desk_of.database.session() as session:
        assert session.scalars(select(News.id)).all() == [published]
        assert session.scalars(select(NewsAttachment.id)).all() == []


def test_two_who_publish_at_once_tell_everybody_once(desk_of: Desk) -> None:
    with desk_of.database.unit_of_work() as session:
        add_item(session, add_person(session), desk_of.article)
    news_id = desk_of.draft(for_patients=True, article_no=desk_of.article.article_no)
    together = Barrier(2)

    def publish(_who: int) -> bool:
        together.wait(10)
        try:
            with desk_of.database.unit_of_work() as session:
                publish_news(session, desk_of.eva, news_id)
            return True
        except NotADraft:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(publish, range(2))) == [False, True]
    desk_of.work()
    assert len(desk_of.told()) == 1


def test_who_may_not_and_whose_it_is_not(desk_of: Desk) -> None:
    news_id = desk_of.published()
    elsewhere = replace(desk_of.eva, region="norrbotten")
    with desk_of.database.unit_of_work() as session:
        depot = staff_identity(add_staff(session, Role.DEPOT))
        for act in (publish_news, withdraw_news, discard_draft, open_news):
            with pytest.raises(NotPermitted):
                act(session, desk_of.anna, news_id)
            with pytest.raises(NotFound):
                act(session, elsewhere, news_id)
        with pytest.raises(NotPermitted):
            save_draft(session, desk_of.anna, TEXT)
        for look in (desk, suppliers_to_name):
            with pytest.raises(NotPermitted):
                look(session, desk_of.anna)
        with pytest.raises(NotPermitted):
            news_for(session, depot)
        with pytest.raises(NotPermitted):
            read_news(session, depot, news_id)
        assert unread_news(session, depot) == 0
        with pytest.raises(NotFound):
            read_news(session, replace(desk_of.anna, region="norrbotten"), news_id)
        assert unread_news(session, replace(desk_of.anna, region="norrbotten")) == 0
