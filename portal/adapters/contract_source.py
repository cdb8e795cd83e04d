"""The system that has a region's prescriptions, asked by the national contract over SOAP. Handbook §13."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from core.clock import Clock, SystemClock
from core.policy import served_regions
from orders.contract.names import ResultCode, Service
from orders.contract.replies import NotAnAnswer, read_order_reply
from orders.contract.writing import Values
from orders.importing.contract_nodes import Node
from orders.source.policy import source_of
from orders.source.ports import AnswerLost, PrescriptionSource, Refused, Registered, SourceDown
from portal.adapters.breaker import CircuitBreaker
from portal.adapters.contract_source_calls import Unanswered
from portal.adapters.contract_source_file import SourceAddresses, read_contract_sources
from portal.adapters.contract_source_soap import ask_by
from portal.config import Settings, SettingsProblem

READ_SECONDS = 5.0
REGISTER_SECONDS = 10.0

log = logging.getLogger("portal.contract_source")


class ContractSource:
    """The regions' sources. One that has failed three times in a row is left alone for half a minute; the others are asked all the same."""

    def __init__(self, sources: Mapping[str, SourceAddresses], *, clock: Clock | None = None) -> None:
        self._sources = sources
        self._breakers = {region: CircuitBreaker(clock or SystemClock()) for region in sources}

    def read(self, region: str, number: str) -> bytes:
        """Return the answer about a person's prescriptions; asks twice at most, five seconds each. Raises SourceDown."""
        try:
            try:
                return self._read(region, number)
            except Unanswered as first:
                if not first.is_passing:
                    raise
                return self._read(region, number)
        except Unanswered as problem:
            raise SourceDown(str(problem)) from None

    def register(self, region: str, order: Values) -> Registered | Refused:
        """Have an order registered; asks once, ten seconds at most. Raises SourceDown, AnswerLost."""
        try:
            _raw, answer = self._ask(region, Service.ORDER, {"Order": order}, REGISTER_SECONDS)
            reply = read_order_reply(answer)
        except NotAnAnswer as problem:
            raise AnswerLost(str(problem)) from None
        except Unanswered as problem:
            raise (SourceDown if problem.is_certain else AnswerLost)(str(problem)) from None
        return Refused(reply.comment) if reply.code is ResultCode.ERROR else Registered(reply.rows)

    def _read(self, region: str, number: str) -> bytes:
        raw, _answer = self._ask(region, Service.PRESCRIPTIONS, {"SubjectOfCareId": number}, READ_SECONDS)
        return raw

    def _ask(self, region: str, service: Service, values: Values, seconds: float) -> tuple[bytes, Node]:
        source = self._sources.get(region)
        if source is None:
            raise Unanswered("no source is configured", is_certain=True)
        return ask_by(self._breakers[region], region, source, service, values, seconds)


def contract_source_of(settings: Settings) -> PrescriptionSource | None:
    """Return the way to the sources of the regions whose policy has [source], None where none has; the policies are given already.

    Raises SettingsProblem when the settings name no source of such a region: its patients would see nothing.
    """
    elsewhere = [region for region in served_regions() if source_of(region).lives_elsewhere]
    sources = contract_sources(settings)
    missing = [region for region in elsewhere if region not in sources]
    if missing:
        raise SettingsProblem([f"CONTRACT_SOURCES_FILE has no source of {', '.join(missing)}: the policy has [source]"])
    for region in sorted(sources.keys() - set(elsewhere)):
        log.warning("a source is configured for a region whose policy has none", extra={"region": region})
    return ContractSource(sources) if elsewhere else None


def contract_sources(settings: Settings) -> dict[str, SourceAddresses]:
    """Return the sources that the settings name, by region."""
    return read_contract_sources(settings.contract_sources_file) if settings.contract_sources_file is not None else {}
