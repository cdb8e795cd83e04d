"""What regions differ in about delivery: a typed section of the policy files. Handbook §10."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from orders.kinds import ProductArea


class Warehouse(StrEnum):
    """Who picks: the depot with this program, or a warehouse system of its own that is sent Peppol BIS 3 messages (handbook §13)."""

    OWN = "OWN"
    PEPPOL = "PEPPOL"


@dataclass(frozen=True)
class DeliveryPolicy:
    """Which depot serves the region.

    `cut_offs` say when each carrier fetches parcels ("PostNord 15:00", Swedish time); a carrier without one has the first's.
    `warehouse_endpoint` is the electronic address of a warehouse system ("0088:" and its GLN); without one it is the organisation number
    that the depot's HSA-id begins with. `bridge_days` is how long everybody's share of scarce goods should last.
    """

    SECTION: ClassVar[str] = "delivery"

    depot_hsa_id: str
    back_order_working_days: int = 10
    working_days_from_goods: int = 3
    carrier: str = "PostNord"
    tracking_url: str = ""
    warehouse: Warehouse = Warehouse.OWN
    warehouse_endpoint: str = ""
    cut_offs: tuple[str, ...] = ("PostNord 15:00",)
    wave_orders_at_most: int = 5000
    bridge_days: int = 14
    boxes_on_a_trolley: int = 6
    minutes_until_a_pick_is_free: int = 30
    returns_go_back_to_stock: tuple[ProductArea, ...] = ()
    usual_lead_days: int = 7
    reorder_every_days: int = 7
    safety_stock_days: int = 7
