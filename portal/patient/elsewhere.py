"""A person's prescriptions where they live elsewhere: read before a page is shown, and what the page says when that fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from orders.source.policy import source_of
from orders.source.queries import known_of_source, was_taken_back
from portal.prescriptions import Prescriptions, State
from portal.security import current_identity, unit_of_work

LONGEST_COMMENT = 500


@dataclass(frozen=True)
class SourceNews:
    """How true the page is; when the source is down, when it was last read (None for never), and the order that is awaited, if any."""

    state: State = State.HERE
    read_at: datetime | None = None
    awaited_no: str = ""

    @property
    def is_down(self) -> bool:
        """Whether the source did not answer."""
        return self.state is State.DOWN

    @property
    def has_nothing(self) -> bool:
        """Whether nothing of the person's has ever been read, so that an empty page says nothing."""
        return self.is_down and self.read_at is None

    @property
    def is_in_part(self) -> bool:
        """Whether something that the source told could not be read."""
        return self.state is State.IN_PART


@dataclass(frozen=True)
class NotOrdered:
    """Why nothing was ordered: the source is down, it refused with a comment (maybe empty), or an earlier order is awaited."""

    is_down: bool = False
    comment: str = ""
    awaited_no: str = ""

    @classmethod
    def refused(cls, comment: str) -> NotOrdered:
        """What the source said of an order that it did not take: text from outside, in one line and no longer than a page bears."""
        text = " ".join("".join(one if one.isprintable() else " " for one in comment[: 4 * LONGEST_COMMENT]).split())
        shown = text if len(text) <= LONGEST_COMMENT else f"{text[: LONGEST_COMMENT - 1].rstrip()}…"
        return cls(comment=shown)


def prescriptions() -> Prescriptions:
    """Return the way to prescriptions, wherever they live."""
    return cast(Prescriptions, current_app.extensions["prescriptions"])


def refresh_source() -> State:
    """Read the subject's prescriptions from where they live, before the page's own unit of work; here that is nothing at all."""
    identity = current_identity()
    assert identity.subject_person_id is not None
    return prescriptions().refresh(identity.region, identity.subject_person_id)


def read_source() -> SourceNews:
    """Do so, and return what the page is to say of it."""
    state, person_id = refresh_source(), current_identity().subject_person_id
    if state is State.HERE:
        return SourceNews()
    assert person_id is not None
    with unit_of_work() as session:
        known = known_of_source(session, person_id)
    return SourceNews(state, known.read_at, known.awaited_no)


def is_taken_back(order_no: str) -> bool:
    """Tell whether what is no order of the subject's was one that the source never registered."""
    identity = current_identity()
    if not source_of(identity.region).lives_elsewhere or identity.subject_person_id is None:
        return False
    with unit_of_work() as session:
        return was_taken_back(session, identity.subject_person_id, order_no)
