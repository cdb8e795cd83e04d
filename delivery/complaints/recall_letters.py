"""Letters about a recall: whom each is for, and all of them as one PDF, each on a sheet of its own. Handbook §§4 and 7.

The side that shows in the envelope's window has an address and nothing else: what it is about stands on the next page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from babel.dates import format_date
from fpdf import FPDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from auth.relations import ActingPolicy, age_on
from core.audit import record
from core.clock import today
from core.policy import policy_of
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_answers import units_of
from delivery.complaints.recall_models import Recall, RecallItem, RecallStatus
from delivery.complaints.recall_queries import recall_of
from delivery.complaints.recall_telling import letters_to_post
from delivery.documents import Address
from delivery.models import Lot, PickedLot
from delivery.sheets import Fonts, Translate, prepared, printable, write
from orders.delivery_plans import parcel_alias
from orders.models import Article


@dataclass(frozen=True)
class Letter:
    """One letter in the receiver's language; `products` are (product, lot number)."""

    receiver: Address = field(repr=False)
    language: str
    to_guardians: bool
    products: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class Letters:
    """All letters of a recall that wait to be posted, and what all of them say."""

    recall_no: str
    title: str
    text_sv: str
    text_en: str
    written_on: date
    sender: Address
    phone: str
    letters: tuple[Letter, ...]

    def text(self, language: str) -> str:
        """What to do, in a language; Swedish where there is no English."""
        return (self.text_en or self.text_sv) if language == "en" else self.text_sv


def prepare_letters(session: Session, identity: Identity, recall_no: str, sender: Address, phone: str) -> Letters:
    """Return the letters that wait to be posted; each is in the access log. A fixed number of statements beside the log's.

    Raises NotPermitted, NotFound, WrongRecallStep.
    """
    require(identity, Permission.RECALL)
    recall = recall_of(session, identity, recall_no)
    if recall.status is not RecallStatus.TOLD:
        raise errors.WrongRecallStep(recall.status.value)
    waiting = letters_to_post(session, recall)
    products = _products(session, [one.id for one in waiting])
    units = units_of(
        session, [one.person_id for one in waiting if one.person and one.person.is_protected and one.person_id]
    )
    letters = []
    for recipient in waiting:
        person = recipient.person
        assert person is not None
        if person.is_protected:
            unit = units.get(person.id)
            if unit is None:
                continue
            receiver = Address(unit.name, unit.street, unit.postal_code, unit.city, reference=parcel_alias(person))
        else:
            receiver = Address(person.full_name, person.street, person.postal_code, person.city, care_of=person.care_of)
        policy = policy_of(person.region).section(ActingPolicy)
        letters.append(
            Letter(
                receiver=receiver,
                language="en" if person.language == "en" else "sv",
                to_guardians=age_on(person.birth_date, today(session)) < policy.own_account_from_age
                and not person.is_protected,
                products=products.get(recipient.id, ()),
            )
        )
        record(
            session,
            identity.actor,
            "recall.letters_made",
            subject_person_id=person.id,
            object_ref=f"recall:{recall.recall_no}",
        )
    return _all(recall, letters, sender, phone, today(session))


def _all(recall: Recall, letters: Sequence[Letter], sender: Address, phone: str, day: date) -> Letters:
    return Letters(
        recall_no=recall.recall_no,
        title=recall.title,
        text_sv=recall.text_sv,
        text_en=recall.text_en,
        written_on=day,
        sender=sender,
        phone=phone,
        letters=tuple(letters),
    )


def _products(session: Session, recipient_ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    rows = session.execute(
        select(RecallItem.recipient_id, Article, Lot.lot_no)
        .join(PickedLot, RecallItem.picked_lot_id == PickedLot.id)
        .join(Lot, PickedLot.lot_id == Lot.id)
        .join(Article, Lot.article_id == Article.id)
        .where(RecallItem.recipient_id.in_(recipient_ids), RecallItem.returned < RecallItem.packages)
        .order_by(RecallItem.recipient_id, Article.name, Lot.lot_no)
    )
    found: dict[int, dict[tuple[str, str], None]] = {}
    for recipient_id, article, lot_no in rows:
        found.setdefault(recipient_id, {})[article.display_name, lot_no] = None
    return {recipient_id: tuple(products) for recipient_id, products in found.items()}


def letters_pdf(letters: Letters, fonts: Fonts, words_of: Callable[[str], Translate]) -> bytes:
    """Return all letters as one PDF of A4 pages, two for each; `words_of` gives what translates into a language."""
    pdf = prepared(FPDF(unit="mm", format="A4"), fonts, language="sv", margin=22, title=letters.recall_no)
    pdf.set_auto_page_break(True, 20)
    for letter in letters.letters:
        _window_side(pdf, letters, letter, words_of(letter.language))
        _letter_side(pdf, letters, letter, words_of(letter.language))
    return bytes(pdf.output())


def _window_side(pdf: FPDF, letters: Letters, letter: Letter, _: Translate) -> None:
    pdf.add_page()
    pdf.set_font("text", size=8)
    pdf.multi_cell(80, 3.6, "\n".join(printable(line) for line in letters.sender.lines), align="L")
    # Where a C5 envelope has its window.
    pdf.set_xy(110, 48)
    pdf.set_font("text", size=11)
    lines = [_("To the guardians of")] if letter.to_guardians else []
    pdf.multi_cell(80, 5.2, "\n".join(printable(line) for line in [*lines, *letter.receiver.lines]), align="L")


def _letter_side(pdf: FPDF, letters: Letters, letter: Letter, _: Translate) -> None:
    pdf.add_page()
    write(pdf, format_date(letters.written_on, "d MMMM y", locale=letter.language), 10, after=6)
    write(pdf, letters.title, 20, bold=True, after=4)
    write(pdf, letters.text(letter.language), 12, after=5)
    if letter.products:
        write(pdf, _("You have been sent:"), 12, bold=True, after=1)
        for product, lot_no in letter.products:
            write(pdf, _("{product}, lot {lot}").format(product=product, lot=lot_no), 12)
        pdf.ln(4)
    write(
        pdf,
        _(
            "Log in and say that you have read this, or call customer service on {phone}. Then we know that you know."
        ).format(phone=letters.phone),
        12,
        after=6,
    )
    word = _("Recall")
    write(pdf, f"{word} {letters.recall_no}", 9)
