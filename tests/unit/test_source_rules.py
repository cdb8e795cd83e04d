"""What is found again of a lost order, what an order then is, and what was cancelled elsewhere. Handbook §13."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from orders.importing.limits import KnownUse, used_elsewhere
from orders.source.rules import (
    CANCELLED_WITHIN,
    COUNTED_AFTER,
    Copy,
    SentRow,
    Standing,
    StatedRow,
    cancelled_there,
    match_rows,
    may_take,
    standing_of,
)

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
_names = st.sampled_from(["R1", "R2", "R3"])
_articles = st.sampled_from(["20001", "20002"])
_pieces = st.integers(1, 3)
_sent = st.lists(st.tuples(_names, _articles, _pieces), max_size=5).map(
    lambda rows: [SentRow(number, *row) for number, row in enumerate(rows, start=1)]
)
_stated = st.lists(st.tuples(_names, _articles, _pieces), max_size=8).map(
    lambda rows: [StatedRow(f"K{number}", *row) for number, row in enumerate(rows, start=1)]
)
_known = st.frozensets(st.sampled_from([f"K{number}" for number in range(1, 9)]))


@given(_sent, _stated, _known)
def test_each_of_theirs_is_one_row_of_ours_at_most_and_was_not_there_before(
    sent: list[SentRow], stated: list[StatedRow], known: frozenset[str]
) -> None:
    found = match_rows(sent, stated, known)
    rows, lines = {row.row_id: row for row in sent}, {line.order_item_id: line for line in stated}
    assert len(set(found.values())) == len(found)
    assert found.keys() <= rows.keys()
    assert not known & set(found.values())
    for row_id, name in found.items():
        assert (rows[row_id].item_id, rows[row_id].article_no) == (lines[name].item_id, lines[name].article_no)


@given(_sent, _stated, _known)
def test_nothing_that_could_be_found_is_left(
    sent: list[SentRow], stated: list[StatedRow], known: frozenset[str]
) -> None:
    ours = Counter((row.item_id, row.article_no) for row in sent)
    theirs = Counter((line.item_id, line.article_no) for line in stated if line.order_item_id not in known)
    assert len(match_rows(sent, stated, known)) == (ours & theirs).total()


@given(_sent, _stated, _known)
def test_as_many_as_can_be_are_known_by_the_same_pieces(
    sent: list[SentRow], stated: list[StatedRow], known: frozenset[str]
) -> None:
    rows, lines = {row.row_id: row for row in sent}, {line.order_item_id: line for line in stated}
    alike = sum(rows[row_id].pieces == lines[name].pieces for row_id, name in match_rows(sent, stated, known).items())
    ours = Counter((row.item_id, row.article_no, row.pieces) for row in sent)
    theirs = Counter((line.item_id, line.article_no, line.pieces) for line in stated if line.order_item_id not in known)
    assert alike == (ours & theirs).total()


@given(_sent, _stated, _known, st.randoms(use_true_random=False))
def test_the_order_in_which_a_source_lists_does_not_matter(
    sent: list[SentRow], stated: list[StatedRow], known: frozenset[str], luck: object
) -> None:
    shuffled = list(stated)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match_rows(sent, shuffled, known) == match_rows(sent, stated, known)


@given(_sent.filter(bool), st.data(), st.integers(0, 120))
def test_an_order_is_registered_awaited_or_not_and_time_only_decides_what_is_open(
    sent: list[SentRow], data: st.DataObject, minutes: int
) -> None:
    ids = data.draw(st.sets(st.sampled_from([row.row_id for row in sent])))
    found = {row_id: f"K{row_id}" for row_id in ids}
    waited, patience = timedelta(minutes=minutes), timedelta(minutes=30)
    standing = standing_of(sent, found, waited=waited, patience=patience)
    if len(found) == len(sent):
        assert standing is Standing.REGISTERED
    elif waited < patience:
        assert standing is Standing.AWAITED
    else:
        assert standing is (Standing.REGISTERED if found else Standing.NOT_REGISTERED)
    later = standing_of(sent, found, waited=waited + timedelta(hours=1), patience=patience)
    assert later in (
        (standing,) if standing is not Standing.AWAITED else (Standing.REGISTERED, Standing.NOT_REGISTERED)
    )


_copies = st.lists(st.tuples(st.integers(0, 40 * 24), st.booleans(), st.booleans()), max_size=6).map(
    lambda told: [
        Copy(number, NOW - timedelta(hours=hours), frozenset({f"K{number}"} if named else ()), delivered)
        for number, (hours, named, delivered) in enumerate(told, start=1)
    ]
)


@given(_copies, st.integers(0, 6), _known)
def test_only_what_is_neither_counted_nor_listed_was_cancelled_elsewhere(
    copies: list[Copy], used: int, listed: frozenset[str]
) -> None:
    gone = cancelled_there(copies, used=used, listed=listed, asked_at=NOW)
    by_id = {copy.withdrawal_id: copy for copy in copies}
    assert len(set(gone)) == len(gone) <= max(0, len(copies) - used)
    for one in gone:
        copy = by_id[one]
        assert not copy.is_delivered
        assert not copy.names & listed
        assert COUNTED_AFTER <= NOW - copy.placed_at <= CANCELLED_WITHIN
    # Whoever counts everything has cancelled nothing.
    assert cancelled_there(copies, used=len(copies), listed=frozenset(), asked_at=NOW) == []


def test_of_several_the_newest_was_cancelled() -> None:
    copies = [Copy(number, NOW - timedelta(days=10 - number), frozenset(), is_delivered=False) for number in (1, 2, 3)]
    assert cancelled_there(copies, used=2, listed=frozenset(), asked_at=NOW) == [3]


@given(st.integers(0, 6), st.integers(0, 6), st.sets(st.sampled_from(["100-1", "100-2", "K1"])), st.integers(0, 6))
def test_what_was_asked_for_just_now_is_believed_and_our_own_is_counted_once(
    used: int, before: int, listed: set[str], cancelled: int
) -> None:
    known = KnownUse(
        before, {"K9": NOW.date()}, {"100-1": 7, "100-2": 8}, {f"90-{number}": number for number in range(cancelled)}
    )
    own = len({"100-1", "100-2"} & listed)
    assert used_elsewhere(known, 6, 6 - used, listed, frozenset(), is_live=True) == max(0, used - own)


def test_only_what_was_asked_for_after_the_latest_was_taken_is_taken() -> None:
    assert may_take(NOW, None)
    assert may_take(NOW, NOW - timedelta(microseconds=1))
    assert not may_take(NOW, NOW)
    assert not may_take(NOW, NOW + timedelta(seconds=1))
