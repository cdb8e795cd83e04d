"""What the contract answers about one person: their prescription items, and what they withdrew in the last twelve months."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import swedish_date, today
from core.policy import policy_of
from orders.contract.names import (
    AREA_WORDS,
    METHOD_WORDS,
    NOTIFICATION_WORDS,
    STATUS_WORDS,
    Version,
    provider_word,
)
from orders.contract.writing import Values, coded, provider, rows
from orders.deliveries import options_of
from orders.importing.history import order_item_id
from orders.models import (
    Article,
    DeliveryChoice,
    DeliveryMethod,
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    PrescriptionStatus,
    RowKind,
    RowStatus,
    Withdrawal,
)
from orders.policy import OrderingPolicy

HISTORY = timedelta(days=365)

# Built once: putting a statement together costs as much as sending it.
_ITEMS = (
    select(PrescriptionItem)
    .join(PrescriptionItem.prescription)
    .where(
        Prescription.person_id == bindparam("person_id"), PrescriptionItem.last_valid_date >= bindparam("shown_from")
    )
    .options(
        joinedload(PrescriptionItem.article, innerjoin=True),
        contains_eager(PrescriptionItem.prescription).joinedload(Prescription.prescribing_unit, innerjoin=True),
        selectinload(PrescriptionItem.sub_articles),
        selectinload(PrescriptionItem.delivery_alternatives),
    )
    .order_by(PrescriptionItem.id)
)
_ROWS = (
    select(Order, OrderRow, PrescriptionItem.external_id, Article, DeliveryChoice)
    .join(OrderRow, OrderRow.order_id == Order.id)
    .join(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
    .join(PrescriptionItem, Withdrawal.prescription_item_id == PrescriptionItem.id)
    .join(Article, OrderRow.article_id == Article.id)
    .join(DeliveryChoice, OrderRow.delivery_choice_id == DeliveryChoice.id)
    .where(OrderRow.kind == RowKind.WITHDRAWAL, OrderRow.status != RowStatus.CANCELLED)
    .order_by(OrderRow.id)
)
_ROWS_OF_ORDER = _ROWS.where(Order.id == bindparam("order_id"))
_ROWS_OF_PERSON = _ROWS.where(Order.person_id == bindparam("person_id"), Withdrawal.withdrawn_on >= bindparam("since"))
_ELSEWHERE = (
    select(ExternalWithdrawal)
    .where(
        ExternalWithdrawal.prescription_item_id.in_(bindparam("item_ids", expanding=True)),
        ExternalWithdrawal.order_date >= bindparam("since"),
    )
    .options(joinedload(ExternalWithdrawal.article))
    .order_by(ExternalWithdrawal.id)
)


def subject_answer(session: Session, identity: Identity, person: Person, version: Version) -> Values:
    """Return a person's items and history as the contract has them, in a fixed number of statements; writes the look.

    Items that ended longer ago than the region shows them are left out, and so is what a protected identity must not tell: where
    anything was sent. Raises NotPermitted.
    """
    require(identity, Permission.SEE_PRODUCTS)
    items = _items(session, person)
    history = [*_own_history(session, person, version), *_external_history(session, items, version)]
    record(session, identity.actor, "products.seen", subject_person_id=person.id, manner="LOOK")
    return {
        "SubjectOfCareId": person.number,
        "PrescriptionItem": rows([_item_values(item, person, version) for item in items]),
        "OrderItem": rows(history),
    }


def order_answer(session: Session, order: Order, version: Version) -> list[Values]:
    """Return an order's rows as the contract has them; without a statement when it has just been placed."""
    if "rows" in inspect(order).unloaded:
        found = session.execute(_ROWS_OF_ORDER, {"order_id": order.id})
        return [_row_values(*row, version=version) for row in found]
    return [
        _row_values(
            order,
            row,
            row.withdrawal.prescription_item.external_id,
            row.article,
            row.delivery_choice,
            version=version,
        )
        for row in order.rows
        if row.withdrawal is not None
    ]


def article_values(article: Article, version: Version) -> Values:
    """Return an article as the contract has it."""
    return {
        "ArticleNo": article.article_no,
        "ArticleName": article.display_name,
        "PackageSize": article.package_size,
        "PackageSizeUnit": article.unit or None,
        "ProductArea": coded(version, AREA_WORDS[article.product_area]),
        "IsOrderable": article.is_orderable,
        "Variety": article.variety or None,
    }


def _items(session: Session, person: Person) -> list[PrescriptionItem]:
    shown_from = today(session) - timedelta(
        days=policy_of(person.region).section(OrderingPolicy).ended_items_visible_days
    )
    items = session.scalars(_ITEMS, {"person_id": person.id, "shown_from": shown_from})
    return [item for item in items if item.ended_on is None or item.ended_on >= shown_from]


