"""Service points from a provider's list."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.importing import Outcome, Progress, RowRefused, file_ref, finish, no_progress, one_at_a_time
from core.tables import Row, read_table
from orders.service_points import IMPORT_KIND, ServicePoint

REQUIRED = ("id", "provider", "name", "street", "postal_code", "city")
OPTIONAL = ("lat", "lon")
PROVIDERS = ("DHL", "POSTNORD", "SCHENKER")

Values = dict[str, str | Decimal | None]


def parse_service_points(raw: bytes) -> tuple[list[tuple[int, Values]], Outcome]:
    """Read the file into column values by line; refused rows are in the outcome. Raise FileRefused."""
    outcome, points, seen = Outcome(), [], set[tuple[object, object]]()
    for row in read_table(raw, REQUIRED, OPTIONAL):
        try:
            values = _parse_row(row)
            if (values["provider"], values["point_id"]) in seen:
                raise RowRefused("the same id is on an earlier line")
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
            continue
        seen.add((values["provider"], values["point_id"]))
        points.append((row.line, values))
    return points, outcome


def _parse_row(row: Row) -> Values:
    provider = row.text("provider", 20, required=True).upper()
    if provider not in PROVIDERS:
        raise RowRefused(f"provider is not one of {', '.join(PROVIDERS)}")
    postal_code = row.text("postal_code", 6, required=True).replace(" ", "")
    if not (postal_code.isascii() and postal_code.isdigit() and len(postal_code) == 5):
        raise RowRefused("postal_code is not five digits")
    values: Values = {
        "provider": provider,
        "point_id": row.text("id", 40, required=True),
        "name": row.text("name", 100, required=True),
        "street": row.text("street", 200, required=True),
        "postal_code": postal_code,
        "city": row.text("city", 100, required=True),
        "latitude": _degrees(row, "lat", 90),
        "longitude": _degrees(row, "lon", 180),
    }
    if (values["latitude"] is None) is not (values["longitude"] is None):
        raise RowRefused("lat and lon come together")
    return values


def _degrees(row: Row, column: str, most: int) -> Decimal | None:
    value = row.text(column, 20).replace(",", ".")
    if not value:
        return None
    try:
        degrees = Decimal(value)
    except InvalidOperation:
        raise RowRefused(f"{column} is not a number") from None
    if not degrees.is_finite() or abs(degrees) > most:
        raise RowRefused(f"{column} is not between -{most} and {most}")
    return degrees.quantize(Decimal("0.00001"))


def import_service_points(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change service points; raises FileRefused, ImportRefused. Locks the points in id order."""
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, IMPORT_KIND)
    points, outcome = parse_service_points(raw)
    existing = {
        (point.provider, point.point_id): point
        for point in session.scalars(
            select(ServicePoint)
            .where(ServicePoint.point_id.in_([values["point_id"] for _, values in points]))
            .order_by(ServicePoint.id)
            .with_for_update()
        )
    }
    for done, (_, values) in enumerate(points, start=1):
        point = existing.get((str(values["provider"]), str(values["point_id"])))
        is_new = point is None
        point = point or ServicePoint()
        changed = False
        for name, value in values.items():
            if is_new or getattr(point, name) != value:
                setattr(point, name, value)
                changed = True
        session.add(point)
        outcome.count(is_new, changed)
        progress(done, len(points))
    if outcome.wrote_something:
        record(session, identity.actor, "service_points.imported", subject_person_id=None, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)
