"""Who calls: the HSA-id in the client certificate's subject, which the proxy in front has checked and passes on in a header."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from flask import request

from auth.numbers import is_hsa_id
from portal.api.contract.soap import FaultCode, SoapFault

KEY_HEADER = "X-Proxy-Key"
# Attributes as proxies write a subject: "O=…, CN=…", and in the old notation "/O=…/CN=…".
_ATTRIBUTE = re.compile(r"(?:^|[,+])\s*([\w.]+)\s*=\s*([^,+]+)")
_OLD_ATTRIBUTE = re.compile(r"/\s*([\w.]+)\s*=\s*([^/]+)")
# In this order: a certificate's name may be whatever its owner asked for, the number is whose it is.
_NAMES = ({"SERIALNUMBER", "2.5.4.5"}, {"CN"})
# What stands quoted or escaped in a subject belongs to one value: no comma in it begins another attribute.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\\.', re.DOTALL)


@dataclass(frozen=True)
class TrustedProxy:
    """The header in which the proxy writes the certificate's subject, and the key by which it is known to be the proxy."""

    header: str
    key: str = field(repr=False)


def hsa_id_of(subject: str) -> str:
    """Return the HSA-id that a certificate's subject names, empty when it names none."""
    plain = _QUOTED.sub("?", subject.strip())
    notation = _OLD_ATTRIBUTE if plain.startswith("/") else _ATTRIBUTE
    attributes = [(name.upper(), value.strip()) for name, value in notation.findall(plain)]
    return next(
        (value for names in _NAMES for name, value in attributes if name in names and is_hsa_id(value)),
        "",
    )


def caller(proxy: TrustedProxy | None) -> str:
    """Return the caller's HSA-id; raise SoapFault when nobody that we trust says who it is."""
    if proxy is None:
        raise SoapFault(FaultCode.CLIENT, "the contract is not open here", 404)
    if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), proxy.key.encode()):
        raise SoapFault(FaultCode.CLIENT, "the call did not come through the proxy", 403)
    found = hsa_id_of(request.headers.get(proxy.header, ""))
    if not found:
        raise SoapFault(FaultCode.CLIENT, "the client certificate names no HSA-id", 403)
    return found
