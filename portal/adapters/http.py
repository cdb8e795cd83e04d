"""Handing something over by HTTP to whoever answers with a status alone."""

from __future__ import annotations

from collections.abc import Mapping

import requests

# Connect and read; together below the time that a job has.
SECONDS = (3, 5)


def post(
    url: str, headers: Mapping[str, str], *, body: bytes | None = None, json: Mapping[str, str] | None = None
) -> int:
    """POST bytes or JSON and return the status; follows nobody elsewhere. Raises requests.RequestException."""
    with requests.post(
        url,
        data=body,
        json=json,
        headers=dict(headers),
        timeout=SECONDS,
        allow_redirects=False,
        # What is answered beside the status is not read: it may be endless.
        stream=True,
    ) as answer:
        return answer.status_code


def is_taken(status: int) -> bool:
    """Tell whether the status says that it was taken."""
    return 200 <= status < 300
