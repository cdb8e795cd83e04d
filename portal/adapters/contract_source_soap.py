"""A question by the national contract to a region's source: written, sent, and its answer read as far as it is one."""

from __future__ import annotations

import logging

from orders.contract.envelope import CONTENT_TYPE, in_envelope
from orders.contract.names import Service, Version
from orders.contract.replies import Fault, NotAnAnswer, read_answer
from orders.contract.writing import Values, write_request
from orders.importing.contract_nodes import Node
from orders.source.policy import source_of
from portal.adapters.breaker import CircuitBreaker
from portal.adapters.contract_source_calls import Certificates, HttpAnswer, Unanswered, post
from portal.adapters.contract_source_file import SourceAddresses

# Whoever says it may have waited for somebody behind that works on.
_REQUEST_TIMEOUT = 408

log = logging.getLogger("portal.contract_source")


def ask_by(
    breaker: CircuitBreaker, region: str, source: SourceAddresses, service: Service, values: Values, seconds: float
) -> tuple[bytes, Node]:
    """Do as `ask_source` unless the source is left alone, and tell the breaker how it went."""
    if not breaker.lets_through():
        raise Unanswered("left alone after failures", is_certain=True)
    try:
        found = ask_source(region, source, service, values, seconds)
    except Unanswered as problem:
        # A request that is turned away says nothing of the next one.
        if problem.is_reached:
            breaker.succeeded()
        else:
            breaker.failed()
        raise
    breaker.succeeded()
    return found


def ask_source(
    region: str, source: SourceAddresses, service: Service, values: Values, seconds: float
) -> tuple[bytes, Node]:
    """Ask once and return the answer, as it came and its element; raise Unanswered, which is in the log then."""
    policy = source_of(region)
    version = policy.contract_version
    try:
        found = post(
            _address(source, service),
            in_envelope(write_request(service, version, values), policy.logical_address),
            {"Content-Type": CONTENT_TYPE, "SOAPAction": f'"{version.action(service)}"', "Accept": "text/xml"},
            certificates=_certificates(source),
            seconds=seconds,
        )
        return found.body, _content(found, service, version)
    except Unanswered as problem:
        log.warning(
            "a source gave no answer", extra={"region": region, "service": str(service), "reason": str(problem)}
        )
        raise


def _address(source: SourceAddresses, service: Service) -> str:
    match service:
        case Service.PRESCRIPTIONS:
            return source.prescriptions
        case Service.ORDER:
            return source.orders
        case Service.POINTS:
            return source.points


def _certificates(source: SourceAddresses) -> Certificates | None:
    if source.certificate and source.key and source.authorities:
        return Certificates(source.certificate, source.key, source.authorities)
    return None


def _content(found: HttpAnswer, service: Service, version: Version) -> Node:
    """Return the response; raise Unanswered. A service bus may answer with trouble of its own while the source behind it works on."""
    status = found.status
    if 400 <= status < 500 and status != _REQUEST_TIMEOUT:
        raise Unanswered(f"status {status}", is_certain=True, is_reached=True)
    is_passing = status >= 500 or status == _REQUEST_TIMEOUT
    try:
        answer = read_answer(found.body, service, version)
    except NotAnAnswer as problem:
        raise Unanswered(f"status {status}: {problem}", is_certain=False, is_passing=is_passing) from None
    if isinstance(answer, Fault):
        if answer.is_turned_away:
            raise Unanswered("turned away by a fault", is_certain=True, is_reached=True)
        raise Unanswered("a fault", is_certain=False, is_passing=True)
    if not 200 <= status < 300:
        raise Unanswered(f"status {status}", is_certain=False, is_passing=is_passing)
    return answer
