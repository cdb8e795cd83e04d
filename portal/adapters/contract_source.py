"""The system that has a region's prescriptions, asked by the national contract over SOAP."""

from __future__ import annotations

from orders.source.ports import PrescriptionSource
from portal.config import Settings


def contract_source_of(settings: Settings) -> PrescriptionSource | None:
    """Return the way to the sources that the settings name; None when they name none."""
    return None
