"""A system elsewhere that has prescriptions: in memory, with its own limits, and able to fail in every way that a real one does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any, cast

from lxml import etree

from core.policy import Policies, use_policies
from orders.contract.names import V2, Service, Version
from orders.contract.writing import Values, coded, write_response
from orders.source.ports import AnswerLost, Refused, Registered, SourceDown
from orders.source.rules import StatedRow
from portal.config import PACKAGED_POLICIES

SOURCE_ADDRESS = "SE2321000131-F000000000909"
_numbers = count(1)


def policies_elsewhere(folder: Path, region: str = "vgr", more: str = "") -> Path:
    """Write policies of which one region's prescriptions live elsewhere, give them to this process, and return their folder."""
    policies = folder / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    path = policies / f"{region}.toml"
    kept = path.read_text(encoding="utf-8").partition("[contract]")[0]
    path.write_text(f'{kept}\n[source]\nlogical_address = "{SOURCE_ADDRESS}"\n{more}', encoding="utf-8")
    use_policies(Policies.load(policies))
    return policies


@dataclass(frozen=True)
class SourceItem:
    """One prescription item as the source has it."""

    item_id: str
    article_no: str
    article_name: str = "Glukossensor, 14 dygn"
    package_size: int = 1
    packages: int = 2
    allowed: int = 4
    remaining: int = 4
    next_date: date | None = None
    last_valid: date = date(2099, 12, 31)
    status: str = "AKTIV"
    prescription_id: str = "F1"
    unit_id: str = "SE2321000131-E000000009901"
    unit_name: str = "Diabetesmottagningen vid källan"
    is_orderable: bool = True
    area: str = "DIABETES"


@dataclass
class FakeSource:
    """Prescriptions by personal number; an order is all or nothing and uses one withdrawal of every item it names.

    `is_down` answers nobody. `refuses` answers every order with this comment. `loses` takes the next orders and loses the answers;
    `drops` loses orders and answers both. `before_register` runs when an order comes,
    `before_answer` when it was taken and before it is answered, `before_reading` when it is decided what a reading answers and before
    it does. `names_rows` is False for a source that only says OK.
    """

    version: Version = V2
    day: Callable[[], date] = date.today
    items: dict[str, list[SourceItem]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    is_down: bool = False
    refuses: str | None = None
    loses: bool = False
    drops: bool = False
    before_answer: Callable[[], None] = lambda: None
    before_register: Callable[[], None] = lambda: None
    before_reading: Callable[[], None] = lambda: None
    names_rows: bool = True
    asked: list[str] = field(default_factory=list)
    orders: list[Values] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def prescribe(self, number: str, item: SourceItem) -> SourceItem:
        """Give a person an item."""
        self.items.setdefault(number, []).append(item)
        return item

    def deliver(self, number: str, day: date) -> None:
        """Let everything that a person has ordered be delivered on a day."""
        for one in self.history.get(number, []):
            one["DeliveredDate"] = day

    def cancel_order(self, number: str, name: str) -> None:
        """Let one order item be cancelled: it is neither listed nor counted any more."""
        with self._lock:
            gone = next(one for one in self.history[number] if one["OrderItemId"] == name)
            self.history[number].remove(gone)
            self.items[number] = [
                replace(item, remaining=item.remaining + 1, next_date=None)
                if item.item_id == gone["PrescriptionItemId"]
                else item
                for item in self.items[number]
            ]

    def read(self, region: str, number: str) -> bytes:
        """Answer about a person's prescriptions."""
        self.asked.append(number)
        if self.is_down:
            raise SourceDown("down")
        with self._lock:
            items, past = list(self.items.get(number, [])), [dict(one) for one in self.history.get(number, [])]
        self.before_reading()
        values = {
            "SubjectOfCareType": {
                "SubjectOfCareId": number,
                "PrescriptionItem": [self._item(item) for item in items] or None,
                "OrderItem": past or None,
            },
            "ResultCode": "OK",
        }
        return etree.tostring(write_response(Service.PRESCRIPTIONS, self.version, values))

    def register(self, region: str, order: Values) -> Registered | Refused:
        """Take an order, all or nothing."""
        self.before_register()
        if self.is_down:
            raise SourceDown("down")
        if self.refuses is not None:
            return Refused(self.refuses)
        if self.drops:
            raise AnswerLost("dropped")
        rows = cast("Sequence[Mapping[str, Any]]", order["OrderRow"])
        number = str(order["SubjectOfCareId"])
        with self._lock:
            self.orders.append(order)
            used = {row["PrescriptionItemId"] for row in rows}
            mine = {item.item_id: item for item in self.items[number]}
            if any(item_id not in mine or mine[item_id].remaining < 1 for item_id in used):
                return Refused("Uttaget är redan gjort.")
            next_date = self.day() + timedelta(days=60)
            self.items[number] = [
                replace(item, remaining=item.remaining - 1, next_date=next_date) if item.item_id in used else item
                for item in self.items[number]
            ]
            stated = [self._take(number, row) for row in rows]
        self.before_answer()
        if self.loses:
            raise AnswerLost("lost")
        return Registered(tuple(stated) if self.names_rows else ())

    def _take(self, number: str, row: Mapping[str, Any]) -> StatedRow:
        name = f"K{next(_numbers)}"
        self.history.setdefault(number, []).append(
            {
                "OrderItemId": name,
                "PrescriptionItemId": row["PrescriptionItemId"],
                "DeliveryChoice": row["DeliveryChoice"],
                "Article": row["Article"],
                "NoOfPcs": row["NoOfPcs"],
                "OrderDate": self.day(),
            }
        )
        return StatedRow(name, row["PrescriptionItemId"], row["Article"]["ArticleNo"], row["NoOfPcs"])

    def _item(self, item: SourceItem) -> Values:
        return {
            "PrescriptionItemId": item.item_id,
            "Article": {
                "ArticleNo": item.article_no,
                "ArticleName": item.article_name,
                "PackageSize": item.package_size,
                "PackageSizeUnit": "st",
                "ProductArea": coded(self.version, item.area),
                "IsOrderable": item.is_orderable,
            },
            "NoOfOrders": item.allowed,
            "NoOfRemainingOrders": item.remaining,
            "NoOfArticlesPerOrder": item.packages * item.package_size,
            "NoOfPackagesPerOrder": item.packages,
            "DeliveryAlternative": {
                "DeliveryMethodId": "HEM-1",
                "DeliveryMethodName": "Hemleverans",
                "DeliveryMethod": "HEMLEVERANS",
                "ServicePointProvider": coded(self.version, "INGEN"),
                "AllowChioceOfDeliveryPoints": False,
                "DeliveryNotificationMethod": ["SMS", "E-POST"],
                "AllowDeliveryComment": True,
            },
            "NextEarliestOrderDate": item.next_date,
            "PrescriptionId": item.prescription_id,
            "Source": "KÄLLAN",
            "Prescriber": {"PrescriberId": "SE2321000131-P000000000011", "PrescriberName": "Test Förskrivare"},
            "PrescribingOrganization": {
                "PrescribingOrganizationId": item.unit_id,
                "PrescribingOrganizationName": item.unit_name,
            },
            "LastValidDate": item.last_valid,
            "Status": item.status,
        }
