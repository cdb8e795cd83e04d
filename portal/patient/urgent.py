"""What to do when a product is short at the depot and cannot wait: another health centre, where the region works so. Handbook §10."""

from __future__ import annotations

from flask_babel import ngettext

from core.policy import policy_of
from orders.policy import OrderingPolicy
from portal.patient.tracking import Line, Shipment, Stage


def urgent_words(shipment: Shipment, line: Line) -> str:
    """Say how many packages of a missing product another health centre can hand out; empty where none."""
    policy = policy_of(shipment.order.region).section(OrderingPolicy)
    if shipment.stage is not Stage.WAITING or line.row.article.kind in policy.never_urgent:
        return ""
    packages = min(policy.urgent_packages_elsewhere, line.packages)
    if not packages or shipment.order.receiver_is_protected:
        return ""
    return ngettext(
        "Is it urgent? You can fetch %(num)s package at another health centre. Call there first.",
        "Is it urgent? You can fetch %(num)s packages at another health centre. Call there first.",
        packages,
    )
