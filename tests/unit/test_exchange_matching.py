"""Whatever a file says: no unit is taken away twice, no number given twice, and reading it again changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings, strategies as st

from delivery.complaints.exchange_matching import UnitFacts, Verdict, has_reason, judge_exchanges
from delivery.complaints.exchange_models import ExchangeProblem
from delivery.complaints.exchange_reading import StatedExchange
from delivery.goods_models import UnitStatus

TODAY = date(2026, 12, 1)
SERIALS = ("A1", "A2", "A3", "a1", "B1", "B2", "")
ROW = st.builds(
    StatedExchange,
    line_no=st.just(1),
    old_serial=st.sampled_from(SERIALS),
    new_serial=st.sampled_from(SERIALS),
    stated_date=st.just(""),
    exchanged_on=st.sampled_from([None, date(2026, 11, 1), date(2026, 11, 20), date(2026, 12, 2)]),
    reason=st.sampled_from(["Sprucken", "Sprucken", "", "-"]),
    article=st.sampled_from(["", "10001", "10002"]),
)
ROWS = st.lists(ROW, max_size=8).map(lambda rows: [replace(row, line_no=at) for at, row in enumerate(rows, start=2)])


@st.composite
def units(draw: st.DrawFn) -> list[UnitFacts]:
    """Units of two articles, each number once per article; some have gone, some have been replaced."""
    found: list[UnitFacts] = []
    names = draw(
        st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from(["A1", "A2", "B1"])), unique=True, max_size=5)
    )
    for number, (article_id, serial_no) in enumerate(names, start=1):
        status = draw(
            st.sampled_from([UnitStatus.SHIPPED, UnitStatus.SHIPPED, UnitStatus.IN_STOCK, UnitStatus.SCRAPPED])
        )
        marks = frozenset({f"1000{article_id}"})
        sent_on = date(2026, 11, 10) if status is UnitStatus.SHIPPED else None
        found.append(UnitFacts(number, article_id, marks, serial_no, status, sent_on))
    return found


def applied(verdicts: list[Verdict], known: list[UnitFacts]) -> list[UnitFacts]:
    """The units after the file has been read."""
    after = {unit.unit_id: unit for unit in known}
    made: dict[int, UnitFacts] = {}
    waiting = [place for place, verdict in enumerate(verdicts) if verdict.is_new]
    while waiting:
        place = waiting.pop(0)
        verdict = verdicts[place]
        if verdict.follows is not None and verdict.follows not in made:
            waiting.append(place)
            continue
        old = made[verdict.follows] if verdict.follows is not None else verdict.old
        assert old is not None
        new = UnitFacts(
            len(after) + 1,
            old.article_id,
            old.article_marks,
            verdict.row.new_serial,
            UnitStatus.SHIPPED,
            verdict.row.exchanged_on,
        )
        after[new.unit_id] = new
        after[old.unit_id] = replace(after[old.unit_id], status=UnitStatus.RETURNED, replaced_by=verdict.row.new_serial)
        made[place] = new
    return list(after.values())


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, known=units())
def test_every_row_has_one_verdict_and_every_number_one_place(
    rows: list[StatedExchange], known: list[UnitFacts]
) -> None:
    verdicts = judge_exchanges(rows, known, TODAY)
    assert [verdict.row for verdict in verdicts] == rows
    new = [verdict for verdict in verdicts if verdict.is_new]
    for verdict in new:
        assert has_reason(verdict.row.reason)
        assert verdict.row.exchanged_on is not None
        assert verdict.row.exchanged_on <= TODAY
        assert (verdict.old is None) != (verdict.follows is None)
        if verdict.old is not None:
            assert verdict.old.status is UnitStatus.SHIPPED
            assert not verdict.old.replaced_by
            assert verdict.row.exchanged_on >= (verdict.old.shipped_on or TODAY)
    taken = Counter(verdict.old.unit_id for verdict in new if verdict.old)
    followed = Counter(verdict.follows for verdict in new if verdict.follows is not None)
    given_numbers = Counter(verdict.row.new_serial.upper() for verdict in new)
    assert max([*taken.values(), *followed.values(), *given_numbers.values()], default=1) == 1
    after = applied(verdicts, known)
    assert len({(unit.article_id, unit.serial_no.upper()) for unit in after}) == len(after)


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, known=units())
def test_a_file_that_is_read_again_changes_nothing(rows: list[StatedExchange], known: list[UnitFacts]) -> None:
    first = judge_exchanges(rows, known, TODAY)
    after = applied(first, known)
    again = judge_exchanges(rows, after, TODAY)
    for before, now in zip(first, again, strict=True):
        if before.is_new or before.is_known:
            assert now.is_known, (before, now)
    assert not any(verdict.is_new for verdict in again)


def test_a_chain_of_thousands_is_judged() -> None:
    rows = [StatedExchange(at, f"S{at}", f"S{at + 1}", "", date(2026, 11, 20), "Sprucken") for at in range(3000)]
    first = UnitFacts(1, 1, frozenset(), "S0", UnitStatus.SHIPPED, date(2026, 11, 1))
    assert all(verdict.is_new for verdict in judge_exchanges(rows[::-1], [first], TODAY))
    assert {verdict.problem for verdict in judge_exchanges(rows, [], TODAY)} == {ExchangeProblem.OLD_SERIAL_UNKNOWN}


@pytest.mark.parametrize("text", ["", " ", "-", "–", "?", "...", "Okänd", "okänt.", "N/A", "n.a.", "Ingen", "x"])
def test_what_says_nothing_is_no_reason(text: str) -> None:
    assert not has_reason(text)


@pytest.mark.parametrize("text", ["Sprucken", "E7", "電池", "Okänd stöt mot golvet", "7"])
def test_what_says_something_is_a_reason(text: str) -> None:
    assert has_reason(text)
