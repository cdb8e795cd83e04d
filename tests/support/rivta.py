"""The national contract's own schemas, where this checkout has them beside it: other people's files, never ours to keep."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from orders.contract.names import Service, Version

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "rivta"
WITHOUT = "the contract's own schemas are not beside this checkout (../shared/rivta)"


def require_schemas() -> None:
    """Skip the test, and say why, when the schemas are not there."""
    if not FOLDER.is_dir():
        pytest.skip(WITHOUT)


@cache
def schema_of(service: Service, version: Version) -> etree.XMLSchema:
    """Return the schema of a service's messages."""
    name = f"{service}Responder_{version.major}.0.xsd"
    return etree.XMLSchema(
        etree.parse(FOLDER / f"v{version.major}.0" / "interactions" / f"{service}Interaction" / name)
    )


def wsdl_of(service: Service, version: Version) -> Path:
    """Return where the contract's own description of a service is."""
    folder = FOLDER / f"v{version.major}.0" / "interactions" / f"{service}Interaction"
    return folder / f"{service}Interaction_{version.major}.0_RIVTABP21.wsdl"


def problems_of(answer: bytes, service: Service, version: Version) -> list[str]:
    """Return what the contract's schema says against the body of an envelope."""
    body = etree.fromstring(answer).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert body is not None
    schema = schema_of(service, version)
    schema.validate(body[0])
    # The stubs do not know that the log can be gone through.
    log: Any = schema.error_log
    return [str(problem) for problem in log]
