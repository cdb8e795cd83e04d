"""Values about sessions: whose one is, what one that timed out leaves behind, and how its data is written as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from flask.json.tag import TaggedJSONSerializer

_serializer = TaggedJSONSerializer()


@dataclass(frozen=True)
class Owner:
    """Whose session it is: a person, a staff member under a commission, or nobody yet."""

    person_id: int | None = None
    commission_id: int | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is logged in."""
        return self.person_id is None and self.commission_id is None


ANONYMOUS = Owner()


@dataclass(frozen=True)
class TimedOut:
    """A session that ended by itself: whose it was, and what of it the same person gets back."""

    owner: Owner
    values: dict[str, Any]

    @classmethod
    def unpack(cls, kept: dict[str, Any] | None) -> TimedOut | None:
        """Read what `pack` wrote into the session that came after."""
        return None if kept is None else cls(Owner(kept["person_id"], kept["commission_id"]), kept["values"])

    def pack(self) -> dict[str, Any]:
        """Return plain values for the data of the session that comes after."""
        return {"person_id": self.owner.person_id, "commission_id": self.owner.commission_id, "values": self.values}


def pack(values: dict[str, Any]) -> dict[str, Any]:
    """Return session values as plain JSON, with Flask's tags for what JSON lacks."""
    return cast(dict[str, Any], json.loads(_serializer.dumps(values)))


def unpack(data: dict[str, Any]) -> dict[str, Any]:
    """Return the session values that `pack` wrote."""
    return cast(dict[str, Any], _serializer.loads(json.dumps(data)))
