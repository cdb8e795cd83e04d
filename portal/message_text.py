"""What every message in the inbox is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class MessageText:
    """One message as it is read; `url` is the page that it is about, `link` what the way there is called."""

    subject: str
    body: str
    url: str = ""
    link: str = ""
