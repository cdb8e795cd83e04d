"""The two ways to a warehouse system: a folder that both sides see, and HTTP."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from core.clock import Clock, SystemClock
from core.policy import Policies
from delivery.policy import DeliveryPolicy, Warehouse
from delivery.ubl.names import MOST_BYTES, MessageRefused
from delivery.warehouse import Receipt
from delivery.warehouse_models import Outcome
from portal.adapters import http
from portal.adapters.files import write_whole
from portal.config import Settings, SettingsProblem
from portal.signatures import read_region_keys, signature_headers
from portal.warehouse import NotTaken, WarehousePort

# What a warehouse says of this very message. Other refusals are about us or about now: a key, too many at once, a proxy.
_REFUSED_FOR_GOOD = frozenset({400, 404, 409, 410, 413, 415, 422})
_MOST_AT_ONCE = 500

log = logging.getLogger("portal.adapters.warehouse")


class WarehouseAway(Exception):
    """The warehouse did not take the message now; `status` is what it answered."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class HttpWarehouse:
    """POSTs each message, signed; the document's number is the key by which a repeat is known. `{region}` in the address is filled in."""

    def __init__(self, url: str, keys: Mapping[str, bytes], *, clock: Clock | None = None) -> None:
        self._url, self._keys = url, keys
        self._clock = clock or SystemClock()

    def send(self, region: str, document_id: str, body: bytes) -> None:
        """Hand over a message; raise NotTaken for good, WarehouseAway or a network error to be tried again."""
        headers = {"Content-Type": "application/xml; charset=utf-8", "Idempotency-Key": document_id}
        if region in self._keys:
            headers |= signature_headers(self._keys[region], body, self._clock.now())
        status = http.post(self._url.replace("{region}", quote(region, safe="")), headers, body=body)
        if status in _REFUSED_FOR_GOOD:
            raise NotTaken(status)
        if not http.is_taken(status):
            raise WarehouseAway(status)


class FolderWarehouse:
    """A folder with one folder per region: we write into `out`, read from `in`, and move what we read to `done` or `refused`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, region: str, document_id: str, body: bytes) -> None:
        """Write a message whole; the same one again is the same file."""
        write_whole(self._folder / region / "out", f"{document_id}.xml", body)

    def read(self, region: str, take: Callable[[bytes], Receipt]) -> int:
        """Give every whole file in `in` to `take`, the oldest first, and move it; return how many were moved.

        A file is moved after what it says is committed: one that is read twice is known by its number. One that could not be taken now
        (the database is away) stays where it is, and keeps no other from being read.
        """
        inbox = self._folder / region / "in"
        if not inbox.is_dir():
            return 0
        found = [path for path in inbox.iterdir() if path.suffix.lower() == ".xml" and not path.name.startswith(".")]
        waiting = sorted(found, key=lambda path: (path.lstat().st_mtime, path.name))[:_MOST_AT_ONCE]
        return sum(self._moves(path, take) for path in waiting)

    def _moves(self, path: Path, take: Callable[[bytes], Receipt]) -> bool:
        try:
            self._take(path, take)
        except Exception as problem:
            log.error("a file could not be taken now", extra={"error": type(problem).__name__})
            return False
        return True

    def _take(self, path: Path, take: Callable[[bytes], Receipt]) -> None:
        try:
            receipt = take(_read_regular(path))
            refused = receipt.detail if receipt.outcome is Outcome.REFUSED else ""
        except MessageRefused as refusal:
            # A file's name is the warehouse's own, and may hold anything: it is not logged.
            log.warning("a file is no message", extra={"reason": refusal.reason.value})
            refused = str(refusal)
        folder = path.parent.parent / ("refused" if refused else "done")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moved = _free_name(folder, path.name)
        path.replace(moved)
        if refused:
            write_whole(folder, f"{moved.name}.reason.txt", f"{refused}\n".encode())


def warehouse_of(settings: Settings, policies: Policies) -> WarehousePort | None:
    """Return the way to the warehouse that the settings name; raise SettingsProblem when a region needs one and there is none."""
    if settings.warehouse_url:
        return HttpWarehouse(settings.warehouse_url, warehouse_keys(settings))
    if settings.warehouse_folder is not None:
        return FolderWarehouse(settings.warehouse_folder)
    needing = regions_elsewhere(policies)
    if needing:
        raise SettingsProblem([f"WAREHOUSE_URL or WAREHOUSE_FOLDER is missing: {', '.join(needing)} needs it"])
    return None


def warehouse_keys(settings: Settings) -> dict[str, bytes]:
    """Return the key of each region whose warehouse signs its messages."""
    return read_region_keys(settings.warehouse_key_file) if settings.warehouse_key_file is not None else {}


def regions_elsewhere(policies: Policies) -> tuple[str, ...]:
    """Return the regions whose depot has a warehouse system of its own."""
    return tuple(
        region
        for region in policies.regions
        if policies.of(region).section(DeliveryPolicy).warehouse is Warehouse.PEPPOL
    )


def _read_regular(path: Path) -> bytes:
    """Read a file, one byte more than is allowed at most; nothing of what is a link or anything else odd."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            return b""
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)


def _free_name(folder: Path, name: str) -> Path:
    for number in range(1, 10_000):
        candidate = folder / (name if number == 1 else f"{Path(name).stem}-{number}.xml")
        if not candidate.exists():
            return candidate
    raise FileExistsError(folder)
