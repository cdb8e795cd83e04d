"""Service points as a region's source knows them, asked by the national contract. Handbook §13."""

from __future__ import annotations

from collections.abc import Sequence

from core.clock import Clock
from core.policy import served_regions
from orders.contract.names import Service
from orders.contract.replies import NotAnAnswer, read_points_reply
from orders.contract.schema import enumerations
from orders.contract.writing import coded
from orders.kinds import ServicePointProvider
from orders.service_points import MOST_POINTS, FoundPoint, PointSource, ProviderDown
from orders.source.policy import source_of
from portal.adapters.breaker import CircuitBreaker
from portal.adapters.contract_source import contract_sources
from portal.adapters.contract_source_calls import Unanswered
from portal.adapters.contract_source_file import SourceAddresses
from portal.adapters.contract_source_soap import ask_by
from portal.config import Settings

# Somebody waits while choosing.
SECONDS = 2.0


class ContractPoints:
    """GetMedicalSupplyDeliveryPoints of one region's source."""

    def __init__(self, region: str, source: SourceAddresses, clock: Clock) -> None:
        self._region, self._source = region, source
        self._breaker = CircuitBreaker(clock)

    def nearest(self, provider: str, postal_code: str, limit: int = MOST_POINTS) -> Sequence[FoundPoint]:
        """Return the points nearest to a postal code, nearest first; raise ProviderDown."""
        version = source_of(self._region).contract_version
        values = {"PostalCode": postal_code, "ServicePointProvider": coded(version, provider)}
        try:
            _raw, answer = ask_by(self._breaker, self._region, self._source, Service.POINTS, values, SECONDS)
            return read_points_reply(answer, provider, limit)
        except (Unanswered, NotAnAnswer) as problem:
            raise ProviderDown(str(problem)) from None


def contract_points_of(settings: Settings, clock: Clock) -> dict[str, PointSource]:
    """Return whom to ask about each provider's points: the source that has an address for it, about those that its version names."""
    for region, source in contract_sources(settings).items():
        if source.points and region in served_regions() and source_of(region).lives_elsewhere:
            named = enumerations(source_of(region).contract_version).get("ServicePointProviderEnum")
            providers = [one for one in ServicePointProvider if one is not ServicePointProvider.NONE]
            points = ContractPoints(region, source, clock)
            return {one.value: points for one in providers if named is None or one in named}
    return {}
