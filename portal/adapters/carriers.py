"""The two ways to carriers: HTTP, and a manifest per carrier and day in a folder."""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from core.clock import Clock, SystemClock
from delivery.carriers import Booked, CarrierEvent, CarrierPort, CarrierRefused, ParcelFacts, slug_of
from delivery.tracking import CallbackRefused, read_event
from portal.adapters.breaker import CircuitBreaker
from portal.adapters.files import write_whole
from portal.config import Settings
from portal.signatures import read_region_keys, signature_headers

# Connect and read; together below the time that a job has.
SECONDS = (3, 5)
MOST_BYTES = 512 * 1024
MOST_EVENTS = 50
# What a carrier says of this very parcel. Other refusals are about us or about now: a key, too many at once, a proxy.
_REFUSED_FOR_GOOD = frozenset({400, 404, 409, 410, 413, 415, 422})
# Booked never, or cancelled before.
_GONE = frozenset({404, 410})
_TRACKING_NO = re.compile(r"[A-Za-z0-9 ./-]{1,60}")
# How many days of manifests are looked through for one of which only the key is known.
_DAYS_BACK = 14


class CarrierAway(Exception):
    """The carrier cannot be asked now, or its answer cannot be read; `status` is what it answered, 0 for nothing."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(f"status {status}")
        self.status = status


class HttpCarriers:
    """JSON over HTTP, signed; `{carrier}` in the address is filled in. The key is sent as `Idempotency-Key`."""

    def __init__(self, url: str, keys: Mapping[str, bytes], *, clock: Clock | None = None) -> None:
        self._url, self._keys = url, keys
        self._clock = clock or SystemClock()
        # A process without an answer from one carrier asks the others all the same.
        self._breakers: dict[str, CircuitBreaker] = {}

    def book(self, parcel: ParcelFacts, key: str) -> Booked:
        """Book a transport; raise CarrierRefused for good, CarrierAway to be tried again."""
        body = {**asdict(parcel), "fetched_on": parcel.fetched_on.isoformat()}
        status, answer = self._call("POST", parcel.carrier, "bookings", key, body)
        if status in _REFUSED_FOR_GOOD:
            raise CarrierRefused(_problem(answer), status)
        return _booked(answer)

    def cancel(self, carrier: str, reference: str, key: str) -> None:
        """Cancel a transport by its reference, or by its key while no reference is known; raise as `book`."""
        status, answer = self._call(
            "POST", carrier, "cancellations", f"cancel-{key}", {"booking": key, "reference": reference}
        )
        if status in _REFUSED_FOR_GOOD - _GONE:
            raise CarrierRefused(_problem(answer), status)

    def track(self, carrier: str, reference: str) -> list[CarrierEvent]:
        """Return what has happened, oldest first; raise as `book`."""
        status, answer = self._call("GET", carrier, f"bookings/{quote(reference, safe='')}/events", "", None)
        if status in _REFUSED_FOR_GOOD:
            raise CarrierRefused(_problem(answer), status)
        events = answer.get("events")
        if not isinstance(events, list) or len(events) > MOST_EVENTS:
            raise CarrierAway(status)
        try:
            return [read_event(event if isinstance(event, dict) else {}) for event in events]
        except CallbackRefused:
            raise CarrierAway(status) from None

    def _call(
        self, method: str, carrier: str, path: str, key: str, content: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        slug = slug_of(carrier)
        breaker = self._breakers.setdefault(slug, CircuitBreaker(self._clock))
        if not breaker.lets_through():
            raise CarrierAway
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        # Nothing packed: what is small on the wire could be huge when unpacked.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        headers |= {"Content-Type": "application/json"} if body else {}
        headers |= {"Idempotency-Key": key} if key else {}
        if slug in self._keys:
            headers |= signature_headers(self._keys[slug], body, self._clock.now())
        url = f"{self._url.replace('{carrier}', quote(slug, safe=''))}/{path}"
        try:
            status, raw = _fetch(method, url, body, headers)
        except CarrierAway:
            breaker.failed()
            raise
        if not (200 <= status < 300 or status in _REFUSED_FOR_GOOD):
            breaker.failed()
            raise CarrierAway(status)
        breaker.succeeded()
        return status, _object(raw)


class ManifestFolder:
    """A file per carrier and day that the carrier is given; the tracking number is the SSCC. The same parcel again is the same line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def book(self, parcel: ParcelFacts, key: str) -> Booked:
        """Write a parcel into the manifest of the day that it is fetched."""
        folder = self._folder / slug_of(parcel.carrier)
        day = parcel.fetched_on.isoformat()
        line = {
            "key": key,
            **{name: value for name, value in asdict(parcel).items() if name not in ("carrier", "fetched_on")},
        }
        with _only_one(folder):
            others = [known for known in _read(folder / f"{day}.json") if known["key"] != key]
            _write(folder, parcel.carrier, day, [*others, line])
        return Booked(reference=f"{day}/{parcel.sscc}", tracking_no=parcel.sscc)

    def cancel(self, carrier: str, reference: str, key: str) -> None:
        """Take a parcel out of its manifest."""
        folder = self._folder / slug_of(carrier)
        if not folder.is_dir():
            return
        with _only_one(folder):
            for path in sorted(folder.glob("????-??-??.json"), reverse=True)[:_DAYS_BACK]:
                lines = _read(path)
                left = [line for line in lines if line["key"] != key]
                if len(left) != len(lines):
                    _write(folder, carrier, path.stem, left)

    def track(self, carrier: str, reference: str) -> list[CarrierEvent]:
        """Return nothing: a file does not answer."""
        return []


