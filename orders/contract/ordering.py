"""From an order of the contract to the command of the web: the same service decides, with the same rules and locks."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum

from core.errors import DomainError
from core.policy import policy_of
from orders.contract.asked import AskedDelivery, AskedOrder, AskedRow
from orders.deliveries import Option, options_of
from orders.importing.items import key_of
from orders.importing.parsed import ItemKey
from orders.kinds import Channel
from orders.locking import Locked
from orders.models import Article, PrescriptionItem
from orders.policy import OrderingPolicy
from orders.services import OrderLine, PlaceOrder
from orders.wishes import DeliveryWish

# A client that got no answer asks again with the very same order; so long it gets the answer of the first.
RETRY_WINDOW = timedelta(minutes=10)


class AskedProblem(StrEnum):
    """Why a row of the contract's cannot become a line of an order."""

    ITEM_UNKNOWN = "ITEM_UNKNOWN"
    ARTICLE_UNKNOWN = "ARTICLE_UNKNOWN"
    AMOUNT_MISSING = "AMOUNT_MISSING"
    NOT_WHOLE_PACKAGES = "NOT_WHOLE_PACKAGES"
    AMOUNTS_DIFFER = "AMOUNTS_DIFFER"
    WAY_UNKNOWN = "WAY_UNKNOWN"
    TWO_WAYS_FOR_ONE = "TWO_WAYS_FOR_ONE"
    ROW_TWICE = "ROW_TWICE"


class AskedRefused(DomainError):
    """A row names what this person does not have, or an amount that is none; `row` counts from 1. Nothing was ordered."""

    def __init__(self, problem: AskedProblem, row: int, article: str = "") -> None:
        super().__init__(f"row {row}: {problem.value}")
        self.problem = problem
        self.row = row
        self.article = article


def command_of(locked: Locked, asked: AskedOrder) -> PlaceOrder:
    """Return the command that places the asked order for the person; raise AskedRefused.

    The items are those that the rows name, whichever prescription they are of; the service decides every line anew. An item of another
    person's is as unknown as one that does not exist.
    """
    person = locked.person
    items = {key_of(item): item for item in locked.items.values()}
    policy = policy_of(person.region).section(OrderingPolicy)
    packages: dict[int, dict[int, int]] = defaultdict(dict)
    ways: dict[int, AskedDelivery] = {}
    wishes: list[DeliveryWish] = []
    places: dict[int, int] = {}
    for number, row in enumerate(asked.rows, start=1):
        key = ItemKey(row.source, row.prescription_id, row.item_id)
        if key not in items:
            raise AskedRefused(AskedProblem.ITEM_UNKNOWN, number)
        item = items[key]
        article = _article(item, row.article_no)
        if article is None:
            raise AskedRefused(AskedProblem.ARTICLE_UNKNOWN, number, item.article.display_name)
        if article.id in packages[item.id]:
            raise AskedRefused(AskedProblem.ROW_TWICE, number, article.display_name)
        packages[item.id][article.id] = _packages(row, article, number)
        if ways.setdefault(item.id, row.delivery) != row.delivery:
            raise AskedRefused(AskedProblem.TWO_WAYS_FOR_ONE, number, article.display_name)
        wish = _wish(row.delivery, options_of(item, policy))
        if wish is None and not person.is_protected:
            raise AskedRefused(AskedProblem.WAY_UNKNOWN, number, article.display_name)
        if wish is not None:
            if wish not in wishes:
                wishes.append(wish)
            places[item.id] = wishes.index(wish)
    return PlaceOrder(
        lines=tuple(
            OrderLine(item_id, spread, None, places.get(item_id, 0)) for item_id, spread in sorted(packages.items())
        ),
        deliveries=tuple(wishes),
        idempotency_key=_digest(asked),
        key_lasts=RETRY_WINDOW,
        channel=Channel.CONTRACT_1177,
        orderer=asked.orderer,
        by_delegate=asked.by_delegate,
    )


def _digest(asked: AskedOrder) -> str:
    """Return what the same order, asked again, has in common with the first."""
    content = repr((asked.subject, asked.orderer, asked.by_delegate, [_plain(row) for row in asked.rows]))
    return hashlib.sha256(content.encode()).hexdigest()[:40]


def _plain(row: AskedRow) -> object:
    return sorted(asdict(row).items(), key=lambda pair: pair[0])


def _article(item: PrescriptionItem, article_no: str) -> Article | None:
    return next((one for one in (*item.sub_articles, item.article) if one.article_no == article_no), None)


def _packages(row: AskedRow, article: Article, number: int) -> int:
    if row.packages == 0 and row.pieces == 0:
        raise AskedRefused(AskedProblem.AMOUNT_MISSING, number, article.display_name)
    if row.pieces % article.package_size:
        raise AskedRefused(AskedProblem.NOT_WHOLE_PACKAGES, number, article.display_name)
    from_pieces = row.pieces // article.package_size
    if row.packages and row.pieces and row.packages != from_pieces:
        raise AskedRefused(AskedProblem.AMOUNTS_DIFFER, number, article.display_name)
    return row.packages or from_pieces


def _wish(asked: AskedDelivery, options: Sequence[Option]) -> DeliveryWish | None:
    option = next((one for one in options if one.method_id == asked.method_id), None)
    if option is None:
        # Some clients send the method and an id of their own.
        same = [one for one in options if one.method is asked.method]
        option = same[0] if len(same) == 1 else None
    if option is None:
        return None
    return DeliveryWish(
        way=option.way,
        address=asked.address,
        point_id=asked.point_id,
        notification=asked.notification,
        notify_to=asked.notify_to,
        contact_person=asked.contact_person,
        comment=asked.comment,
        invoice=asked.invoice,
    )
