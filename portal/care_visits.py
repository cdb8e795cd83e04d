"""The patient for whom a prescriber reports a fault, kept in the server-side session."""

from __future__ import annotations

from datetime import datetime

from orders.care_visits import CareVisit
from portal.sessions import CARE_KEY, current_session


def visit_of_session() -> CareVisit | None:
    """Return the visit that the session keeps, whether it still lasts or not."""
    return _read(current_session().get(CARE_KEY))


def keep_visit(visit: CareVisit) -> None:
    """Have the session keep a visit from now on, instead of any other."""
    current_session()[CARE_KEY] = [visit.person_id, visit.reason, visit.opened_at.isoformat()]


def take_visit() -> CareVisit | None:
    """Have the session forget its visit, and return it; of two requests that do so at once, one gets None."""
    return _read(current_session().take(CARE_KEY))


def _read(kept: list[int | str] | None) -> CareVisit | None:
    if kept is None:
        return None
    person_id, reason, opened_at = kept
    return CareVisit(int(person_id), str(reason), datetime.fromisoformat(str(opened_at)))
