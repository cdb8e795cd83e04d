"""A process that is killed in the middle of ordering at a source: the order is found there, or known not to be there, by somebody else."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from auth.models import Person
from orders.models import Registration
from tests.support.builders import patient_identity
from tests.support.order_and_die import AFTER, BEFORE, command_of
from tests.support.pair import PORTAL, Pair, left_of
from tests.support.processes import ROOT


def _order_and_die(pair: Pair, folder: Path, person: Person, when: str) -> None:
    url = pair.at_portal.engine.url.render_as_string(hide_password=False)
    words = [url, str(folder), pair.clock.now().isoformat(), str(person.id), when]
    died = subprocess.run(
        [sys.executable, "-m", "tests.support.order_and_die", *words], cwd=ROOT, capture_output=True, timeout=60
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    pair.clock.advance(timedelta(minutes=1))


def test_who_dies_after_the_source_has_answered_has_ordered_once(pair: Pair, tmp_path: Path) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    _order_and_die(pair, tmp_path, here, AFTER)
    [mine], [_theirs] = pair.orders(pair.at_portal), pair.orders(pair.at_source)
    assert mine.registration is Registration.AWAITED
    pair.prescriptions.look_for(mine.id)
    [mine] = pair.orders(pair.at_portal)
    assert mine.registration is Registration.AT_SOURCE
    assert [row.source_item_id is None for row in pair.rows(pair.at_portal)] == [False]
    # The same form once more is answered with what it made.
    again = pair.prescriptions.place(patient_identity(here), command_of(pair.at_portal))
    assert again.id == mine.id
    assert len(pair.orders(pair.at_source)) == 1
    assert left_of(pair) == (3, 3)


def test_who_dies_before_the_source_was_asked_has_ordered_nothing_and_may_try_again(pair: Pair, tmp_path: Path) -> None:
    here, there = pair.person()
    pair.prescribe(there)
    _order_and_die(pair, tmp_path, here, BEFORE)
    [mine] = pair.orders(pair.at_portal)
    pair.prescriptions.look_for(mine.id)
    # It may still be on its way, for all that anybody knows.
    assert [order.registration for order in pair.orders(pair.at_portal)] == [Registration.AWAITED]
    pair.clock.advance(timedelta(minutes=30))
    pair.prescriptions.look_for(mine.id)
    assert pair.orders(pair.at_portal) == pair.orders(pair.at_source) == []
    assert left_of(pair) == (4, 4)
    pair.prescriptions.refresh(PORTAL, here.id)
    pair.prescriptions.place(patient_identity(here), command_of(pair.at_portal))
    assert [order.registration for order in pair.orders(pair.at_portal)] == [Registration.AT_SOURCE]
    assert len(pair.orders(pair.at_source)) == 1
