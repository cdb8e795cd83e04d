"""A region of its real size, made straight in the database: patients with prescriptions and a year's withdrawals."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from auth.models import Person
from auth.numbers import parse_number
from tests.support.builders import REGION, add_article, add_unit, number_text

ARTICLES = 200
UNITS = 40
ITEMS_PER_PATIENT = 5
ORDERS_PER_PATIENT = 4
ITEMS_PER_ORDER = 3
_BATCH = 5000

_PRESCRIPTIONS = """
INSERT INTO prescription (region, source, external_id, person_id, unit_id, prescriber_id, prescriber_name, prescriber_title,
       prescriber_code)
SELECT :region, 'JOURNAL', 'P' || person.id, person.id, (:units)[1 + person.id % :unit_count], 'SE2321000131-P000000000001',
       'Sjuksköterska Prov', '', ''
  FROM person
"""
_ITEMS = """
INSERT INTO prescription_item (prescription_id, external_id, article_id, status, orders_allowed, orders_used_here, orders_used_elsewhere,
       orders_remaining, packages_per_order, pieces_per_order, days_per_order, last_valid_date, allow_other_invoice_address, imported_at)
SELECT prescription.id, 'I' || prescription.id || '-' || n, (:articles)[1 + (prescription.id * 7 + n * 31) % :article_count], 'ACTIVE',
       100, :orders, 0, 100 - :orders, 6, 6, 84, CURRENT_DATE + 300, false, now()
  FROM prescription, generate_series(1, :items) n
"""
_ALTERNATIVES = """
INSERT INTO delivery_alternative (prescription_item_id, method_id, name, method, provider, allow_choice_of_delivery_points, notifications,
       allow_delivery_comment, allow_contact_person)
SELECT id, 'HOME', 'Hemleverans', 'HOME_DELIVERY', 'INGEN', false, '{}', true, false FROM prescription_item
"""
_ORDERS = """
INSERT INTO "order" (order_no, region, person_id, placed_at, channel, orderer_name, by_delegate, promised_date)
SELECT 'H' || person.id || '-' || n, :region, person.id, now() - n * interval '85 days', 'WEB', '', false, CURRENT_DATE - n * 85 + 5
  FROM person, generate_series(1, :orders) n
"""
_CHOICES = """
INSERT INTO delivery_choice (order_id, method_id, method, receiver, care_of, street, postal_code, city, door_code, phone, comment)
SELECT id, 'HOME', 'HOME_DELIVERY', 'Test Testsson', '', 'Provgatan 1', '54130', 'Skövde', '', '', '' FROM "order"
"""
_WITHDRAWALS = """
INSERT INTO withdrawal (order_id, prescription_item_id, packages, limit_packages, withdrawn_on)
SELECT "order".id, item.id, 6, 6, "order".placed_at::date
  FROM "order" JOIN prescription ON prescription.person_id = "order".person_id
  JOIN prescription_item item ON item.prescription_id = prescription.id AND right(item.external_id, 1)::int <= :per_order
"""
_ROWS = """
INSERT INTO order_row (order_id, delivery_choice_id, withdrawal_id, article_id, kind, packages, status, status_at)
SELECT withdrawal.order_id, delivery_choice.id, withdrawal.id, prescription_item.article_id, 'WITHDRAWAL', 6, 'DELIVERED', now()
  FROM withdrawal JOIN delivery_choice ON delivery_choice.order_id = withdrawal.order_id
  JOIN prescription_item ON prescription_item.id = withdrawal.prescription_item_id
"""


def fill_region(session: Session, patients: int) -> list[str]:
    """Add patients with items that can be ordered and earlier orders; return their personal numbers."""
    units = [add_unit(session, f"Mottagning {number}").id for number in range(UNITS)]
    articles = [add_article(session, name=f"Artikel {number}").id for number in range(ARTICLES)]
    numbers = [number_text(date(1930, 1, 1) + timedelta(days=number // 20), number % 20) for number in range(patients)]
    for first in range(0, patients, _BATCH):
        session.execute(insert(Person), [_person(number) for number in numbers[first : first + _BATCH]])
    size = {"items": ITEMS_PER_PATIENT, "orders": ORDERS_PER_PATIENT, "per_order": ITEMS_PER_ORDER, "region": REGION}
    lists = {"units": units, "unit_count": UNITS, "articles": articles, "article_count": ARTICLES}
    session.execute(text("SET LOCAL statement_timeout = 0"))
    for statement in (_PRESCRIPTIONS, _ITEMS, _ALTERNATIVES, _ORDERS, _CHOICES, _WITHDRAWALS, _ROWS):
        session.execute(text(statement), {**size, **lists})
        session.execute(text("ANALYZE"))
    return numbers


def _person(text_of_number: str) -> dict[str, object]:
    person = Person()
    person.set_number(parse_number(text_of_number, date(2026, 11, 23)))
    return {
        "region": REGION,
        "county_code": "14",
        "number_root": person.number_root,
        "number": person.number,
        "number_index": person.number_index,
        "birth_date": person.birth_date,
        "given_name": "Test",
        "family_name": "Testsson",
        "street": "Provgatan 1",
        "postal_code": "54130",
        "city": "Skövde",
    }
