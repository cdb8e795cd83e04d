"""Service points near a postal code: what is known already, else what the provider answers; never inside a transaction."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from core.db import Database
from orders.importing.service_points import parse_service_points
from orders.kinds import ServicePointProvider
from orders.nearest_points import nearest_of
from orders.service_points import (
    MOST_POINTS,
    FoundPoint,
    PointSource,
    ProviderDown,
    keep_points,
    known_points,
    nearest_known,
)
from portal.adapters.contract_source_points import contract_points_of
from portal.adapters.postnord_points import HttpPoints
from portal.config import Settings

PROVIDERS = tuple(provider.value for provider in ServicePointProvider if provider is not ServicePointProvider.NONE)
_POSTAL_CODE = re.compile(r"[0-9]{5}", re.ASCII)

log = logging.getLogger("portal.service_points")


@dataclass(frozen=True)
class PointsAnswer:
    """At most ten points, nearest first; stale when the provider is down and this is what it said some time ago."""

    points: tuple[FoundPoint, ...] = ()
    is_stale: bool = False
    is_down: bool = False


class FilePoints:
    """Service points of a file in the form in which they are imported; raises FileRefused or ValueError for one without any."""

    def __init__(self, path: Path) -> None:
        parsed, outcome = parse_service_points(path.read_bytes())
        if not parsed:
            raise ValueError(f"no usable service point in {path.name}")
        if outcome.refused:
            log.warning("service points left out", extra={"count": len(outcome.refused)})
        # The importer's values are the fields of a point.
        self._points = [FoundPoint(**values) for _line, values in parsed]  # type: ignore[arg-type]

    def nearest(self, provider: str, postal_code: str, limit: int = MOST_POINTS) -> tuple[FoundPoint, ...]:
        """Return the points nearest to a postal code, nearest first."""
        return nearest_of([point for point in self._points if point.provider == provider], postal_code, limit)


class ServicePoints:
    """What the pages ask; who can be asked is told per provider, of the others only what was imported is known."""

    def __init__(self, database: Database, sources: Mapping[str, PointSource]) -> None:
        self._database, self._sources = database, sources

    def near(self, provider: str, postal_code: str) -> PointsAnswer:
        """Return the points near a postal code of five digits; call it outside any unit of work, it may take two seconds."""
        if provider not in PROVIDERS or not _POSTAL_CODE.fullmatch(postal_code):
            return PointsAnswer()
        source = self._sources.get(provider)
        with self._database.unit_of_work() as session:
            if source is None:
                return PointsAnswer(tuple(nearest_known(session, provider, postal_code)))
            known = known_points(session, provider, postal_code)
        if known is not None and known.is_fresh:
            return PointsAnswer(known.points)
        try:
            points = tuple(source.nearest(provider, postal_code))[:MOST_POINTS]
            self._keep(provider, postal_code, points)
        except ProviderDown:
            return PointsAnswer(known.points if known else (), is_stale=known is not None, is_down=True)
        return PointsAnswer(points)

    def _keep(self, provider: str, postal_code: str, points: tuple[FoundPoint, ...]) -> None:
        """Keep an answer; none is kept of nothing, for a new postal code gets its points one day."""
        if not points:
            return
        try:
            with self._database.unit_of_work() as session:
                keep_points(session, provider, postal_code, points)
        except DBAPIError as problem:
            # Who chose a point that is not kept could not order to it.
            log.warning("service points could not be kept", exc_info=True)
            raise ProviderDown("not kept") from problem


def service_points_of(settings: Settings, database: Database) -> ServicePoints:
    """Return the way to the service points that the settings name."""
    sources: dict[str, PointSource] = {}
    if settings.service_points_file is not None:
        sources = dict.fromkeys(PROVIDERS, FilePoints(settings.service_points_file))
    elif settings.service_points_url:
        postnord = HttpPoints(settings.service_points_url, settings.service_points_key(), database.clock)
        sources = {ServicePointProvider.POSTNORD.value: postnord}
    else:
        sources = contract_points_of(settings, database.clock)
    return ServicePoints(database, sources)
