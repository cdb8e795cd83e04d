"""The ways of delivery of a prescription item: compared with a file's, and made the same."""

from __future__ import annotations

from orders.importing.parsed import Alternative
from orders.models import DeliveryAlternative, Notification, PrescriptionItem


def as_parsed(row: DeliveryAlternative) -> Alternative:
    """Return a way of delivery as a file states one."""
    return Alternative(
        method_id=row.method_id,
        name=row.name,
        method=row.method,
        provider=row.provider,
        allow_choice_of_delivery_points=row.allow_choice_of_delivery_points,
        notifications=tuple(Notification(word) for word in row.notifications),
        allow_delivery_comment=row.allow_delivery_comment,
        allow_contact_person=row.allow_contact_person,
    )


def write_alternatives(item: PrescriptionItem, wanted: tuple[Alternative, ...]) -> None:
    """Make an item's ways of delivery those of the file; one that stays keeps its row."""
    by_id = {row.method_id: row for row in item.delivery_alternatives}
    rows = []
    for alternative in wanted:
        row = by_id.get(alternative.method_id) or DeliveryAlternative(method_id=alternative.method_id)
        row.name, row.method, row.provider = alternative.name, alternative.method, alternative.provider
        row.allow_choice_of_delivery_points = alternative.allow_choice_of_delivery_points
        row.notifications = [notification.value for notification in alternative.notifications]
        row.allow_delivery_comment = alternative.allow_delivery_comment
        row.allow_contact_person = alternative.allow_contact_person
        rows.append(row)
    item.delivery_alternatives = rows
