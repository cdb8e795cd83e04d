"""What is done by the clock, without anybody asking: each duty is an outbox message per region, once per turn whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from core import idempotency
from core.clock import STOCKHOLM, now
from core.outbox import publish
from orders.source.policy import source_of


@dataclass(frozen=True)
class Duty:
    """A message kind and its turns: once a day from `at` (Swedish time), or every `every` when that is given.

    It is for the regions that `is_for` says.
    """

    kind: str
    at: time = time(0)
    every: timedelta | None = None
    is_for: Callable[[str], bool] = lambda _region: True

    def turn(self, instant: datetime) -> str | None:
        """Return the name of the turn that `instant` is in; None before the day's hour."""
        local = instant.astimezone(STOCKHOLM)
        if self.every is not None:
            return f"{local.date()}/{int(instant.timestamp() // self.every.total_seconds())}"
        return None if local.time() < self.at else local.date().isoformat()


DUTIES: tuple[Duty, ...] = (
    # The clocks of serious incidents that nobody has stopped.
    Duty("incidents.watch", every=timedelta(minutes=10)),
    # Orders whose answer from the source was lost.
    Duty("registrations.due", every=timedelta(minutes=1), is_for=lambda region: source_of(region).lives_elsewhere),
    # Before anybody is at work: lots that stand out.
    Duty("signals.look", time(5)),
    # Suppliers whose answer to a claim is late: while they are at work.
    Duty("claims.due", time(9)),
    # Fault reports that were begun and never sent.
    Duty("drafts.clean", time(3)),
    # A supplier's goods that should have come yesterday are no longer counted on.
    Duty("back_orders.expected", time(6)),
)


def start_duties(session: Session, region: str) -> list[str]:
    """Publish every duty of the region's whose turn has come and has not been taken, with `region` and `day`; return their kinds.

    Two relays at once are harmless: a turn is a key that only one of them can spend. A turn during which no relay ran is not made up for.
    """
    instant = now(session)
    day = instant.astimezone(STOCKHOLM).date().isoformat()
    started = []
    for duty in DUTIES:
        turn = duty.turn(instant)
        if turn is not None and duty.is_for(region) and idempotency.spend(session, duty.kind, region, turn).is_first:
            publish(session, duty.kind, region=region, day=day)
            started.append(duty.kind)
    return started
