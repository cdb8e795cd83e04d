"""The articles and units that a source's answers speak of, learned from many at once. Handbook §13."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from auth.models import Protection, Unit
from orders.models import Article, PrescriptionItem, ProductArea, ProductKind
from portal.prescriptions import State
from tests.support.builders import add_article
from tests.support.source import SourceItem
from tests.support.source_world import SourceWorld, together


def _article(world: SourceWorld, number: str) -> Article | None:
    with world.database.session() as session:
        return session.scalar(select(Article).where(Article.article_no == number))


def test_the_source_teaches_articles_and_units(world: SourceWorld) -> None:
    world.refresh()
    article = _article(world, "20001")
    assert article is not None
    assert (article.name, article.product_area, article.is_orderable) == (
        "Glukossensor, 14 dygn",
        ProductArea.DIABETES,
        True,
    )
    # Sensor, strips or needles: the area does not say.
    assert article.kind is ProductKind.OTHER
    with world.database.session() as session:
        unit = session.scalars(select(Unit).where(Unit.hsa_id == "SE2321000131-E000000009901")).one()
        assert unit.name == "Diabetesmottagningen vid källan"


def test_what_the_area_tells_of_an_article_is_its_kind(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002", area="STOMI"))
    world.refresh()
    article = _article(world, "20002")
    assert article is not None
    assert article.kind is ProductKind.STOMA


def test_an_imports_words_stay_and_the_source_decides_whether_it_can_be_ordered(world: SourceWorld) -> None:
    with world.database.unit_of_work() as session:
        known = add_article(session, name="Sensor ur registret")
    world.source.prescribe(
        world.person.number, SourceItem("R2", known.article_no, article_name="SENSOR", is_orderable=False)
    )
    world.refresh()
    article = _article(world, known.article_no)
    assert article is not None
    assert (article.name, article.is_orderable) == ("Sensor ur registret", False)
    number = world.person.number
    world.source.items[number] = [replace(item, is_orderable=True) for item in world.source.items[number]]
    world.refresh()
    article = _article(world, known.article_no)
    assert article is not None
    assert article.is_orderable


@pytest.mark.parametrize(
    "values", [{"article_no": "200011"}, {"article_no": "2000A"}, {"article_no": "２０００１"}, {"article_name": ""}]
)
def test_an_article_that_cannot_be_kept_leaves_out_its_item_only(world: SourceWorld, values: dict[str, Any]) -> None:
    world.source.prescribe(world.person.number, replace(SourceItem("R2", "20002"), **values))
    assert world.refresh() is State.IN_PART
    assert [item.external_id for item in world.items()] == ["R1"]


def test_an_article_of_an_unknown_area_leaves_out_its_item_only(
    world: SourceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    raw = world.source.read("vgr", world.person.number)
    first, area, last = raw.rpartition(b"DIABETES")
    first, second_area, between = first.rpartition(b"DIABETES")
    raw = first + b"PUMPAR" + between + b"PUMPAR" + last
    assert area == second_area
    monkeypatch.setattr(world.source, "read", lambda _region, _number: raw)
    assert world.refresh() is State.IN_PART
    assert [item.external_id for item in world.items()] == ["R1"]


def test_a_protected_persons_products_need_no_address_of_the_unit(world: SourceWorld) -> None:
    person = world.add_person(protection=Protection.CONFIDENTIALITY_FLAG)
    world.source.prescribe(person.number, SourceItem("R1", "20001"))
    assert world.refresh(person) is State.FRESH
    assert [item.external_id for item in world.items(person)] == ["R1"]


def test_a_day_far_off_is_no_day(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002", last_valid=date(9999, 12, 31)))
    assert world.refresh() is State.IN_PART
    assert [item.external_id for item in world.items()] == ["R1"]
    with world.database.session() as session:
        assert session.scalar(select(PrescriptionItem.id).where(PrescriptionItem.external_id == "R2")) is None


@pytest.mark.parametrize("attempt", range(6))
def test_several_answers_that_speak_of_the_same_new_things_at_once(world: SourceWorld, attempt: int) -> None:
    numbers = [f"3{attempt}{number:03d}" for number in range(12)]
    units = [f"SE2321000131-E0000{attempt}{number:07d}" for number in range(12)]
    people = [world.add_person() for _number in range(6)]
    for place, person in enumerate(people):
        for step in range(12):
            # Each in an order of its own.
            number = (step * (1, 5, 7, 11, 1, 5)[place] + place) % 12
            item = SourceItem(
                f"R{number}",
                numbers[number],
                unit_id=units[number],
                prescription_id=f"F{number}",
                is_orderable=place % 2 == 0,
            )
            world.source.prescribe(person.number, item)
    found = together(*[lambda person=person: world.prescriptions.refresh("vgr", person.id) for person in people])
    assert found == [State.FRESH] * 6
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Article).where(Article.article_no.in_(numbers))) == 12
        assert session.scalar(select(func.count()).select_from(Unit).where(Unit.hsa_id.in_(units))) == 12
        assert session.scalar(select(func.count()).select_from(PrescriptionItem)) == 72


def test_what_is_known_already_is_not_written_or_locked_again(world: SourceWorld) -> None:
    world.refresh()
    with world.database.unit_of_work() as session:
        # Somebody imports articles meanwhile, and takes long.
        session.scalars(select(Article).with_for_update()).all()
        session.scalars(select(Unit).with_for_update()).all()
        assert world.refresh() is State.FRESH
