"""From an order of ours to the values of the contract's request. Handbook §13."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.policy import policy_of
from orders.contract.answers import article_values, choice_values
from orders.contract.names import METHOD_WORDS, Version
from orders.contract.writing import Values
from orders.deliveries import options_of
from orders.models import (
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    RowStatus,
    Withdrawal,
)
from orders.policy import OrderingPolicy
from orders.source.rules import SentRow


def order_values(session: Session, order: Order, version: Version) -> Values:
    """Return what the source is asked to register; with protected identity nothing of who or where, but the number."""
    patient = order.patient
    return {
        "SubjectOfCareId": patient.number,
        "Orderer": order.orderer_name,
        "OrderByDelegate": order.by_delegate,
        "OrderRow": [_row_values(row, version, is_protected=patient.is_protected) for row in _rows(session, order)],
    }


def sent_rows(session: Session, order: Order) -> list[SentRow]:
    """Return the order's rows as the source is told of them."""
    return [
        SentRow(row.id, _item(row).external_id, row.article.article_no, row.packages * row.article.package_size)
        for row in _rows(session, order)
    ]


def _rows(session: Session, order: Order) -> list[OrderRow]:
    item = selectinload(OrderRow.withdrawal).selectinload(Withdrawal.prescription_item)
    return list(
        session.scalars(
            select(OrderRow)
            .where(OrderRow.order_id == order.id, OrderRow.status != RowStatus.CANCELLED)
            .options(
                joinedload(OrderRow.article),
                joinedload(OrderRow.delivery_choice),
                item.joinedload(PrescriptionItem.prescription).joinedload(Prescription.prescribing_unit),
                item.selectinload(PrescriptionItem.delivery_alternatives),
            )
            .order_by(OrderRow.id)
        )
    )


def _item(row: OrderRow) -> PrescriptionItem:
    assert row.withdrawal is not None
    return row.withdrawal.prescription_item


def _row_values(row: OrderRow, version: Version, *, is_protected: bool) -> Values:
    item = _item(row)
    return {
        "PrescriptionId": item.prescription.external_id,
        "PrescriptionItemId": item.external_id,
        "DeliveryChoice": _protected_choice(item) if is_protected else _choice(row.delivery_choice, item),
        "Article": article_values(row.article, version),
        "NoOfPackages": row.packages,
        "NoOfPcs": row.packages * row.article.package_size,
        "Source": item.prescription.source,
    }


def _choice(choice: DeliveryChoice, item: PrescriptionItem) -> Values:
    """How the row travels, by what the source calls it for this very item: rows that travel together may have several names for it."""
    policy = policy_of(item.prescription.region).section(OrderingPolicy)
    own = next(
        (
            option.method_id
            for option in options_of(item, policy)
            if (option.method, option.provider) == (choice.method, choice.provider)
        ),
        choice.method_id,
    )
    values: dict[str, object] = {**choice_values(choice), "DeliveryMethodId": own}
    if choice.invoice_receiver:
        values["InvoiceAddress"] = {
            "Receiver": choice.invoice_receiver,
            "Street": choice.invoice_street,
            "PostalCode": choice.invoice_postal_code,
            "City": choice.invoice_city,
            "Phone": choice.phone,
        }
    return values


def _protected_choice(item: PrescriptionItem) -> Values:
    """The source knows who is protected, and where their parcels go: it is told no more than the contract demands."""
    first = item.delivery_alternatives[0] if item.delivery_alternatives else None
    method = first.method if first is not None else DeliveryMethod.HOME_DELIVERY
    return {
        "DeliveryMethodId": first.method_id if first is not None else method.value,
        "DeliveryMethod": METHOD_WORDS[method],
    }
