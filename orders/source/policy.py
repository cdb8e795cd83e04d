"""Where a region's prescriptions live: a typed section of the policy files. Handbook §13."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auth.numbers import is_hsa_id
from core.policy import policy_of
from orders.contract.names import V1, V2, Version

_VERSIONS = {"1.0": V1, "2.0": V2}


@dataclass(frozen=True)
class SourcePolicy:
    """The system that has the region's prescriptions and takes its orders; without a logical address they live here.

    What was read is shown for `fresh_minutes` before the source is asked again. An order whose answer was lost is looked for at the
    source until `patience_minutes` after it was sent.
    """

    SECTION: ClassVar[str] = "source"

    logical_address: str = ""
    version: str = "2.0"
    fresh_minutes: int = 5
    patience_minutes: int = 30

    def __post_init__(self) -> None:
        """Refuse what the source could not be asked by."""
        if self.logical_address and not is_hsa_id(self.logical_address):
            raise ValueError("logical_address is no HSA-id")
        if self.version not in _VERSIONS:
            raise ValueError(f"version is not one of {', '.join(_VERSIONS)}")
        # Shorter than a call may take, the same order would be given up while it is being registered.
        if self.patience_minutes < 5:
            raise ValueError("patience_minutes is below 5")

    @property
    def lives_elsewhere(self) -> bool:
        """Whether prescriptions are read from a source, and orders registered there."""
        return bool(self.logical_address)

    @property
    def contract_version(self) -> Version:
        """Which version of the contract the source speaks."""
        return _VERSIONS[self.version]

    @property
    def fresh(self) -> timedelta:
        """How long what was read is shown without asking again."""
        return timedelta(minutes=self.fresh_minutes)

    @property
    def patience(self) -> timedelta:
        """How long a lost order is looked for."""
        return timedelta(minutes=self.patience_minutes)


def source_of(region: str) -> SourcePolicy:
    """Return where the region's prescriptions live."""
    return policy_of(region).section(SourcePolicy)
