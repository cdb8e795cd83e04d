"""Claims by e-mail: sent with their files, tried again with the same key, an address that is refused, reminders."""

from __future__ import annotations

import csv
import email
import io
from collections.abc import Iterator
from email.message import Message as Mail
from email.policy import default
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database
from core.outbox import MAX_ATTEMPTS, Message, OutboxMessage
from delivery.complaints import claim_sending
from delivery.complaints.claim_answers import answer_lines
from delivery.complaints.claim_errors import PackNotThere
from portal.adapters.mail import MOST_FILE_BYTES, FileMail, MailFile, MailTooLarge, SmtpMail
from portal.claim_mail import use_pack_mail
from portal.jobs import run_message
from tests.support.claims import YES, ClaimOffice
from tests.support.mail_server import MailServer, mail_server

SENDER = "no-reply@portal.example.org"
MAIL = "reklamation@sensorbolaget.example"


def jpeg(shade: int = 120, size: tuple[int, int] = (60, 40)) -> bytes:
    written = io.BytesIO()
    Image.effect_noise(size, shade).convert("RGB").save(written, "JPEG", quality=95)
    return written.getvalue()


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


@pytest.fixture(autouse=True)
def _no_mail_afterwards() -> Iterator[None]:
    yield
    use_pack_mail(None)


def words(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def waiting(database: Database) -> list[int]:
    with database.session() as session:
        waits = select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None), OutboxMessage.kind.startswith("claim"))
        return list(session.scalars(waits.order_by(OutboxMessage.id)))


def sent_mail(server: MailServer) -> Any:
    return email.message_from_bytes(server.taken[-1], policy=default)


def test_a_pack_is_mailed_with_its_document_and_table(office: ClaimOffice, database: Database) -> None:
    claim_no = office.sent(office.case(photos=(jpeg(),)))
    assert office.pack(claim_no).emailed_at is None
    with mail_server() as server:
        use_pack_mail(SmtpMail(server.url, SENDER))
        (message_id,) = waiting(database)
        assert run_message(database, message_id)
        mail: Mail = sent_mail(server)
    assert (mail["To"], mail["Message-ID"]) == (MAIL, f"<claim-{message_id}@portal.example.org>")
    assert "20 016" in str(mail["Subject"]).replace("\N{NO-BREAK SPACE}", " ")
    files = {part.get_filename(): part for part in mail.iter_attachments()}  # type: ignore[attr-defined]
    assert set(files) == {"reklamation-20016.pdf", "reklamation-20016.csv"}
    assert "L24A88" in words(files["reklamation-20016.pdf"].get_payload(decode=True))
    assert len(rows(files["reklamation-20016.csv"].get_payload(decode=True))) == 2
    body = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "Astrid" not in body
    assert office.pack(claim_no).emailed_at is not None
    assert waiting(database) == []


def test_a_server_that_fails_is_tried_again_with_the_same_key(
    office: ClaimOffice, database: Database, clock: ManualClock
) -> None:
    claim_no = office.sent(office.case())
    with mail_server(data_answer="451 later") as server:
        use_pack_mail(SmtpMail(server.url, SENDER))
        (message_id,) = waiting(database)
        assert not run_message(database, message_id)
        assert office.pack(claim_no).emailed_at is None
        server.data_answer = "250 taken"
        assert run_message(database, message_id)
        assert sent_mail(server)["Message-ID"] == f"<claim-{message_id}@portal.example.org>"
        # Rung for once more, it sends nothing more.
        run_message(database, message_id)
        assert len(server.taken) == 1


def test_a_refused_address_is_said_on_the_pack_and_corrected(office: ClaimOffice, database: Database) -> None:
    claim_no = office.sent(office.case())
    with mail_server(recipient_answer="550 no such user") as server:
        use_pack_mail(SmtpMail(server.url, SENDER))
        (message_id,) = waiting(database)
        assert run_message(database, message_id)
        assert (office.pack(claim_no).address_refused_at is not None, server.taken) == (True, [])
        server.recipient_answer = "250 ok"
        office.do(claim_sending.send_again, office.per, claim_no, "ratt@sensorbolaget.example")
        (again,) = waiting(database)
        assert run_message(database, again)
        assert sent_mail(server)["To"] == "ratt@sensorbolaget.example"
    pack = office.pack(claim_no)
    assert (pack.sent_to, pack.address_refused_at, pack.emailed_at is not None) == (
        "ratt@sensorbolaget.example",
        None,
        True,
    )
    with pytest.raises(PackNotThere):
        office.do(claim_sending.send_again, office.per, claim_no, MAIL)


def test_what_is_sent_by_hand_meanwhile_is_not_mailed(office: ClaimOffice, database: Database) -> None:
    claim_no = office.sent(office.case())
    office.do(claim_sending.send_again, office.per, claim_no, "")
    with mail_server() as server:
        use_pack_mail(SmtpMail(server.url, SENDER))
        assert [run_message(database, one) for one in waiting(database)] == [True]
        assert server.taken == []
    assert office.pack(claim_no).sent_to == ""


def test_a_reminder_names_the_cases_that_wait_and_nobody(
    office: ClaimOffice, database: Database, clock: ManualClock
) -> None:
    answered, silent = office.case(), office.case()
    claim_no = office.sent(answered, silent)
    office.do(answer_lines, office.eva, claim_no, {office.line(answered).id: YES})
    with mail_server() as server:
        use_pack_mail(SmtpMail(server.url, SENDER))
        (message_id,) = waiting(database)
        run_message(database, message_id)
        clock.set(clock.now().replace(year=2027, month=1, day=5))
        office.do(claim_sending.chase_late, Message(1, "claims.due", {"region": "vgr"}))
        (reminder,) = waiting(database)
        assert run_message(database, reminder)
        text = sent_mail(server).get_content().replace("\N{NO-BREAK SPACE}", " ")
        assert f"{silent[:-3]} {silent[-3:]}" in text
        assert f"{answered[:-3]} {answered[-3:]}" not in text
        assert "Astrid" not in text
        # Answered before the next reminder has left: nothing is sent.
        server.taken.clear()
        clock.set(clock.now().replace(day=19))
        office.do(claim_sending.chase_late, Message(1, "claims.due", {"region": "vgr"}))
        office.do(answer_lines, office.eva, claim_no, {}, YES)
        (late,) = waiting(database)
        assert run_message(database, late)
        assert server.taken == []


def test_without_a_way_out_the_message_waits_for_one(office: ClaimOffice, database: Database) -> None:
    claim_no = office.sent(office.case())
    (message_id,) = waiting(database)
    for _ in range(MAX_ATTEMPTS):
        assert not run_message(database, message_id)
    assert office.pack(claim_no).emailed_at is None


def test_files_are_bounded_before_anything_is_sent(tmp_path: Any) -> None:
    large = MailFile("x.pdf", "application/pdf", b"x" * (MOST_FILE_BYTES + 1))
    with mail_server() as server:
        with pytest.raises(MailTooLarge):
            SmtpMail(server.url, SENDER).send_with_files(MAIL, "S", "T", (large,), "k")
        assert server.said == []
    assert b"x" * 20 not in repr(large).encode()
    FileMail(tmp_path, SENDER).send_with_files(MAIL, "S", "T", (MailFile("å ä.csv", "text/csv", b"1;2"),), "k")
    mail = email.message_from_bytes((tmp_path / "k.eml").read_bytes(), policy=default)
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_payload(decode=True)) == (
        "å ä.csv",
        "text/csv",
        b"1;2",
    )
