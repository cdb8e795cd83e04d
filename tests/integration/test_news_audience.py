"""News reaches just the patients who use the article, themselves or their guardians, each once. Handbook §§4 and 7."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from auth.models import Guardianship, Person, Protection
from core.audit import AccessLogEntry
from core.clock import today
from core.db import Database
from delivery import news as news_service
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.news_audience import count_patients, next_patients
from delivery.news_models import News
from orders.models import Article, PrescriptionItem, PrescriptionStatus
from tests.support.builders import NOON, add_article, add_item, add_person
from tests.support.deliveries import add_delivered, add_lot
from tests.support.news import Desk
from tests.support.statements import counted


@pytest.fixture
def desk_of(database: Database) -> Desk:
    return Desk(database)


def _users(desk_of: Desk) -> dict[str, Person]:
    """People around the article: those who use it, in every way, and those who do not."""
    with desk_of.database.unit_of_work() as session:
        article = session.get_one(Article, desk_of.article.id)
        variety = add_article(session, name="Glukossensor liten", generic=article)
        other = add_article(session, name="Lansett")
        found = {
            name: add_person(session)
            for name in (
                *(
                    "prescribed",
                    "variety",
                    "sub",
                    "sent",
                    "unit",
                    "ended",
                    "cancelled",
                    "other",
                    "long ago",
                    "never sent",
                ),
                "given back",
            )
        }
        found["protected"] = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        found["dead"] = add_person(session)
        found["dead"].deceased_on = date(2026, 11, 1)
        found["child"] = add_person(session, born=date(2018, 3, 1))
        found["guardian"] = add_person(session)
        session.add(Guardianship(guardian_id=found["guardian"].id, child_id=found["child"].id))
        for name in ("prescribed", "protected", "dead", "child"):
            add_item(session, found[name], article)
        add_item(session, found["variety"], variety)
        add_item(session, found["sub"], other, sub_articles=(variety,))
        add_item(session, found["ended"], article, valid_until=date(2026, 11, 30))
        add_item(session, found["cancelled"], article).status = PrescriptionStatus.CANCELLED
        add_item(session, found["other"], other)
        for name, days in (("sent", 300), ("long ago", 400)):
            at = NOON - timedelta(days=days)
            add_delivered(session, found[name], article=article, shipped_at=at, delivered_at=at)
        add_delivered(session, found["never sent"], article=article, shipped_at=None, delivered_at=None)
        lot = add_lot(session, article, "L1")
        for name, status in (("unit", UnitStatus.SHIPPED), ("given back", UnitStatus.SCRAPPED)):
            session.add(
                SerialisedUnit(
                    article_id=article.id,
                    serial_no=name,
                    lot_id=lot.id,
                    status=status,
                    arrived_on=date(2023, 1, 1),
                    shipped_on=date(2023, 1, 2),
                    person_id=found[name].id,
                )
            )
        # What was prescribed only to make the deliveries is nobody's any more.
        session.flush()
        session.execute(
            update(PrescriptionItem)
            .where(PrescriptionItem.prescription.has(person_id=found["sent"].id))
            .values(status=PrescriptionStatus.EXPIRED)
        )
        return found


USES_IT = ("prescribed", "variety", "sub", "sent", "unit", "protected", "child")


def test_just_those_who_use_the_article_are_told_or_their_guardians(desk_of: Desk) -> None:
    people = _users(desk_of)
    with desk_of.database.unit_of_work() as session:
        assert count_patients(session, "vgr", desk_of.article.id, today(session)) == len(USES_IT)
        assert count_patients(session, "norrbotten", desk_of.article.id, today(session)) == 0
    news_id = desk_of.for_patients()
    assert desk_of.told() == []
    assert desk_of.work() == 1
    expected = [(people["guardian" if name == "child" else name].id, people[name].id) for name in USES_IT]
    assert sorted(desk_of.told()) == sorted(expected)
    with desk_of.database.session() as session:
        assert session.get_one(News, news_id).patients_told == len(USES_IT)
        logged = session.scalars(select(AccessLogEntry.subject_person_id).where(AccessLogEntry.action == "news.sent"))
        assert sorted(person_id or 0 for person_id in logged) == sorted(people[name].id for name in USES_IT)


def test_news_of_one_variety_is_not_told_to_those_who_have_another(desk_of: Desk) -> None:
    with desk_of.database.unit_of_work() as session:
        generic = session.get_one(Article, desk_of.article.id)
        one, two = (add_article(session, name=f"Smak {name}", generic=generic) for name in ("ett", "två"))
        first, second, may_choose = (add_person(session) for _ in range(3))
        add_item(session, first, one)
        add_item(session, second, two)
        add_item(session, may_choose, generic, sub_articles=(one, two))
        found = next_patients(session, "vgr", one.id, today(session), after=0, limit=10)
        assert [person.id for person in found] == [first.id, may_choose.id]


def test_thousands_are_told_a_batch_at_a_time_and_each_once(desk_of: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_of.database.unit_of_work() as session:
        people = [add_person(session) for _ in range(25)]
        for person in people:
            add_item(session, person, desk_of.article)
    monkeypatch.setattr(news_service, "BATCH", 10)
    desk_of.for_patients()
    assert desk_of.work() == 3
    assert desk_of.told() == [(person.id, person.id) for person in people]


def test_a_batch_is_told_in_a_fixed_number_of_statements(desk_of: Desk) -> None:
    counts = []
    for size in (2, 9):
        with desk_of.database.unit_of_work() as session:
            for _ in range(size):
                add_item(session, add_person(session), desk_of.article)
                child = add_person(session, born=date(2018, 3, 1))
                session.add(Guardianship(guardian_id=add_person(session).id, child_id=child.id))
                add_item(session, child, desk_of.article)
        desk_of.for_patients()
        with counted(desk_of.database) as statements:
            desk_of.work()
        counts.append(len(statements))
    assert counts[0] == counts[1]
