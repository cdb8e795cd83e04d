"""A recall finds every recipient and only them, for any history: against books that a test keeps of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select

from auth.models import Person
from core.db import Database
from core.outbox import OutboxMessage
from delivery.complaints.recall_trace import traced
from delivery.goods_models import SerialisedUnit
from delivery.models import DepotOrder, Lot, PickedLot, PickLine
from delivery.picking import scan
from delivery.shipping import pack
from delivery.shortage import finish
from orders.models import Article
from orders.replacements import place_recall_replacement
from tests.support.builders import patient_identity
from tests.support.depot_work import gs1
from tests.support.picking import LATE
from tests.support.recalls import RecallWorld

PEOPLE, LOTS = 3, 4
_ACTS = st.one_of(
    st.tuples(st.just("send"), st.integers(0, PEOPLE - 1), st.integers(1, 5)),
    st.tuples(st.just("replace"), st.integers(0, PEOPLE - 1), st.integers(1, 2)),
    st.tuples(st.just("pack"), st.integers(0, PEOPLE - 1), st.integers(1, 3)),
    st.tuples(st.just("return"), st.integers(0, 9), st.integers(1, 3)),
)
_SETTINGS = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@dataclass
class Books:
    """What a clerk would write: who was sent what of which lot, and what has come back."""

    has: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    # (person, lot number, packages left) by pick.
    picks: dict[int, list[object]] = field(default_factory=dict)

    def sent(self, person_id: int, picks: list[tuple[int, str, int]]) -> None:
        for pick_id, lot_no, packages in picks:
            self.has[person_id, lot_no] += packages
            self.picks[pick_id] = [person_id, lot_no, packages]

    def expected(self, lots: set[str]) -> dict[int, int]:
        totals: dict[int, int] = defaultdict(int)
        for (person_id, lot_no), packages in self.has.items():
            if lot_no in lots:
                totals[person_id] += packages
        return {person_id: packages for person_id, packages in totals.items() if packages}


def _picks(world: RecallWorld, depot_order_id: int) -> list[tuple[int, str, int]]:
    with world.database.session() as session:
        rows = session.execute(
            select(PickedLot.id, Lot.lot_no, PickedLot.packages)
            .join(Lot, PickedLot.lot_id == Lot.id)
            .join(PickLine, PickedLot.pick_line_id == PickLine.id)
            .where(PickLine.depot_order_id == depot_order_id)
        )
        return [(row.id, row.lot_no, row.packages) for row in rows]


def _replace(world: RecallWorld, person: Person, article: Article, packages: int, reference: int) -> int | None:
    with world.database.unit_of_work() as session:
        try:
            order = place_recall_replacement(
                session,
                patient_identity(person),
                person_id=person.id,
                recall_ref=reference,
                packages={article.id: packages},
            )
        except LookupError:
            # Whoever was never prescribed anything gets nothing.
            return None
        assert order is not None
    world.handle("order.placed")
    with world.database.session() as session:
        return session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == order.id)).one()


def _has_stock(world: RecallWorld, lots: list[Lot], packages: int) -> bool:
    return sum(on_hand - reserved for on_hand, reserved in (world.balance(lot) for lot in lots)) >= packages


@_SETTINGS
@given(acts=st.lists(_ACTS, min_size=1, max_size=7), recalled=st.sets(st.integers(0, LOTS - 1), min_size=1))
def test_lots_are_traced_to_everybody_who_has_them_and_to_nobody_else(
    database: Database, acts: list[tuple[str, int, int]], recalled: set[int]
) -> None:
    world = _world(database)
    article = world.article()
    # Small lots first out: most orders are split over several.
    lots = [
        world.stock(
            article, 3 if number < LOTS - 1 else 30, f"{article.article_no}-{number}", date(2028, 1 + number, 28)
        )
        for number in range(LOTS)
    ]
    people, books = [world.person() for _each in range(PEOPLE)], Books()
    for number, (act, which, packages) in enumerate(acts):
        if act == "return":
            open_picks = sorted(pick for pick, (_who, _lot, left) in books.picks.items() if left)
            if open_picks:
                pick_id = open_picks[which % len(open_picks)]
                person_id, lot_no, left = books.picks[pick_id]
                back = min(packages, left)  # type: ignore[call-overload]
                world.returned(pick_id, back)
                books.picks[pick_id][2] = left - back
                books.has[person_id, lot_no] -= back  # type: ignore[index]
            continue
        if not _has_stock(world, lots, packages):
            continue
        person = people[which]
        order = (
            _replace(world, person, article, packages, article.id * 1000 + number)
            if act == "replace"
            else world.order({article: packages}, person)
        )
        if order is None:
            continue
        parcel_id = world.packed(order)
        if act != "pack":
            world.ship(parcel_id)
            books.sent(person.id, _picks(world, order))
    named = {lots[number].lot_no for number in recalled}
    expected = books.expected(named)
    recall = world.open(" ".join(sorted(named)), len(expected))
    assert world.recipients(recall) == expected


@_SETTINGS
@given(
    sent=st.lists(st.tuples(st.integers(0, 7), st.integers(0, PEOPLE - 1), st.booleans()), max_size=6),
    recalled=st.sets(st.integers(0, 7), min_size=1),
    whole_lot=st.booleans(),
)
def test_units_are_traced_to_whoever_has_them_now(
    database: Database, sent: list[tuple[int, int, bool]], recalled: set[int], whole_lot: bool
) -> None:
    world = _world(database)
    pump = world.article("Pump")
    lot = world.stock(pump, 8, f"{pump.article_no}-LOT")
    serials = [f"{pump.article_no}N{number}" for number in range(8)]
    world.pumps(lot, *serials)
    people, has = [world.person() for _each in range(PEOPLE)], dict[int, int]()
    for number, which, comes_back in sent:
        if number in has or number in {gone for gone, _who, _back in sent[: sent.index((number, which, comes_back))]}:
            continue
        order = world.order({pump: 1}, people[which])
        world.start(order)
        with world.database.unit_of_work() as session:
            scan(session, world.picker, order, gs1(pump, lot.lot_no, LATE), serial_no=serials[number])
            finish(session, world.picker, order)
            parcel_id = pack(session, world.picker, order).id
        world.ship(parcel_id)
        has[number] = people[which].id
        if comes_back:
            (picked,) = world.picked_of(order)
            world.returned(picked.id, 1, (serials[number],))
            del has[number]
    expected: dict[int, int] = defaultdict(int)
    for number, person_id in has.items():
        if whole_lot or number in recalled:
            expected[person_id] += 1
    what = lot.lot_no if whole_lot else ", ".join(serials[number] for number in sorted(recalled))
    recall = world.open(what, len(expected))
    assert world.recipients(recall) == expected


def test_the_books_would_see_a_trace_that_forgets_what_came_back(database: Database) -> None:
    """The property sees: a trace of what was sent alone differs from the books after a return."""
    world = _world(database)
    article = world.article()
    lot = world.stock(article, 9, "BAD")
    (picked,) = world.picked_of(world.sent({article: 2}))
    world.returned(picked.id, 2)
    with database.session() as session:
        assert session.execute(select(traced([lot.id], []))).all() == []
        assert session.get_one(PickedLot, picked.id).packages == 2
        assert session.scalars(select(SerialisedUnit)).all() == []
        assert session.scalars(select(OutboxMessage)).first() is not None


_WORLDS: dict[str, RecallWorld] = {}


def _world(database: Database) -> RecallWorld:
    """One world for all examples of a test: each brings articles and people of its own."""
    key = str(database.engine.url)
    if key not in _WORLDS:
        _WORLDS.clear()
        _WORLDS[key] = RecallWorld(database)
    return _WORLDS[key]
