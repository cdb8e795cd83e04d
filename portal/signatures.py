"""Signing messages between systems: an HMAC with SHA-256 over the time and the body, so that neither can be changed or kept for later."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from pathlib import Path

TIME_HEADER = "X-Signature-Time"
SIGNATURE_HEADER = "X-Signature"
# How far two systems' clocks, and a message's way between them, may be apart.
MOST_SECONDS = 300
_SHORTEST_KEY = 32


class BadSignature(Exception):
    """The message was not signed with the key, or not just now."""


def signature_headers(key: bytes, body: bytes, instant: datetime) -> dict[str, str]:
    """Return the headers that sign a body now."""
    seconds = str(int(instant.timestamp()))
    return {TIME_HEADER: seconds, SIGNATURE_HEADER: f"sha256={_digest(key, seconds, body)}"}


def check_signature(key: bytes, body: bytes, seconds: str, signature: str, instant: datetime) -> None:
    """Raise BadSignature unless the body was signed with the key within five minutes of `instant`."""
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
        raise BadSignature
    expected = f"sha256={_digest(key, seconds, body)}"
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise BadSignature
    if abs(instant.timestamp() - int(seconds)) > MOST_SECONDS:
        raise BadSignature


def read_region_keys(path: Path) -> dict[str, bytes]:
    """Read one key per line, "region base64"; raise ValueError, which names the line and never the key."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        region, _space, encoded = line.strip().partition(" ")
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            raise ValueError(f"line {number} is not a region and a base64 key") from None
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"the key of line {number} is shorter than {_SHORTEST_KEY} bytes")
        keys[region] = key
    return keys


def _digest(key: bytes, seconds: str, body: bytes) -> str:
    return hmac.new(key, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
