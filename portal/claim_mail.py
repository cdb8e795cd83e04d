"""Claim packs as files and e-mails to the supplier, always in Swedish: the PDF, the table, and what the workers send. Handbook §7."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy.orm import Session

from core.outbox import Message
from core.policy import policy_of
from delivery.complaints import claim_document, claim_sending
from delivery.complaints.claim_models import ClaimPack
from delivery.complaints.claim_papers import ClaimPapers, PaperLine, papers_to_send, photo_content
from delivery.complaints.incident_papers import grouped
from delivery.complaints.incident_words import faults
from delivery.complaints.models import FaultReport
from delivery.complaints.questions import Question, QuestionKind, questions_for
from delivery.sheets import Translate
from orders.policy import CustomerServicePolicy
from portal.adapters.mail import MailFile
from portal.csv_download import csv_bytes
from portal.document_fonts import document_fonts, document_words
from portal.question_words import LABELS, UNITS, choice_words
from portal.telling import AddressRefused

LANGUAGE = "sv"

log = logging.getLogger("portal.claim_mail")


class PackMailPort(Protocol):
    """Something that sends e-mail with files. `key` is the same when the same message is sent again."""

    def send_with_files(self, to: str, subject: str, text: str, files: Sequence[MailFile], key: str) -> None:
        """Hand over a message; raise AddressRefused for good, anything else to be tried again."""
        ...


_mail: PackMailPort | None = None


def use_pack_mail(mail: PackMailPort | None) -> None:
    """Give this process its way out for claim packs; called once by each entry point that has workers."""
    global _mail
    _mail = mail


def send_claim(session: Session, message: Message) -> None:
    """E-mail a claim pack to its supplier, with the PDF and the table; handles `claim.send`.

    A repeat of the message has the same key. A refused address is written on the pack, where the consultant corrects it.
    """
    pack = claim_sending.waits_to_be_mailed(session, message)
    if pack is None:
        return
    papers = papers_to_send(session, pack, answers_in_words)
    _ = document_words(LANGUAGE)
    files = (
        MailFile(
            file_name(pack.claim_no, "pdf"),
            "application/pdf",
            claim_pdf(session, papers, claim_document.MOST_PHOTO_BYTES_MAILED),
        ),
        MailFile(file_name(pack.claim_no, "csv"), "text/csv", csv_bytes(claim_table(papers))),
    )
    facts = {**_facts(pack), "cases": len(papers.lines), "sum": claim_document.money(papers.value, LANGUAGE)}
    text = _(
        "Claim %(number)s from %(region)s: %(cases)s cases, %(sum)s.\n\n"
        "The cases stand in the attached document, with lots, what is wrong, and photos. The table holds the same.\n\n"
        "Answer by %(day)s, case by case: accepted, or rejected and why. State the claim number and the case numbers"
        " on the credit note.\n\nContact: %(contact)s, %(phone)s."
    )
    if _send(session, pack, message, files, text % {**facts, "contact": papers.contact}):
        claim_sending.note_mailed(session, pack)


def chase_claim(session: Session, message: Message) -> None:
    """Remind the supplier of a pack whose answer is late; names no case's people. Handles `claim.chase`."""
    pack = claim_sending.waits_to_be_mailed(session, message)
    if pack is None:
        return
    lines = session.scalars(claim_sending.lines_of(pack)).all()
    waiting = ", ".join(grouped(line.complaint.case_no) for line in lines if line.outcome is None)
    _ = document_words(LANGUAGE)
    text = _(
        "Claim %(number)s from %(region)s: your answer was due on %(day)s.\n\n"
        "These cases still have no answer: %(waiting)s.\n\nCall us if something is missing: %(phone)s."
    )
    _send(session, pack, message, (), text % {**_facts(pack), "waiting": waiting}, is_reminder=True)


def _send(
    session: Session,
    pack: ClaimPack,
    message: Message,
    files: Sequence[MailFile],
    text: str,
    *,
    is_reminder: bool = False,
) -> bool:
    if _mail is None:
        raise RuntimeError("no way out for claim packs: call portal.claim_mail.use_pack_mail at start")
    _ = document_words(LANGUAGE)
    subject = _("Reminder: claim %(number)s from %(region)s") if is_reminder else _("Claim %(number)s from %(region)s")
    try:
        _mail.send_with_files(pack.sent_to, subject % _facts(pack), text, files, f"claim-{message.id}")
    except AddressRefused:
        claim_sending.note_refused(session, pack)
        log.warning("a supplier's address was refused", extra={"message_id": message.id})
        return False
    return True


