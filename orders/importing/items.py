"""Writes one person's prescription items: check → compare → lock what differs → compare again → write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person, Unit
from auth.numbers import is_hsa_id
from core.clock import now, today
from core.importing import Outcome, RowRefused
from orders import rules
from orders.importing.alternatives import as_parsed, write_alternatives
from orders.importing.history import History
from orders.importing.limits import used_elsewhere
from orders.importing.parsed import ItemKey, ParsedItem, ParsedSubject, Prescriber
from orders.kinds import OWN_SOURCE
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus
from orders.policy import OrderingPolicy
from orders.prescription_rules import NOTHING_DECIDED, DecidedHere, last_valid_here, status_here
from orders.services import lock_person
from orders.stopping import stop_item

ENDED = (PrescriptionStatus.CANCELLED, PrescriptionStatus.EXPIRED)


@dataclass(frozen=True)
class Books:
    """What a file's items are looked up in: the region's articles by number, units by HSA-id (new ones are added)."""

    region: str
    articles: dict[str, Article]
    units: dict[str, Unit]
    policy: OrderingPolicy


@dataclass(frozen=True)
class CheckedItem:
    """A parsed item whose articles are known and whose quantities add up."""

    parsed: ParsedItem
    article: Article
    sub_articles: tuple[Article, ...]
    packages: int


class ItemWriter:
    """One person's items of one file. `existing` are those that the database had before."""

    def __init__(
        self,
        session: Session,
        identity: Identity,
        books: Books,
        person: Person,
        subject: ParsedSubject,
        outcome: Outcome,
        *,
        counted_until: datetime | None = None,
    ) -> None:
        self._session = session
        self._identity = identity
        self._books = books
        self._person = person
        self._subject = subject
        self._outcome = outcome
        self._prescribers: dict[tuple[str, str], Prescriber] = {}
        self.wrote_something = False
        items = session.scalars(
            select(PrescriptionItem)
            .join(Prescription)
            .where(Prescription.person_id == person.id)
            .options(
                joinedload(PrescriptionItem.prescription),
                selectinload(PrescriptionItem.sub_articles),
                selectinload(PrescriptionItem.delivery_alternatives),
            )
            .order_by(PrescriptionItem.id)
            .execution_options(populate_existing=True)
        ).all()
        self.existing = {key_of(item): item for item in items}
        # A prescription is only ever written with an item.
        self._prescriptions = {
            (key.source, key.prescription_id): item.prescription for key, item in self.existing.items()
        }
        self._history = History(session, person.id, [item.id for item in items], subject, books.articles, counted_until)

    def write(self) -> None:
        """Add and change the file's items in id order, new ones last; refused ones are noted."""
        last = max((item.id for item in self.existing.values()), default=0) + 1
        for parsed in sorted(
            self._subject.items,
            key=lambda parsed: self.existing[parsed.key].id if parsed.key in self.existing else last,
        ):
            try:
                checked = self._check(parsed)
            except RowRefused as refusal:
                self._outcome.refuse(parsed.line, refusal.reason)
                continue
            is_new = parsed.key not in self.existing
            changed = self._write(checked)
            self._outcome.count(is_new, changed)
            self.wrote_something |= is_new or changed

    def cancel(self, item_id: int) -> bool:
        """Cancel an item that is gone from its source; False when it has ended already."""
        cancelled = cancel_item(self._session, self._identity, self._person.id, item_id)
        self.wrote_something |= cancelled
        return cancelled

    def _check(self, parsed: ParsedItem) -> CheckedItem:
        if parsed.key.source == OWN_SOURCE:
            raise RowRefused("the source is what this program calls its own prescriptions")
        article = self._books.articles.get(parsed.article_no)
        if article is None:
            raise RowRefused("the article is not known; import articles first")
        if parsed.product_area is not None and parsed.product_area is not article.product_area:
            raise RowRefused("the product area is not the article's")
        subs = tuple(self._books.articles[no] for no in parsed.sub_article_nos if no in self._books.articles)
        if len(subs) != len(parsed.sub_article_nos):
            raise RowRefused("a sub-article is not known; import articles first")
        if any(sub.package_size != article.package_size for sub in subs):
            raise RowRefused("a sub-article comes in another package size than its article")
        for number, size in parsed.package_sizes:
            if self._books.articles[number].package_size != size:
                raise RowRefused("the package size is not the article's")
        packages = parsed.packages_per_order or parsed.pieces_per_order // article.package_size
        if (
            packages == 0
            or (parsed.pieces_per_order or packages * article.package_size) != packages * article.package_size
        ):
            raise RowRefused("the pieces per withdrawal are not whole packages of the article")
        container = (parsed.key.source, parsed.key.prescription_id)
        if self._prescribers.setdefault(container, parsed.prescriber) != parsed.prescriber:
            raise RowRefused("prescriber or unit is not that of an earlier item of the same prescription")
        self._unit(parsed.prescriber)
        return CheckedItem(parsed, article, subs, packages)

    def _unit(self, prescriber: Prescriber) -> Unit:
        unit = self._books.units.get(prescriber.unit_id)
        if unit is None:
            if not is_hsa_id(prescriber.unit_id) or not prescriber.unit_name:
                raise RowRefused("the unit is not known, and has no HSA-id and name to add it by; import units first")
            unit = Unit(
                region=self._books.region,
                hsa_id=prescriber.unit_id,
                name=prescriber.unit_name,
                street="",
                postal_code="",
            )
        # What is ordered at the source, the source sends: it knows where to.
        if self._person.is_protected and not self._history.is_live and not (unit.street and unit.postal_code):
            raise RowRefused("the unit has no address to send a protected person's parcels to; import units first")
        if prescriber.unit_id not in self._books.units:
            self._session.add(unit)
            self._session.flush()
            self._books.units[prescriber.unit_id] = unit
        return unit

    def _write(self, checked: CheckedItem) -> bool:
        prescription_changed = self._write_prescription(checked.parsed)
        item = self.existing.get(checked.parsed.key)
        if item is not None:
            if not self._differs(item, checked) and not self._history.differs(item.id, checked.parsed.key.item_id):
                return prescription_changed
            item = lock_item(self._session, self._person.id, item.id)
            # An order may have been placed since the first look.
            self._history.reload_own()
        prescription = self._prescriptions[checked.parsed.key.source, checked.parsed.key.prescription_id]
        wanted = self._wanted(item, checked)
        item = item or PrescriptionItem(prescription_id=prescription.id, external_id=checked.parsed.key.item_id)
        cancelled = PrescriptionStatus.CANCELLED
        is_stopped = item.status is not cancelled and wanted["status"] is cancelled
        for name, value in wanted.items():
            setattr(item, name, value)
        item.imported_at = now(self._session)
        item.sub_articles = list(checked.sub_articles)
        write_alternatives(item, checked.parsed.alternatives)
        self._session.add(item)
        self._session.flush()
        self._history.write(item.id, checked.parsed.key.item_id)
        if is_stopped:
            stop_item(self._session, self._identity, item)
        return True

    def _write_prescription(self, parsed: ParsedItem) -> bool:
        key = (parsed.key.source, parsed.key.prescription_id)
        prescription = self._prescriptions.get(key)
        if prescription is None:
            prescription = self._prescriptions[key] = Prescription(
                region=self._books.region, source=key[0], external_id=key[1], person_id=self._person.id
            )
        wanted = {
            "unit_id": self._unit(parsed.prescriber).id,
            "prescriber_id": parsed.prescriber.prescriber_id,
            "prescriber_name": parsed.prescriber.name,
            "prescriber_title": parsed.prescriber.title,
            "prescriber_code": parsed.prescriber.code,
        }
        if all(getattr(prescription, name) == value for name, value in wanted.items()):
            return False
        for name, value in wanted.items():
            setattr(prescription, name, value)
        self._session.add(prescription)
        self._session.flush()
        return True

    def _differs(self, item: PrescriptionItem, checked: CheckedItem) -> bool:
        return (
            any(getattr(item, name) != value for name, value in self._wanted(item, checked).items())
            or {article.id for article in item.sub_articles} != {article.id for article in checked.sub_articles}
            or {as_parsed(alternative) for alternative in item.delivery_alternatives}
            != set(checked.parsed.alternatives)
        )

    def _wanted(self, item: PrescriptionItem | None, checked: CheckedItem) -> dict[str, Any]:
        """Return the columns as they should be, with what was withdrawn and decided here kept (handbook §§3.4 and 3.6)."""
        parsed = checked.parsed
        decided = _decided_here(item)
        status = status_here(parsed.status, parsed.last_valid_date, decided)
        last_valid = last_valid_here(parsed.last_valid_date, decided)
        allowed = parsed.orders_allowed + decided.orders_added
        used_here = item.orders_used_here if item else 0
        elsewhere = used_elsewhere(
            self._history.known_use(item),
            parsed.orders_allowed,
            parsed.orders_remaining,
            self._history.stated_ids,
            self._history.days_elsewhere(parsed.key.item_id),
            added_here=decided.orders_added,
            is_live=self._history.is_live,
        )
        days = parsed.days_per_order or (item.days_per_order if item else self._books.policy.default_days_per_order)
        last = self._history.last_withdrawn_on(item.id, parsed.next_earliest_order_date) if item else None
        ended_on = (item.ended_on if item else None) or min(today(self._session), last_valid)
        return {
            "article_id": checked.article.id,
            "status": status,
            "orders_allowed": allowed,
            "orders_used_here": used_here,
            "orders_used_elsewhere": elsewhere,
            "orders_remaining": rules.orders_remaining(allowed, used_here, elsewhere),
            "packages_per_order": checked.packages,
            "pieces_per_order": checked.packages * checked.article.package_size,
            "days_per_order": days,
            "source_next_earliest_date": parsed.next_earliest_order_date,
            "next_earliest_order_date": rules.next_earliest_date(
                parsed.next_earliest_order_date, last, days, self._books.policy.reorder_days_before_empty
            ),
            "last_valid_date": last_valid,
            "allow_other_invoice_address": parsed.allow_other_invoice_address,
            "ended_on": ended_on if status in ENDED else None,
        }


