"""Prescriptions from the national contract's responses or from a table. Handbook §3; the limits are those of orders/rules.py."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from auth.persons import find_persons_by_number
from core.audit import record
from core.clock import today
from core.importing import (
    PEOPLE,
    Outcome,
    Progress,
    file_ref,
    finish,
    no_progress,
    one_at_a_time,
)
from core.policy import policy_of
from orders.importing.contract import parse_responses
from orders.importing.items import Books, ItemWriter, cancel_item
from orders.importing.parsed import ItemKey, ParsedFile, ParsedSubject
from orders.importing.prescription_table import parse_table
from orders.kinds import OWN_SOURCE
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus
from orders.policy import OrderingPolicy

GONE = (PrescriptionStatus.CANCELLED, PrescriptionStatus.EXPIRED)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def import_prescriptions(
    session: Session,
    identity: Identity,
    raw: bytes,
    *,
    skip_bad: bool = False,
    is_full: bool = False,
    source: str = "",
    progress: Progress = no_progress,
) -> Outcome:
    """Add, change and cancel prescription items of the identity's region; raises FileRefused, ImportRefused.

    A response is the full delivery of its sources for its person; a table is one of the sources it names with `is_full`. What a full
    delivery no longer holds is cancelled, never deleted. `source` says whose an empty response is. Locks the
    persons whose items change, then those items; imports of people wait for each other. What is not yet picked of a cancelled item is
    stopped (handbook §3.3). Writes one access-log row per person whose items changed.
    """
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, PEOPLE)
    parsed = parse_file(raw, session, is_full=is_full)
    if is_full and source:
        parsed.full_sources.add(source)
    outcome = Outcome(refused=list(parsed.refusals))
    books = books_of(session, identity.region, parsed.subjects)
    persons = find_persons_by_number(session, [subject.number for subject in parsed.subjects])
    in_order = sorted(
        parsed.subjects, key=lambda subject: persons[subject.number].id if subject.number in persons else 0
    )
    mentioned: set[tuple[int, ItemKey]] = set()
    affected: set[int] = set()
    for done, subject in enumerate(in_order, start=1):
        person = persons.get(subject.number)
        if person is None or person.region != identity.region:
            for line in [item.line for item in subject.items] or [subject.line]:
                outcome.refuse(line, "the person is not known; import persons first")
        else:
            writer = ItemWriter(session, identity, books, person, subject, outcome)
            keys = subject.mentioned | {item.key for item in subject.items}
            mentioned |= {(person.id, key) for key in keys}
            writer.write()
            _cancel_missing_of_person(writer, subject, keys, source, outcome)
            if writer.wrote_something:
                affected.add(person.id)
        progress(done, len(in_order))
    if parsed.full_sources and parsed.is_readable:
        affected |= _cancel_missing_of_sources(session, identity, parsed.full_sources, mentioned, outcome)
    for person_id in sorted(affected):
        record(session, identity.actor, "prescription.imported", subject_person_id=person_id, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)


def parse_file(raw: bytes, session: Session, *, is_full: bool) -> ParsedFile:
    """Read XML or a table, whichever the file is; raise FileRefused."""
    beginning = raw.lstrip()
    for mark in _BYTE_ORDER_MARKS:
        beginning = beginning.removeprefix(mark)
    if beginning.replace(b"\0", b"").lstrip().startswith(b"<"):
        return parse_responses(raw, today(session))
    return parse_table(raw, today(session), is_full=is_full)


def books_of(session: Session, region: str, subjects: Iterable[ParsedSubject]) -> Books:
    """Return what the persons' items are looked up in."""
    numbers = set[str]()
    units = set[str]()
    for subject in subjects:
        for item in subject.items:
            numbers |= {item.article_no, *item.sub_article_nos}
            units.add(item.prescriber.unit_id)
        numbers |= {past.article_no for past in subject.history}
    articles = session.scalars(select(Article).where(Article.region == region, Article.article_no.in_(numbers)))
    known_units = session.scalars(select(Unit).where(Unit.hsa_id.in_(units)))
    return Books(
        region=region,
        articles={article.article_no: article for article in articles},
        units={unit.hsa_id: unit for unit in known_units},
        policy=policy_of(region).section(OrderingPolicy),
    )


def _cancel_missing_of_person(
    writer: ItemWriter, subject: ParsedSubject, keys: set[ItemKey], source: str, outcome: Outcome
) -> None:
    """Cancel what the person's full delivery no longer holds, unless a refused row may have been about it."""
    full = set(subject.full_sources)
    if subject.is_empty_answer and not subject.items:
        if source:
            full.add(source)
        elif not full and any(
            item.status not in GONE and key.source != OWN_SOURCE for key, item in writer.existing.items()
        ):
            outcome.refuse(subject.line, "the answer is empty and does not say of which source; name it with --source")
            return
    if not subject.is_readable:
        return
    for key, item in sorted(writer.existing.items(), key=lambda pair: pair[1].id):
        if key.source in full and key not in keys and item.status not in GONE and writer.cancel(item.id):
            outcome.cancelled += 1


def _cancel_missing_of_sources(
    session: Session, identity: Identity, sources: set[str], mentioned: set[tuple[int, ItemKey]], outcome: Outcome
) -> set[int]:
    """Cancel what a full table no longer holds, of whichever person; return whose items those were."""
    rows = session.execute(
        select(PrescriptionItem.id, PrescriptionItem.external_id, Prescription)
        .join(Prescription)
        .where(
            Prescription.region == identity.region,
            Prescription.source.in_(sources),
            PrescriptionItem.status.not_in(GONE),
        )
        .order_by(PrescriptionItem.id)
    ).all()
    affected = set()
    for item_id, external_id, prescription in rows:
        key = ItemKey(prescription.source, prescription.external_id, external_id)
        if (prescription.person_id, key) not in mentioned and cancel_item(
            session, identity, prescription.person_id, item_id
        ):
            outcome.cancelled += 1
            affected.add(prescription.person_id)
    return affected
