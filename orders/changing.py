"""Changing an order that nobody has begun to pick: where it goes, and how much. Lock → check → build → record; the caller commits.

Where it goes is changed in place, for labels are printed at packing. An amount is changed by cancelling the rows of its delivery and
writing new ones, so that what the depot has begun to do with the old rows stops and the new ones are sent as a new order's are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from auth.identity import Identity
from core.errors import ChangedMeanwhile, NotFound
from orders import rules
from orders.addresses import known_address
from orders.cancelling import give_back
from orders.deliveries import DeliveryProblem, Terms, Trouble, check_wish
from orders.delivery_plans import (
    PlannedDelivery,
    build_delivery_choice,
    overwrite_delivery_choice,
    plan_deliveries,
)
from orders.errors import DeliveryRefused, LineProblem, NothingWouldBeLeft, OrderRefused
from orders.models import DeliveryChoice, DeliveryMethod, Order, OrderRow, Withdrawal
from orders.open_orders import OpenOrder, conclude, lock_open_order, replace_row, seen_version, supersede, tell_depot
from orders.queries import orderable_article_ids
from orders.wishes import HOME_WAY, DeliveryWish


@dataclass(frozen=True)
class ChangedLine:
    """How many packages per article id one product shall have from now on; none at all leaves it out."""

    prescription_item_id: int
    packages: Mapping[int, int]


def change_delivery(
    session: Session, identity: Identity, order_no: str, choice_id: int, wish: DeliveryWish, *, idempotency_key: str
) -> Order:
    """Have one delivery of an order go another way, to another place or be told of otherwise (handbook §5).

    Locks the person, the prescription items (in id order), then the rows. Raises NotPermitted, NotFound, TooLateToChange,
    ChangedMeanwhile when the delivery has been replaced since, and DeliveryRefused. With protected identity the wish is ignored: it
    goes to the prescribing unit (§4).
    """
    locked = lock_open_order(session, identity, order_no, idempotency_key)
    if not locked.spent.is_first:
        return locked.order
    choice = session.get(DeliveryChoice, choice_id)
    if choice is None or choice.order_id != locked.order.id:
        raise NotFound
    rows = locked.rows_of(choice_id)
    if not rows:
        raise ChangedMeanwhile
    if locked.person.is_protected or choice.method is DeliveryMethod.UNIT:
        return locked.order
    planned = _plan(session, locked, rows, wish)
    if len(planned) == 1:
        overwrite_delivery_choice(choice, locked.person, planned[0])
        session.flush()
    else:
        _split(session, locked, choice, planned)
        tell_depot(session, locked.order)
    conclude(session, identity, locked)
    return locked.order


def change_amounts(
    session: Session,
    identity: Identity,
    order_no: str,
    lines: Sequence[ChangedLine],
    *,
    seen: int,
    idempotency_key: str,
) -> Order:
    """Order less, another spread, or leave products out, whose withdrawals are given back (handbook §3.2).

    `seen` is the `seen_version` of the rows that the page showed. Products that are not named stay as they are. Locks the person, the
    prescription items (in id order), then the rows. Raises NotPermitted, NotFound, TooLateToChange, ChangedMeanwhile,
    NothingWouldBeLeft, and OrderRefused naming every product whose amount cannot be had.
    """
    locked = lock_open_order(session, identity, order_no, idempotency_key)
    if not locked.spent.is_first:
        return locked.order
    if seen != seen_version(locked.rows):
        raise ChangedMeanwhile
    changed = _changed(locked, lines)
    if not changed:
        return locked.order
    _check(locked, changed)
    for choice_id in sorted({row.delivery_choice_id for row in locked.rows if _is_touched(locked, row, changed)}):
        _rewrite(session, locked, session.get_one(DeliveryChoice, choice_id), changed)
    for item_id, packages in sorted(changed.items()):
        if packages:
            withdrawal = _withdrawal_of(locked, item_id)
            withdrawal.limit_packages = locked.items[item_id].packages_per_order
            withdrawal.packages = sum(packages.values())
        else:
            give_back(session, locked.order, locked.items[item_id])
    session.flush()
    tell_depot(session, locked.order)
    conclude(session, identity, locked)
    return locked.order


def _plan(
    session: Session, locked: OpenOrder, rows: Sequence[OrderRow], wish: DeliveryWish
) -> tuple[PlannedDelivery, ...]:
    items = {item.id: item for row in rows if (item := locked.item_of(row)) is not None}
    if items:
        return plan_deliveries(session, locked.person, items, (wish,))
    # A replacement has no prescription of its own that says how it may travel: home it always may.
    problem: DeliveryProblem | None = DeliveryProblem(Trouble.NOT_OFFERED, "way")
    if wish.way == HOME_WAY:
        terms = Terms(HOME_WAY, allows_comment=True)
        problem = check_wish(wish, terms, registered=known_address(locked.person))
    if problem is not None:
        raise DeliveryRefused((problem,))
    return (PlannedDelivery((), HOME_WAY.method.value, wish),)


def _split(session: Session, locked: OpenOrder, choice: DeliveryChoice, planned: Sequence[PlannedDelivery]) -> None:
    """Have the products of one delivery go on as several: each health centre gets its own."""
    for delivery in planned:
        successor = build_delivery_choice(session, locked.order, locked.person, delivery)
        for row in locked.rows_of(choice.id):
            item = locked.item_of(row)
            if item is not None and item.id in delivery.item_ids:
                replace_row(session, row, successor, row.article_id, row.packages)
    supersede(session, locked, choice)


def _changed(locked: OpenOrder, lines: Sequence[ChangedLine]) -> dict[int, dict[int, int]]:
    """Return the new packages per article of every product that changes; nothing for one that is left out."""
    if len({line.prescription_item_id for line in lines}) != len(lines):
        raise NotFound
    changed = {}
    for line in lines:
        item = locked.items.get(line.prescription_item_id)
        if item is None:
            raise NotFound
        packages = {article_id: count for article_id, count in line.packages.items() if count}
        if packages != locked.amounts_of(item):
            changed[item.id] = packages
    return changed


def _check(locked: OpenOrder, changed: Mapping[int, Mapping[int, int]]) -> None:
    if all(_is_touched(locked, row, changed) for row in locked.rows) and not any(changed.values()):
        raise NothingWouldBeLeft
    problems = []
    for item_id, packages in sorted(changed.items()):
        item = locked.items[item_id]
        kept = locked.amounts_of(item)
        # What was ordered while it could be may stay, though it can be ordered no more; it cannot become more.
        staying = {article_id for article_id, count in packages.items() if 0 < count <= kept.get(article_id, 0)}
        problem = packages and rules.check_quantities(
            packages, orderable_article_ids(item) | staying, item.packages_per_order
        )
        if problem:
            problems.append(LineProblem(item_id, quantity=problem))
    if problems:
        raise OrderRefused(tuple(problems), None)


def _is_touched(locked: OpenOrder, row: OrderRow, changed: Mapping[int, object]) -> bool:
    item = locked.item_of(row)
    return item is not None and item.id in changed


def _rewrite(
    session: Session, locked: OpenOrder, choice: DeliveryChoice, changed: Mapping[int, Mapping[int, int]]
) -> None:
    """Write a delivery's rows anew, with a copy of where it goes; a delivery of which nothing is left has none."""
    wanted: list[tuple[OrderRow, int, int]] = []
    seen = set()
    for row in locked.rows_of(choice.id):
        item = locked.item_of(row)
        if item is None or item.id not in changed:
            wanted.append((row, row.article_id, row.packages))
        elif item.id not in seen:
            seen.add(item.id)
            wanted += [(row, article_id, count) for article_id, count in sorted(changed[item.id].items())]
    if wanted:
        successor = _copy(session, choice)
        for row, article_id, packages in wanted:
            replace_row(session, row, successor, article_id, packages)
    supersede(session, locked, choice)


def _copy(session: Session, choice: DeliveryChoice) -> DeliveryChoice:
    columns = [column.key for column in DeliveryChoice.__mapper__.column_attrs if column.key != "id"]
    successor = DeliveryChoice(**{name: getattr(choice, name) for name in columns})
    session.add(successor)
    session.flush()
    return successor


def _withdrawal_of(locked: OpenOrder, item_id: int) -> Withdrawal:
    return next(one for one in locked.withdrawals.values() if one.prescription_item_id == item_id)
