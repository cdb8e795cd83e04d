"""What a prescription file says, whatever its format: values only, checked as far as a file can be checked by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from auth.numbers import PersonNumber
from core.importing import Refusal, RowRefused
from orders.models import DeliveryMethod, Notification, PrescriptionStatus, ProductArea

NO_PROVIDER = "INGEN"
METHODS = {"HEMLEVERANS": DeliveryMethod.HOME_DELIVERY, "UTLÄMNINGSSTÄLLE": DeliveryMethod.SERVICE_POINT}
# The schema says E-POST where the contract's text says EPOST (handbook §13).
NOTIFICATIONS = {
    "E-POST": Notification.EMAIL,
    "EPOST": Notification.EMAIL,
    "BREV": Notification.LETTER,
    "TELEFON": Notification.PHONE,
    "SMS": Notification.SMS,
}
STATUSES = {
    "AKTIV": PrescriptionStatus.ACTIVE,
    "MAKULERAD": PrescriptionStatus.CANCELLED,
    "LEVERERAD": PrescriptionStatus.DELIVERED,
    "UTGÅTT": PrescriptionStatus.EXPIRED,
}
AREAS = {
    "DIABETES": ProductArea.DIABETES,
    "STOMI": ProductArea.STOMA,
    "INKONTINENS": ProductArea.INCONTINENCE,
    "SÄRNÄR": ProductArea.SPECIAL_NUTRITION,
    "NUTRITION": ProductArea.NUTRITION,
}


@dataclass(frozen=True)
class ItemKey:
    """What a source calls one prescription item of one person."""

    source: str
    prescription_id: str
    item_id: str


@dataclass(frozen=True)
class ToldArticle:
    """What a source says of an article."""

    article_no: str
    name: str
    package_size: int
    unit: str
    product_area: ProductArea | None
    is_orderable: bool
    variety: str


@dataclass(frozen=True)
class Prescriber:
    """Who prescribed, and at which unit."""

    prescriber_id: str
    name: str
    title: str
    code: str
    unit_id: str
    unit_name: str


@dataclass(frozen=True)
class Alternative:
    """A way in which an item may be delivered."""

    method_id: str
    name: str
    method: DeliveryMethod
    provider: str = NO_PROVIDER
    allow_choice_of_delivery_points: bool = False
    notifications: tuple[Notification, ...] = ()
    allow_delivery_comment: bool = False
    allow_contact_person: bool = False


@dataclass(frozen=True)
class PastWithdrawal:
    """One line of the source's history; pieces, not packages. `order_item_id` may be the echo of a row of ours."""

    line: int
    order_item_id: str
    item_id: str
    article_no: str
    pieces: int
    order_date: date
    delivered_date: date | None


@dataclass(frozen=True)
class ParsedItem:
    """One prescription item. Packages may be 0 when pieces are stated; `days_per_order` None means the region's usual."""

    line: int
    key: ItemKey
    article_no: str
    package_sizes: tuple[tuple[str, int], ...]
    product_area: ProductArea | None
    sub_article_nos: tuple[str, ...]
    orders_allowed: int
    orders_remaining: int
    pieces_per_order: int
    packages_per_order: int
    days_per_order: int | None
    next_earliest_order_date: date | None
    last_valid_date: date
    status: PrescriptionStatus
    prescriber: Prescriber
    alternatives: tuple[Alternative, ...]
    allow_other_invoice_address: bool
    articles: tuple[ToldArticle, ...] = ()


@dataclass
class ParsedSubject:
    """Everything a file says about one person.

    `full_sources` are the sources of which it holds everything, so that what is missing is gone. `mentioned` are items that were
    refused but are there; `is_readable` is False when a refused row did not even say which item it was about, `is_history_readable`
    when a line of the history was refused.
    """

    line: int
    number: PersonNumber = field(repr=False)
    items: list[ParsedItem] = field(default_factory=list)
    history: list[PastWithdrawal] = field(default_factory=list)
    full_sources: set[str] = field(default_factory=set)
    mentioned: set[ItemKey] = field(default_factory=set)
    is_readable: bool = True
    is_history_readable: bool = True
    is_empty_answer: bool = False


@dataclass
class ParsedFile:
    """Everything a file says; `full_sources` are those of which it holds every person's items.

    `names_nobody` when an answer is well and speaks of no person: whoever asked about one is told that nothing is known of them.
    """

    subjects: list[ParsedSubject] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    full_sources: set[str] = field(default_factory=set)
    is_readable: bool = True
    names_nobody: bool = False

    def subject(self, number: PersonNumber, line: int) -> ParsedSubject:
        """Return the one entry of a person, made on first use."""
        found = self._by_number.get(number)
        if found is None:
            found = self._by_number[number] = ParsedSubject(line, number)
            self.subjects.append(found)
        return found

    _by_number: dict[PersonNumber, ParsedSubject] = field(default_factory=dict, repr=False)

    def take(self, subject: ParsedSubject, item: ParsedItem) -> None:
        """Add an item to its person; raise RowRefused for one that is there already."""
        if any(other.key == item.key for other in subject.items):
            raise RowRefused("the same prescription item is on an earlier line")
        subject.items.append(item)


def check_amounts(allowed: int, remaining: int, pieces: int, packages: int) -> None:
    """Refuse what no prescription can say, before any article is looked up."""
    if remaining > allowed:
        raise RowRefused("more withdrawals remain than are allowed")
    if pieces == 0 and packages == 0:
        raise RowRefused("neither pieces nor packages per withdrawal are stated")


def check_alternatives(alternatives: tuple[Alternative, ...]) -> tuple[Alternative, ...]:
    """Refuse two ways of delivery under one id."""
    if len({alternative.method_id for alternative in alternatives}) != len(alternatives):
        raise RowRefused("the same delivery method id is there twice")
    return alternatives
