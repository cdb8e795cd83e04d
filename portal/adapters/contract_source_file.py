"""Where each region's source of prescriptions is and by which certificate it is asked: the file that CONTRACT_SOURCES_FILE names."""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from portal.environment import readable_file, web_address

_ADDRESSES = ("prescriptions", "orders", "points")
_FILES = ("certificate", "key", "authorities")


@dataclass(frozen=True)
class SourceAddresses:
    """A region's services, and the files of mutual TLS with them: our certificate with its key, and whom we trust.

    Without `points` the source is not asked about service points. Only addresses on this machine itself do without the files.
    """

    prescriptions: str
    orders: str
    points: str = ""
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


def optional_contract_sources(value: str) -> Path | None:
    """Return a file of sources that can be used, or None; raise ValueError."""
    if not value:
        return None
    path = readable_file(value)
    read_contract_sources(path)
    return path


def read_contract_sources(path: Path) -> dict[str, SourceAddresses]:
    """Read the sources by region; raise ValueError with everything that is wrong, by region and field. Paths are the file's neighbours'."""
    try:
        regions = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may quote the file.
        raise ValueError("is not a TOML file") from None
    problems: list[str] = []
    sources = {}
    for region, values in regions.items():
        wrong = _problems_of(values, path.parent)
        problems += [f"[{region}] {problem}" for problem in wrong]
        if not wrong:
            sources[region] = _addresses(values, path.parent)
    asked = [region for region, source in sources.items() if source.points]
    if len(asked) > 1:
        # They are kept by their ids in one place, and another source may give the same id to another point.
        problems.append(f"points can be one region's only, and {', '.join(asked)} have them")
    if problems:
        raise ValueError("; ".join(problems))
    return sources


def _problems_of(values: object, folder: Path) -> list[str]:
    if not isinstance(values, dict):
        return ["is not a region's section"]
    known = [one.name for one in fields(SourceAddresses)]
    problems = [f"has no field {name}" for name in values if name not in known]
    problems += [f"lacks {name}" for name in ("prescriptions", "orders") if not values.get(name)]
    problems += [
        f"{name} must be a text that is not empty"
        for name, value in values.items()
        if name in known and not (isinstance(value, str) and value)
    ]
    if problems:
        return problems
    for name in _ADDRESSES:
        problems += _address_problems(name, values.get(name, ""))
    return problems or _tls_problems(values, folder)


def _address_problems(name: str, value: str) -> list[str]:
    if not value:
        return []
    try:
        web_address(value)
    except ValueError as problem:
        return [f"{name} {problem}"]
    parts = urlsplit(value)
    try:
        # Read, so that a port that is no number is told of now.
        _port = parts.port
    except ValueError:
        return [f"{name} has a port that is no number"]
    if parts.username or parts.password or parts.fragment or any(character.isspace() for character in value):
        return [f"{name} must be an address alone, without a user, a fragment or white space"]
    if parts.query.lower() == "wsdl":
        return [f"{name} is the address of a description: leave ?wsdl out"]
    return []


def _tls_problems(values: Mapping[str, str], folder: Path) -> list[str]:
    is_https = any(urlsplit(values.get(name, "")).scheme == "https" for name in _ADDRESSES)
    problems = [f"lacks {name}, which https needs" for name in _FILES if is_https and name not in values]
    files = {}
    for name in _FILES:
        if name in values:
            try:
                files[name] = readable_file(str(folder / values[name]))
            except ValueError as problem:
                problems.append(f"{name} {problem}")
    if not problems and len(files) == len(_FILES):
        problems += _misfits(**files)
    return problems


def _misfits(certificate: Path, key: Path, authorities: Path) -> list[str]:
    """Try the files, as each call will; it reads them anew, so that a certificate can be renewed while the program runs."""
    problems = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # Nobody is there to be asked for a password.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError):
        problems.append("certificate and key are not PEM files that fit each other, the key without a password")
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError:
        problems.append("authorities is not a PEM file of certificates")
    return problems


def _addresses(values: Mapping[str, str], folder: Path) -> SourceAddresses:
    files = {name: folder / values[name] for name in _FILES if name in values}
    return SourceAddresses(
        prescriptions=values["prescriptions"], orders=values["orders"], points=values.get("points", ""), **files
    )
