"""What a prescriber's pages show: values and loaded rows, no statements. Handbook §9 and design of the prescriber's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from auth.models import Person
from orders.models import Article, PrescriptionItem
from orders.prescription_rules import Problem
from orders.renewal_models import RenewalRequest


@dataclass(frozen=True)
class Use:
    """What was withdrawn of an item, here and elsewhere, in pieces.

    `percent` is withdrawn against prescribed since the first withdrawal; None while nothing can be said.
    """

    pieces: int
    withdrawals: int
    first_on: date | None
    last_on: date | None
    percent: int | None


@dataclass(frozen=True)
class UnitItem:
    """One prescription item of the unit with its article loaded.

    It ends on `ends_on` (last valid day), and its withdrawals are used up on `used_up_on` if each is made on its first day; `is_active`
    tells whether anything can still be ordered of it.
    """

    item: PrescriptionItem
    person: Person
    use: Use
    used_up_on: date
    is_active: bool
    open_request: RenewalRequest | None = None

    @property
    def article(self) -> Article:
        """What is prescribed."""
        return self.item.article

    @property
    def ends_on(self) -> date:
        """The last day on which it can be ordered."""
        return self.item.last_valid_date

    @property
    def runs_out_on(self) -> date:
        """The day on which the patient needs a renewal, for whichever reason comes first."""
        return min(self.ends_on, self.used_up_on)


@dataclass(frozen=True)
class Moved:
    """A patient who lives elsewhere now, with how many active items of the unit they still have."""

    person: Person
    active_items: int


@dataclass(frozen=True)
class NeedsYou:
    """What waits for the unit, the most pressing first; each list holds at most `most_shown`, the totals count all."""

    requests: tuple[UnitItem, ...]
    requests_total: int
    ending: tuple[UnitItem, ...]
    ending_total: int
    little_used: tuple[UnitItem, ...]
    little_used_total: int
    moved: tuple[Moved, ...]
    moved_total: int
    most_shown: int


@dataclass(frozen=True)
class PatientRow:
    """One patient of the unit in the list; `next_end` is when the first of their active items ends."""

    person: Person
    active_items: int
    next_end: date | None
    open_requests: int


@dataclass(frozen=True)
class PatientList:
    """One page (from 1) of the unit's patients."""

    rows: tuple[PatientRow, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class Drawn:
    """One withdrawal: ours has an order number, one made elsewhere has none; `is_cancelled` ones were given back."""

    day: date
    pieces: int
    order_no: str
    is_cancelled: bool


@dataclass(frozen=True)
class ItemHistory:
    """One item with its withdrawals, newest first, and its requests to renew, newest first."""

    shown: UnitItem
    drawn: tuple[Drawn, ...]
    requests: tuple[RenewalRequest, ...]


@dataclass(frozen=True)
class PatientPage:
    """One patient for the prescriber: the unit's items (active first), and why nothing new can be prescribed, if so.

    `elsewhere` is how many active items other units have prescribed. `reason` is why somebody who is not the unit's patient was looked
    up; empty for the unit's own.
    """

    person: Person
    items: tuple[ItemHistory, ...]
    problems: tuple[Problem, ...]
    elsewhere: int
    reason: str
