"""The contract's three services, each in both versions, each with its description at `?wsdl`."""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from lxml import etree
from werkzeug.exceptions import RequestEntityTooLarge

from core.errors import NotFound
from core.policy import policy_of, served_regions
from orders.contract.asked import Malformed
from orders.contract.envelope import CONTENT_TYPE, in_envelope
from orders.contract.names import V1, V2, Service, Version
from orders.contract.policy import ContractPolicy
from orders.contract.writing import write_response
from portal.api.contract.callers import TrustedProxy, caller
from portal.api.contract.services import answer
from portal.api.contract.soap import (
    MOST_BYTES,
    FaultCode,
    SoapFault,
    read_call,
    write_fault,
)
from portal.api.contract.wsdl import description
from portal.security import public
from portal.uploads import MEGABYTE, takes_files

blueprint = Blueprint("contract", __name__)
_WHERE = "/api/contract/<string:version>/<string:service>"
_VERSIONS = {"1.0": V1, "2.0": V2}

log = logging.getLogger("portal.api.contract")


@blueprint.get(_WHERE)
@public("a description of the service, which names nobody")
def describe(version: str, service: str) -> ResponseReturnValue:
    """The service's WSDL; its address is where it was asked for."""
    address = f"{current_app.extensions['base_url']}{request.path}"
    return Response(description(*_which(version, service), address), content_type=CONTENT_TYPE)


@blueprint.post(_WHERE)
@takes_files(MOST_BYTES // MEGABYTE)
@public("callers are known by their client certificate")
def call(version: str, service: str) -> ResponseReturnValue:
    """Answer one call: an answer of the contract's, or a fault without details; the details are in the log, by the request's id."""
    asked, of_version = _which(version, service)
    try:
        return _answer(asked, of_version)
    except SoapFault as fault:
        log.warning("a call was refused", extra={"service": service, "reason": fault.text})
        return _fault(fault)
    except Malformed as problem:
        log.warning("a call was refused", extra={"service": service, "reason": problem.reason})
        return _fault(SoapFault(FaultCode.CLIENT, problem.reason))
    except Exception as problem:
        log.exception("a call failed", extra={"service": service, "error": type(problem).__name__})
        return _fault(SoapFault(FaultCode.SERVER, "technical trouble; nothing was changed"))


def _which(version: str, service: str) -> tuple[Service, Version]:
    if version not in _VERSIONS or service not in set(Service):
        raise NotFound
    return Service(service), _VERSIONS[version]


def _answer(service: Service, version: Version) -> ResponseReturnValue:
    hsa_id = caller(cast(TrustedProxy | None, current_app.extensions["contract_proxy"]))
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise SoapFault(FaultCode.CLIENT, f"the message is larger than {MOST_BYTES} bytes", 413) from None
    asked = read_call(raw)
    _check_action(request.headers.get("SOAPAction", ""), service, version)
    region = _region(asked.logical_address)
    if hsa_id not in policy_of(region).section(ContractPolicy).callers:
        raise SoapFault(FaultCode.CLIENT, "this caller may not ask this logical address", 403)
    name = etree.QName(asked.body)
    if name.namespace != version.responder(service) or name.localname != service:
        raise SoapFault(FaultCode.CLIENT, f"the Body holds no {service} of version {version.major}.0")
    content = write_response(service, version, answer(service, version, asked.body, region, hsa_id))
    return Response(in_envelope(content), content_type=CONTENT_TYPE)


def _check_action(stated: str, service: Service, version: Version) -> None:
    # Some clients send it empty, some without quotation marks; another service's is a mistake that somebody should hear of.
    action = stated.strip().strip('"').strip()
    if action and action != version.action(service):
        raise SoapFault(FaultCode.CLIENT, "SOAPAction is another service's")


def _region(logical_address: str) -> str:
    if not logical_address:
        raise SoapFault(FaultCode.CLIENT, "the header has no LogicalAddress")
    for region in served_regions():
        if logical_address in policy_of(region).section(ContractPolicy).logical_addresses:
            return region
    raise SoapFault(FaultCode.CLIENT, "nobody here has that LogicalAddress")


def _fault(fault: SoapFault) -> ResponseReturnValue:
    return Response(write_fault(fault, g.get("request_id", "")), status=fault.status, content_type=CONTENT_TYPE)