def _item_values(item: PrescriptionItem, person: Person, version: Version) -> Values:
    prescription, unit = item.prescription, item.prescription.prescribing_unit
    is_active = item.status is PrescriptionStatus.ACTIVE
    return {
        "PrescriptionItemId": item.external_id,
        "Article": article_values(item.article, version),
        "NoOfOrders": item.orders_allowed,
        "NoOfRemainingOrders": item.orders_remaining,
        "NoOfArticlesPerOrder": item.pieces_per_order,
        "NoOfPackagesPerOrder": item.packages_per_order,
        "SubArticle": rows([article_values(article, version) for article in item.sub_articles]),
        "DeliveryAlternative": _alternatives(item, person, version),
        "NextEarliestOrderDate": item.next_earliest_order_date if is_active else None,
        "PrescriptionId": prescription.external_id,
        "Source": prescription.source,
        "Prescriber": {
            "PrescriberId": prescription.prescriber_id,
            "PrescriberName": prescription.prescriber_name,
            "PrescriberTitle": prescription.prescriber_title or None,
            "PrescriberCode": prescription.prescriber_code or None,
        },
        "PrescribingOrganization": {
            "PrescribingOrganizationId": unit.hsa_id,
            "PrescribingOrganizationName": unit.name,
        },
        "LastValidDate": item.last_valid_date,
        "Status": STATUS_WORDS[item.status],
        "AllowOtherInvoiceAddress": item.allow_other_invoice_address,
    }


def _alternatives(item: PrescriptionItem, person: Person, version: Version) -> list[Values]:
    policy = policy_of(person.region).section(OrderingPolicy)
    names = {row.method_id: row.name for row in item.delivery_alternatives}
    return [
        {
            "DeliveryMethodId": option.method_id,
            "DeliveryMethodName": names.get(option.method_id) or METHOD_WORDS[option.method].capitalize(),
            "DeliveryMethod": METHOD_WORDS[option.method],
            "ServicePointProvider": provider(version, provider_word(option.provider)),
            "AllowChioceOfDeliveryPoints": option.allows_choice_of_point,
            "DeliveryNotificationMethod": [NOTIFICATION_WORDS[one] for one in option.notifications],
            "AllowDeliveryComment": option.allows_comment,
            "AllowContactPerson": option.allows_contact_person,
        }
        for option in options_of(item, policy)
    ]


def _own_history(session: Session, person: Person, version: Version) -> list[Values]:
    found = session.execute(_ROWS_OF_PERSON, {"person_id": person.id, "since": today(session) - HISTORY})
    return [_row_values(*row, version=version) for row in found]


def _row_values(
    order: Order, row: OrderRow, item_id: str, article: Article, choice: DeliveryChoice, *, version: Version
) -> Values:
    is_delivered = row.status is RowStatus.DELIVERED
    return {
        "OrderItemId": order_item_id(order.order_no, row.id),
        "PrescriptionItemId": item_id,
        "DeliveryChoice": choice_values(choice),
        "Article": article_values(article, version),
        "NoOfPcs": row.packages * article.package_size,
        "OrderDate": swedish_date(order.placed_at),
        "DeliveredDate": swedish_date(row.status_at) if is_delivered else None,
    }


def choice_values(choice: DeliveryChoice) -> Values:
    """Return how rows are delivered as the contract has it."""
    values: dict[str, object] = {
        "DeliveryMethodId": choice.method_id,
        "DeliveryMethod": METHOD_WORDS[choice.method],
        "DeliveryNotificationMethod": NOTIFICATION_WORDS[choice.notification] if choice.notification else None,
        "DeliveryNotificationReceiver": choice.notify_to or None,
        "DeliveryComment": choice.comment or None,
        "ContactPerson": choice.contact_person or None,
    }
    if choice.method is DeliveryMethod.HOME_DELIVERY:
        values["HomeDeliveryAddress"] = {
            "Receiver": choice.receiver,
            "CareOfAddress": choice.care_of or None,
            "Street": choice.street,
            "PostalCode": choice.postal_code,
            "City": choice.city,
            "DoorCode": choice.door_code or None,
            "Phone": choice.phone,
        }
    elif choice.point_id:
        values["DeliveryPoint"] = {
            "DeliveryPointId": choice.point_id,
            "DeliveryPointName": choice.point_name,
            "DeliveryPointAddress": choice.street,
            "DeliveryPointPostalCode": choice.postal_code,
            "DeliveryPointCity": choice.city,
            "CountryCode": "SE",
        }
    return values


def _external_history(session: Session, items: Iterable[PrescriptionItem], version: Version) -> list[Values]:
    by_id: Mapping[int, PrescriptionItem] = {item.id: item for item in items}
    found = session.scalars(_ELSEWHERE, {"item_ids": list(by_id), "since": today(session) - HISTORY})
    answers: dict[int, list[Values]] = defaultdict(list)
    for past in found:
        item = by_id[past.prescription_item_id]
        answers[item.id].append(
            {
                "OrderItemId": past.order_item_id,
                "PrescriptionItemId": item.external_id,
                # How it was sent from elsewhere is not known; the contract wants a way.
                "DeliveryChoice": {
                    "DeliveryMethodId": DeliveryMethod.HOME_DELIVERY.value,
                    "DeliveryMethod": METHOD_WORDS[DeliveryMethod.HOME_DELIVERY],
                },
                "Article": article_values(past.article or item.article, version),
                "NoOfPcs": past.pieces,
                "OrderDate": past.order_date,
                "DeliveredDate": past.delivered_date,
            }
        )
    return [values for own in answers.values() for values in own]
