"""Which points are nearest to a postal code, told from the points' own places; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import cos, hypot, radians

MOST_POINTS = 10
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class FoundPoint:
    """One place where parcels are collected, as its provider tells it; degrees in WGS 84."""

    provider: str
    point_id: str
    name: str
    street: str
    postal_code: str
    city: str
    latitude: Decimal | None = None
    longitude: Decimal | None = None


_Place = tuple[float, float]


def nearest_of(points: Sequence[FoundPoint], postal_code: str, limit: int = MOST_POINTS) -> tuple[FoundPoint, ...]:
    """Return at most `limit` points: those of the same postal code first, then by distance.

    Where a postal code lies is told by the points that share the beginning of it. With nobody in the same part of the country (the
    first digit) there is no such place, and nothing is near it.
    """
    if not any(point.postal_code[:1] == postal_code[:1] for point in points):
        return ()
    here = _middle(points, postal_code)

    def distance(point: FoundPoint) -> tuple[bool, float, int, int, str]:
        there = _own_place(point) or _middle(points, point.postal_code)
        apart = _kilometres(here, there) if here and there else float("inf")
        common = _common(point.postal_code, postal_code)
        return (
            point.postal_code != postal_code,
            round(apart, 3),
            -common,
            abs(int(point.postal_code) - int(postal_code)),
            point.point_id,
        )

    return tuple(sorted(points, key=distance)[:limit])


def _own_place(point: FoundPoint) -> _Place | None:
    if point.latitude is None or point.longitude is None:
        return None
    return float(point.latitude), float(point.longitude)


def _middle(points: Sequence[FoundPoint], postal_code: str) -> _Place | None:
    """The middle of the points whose postal codes are most like this one, at least by the first digit."""
    places = [(_common(point.postal_code, postal_code), _own_place(point)) for point in points]
    most = max((common for common, place in places if place), default=0)
    near = [place for common, place in places if place and common == most]
    if not most or not near:
        return None
    return sum(lat for lat, _ in near) / len(near), sum(lon for _, lon in near) / len(near)


def _common(one: str, other: str) -> int:
    """How many digits two postal codes begin alike with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _kilometres(one: _Place, other: _Place) -> float:
    """Near enough within Sweden: degrees of longitude shrink with the latitude."""
    north = (one[0] - other[0]) * _KM_PER_DEGREE
    east = (one[1] - other[1]) * _KM_PER_DEGREE * cos(radians((one[0] + other[0]) / 2))
    return hypot(north, east)
