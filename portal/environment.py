"""Values of the environment: read one by one, checked, and what is wrong with them collected."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from portal.signatures import read_region_keys

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHORTEST_SECRET = 32

T = TypeVar("T")


class EnvironmentReader:
    """Collects problems so that an operator sees them all, not one per restart."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def required(self, name: str, convert: Callable[[str], T]) -> T:
        """Return a value that must be there, converted; a problem is noted where it is missing or unusable."""
        value = self._environment.get(name, "").strip()
        if not value:
            self.problems.append(f"{name} is missing")
            # Never used: problems raise before anything is built.
            return None  # type: ignore[return-value]
        return self._convert(name, value, convert)

    def optional(self, name: str, default: str, convert: Callable[[str], T]) -> T:
        """Return a value converted, or the default where there is none; a problem is noted where it is unusable."""
        return self._convert(name, self._environment.get(name, "").strip() or default, convert)

    def check(self, names: str, make: Callable[[], T]) -> T | None:
        """Return what is made of several values, None while one is missing; a problem is noted where they do not fit."""
        if any(not self._environment.get(name, "").strip() for name in names.split(", ")):
            return None
        try:
            return make()
        except ValueError as problem:
            self.problems.append(f"{names}: {problem}")
            return None

    def _convert(self, name: str, value: str, convert: Callable[[str], T]) -> T:
        try:
            return convert(value)
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None  # type: ignore[return-value]


def database_url(value: str) -> str:
    """Return the address of a PostgreSQL database; raise ValueError."""
    if not value.startswith("postgresql+psycopg://"):
        raise ValueError("must start with postgresql+psycopg://")
    return value


def redis_url(value: str) -> str:
    """Return the address of a Valkey or Redis; raise ValueError."""
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis://, rediss:// or unix://")
    return value


def web_address(value: str) -> str:
    """Return a web address without a slash at its end: https, or http on this machine itself; raise ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a web address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be https (http only on this machine itself)")
    return value.rstrip("/")


def mail_url(value: str) -> str:
    """Return the address of a mail server, or of a folder; raise ValueError."""
    return _way_out(value, ("smtp", "smtps"))


def sms_url(value: str) -> str:
    """Return the address of an SMS service, or of a folder; raise ValueError."""
    return value if value.startswith("http:") and web_address(value) else _way_out(value, ("https",))


def _way_out(value: str, schemes: tuple[str, ...]) -> str:
    """Return an address of another system, or of a folder (file:/…) that takes its place; nothing is no way out."""
    if value:
        parts = urlsplit(value)
        names = " or ".join(f"{scheme}://" for scheme in schemes)
        if not (parts.scheme in schemes and parts.hostname) and not (
            parts.scheme == "file" and parts.path.startswith("/")
        ):
            raise ValueError(f"must start with {names}, or be file:/ and a folder")
        # Read, so that a port that is no number is told of now.
        _port = parts.port
    return value


def mail_address(value: str) -> str:
    """Return an e-mail address, or nothing; raise ValueError."""
    if value and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", value):
        raise ValueError("must be an e-mail address")
    return value


def secret(value: str) -> str:
    """Return a secret that is long enough; raise ValueError."""
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"must be at least {_SHORTEST_SECRET} characters")
    return value


def optional(convert: Callable[[str], str]) -> Callable[[str], str]:
    """Return a conversion that lets nothing be nothing."""
    return lambda value: convert(value) if value else ""


def optional_file(value: str) -> Path | None:
    """Return a file that can be read, or None; raise ValueError."""
    return readable_file(value) if value else None


def optional_folder(value: str) -> Path | None:
    """Return a folder, or None; raise ValueError."""
    return folder(value) if value else None


def optional_region_keys(value: str) -> Path | None:
    """Return a file of keys that can be used, or None; raise ValueError."""
    if value:
        read_region_keys(readable_file(value))
    return optional_file(value)


def readable_file(value: str) -> Path:
    """Return a file that can be read; raise ValueError."""
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError("must name a file that can be read")
    return path


def folder(value: str) -> Path:
    """Return a folder; raise ValueError."""
    path = Path(value)
    if not path.is_dir():
        raise ValueError("must name a folder")
    return path


def words(value: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(value.split())


def claim_map(value: str) -> Mapping[str, str]:
    """Return a JSON object of our name to the provider's claim; raise ValueError."""
    try:
        mapping = json.loads(value)
    except ValueError:
        raise ValueError("must be a JSON object") from None
    if not isinstance(mapping, dict) or not all(isinstance(claim, str) for claim in mapping.values()):
        raise ValueError("must be a JSON object of our name to the provider's claim")
    return MappingProxyType(mapping)


def log_level(value: str) -> str:
    """Return the name of a log level; raise ValueError."""
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return value.upper()