def _decided_here(item: PrescriptionItem | None) -> DecidedHere:
    if item is None:
        return NOTHING_DECIDED
    return DecidedHere(item.orders_added, item.extended_until, item.stopped_at is not None)


def key_of(item: PrescriptionItem) -> ItemKey:
    """Return what the item's source calls it."""
    return ItemKey(item.prescription.source, item.prescription.external_id, item.external_id)


def lock_item(session: Session, person_id: int, item_id: int) -> PrescriptionItem:
    """Lock a person and one item of theirs, and return the item as it is now.

    Whoever locks several items of a person holds the person first: so their order does not matter.
    """
    lock_person(session, person_id)
    return session.scalars(
        select(PrescriptionItem)
        .where(PrescriptionItem.id == item_id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
    ).one()


def cancel_item(session: Session, identity: Identity, person_id: int, item_id: int) -> bool:
    """Cancel an item that is gone from its source and keep it, and stop what is not yet picked of it; False when it has ended already.

    Locks the person, the item and the rows that it stops. What was prescribed or extended here is not the source's any more to leave
    out: that it is no longer there says nothing (sources drop what has expired), only a cancelled status or a stop here ends it.
    """
    item = lock_item(session, person_id, item_id)
    is_ours = item.prescription.source == OWN_SOURCE or _decided_here(item) != NOTHING_DECIDED
    if item.status in ENDED or is_ours:
        return False
    item.status = PrescriptionStatus.CANCELLED
    item.ended_on = min(today(session), item.last_valid_date)
    item.imported_at = now(session)
    stop_item(session, identity, item)
    return True
