"""A prescribing unit with a nurse, a patient and an article of the agreement, and helpers that each commit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from typing import Any

from auth.identity import Identity, Role
from auth.models import Person, Unit
from auth.persons import staff_identity
from core.db import Database
from orders.models import Article, PrescriptionItem, ProductKind
from orders.prescribing import ExtendItem, Prescribe, StopItem, extend_item, prescribe, stop_by_prescriber
from orders.renewal_models import RenewalRequest
from orders.renewals import AskToRenew, ask_to_renew
from tests.support.builders import add_article, add_item, add_person, add_staff, add_unit, patient_identity

_keys = count(1)


def key() -> str:
    """Return a key that nobody has used."""
    return f"prescribing-{next(_keys)}"


@dataclass
class Clinic:
    """One unit, its nurse and one patient of theirs."""

    database: Database
    unit: Unit = field(init=False)
    nurse: Identity = field(init=False)
    person: Person = field(init=False)

    def __post_init__(self) -> None:
        with self.database.unit_of_work() as session:
            self.unit = add_unit(session)
            self.nurse = staff_identity(add_staff(session, Role.PRESCRIBER, unit=self.unit, name="Sonja Sköterska"))
            self.person = add_person(session)

    def another_nurse(self, unit: Unit | None = None) -> Identity:
        """Return a colleague at the unit, or somebody at another."""
        with self.database.unit_of_work() as session:
            return staff_identity(add_staff(session, Role.PRESCRIBER, unit=unit or self.unit, name="Sven Sköterska"))

    def article(self, kind: ProductKind = ProductKind.SENSOR, *, group: str = "", **facts: Any) -> Article:
        """Return an article of the agreement."""
        with self.database.unit_of_work() as session:
            article = add_article(session, kind=kind, **facts)
            article.agreement_no, article.compatibility_group = "A-1", group
            return article

    def item(self, article: Article | None = None, person: Person | None = None, **terms: Any) -> PrescriptionItem:
        """Return an item that another system's file would have brought, prescribed by this unit."""
        article = article or self.article()
        with self.database.unit_of_work() as session:
            return add_item(session, person or self.person, article, **({"unit": self.unit} | terms))

    def prescribe(self, article: Article, nurse: Identity | None = None, **terms: Any) -> PrescriptionItem:
        """Prescribe on good terms, except for those given."""
        command = replace(good_terms(self.person, article), **terms)
        with self.database.unit_of_work() as session:
            return prescribe(session, nurse or self.nurse, command)

    def extend(self, item: PrescriptionItem, nurse: Identity | None = None, **terms: Any) -> PrescriptionItem:
        """Extend an item."""
        command = ExtendItem(item.id, **({"idempotency_key": key()} | terms))
        with self.database.unit_of_work() as session:
            return extend_item(session, nurse or self.nurse, command)

    def stop(self, item: PrescriptionItem, nurse: Identity | None = None, reason: str = "Används inte") -> None:
        """Stop an item."""
        with self.database.unit_of_work() as session:
            stop_by_prescriber(session, nurse or self.nurse, StopItem(item.id, reason))

    def ask(self, item: PrescriptionItem, identity: Identity | None = None, **facts: Any) -> RenewalRequest:
        """Ask to renew an item, as its patient unless told otherwise."""
        command = AskToRenew(item.id, **({"note": "Snart slut", "idempotency_key": key()} | facts))
        with self.database.unit_of_work() as session:
            return ask_to_renew(session, identity or patient_identity(self.person), command)

    def now(self, item: PrescriptionItem) -> PrescriptionItem:
        """Return the item as the database has it."""
        with self.database.session() as session:
            return session.get_one(PrescriptionItem, item.id)


def good_terms(person: Person, article: Article) -> Prescribe:
    """What the policy of the region allows on the tests' day, the first of December 2026."""
    return Prescribe(
        person_id=person.id,
        article_id=article.id,
        packages_per_order=6,
        orders_allowed=4,
        days_per_order=84,
        last_valid_date=date(2027, 11, 30),
        idempotency_key=key(),
    )
