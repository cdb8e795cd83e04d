"""What regions differ in towards the national contract: a typed section of the policy files. Handbook §13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from auth.numbers import is_hsa_id


@dataclass(frozen=True)
class ContractPolicy:
    """Which logical addresses are the region's, and which callers (HSA-ids of client certificates) may ask it; none closes it."""

    SECTION: ClassVar[str] = "contract"

    logical_addresses: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no HSA-id: a caller with a slip in it would be let in by nobody, or be somebody else."""
        for name, values in (("logical_addresses", self.logical_addresses), ("callers", self.callers)):
            if not all(is_hsa_id(value) for value in values):
                raise ValueError(f"{name} names something that is no HSA-id")