def _facts(pack: ClaimPack) -> dict[str, str]:
    region = policy_of(pack.region).section(CustomerServicePolicy)
    day = pack.answer_due_on
    return {
        "number": grouped(pack.claim_no),
        "region": region.region_name,
        "phone": region.phone,
        "day": format_date(day, "d MMMM y", locale=LANGUAGE) if day else "",
    }


def file_name(claim_no: str, ending: str) -> str:
    """Return what a pack's file is called: the number is ours and says nothing of anybody."""
    return f"reklamation-{claim_no}.{ending}"


def claim_pdf(session: Session, papers: ClaimPapers, photo_bytes: int) -> bytes:
    """Return the pack as a PDF; its photos are read one at a time, as far as there is room for them."""
    return claim_document.claim_document(
        papers,
        lambda photo_id: photo_content(session, photo_id),
        document_fonts(),
        document_words(LANGUAGE),
        language=LANGUAGE,
        photo_bytes=photo_bytes,
    )


def claim_table(papers: ClaimPapers) -> list[list[str]]:
    """Return the pack as rows of text, the columns' names first; days as 2026-12-03 and amounts with decimal comma."""
    _ = document_words(LANGUAGE)
    heading = [
        *(_("Claim"), _("Case"), _("Article number"), _("Product"), _("UDI-DI (GTIN)"), _("Agreement")),
        *(_("Lot"), _("Use by"), _("Serial number"), _("What is wrong"), _("Error code"), _("In the reporter's words")),
        *(_("Answers"), _("Delivered"), _("Put on"), _("Failed"), _("Reported"), _("Faulty packages")),
        *(_("Value, SEK"), _("Product kept"), _("Reported by"), _("Phone"), _("Photos")),
    ]
    numbers = claim_document.photo_numbers(papers)
    return [heading, *(_row(papers, line, numbers, _) for line in papers.lines)]


def _row(papers: ClaimPapers, line: PaperLine, numbers: dict[int, int], _: Translate) -> list[str]:
    days = (line.delivered_on, line.applied_on, line.failed_on, line.reported_on)
    return [
        *(papers.claim_no, line.case_no, line.article_no, line.article, line.gtin, papers.agreement_no),
        *(line.lot_no, line.expires_on.isoformat() if line.expires_on else "", ", ".join(line.serials)),
        *(str(faults(_)[line.kind]), line.error_code, line.description),
        "; ".join(f"{question} {answer}" for question, answer in line.answers),
        *(day.isoformat() if day else "" for day in days),
        *(str(line.packages), plain_amount(line.value), _("Yes") if line.is_kept else _("No")),
        *(line.reporter, line.phone, claim_document.photo_words(line, numbers)),
    ]


def plain_amount(amount: Decimal) -> str:
    """Write an amount as a spreadsheet in Sweden reads it: "1234,50"."""
    return f"{amount:.2f}".replace(".", ",")


def answers_in_words(report: FaultReport) -> list[tuple[str, str]]:
    """Return the answers to the product's questions in Swedish, also where there is no request to tell the language."""
    found = []
    for question in questions_for(report.complaint.article.kind):
        answer = report.answers.get(question.code)
        if answer is not None:
            found.append((_in_swedish(LABELS[question.code]), _answer(question, str(answer))))
    return found


def _answer(question: Question, answer: str) -> str:
    if question.kind is QuestionKind.NUMBER:
        return f"{format_decimal(Decimal(answer), format='0.0', locale=LANGUAGE)} {UNITS[question.kind]}"
    if question.kind is QuestionKind.CHOICE and answer in question.choices:
        return _in_swedish(choice_words(answer))
    return answer


def _in_swedish(words: Any) -> str:
    """The sentence that a lazy translation holds; resolved here, where there may be no request."""
    return document_words(LANGUAGE)(str(words._args[0]))
