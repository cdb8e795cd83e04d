"""The picture that stands for each kind of product."""

from __future__ import annotations

from collections.abc import Mapping

from orders.models import ProductKind

PICTURES: Mapping[ProductKind, str] = {
    ProductKind.SENSOR: "sensor",
    ProductKind.PUMP: "pump",
    ProductKind.INFUSION_SET: "infusion",
    ProductKind.TEST_STRIP: "strip",
    ProductKind.METER: "meter",
    ProductKind.PEN_NEEDLE: "needle",
    ProductKind.LANCET: "lancet",
    ProductKind.STOMA: "stoma",
    ProductKind.INCONTINENCE: "pad",
    ProductKind.NUTRITION: "bottle",
    ProductKind.OTHER: "box",
}
