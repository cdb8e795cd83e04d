"""What ordering refuses, with the facts that the portal says in words."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import DomainError
from orders.deliveries import DeliveryProblem
from orders.rules import QuantityProblem, Verdict


@dataclass(frozen=True)
class LineProblem:
    """Why one line of an order was refused: by rule, by quantity, or because the page was no longer true."""

    prescription_item_id: int
    verdict: Verdict | None = None
    quantity: QuantityProblem | None = None
    changed_meanwhile: bool = False


class OrderRefused(DomainError):
    """An order is all or nothing: one refused line refuses it, and every refused line is named.

    `recent_order_no` is an order of today that already covers a refused item: what a second tab is told about.
    """

    def __init__(self, problems: tuple[LineProblem, ...], recent_order_no: str | None) -> None:
        super().__init__(f"{len(problems)} lines refused")
        self.problems = problems
        self.recent_order_no = recent_order_no


class DeliveryRefused(DomainError):
    """What was wished of some deliveries cannot be; each is named by its place in the command. Nothing was ordered."""

    def __init__(self, problems: tuple[DeliveryProblem, ...]) -> None:
        super().__init__(f"{len(problems)} deliveries refused")
        self.problems = problems


class NothingChosen(DomainError):
    """An order without lines."""


class RegisteredElsewhere(DomainError):
    """A source takes the region's orders: what is registered there is placed, changed and cancelled there."""


class TooLateToCancel(DomainError):
    """Picking has started: the order can no longer be cancelled."""


class TooLateToChange(DomainError):
    """Picking has started, or nothing is left to send: the order can no longer be changed."""


class NothingWouldBeLeft(DomainError):
    """A change that leaves out every product is a cancellation, and is asked for as one."""