def carriers_of(settings: Settings) -> CarrierPort | None:
    """Return the way to the carriers that the settings name; None when tracking numbers are typed by hand."""
    if settings.carrier_url:
        return HttpCarriers(settings.carrier_url, carrier_keys(settings))
    return ManifestFolder(settings.carrier_folder) if settings.carrier_folder is not None else None


def carrier_keys(settings: Settings) -> dict[str, bytes]:
    """Return the key of each carrier, by its slug."""
    return read_region_keys(settings.carrier_key_file) if settings.carrier_key_file is not None else {}


def _fetch(method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    deadline = monotonic() + sum(SECONDS)
    try:
        with requests.request(
            method, url, data=body or None, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
        ) as answer:
            raw = b""
            while part := answer.raw.read1(MOST_BYTES, decode_content=False):
                raw += part
                if len(raw) > MOST_BYTES or monotonic() > deadline:
                    raise CarrierAway(answer.status_code)
            return answer.status_code, raw
    except (requests.RequestException, HTTPError, OSError) as problem:
        raise CarrierAway from problem


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _booked(answer: dict[str, Any]) -> Booked:
    """Read what was booked; what cannot be read is asked for again, under the same key."""
    reference, tracking_no = answer.get("reference"), answer.get("tracking_no")
    if not isinstance(reference, str) or not isinstance(tracking_no, str) or not _TRACKING_NO.fullmatch(tracking_no):
        raise CarrierAway
    tracking_no = "".join(tracking_no.split()).upper()
    if not (1 <= len(reference) <= 80 and reference.isprintable() and 1 <= len(tracking_no) <= 40):
        raise CarrierAway
    return Booked(reference, tracking_no, _label(answer.get("label")))


def _label(encoded: object) -> bytes | None:
    if not isinstance(encoded, str) or not encoded:
        return None
    try:
        pdf = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Ours is printed instead of anything that is no PDF.
    return pdf if pdf.startswith(b"%PDF-") else None


def _problem(answer: dict[str, Any]) -> str:
    said = answer.get("problem")
    return said[:200] if isinstance(said, str) else ""


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let one process at a time at a carrier's manifests."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["parcels"]) if path.exists() else []


def _write(folder: Path, carrier: str, day: str, lines: list[dict[str, Any]]) -> None:
    manifest = {"carrier": carrier, "day": day, "parcels": lines}
    write_whole(folder, f"{day}.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
