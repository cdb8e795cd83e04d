"""The list of service points that the page shows for one way of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flask_babel import gettext as _

from orders.service_points import ServicePoint
from orders.wishes import Way
from portal.patient.delivery_forms import POSTAL_CODE, CollectForm

# The rest is unfolded: ten cards are a long way on a phone.
SHOWN_AT_FIRST = 3


class Point(Protocol):
    """A service point, from its provider or as we remember it."""

    @property
    def point_id(self) -> str:
        """The provider's own name for it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def street(self) -> str:
        """Street and number."""

    @property
    def postal_code(self) -> str:
        """Five digits."""

    @property
    def city(self) -> str:
        """Town."""


class Answer(Protocol):
    """What was found near a postal code: old when the provider does not answer."""

    @property
    def points(self) -> Sequence[Point]:
        """Nearest first, at most ten."""

    @property
    def is_stale(self) -> bool:
        """Whether they are from an earlier answer."""

    @property
    def is_down(self) -> bool:
        """Whether the provider did not answer."""


class Finder(Protocol):
    """Where service points are asked for."""

    def near(self, provider: str, postal_code: str) -> Answer:
        """Return the points nearest to a postal code."""


@dataclass(frozen=True)
class PointChoice:
    """One service point to choose."""

    point: Point
    is_chosen: bool
    was_last: bool


class PointList:
    """The points near what is searched for; last time's first, when the search is the usual one."""

    def __init__(self, way: Way, form: CollectForm, registered_code: str, last: ServicePoint | None) -> None:
        self._way, self._form, self._registered, self._last = way, form, registered_code, last
        self.choices: tuple[PointChoice, ...] = ()
        self.is_stale = self.is_down = self.is_empty = False

    @property
    def searched(self) -> str:
        """The postal code that was searched for: the registered one when nothing is written."""
        return self._form.search.data or self._registered

    @property
    def first(self) -> tuple[PointChoice, ...]:
        """Those shown at once."""
        return self.choices[:SHOWN_AT_FIRST]

    @property
    def more(self) -> tuple[PointChoice, ...]:
        """Those unfolded."""
        return self.choices[SHOWN_AT_FIRST:]

    def find(self, finder: Finder) -> None:
        """Ask for the points and choose: what was chosen, else last time's, else the nearest."""
        found: list[Point] = []
        if POSTAL_CODE.fullmatch(self.searched):
            answer = finder.near(self._way.provider, self.searched)
            found = list(answer.points)
            self.is_stale, self.is_down = answer.is_stale, answer.is_down
            self.is_empty = not found and not self.is_down
        elif self.searched:
            self._form.search.errors = [_("Write the postal code with five digits, for example 541 30.")]
        last_id = self._last.point_id if self._last is not None else ""
        if self._last is not None and (not found or self.searched == self._registered):
            found = [self._last, *(point for point in found if point.point_id != last_id)]
        ids = [point.point_id for point in found]
        chosen = self._form.point.data if self._form.point.data in ids else next(iter(ids), "")
        self._form.point.data = chosen
        self.choices = tuple(PointChoice(p, p.point_id == chosen, p.point_id == last_id) for p in found)
