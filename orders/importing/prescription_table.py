"""Reads prescriptions from a table, one item per row; the columns are those of docs/import.md."""

from __future__ import annotations

from datetime import date

from auth.numbers import MalformedNumber, parse_number
from core.importing import FileRefused, Refusal, RowRefused
from core.tables import Row, read_table
from orders.importing.parsed import (
    METHODS,
    NO_PROVIDER,
    NOTIFICATIONS,
    STATUSES,
    Alternative,
    ItemKey,
    ParsedFile,
    ParsedItem,
    Prescriber,
    check_alternatives,
    check_amounts,
)
from orders.models import DeliveryMethod, PrescriptionStatus

REQUIRED = (
    "number",
    "source",
    "prescription_id",
    "item_id",
    "article_no",
    "orders_allowed",
    "orders_remaining",
    "packages_per_order",
    "last_valid_date",
    "prescriber_id",
    "prescriber_name",
    "unit_id",
)
OPTIONAL = (
    "pieces_per_order",
    "sub_article_nos",
    "days_per_order",
    "next_earliest_order_date",
    "status",
    "prescriber_title",
    "prescriber_code",
    "unit_name",
    "delivery_methods",
    "service_point_provider",
    "notifications",
    "allow_other_invoice_address",
)
HOME = "HEMLEVERANS"
# Home delivery has the id that orders use for it; other methods go by their own name.
METHOD_IDS = {DeliveryMethod.HOME_DELIVERY: "HOME", DeliveryMethod.SERVICE_POINT: "SERVICE_POINT"}


def parse_table(raw: bytes, today: date, *, is_full: bool) -> ParsedFile:
    """Read the file; with `is_full` it holds every item of the sources it names. Raise FileRefused."""
    parsed = ParsedFile()
    rows = read_table(raw, REQUIRED, OPTIONAL)
    if is_full and not rows:
        raise FileRefused("a full delivery without rows would cancel everything")
    for row in rows:
        key = None
        try:
            key = ItemKey(
                row.text("source", 60, required=True),
                row.text("prescription_id", 80, required=True),
                row.text("item_id", 80, required=True),
            )
            if is_full:
                parsed.full_sources.add(key.source)
            try:
                number = parse_number(row.text("number", 20, required=True), today)
            except MalformedNumber:
                # Whose it is cannot be known, so nobody's item may be taken as missing.
                parsed.is_readable = False
                raise RowRefused("number is not a personal or co-ordination number") from None
            subject = parsed.subject(number, row.line)
            subject.mentioned.add(key)
            parsed.take(subject, _read_item(row, key))
        except RowRefused as refusal:
            parsed.refusals.append(Refusal(row.line, refusal.reason))
            parsed.is_readable &= key is not None
    return parsed


def _read_item(row: Row, key: ItemKey) -> ParsedItem:
    subs = row.several("sub_article_nos")
    if len(set(subs)) != len(subs):
        raise RowRefused("the same sub-article is there twice")
    allowed, remaining = row.number("orders_allowed", least=1), row.number("orders_remaining", least=0)
    pieces = row.whole("pieces_per_order", least=1, required=False) or 0
    packages = row.number("packages_per_order", least=0)
    check_amounts(allowed, remaining, pieces, packages)
    return ParsedItem(
        line=row.line,
        key=key,
        article_no=row.digits("article_no", 5, required=True),
        package_sizes=(),
        product_area=None,
        sub_article_nos=subs,
        orders_allowed=allowed,
        orders_remaining=remaining,
        pieces_per_order=pieces,
        packages_per_order=packages,
        days_per_order=row.whole("days_per_order", least=1, required=False),
        next_earliest_order_date=row.day("next_earliest_order_date"),
        last_valid_date=row.required_day("last_valid_date"),
        status=_read_status(row),
        prescriber=Prescriber(
            prescriber_id=row.text("prescriber_id", 40, required=True),
            name=row.text("prescriber_name", 200, required=True),
            title=row.text("prescriber_title", 100),
            code=row.text("prescriber_code", 40),
            unit_id=row.text("unit_id", 31, required=True),
            unit_name=row.text("unit_name", 200),
        ),
        alternatives=check_alternatives(_read_alternatives(row)),
        allow_other_invoice_address=row.flag("allow_other_invoice_address", False),
    )


def _read_status(row: Row) -> PrescriptionStatus:
    word = row.text("status", 20).upper() or PrescriptionStatus.ACTIVE.value
    if word in STATUSES:
        return STATUSES[word]
    return row.choice("status", PrescriptionStatus, PrescriptionStatus.ACTIVE)


def _read_alternatives(row: Row) -> tuple[Alternative, ...]:
    # Where the source names none, it is the region's usual way.
    words = [word.upper() for word in row.several("delivery_methods")]
    notices = [word.upper() for word in row.several("notifications")]
    if not all(word in METHODS for word in words):
        raise RowRefused(f"delivery_methods is not made of {', '.join(METHODS)}")
    if not all(word in NOTIFICATIONS for word in notices):
        raise RowRefused(f"notifications is not made of {', '.join(NOTIFICATIONS)}")
    provider = row.text("service_point_provider", 20).upper() or NO_PROVIDER
    return tuple(
        Alternative(
            method_id=METHOD_IDS[METHODS[word]],
            name=word.capitalize(),
            method=METHODS[word],
            provider=NO_PROVIDER if word == HOME else provider,
            allow_choice_of_delivery_points=word != HOME,
            notifications=() if word == HOME else tuple(dict.fromkeys(NOTIFICATIONS[notice] for notice in notices)),
            allow_delivery_comment=word == HOME,
        )
        for word in words
    )
