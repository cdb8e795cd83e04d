"""PostNord's service points, asked over HTTP: "nearest by address" of their business location API, version 5."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from queue import Empty, Queue
from threading import Semaphore, Thread
from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from core.clock import Clock
from orders.kinds import ServicePointProvider
from orders.service_points import MOST_POINTS, FoundPoint, ProviderDown
from portal.adapters.breaker import CircuitBreaker

PATH = "/rest/businesslocation/v5/servicepoints/nearest/byaddress"
# Staffed counters of PostNord and its partners; a parcel box holds no large parcel and asks for an app.
COUNTERS = "24,25,54"
SECONDS = 2.0
ANSWER_LIMIT_BYTES = 256 * 1024
MOST_AT_ONCE = 8
_LONGEST = {"point_id": 40, "name": 100, "street": 200, "city": 100}

log = logging.getLogger("portal.service_points")


class HttpPoints:
    """PostNord's web service: an answer of bounded size within two seconds, or ProviderDown."""

    def __init__(self, url: str, key: str, clock: Clock, *, seconds: float = SECONDS) -> None:
        self._url, self._key, self._seconds = url.rstrip("/") + PATH, key, seconds
        self._breaker = CircuitBreaker(clock)
        self._places = Semaphore(MOST_AT_ONCE)

    def nearest(self, provider: str, postal_code: str, limit: int = MOST_POINTS) -> tuple[FoundPoint, ...]:
        """Return the points nearest to a postal code; none when PostNord does not know it. Raises ProviderDown."""
        if provider != ServicePointProvider.POSTNORD:
            raise ProviderDown("another provider")
        if not self._breaker.lets_through():
            raise ProviderDown("left alone after failures")
        try:
            points = self._within_time(postal_code, limit)
        except ProviderDown as problem:
            self._breaker.failed()
            log.warning("service point provider is down", extra={"provider": provider, "reason": str(problem)})
            raise
        self._breaker.succeeded()
        return points

    def _within_time(self, postal_code: str, limit: int) -> tuple[FoundPoint, ...]:
        """Ask in a thread of its own: a socket's time-out begins anew with each byte that trickles in, this one does not."""
        if not self._places.acquire(blocking=False):
            raise ProviderDown("too many questions under way")
        answer: Queue[tuple[FoundPoint, ...] | Exception] = Queue()

        def ask() -> None:
            try:
                answer.put(self._ask(postal_code, limit))
            except Exception as problem:
                answer.put(problem)
            finally:
                self._places.release()

        Thread(target=ask, name="service-points", daemon=True).start()
        try:
            found = answer.get(timeout=self._seconds)
        except Empty:
            raise ProviderDown("too slow") from None
        if isinstance(found, ProviderDown):
            raise found
        if isinstance(found, Exception):
            # Its words may quote the address that was asked, with the key in it.
            raise ProviderDown(type(found).__name__)
        return found

    def _ask(self, postal_code: str, limit: int) -> tuple[FoundPoint, ...]:
        deadline = monotonic() + self._seconds
        question = {
            "apikey": self._key,
            "returnType": "json",
            "countryCode": "SE",
            "agreementCountry": "SE",
            "postalCode": postal_code,
            "numberOfServicePoints": str(limit),
            "srId": "EPSG:4326",
            "context": "optionalservicepoint",
            "responseFilter": "public",
            "typeId": COUNTERS,
        }
        try:
            with requests.get(
                self._url,
                params=question,
                timeout=self._seconds,
                allow_redirects=False,
                stream=True,
                # Nothing packed: what is small on the wire could be huge when unpacked.
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            ) as response:
                # 400 is how it says that it does not know the postal code.
                if response.status_code not in (200, 400):
                    raise ProviderDown(f"status {response.status_code}")
                return read_answer(_read(response, deadline), limit, is_refusal=response.status_code == 400)
        except (requests.RequestException, HTTPError, OSError) as problem:
            raise ProviderDown(type(problem).__name__) from None


def _read(response: requests.Response, deadline: float) -> bytes:
    body = b""
    while part := response.raw.read1(ANSWER_LIMIT_BYTES, decode_content=False):
        body += part
        if len(body) > ANSWER_LIMIT_BYTES:
            raise ProviderDown("answer too large")
        if monotonic() > deadline:
            raise ProviderDown("too slow")
    return body


def read_answer(body: bytes, limit: int = MOST_POINTS, *, is_refusal: bool = False) -> tuple[FoundPoint, ...]:
    """Return the points of an answer, in its order; points that lack something we need are left out. Raises ProviderDown."""
    try:
        answer = json.loads(body)["servicePointInformationResponse"]
        listed = [] if is_refusal and answer["compositeFault"]["faults"] else answer["servicePoints"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ProviderDown("not an answer") from None
    if not isinstance(listed, list):
        raise ProviderDown("not an answer")
    points: dict[str, FoundPoint] = {}
    for one in listed:
        point = _read_point(one)
        if point is not None:
            points.setdefault(point.point_id, point)
    if listed and not points:
        raise ProviderDown("no usable point")
    return tuple(points.values())[:limit]


def _read_point(told: object) -> FoundPoint | None:
    if not isinstance(told, dict) or not isinstance(address := told.get("visitingAddress"), dict):
        return None
    street = f"{_text(address, 'streetName')} {_text(address, 'streetNumber')}".strip()
    postal_code = _text(address, "postalCode").replace(" ", "")
    words = {
        "point_id": _text(told, "servicePointId"),
        "name": _text(told, "name"),
        "street": street,
        "city": _text(address, "city"),
    }
    if not all(word and len(word) <= _LONGEST[name] for name, word in words.items()):
        return None
    if not (len(postal_code) == 5 and postal_code.isascii() and postal_code.isdigit()):
        return None
    latitude, longitude = _place(told)
    return FoundPoint(
        provider=ServicePointProvider.POSTNORD.value,
        postal_code=postal_code,
        latitude=latitude,
        longitude=longitude,
        **words,
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def _place(told: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    listed = told.get("coordinates")
    first = listed[0] if isinstance(listed, list) and listed else listed
    if not isinstance(first, dict):
        return None, None
    north, east = first.get("northing"), first.get("easting")
    for degrees, most in ((north, 90), (east, 180)):
        # What is not a number in range is false here, NaN too.
        if isinstance(degrees, bool) or not isinstance(degrees, int | float) or not -most <= degrees <= most:
            return None, None
    return Decimal(str(north)).quantize(Decimal("0.00001")), Decimal(str(east)).quantize(Decimal("0.00001"))
