"""What a source says was used elsewhere, told from what was used here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import given, strategies as st

from orders.importing.limits import KnownUse, used_elsewhere

DAY = date(2026, 9, 1)
NOTHING = KnownUse(0, {}, {}, {})


def test_a_first_file_is_believed() -> None:
    assert used_elsewhere(NOTHING, 4, 1, frozenset({"J-1"}), frozenset({DAY})) == 3


def test_an_order_of_ours_that_comes_back_is_not_counted_twice() -> None:
    ours = KnownUse(1, {"J-1": DAY}, {"100-1": 7, "100-2": 7}, {})
    assert used_elsewhere(ours, 4, 2, frozenset({"J-1", "100-1", "100-2"}), frozenset({DAY})) == 1


def test_an_order_of_ours_that_is_counted_but_not_listed_counts_on_the_careful_side() -> None:
    assert used_elsewhere(KnownUse(0, {}, {"100-1": 7}, {}), 4, 3, frozenset(), frozenset()) == 1


def test_an_old_file_gives_nothing_back() -> None:
    known = KnownUse(2, {"J-1": DAY, "J-2": DAY + timedelta(days=90)}, {}, {})
    assert used_elsewhere(known, 4, 3, frozenset({"J-1"}), frozenset({DAY})) == 2


def test_a_correction_is_believed_from_a_file_that_knows_everything() -> None:
    known = KnownUse(1, {"J-1": DAY}, {}, {})
    assert used_elsewhere(known, 4, 4, frozenset({"J-1"}), frozenset({DAY})) == 0


def test_an_order_cancelled_here_is_not_held_against_the_patient() -> None:
    assert used_elsewhere(KnownUse(0, {}, {}, {"100-1": 7}), 4, 3, frozenset({"100-1"}), frozenset()) == 0
    # The source has taken it out of the number but still lists it: what it counts is the other one.
    known = KnownUse(0, {}, {}, {"100-1": 7})
    assert used_elsewhere(known, 4, 3, frozenset({"100-1", "J-1"}), frozenset({DAY})) == 1


@dataclass
class World:
    """Withdrawals as they truly are, and the files that the source has written so far."""

    here: list[str] = field(default_factory=list)
    elsewhere: dict[str, date] = field(default_factory=dict)
    files: list[tuple[int, frozenset[str], frozenset[date]]] = field(default_factory=list)
    known: int = 0
    known_listed: dict[str, date] = field(default_factory=dict)


@given(st.lists(st.tuples(st.sampled_from(["here", "elsewhere", "file", "import"]), st.integers(0, 9), st.booleans())))
def test_whatever_is_imported_in_whatever_order_never_hides_a_use(steps: list[tuple[str, int, bool]]) -> None:
    world = World()
    for number, (step, which, lists_ours) in enumerate(steps):
        if step == "here":
            world.here.append(f"100-{number}")
        elif step == "elsewhere":
            world.elsewhere[f"J-{number}"] = DAY + timedelta(days=number)
        elif step == "file":
            # The source learns of our orders with the file, and may or may not list them.
            listed = frozenset(world.elsewhere) | (frozenset(world.here) if lists_ours else frozenset())
            used = len(world.elsewhere) + len(world.here)
            world.files.append((used, listed, frozenset(world.elsewhere.values())))
        elif world.files:
            used, listed, days = world.files[which % len(world.files)]
            use = KnownUse(world.known, world.known_listed, {name: place for place, name in enumerate(world.here)}, {})
            before = world.known
            world.known = used_elsewhere(use, 1000, 1000 - used, listed, days)
            world.known_listed |= {name: world.elsewhere[name] for name in listed & world.elsewhere.keys()}
            # Everything that any imported file told of is counted.
            assert world.known >= len(world.known_listed)
            assert world.known >= before or listed >= set(world.here) | world.known_listed.keys()


def test_an_echo_of_an_added_withdrawal_hides_no_use_elsewhere() -> None:
    days = frozenset(DAY + timedelta(days=90 * number) for number in range(4))
    known = KnownUse(4, {f"J-{number}": day for number, day in enumerate(sorted(days))}, {"100-1": 7, "200-1": 8}, {})
    history = frozenset({"J-0", "J-1", "J-2", "J-3", "100-1", "200-1"})
    assert used_elsewhere(known, 4, 0, history, days, added_here=2) == 4


@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["here", "elsewhere", "import"]), st.booleans()), max_size=30),
)
def test_with_withdrawals_added_here_every_use_still_counts(
    allowed: int, added: int, steps: list[tuple[str, bool]]
) -> None:
    """A source that counts our orders too, as far as its own limit goes; whether it lists them differs from file to file."""
    here: list[str] = []
    elsewhere: dict[str, date] = {}
    counted = estimate = 0
    listed: dict[str, date] = {}
    for number, (step, lists_ours) in enumerate(steps):
        if step == "here" and len(here) + estimate < allowed + added:
            here.append(f"100-{number}")
            counted = min(allowed, counted + 1)
        elif step == "elsewhere" and counted < allowed:
            elsewhere[f"J-{number}"] = DAY + timedelta(days=number)
            counted += 1
        elif step == "import":
            history = frozenset(elsewhere) | (frozenset(here) if lists_ours else frozenset())
            known = KnownUse(estimate, dict(listed), {name: place for place, name in enumerate(here)}, {})
            remaining, days = allowed - counted, frozenset(elsewhere.values())
            estimate = used_elsewhere(known, allowed, remaining, history, days, added_here=added)
            listed |= elsewhere
            assert len(elsewhere) <= estimate <= allowed
