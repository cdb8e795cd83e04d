"""Being told outside the portal that there is a message: only that, at least once, never lost, and nobody else waits for it."""

from __future__ import annotations

import email
import smtplib
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text

from auth.models import ContactSettings, InboxMessage, NotifyBy, Person, Protection
from auth.persons import post_message
from auth.settings import ContactChoice, choose_settings
from core import outbox
from core.clock import ManualClock
from core.db import Database
from core.outbox import OutboxMessage
from delivery.protection import hide_person
from portal.adapters.couriers import couriers_of
from portal.adapters.mail import FileMail, SmtpMail
from portal.adapters.sms import FileSms, HttpSms
from portal.jobs import run_message
from portal.telling import AddressRefused, Couriers, use_couriers, words
from tests.support.builders import NOON, add_person, patient_identity
from tests.support.mail_server import mail_server
from tests.support.settings import make_settings
from tests.support.sms_server import SmsServer, sms_server

LOGIN = "https://portal.example.org"


class Recorder:
    """A way out that remembers, and fails as often as it is told."""

    def __init__(self, failures: int = 0, problem: type[Exception] = ConnectionError) -> None:
        self.sent: list[tuple[str, ...]] = []
        self.failures, self.problem = failures, problem

    def send(self, *message: str) -> None:
        if self.failures:
            self.failures -= 1
            raise self.problem
        self.sent.append(message)


@pytest.fixture
def mail() -> Iterator[Recorder]:
    recorder = Recorder()
    use_couriers(Couriers(LOGIN, mail=recorder, sms=recorder))
    yield recorder
    use_couriers(Couriers(LOGIN))


def person_who_chose(database: Database, by: NotifyBy = NotifyBy.EMAIL, language: str = "sv") -> Person:
    with database.unit_of_work() as session:
        person = add_person(session)
        choice = ContactChoice(by, "anna@example.org", "070-123 45 67", language=language)
        choose_settings(session, patient_identity(person), choice)
        return person


def post(database: Database, person: Person) -> None:
    with database.unit_of_work() as session:
        post_message(session, person.id, person.id, "order.sent", order_no="1000017", tracking_no="X", carrier="Y")


def waiting(database: Database) -> list[int]:
    with database.session() as session:
        return list(session.scalars(select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None))))


def handle_all(database: Database) -> list[bool]:
    return [run_message(database, message_id) for message_id in waiting(database)]


@pytest.mark.parametrize(
    ("by", "language", "expected"),
    [
        (
            NotifyBy.EMAIL,
            "en",
            ("anna@example.org", "You have a new message", f"You have a new message. Log in at {LOGIN}."),
        ),
        (NotifyBy.SMS, "en", ("+46701234567", f"You have a new message. Log in at {LOGIN}.")),
    ],
)
def test_only_that_there_is_a_message(
    database: Database, mail: Recorder, by: NotifyBy, language: str, expected: tuple[str, ...]
) -> None:
    post(database, person_who_chose(database, by, language))
    (message_id,) = waiting(database)
    assert handle_all(database) == [True]
    assert mail.sent == [(*expected, f"message-{message_id}")]


def test_no_words_but_these_in_any_language() -> None:
    for language in ("sv", "en", "xx"):
        subject, body = words(language, LOGIN)
        for told in (subject, body):
            for revealing in ("order", "beställ", "produkt", "diabet", "Hjälpmedel", "sensor", "1000017"):
                assert revealing.casefold() not in told.casefold()
        assert LOGIN in body


def test_who_chose_nothing_is_not_told(database: Database, mail: Recorder) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
    post(database, person)
    post(database, person_who_chose(database, NotifyBy.NONE))
    assert waiting(database) == []


def test_a_failure_is_tried_again_under_the_same_key(database: Database, mail: Recorder, clock: ManualClock) -> None:
    mail.failures = 2
    post(database, person_who_chose(database))
    for expected in (False, False, True):
        assert handle_all(database) == [expected]
        clock.advance(timedelta(minutes=1))
    (message_id,) = [int(key.removeprefix("message-")) for *_rest, key in mail.sent]
    with database.session() as session:
        assert session.get_one(OutboxMessage, message_id).attempts == 3


def test_an_address_refused_for_good_is_let_be(database: Database, mail: Recorder) -> None:
    mail.failures, mail.problem = 9, AddressRefused
    post(database, person_who_chose(database))
    assert handle_all(database) == [True]
    assert (mail.sent, waiting(database)) == ([], [])


def test_what_is_read_chosen_away_protected_or_over_is_not_told(database: Database, mail: Recorder) -> None:
    people = [person_who_chose(database) for _ in range(4)]
    for person in people:
        post(database, person)
    read, changed, protected, dead = people
    with database.unit_of_work() as session:
        session.scalars(select(InboxMessage).where(InboxMessage.receiver_id == read.id)).one().read_at = NOON
        choose_settings(session, patient_identity(changed), ContactChoice())
        session.get_one(Person, dead.id).deceased_on = date(2026, 12, 1)
        _protect(session.get_one(Person, protected.id))
    assert handle_all(database) == [True] * 4
    assert mail.sent == []


def _protect(person: Person) -> None:
    person.protection = Protection.CONFIDENTIALITY_FLAG
    for name in (
        "given_name",
        "family_name",
        "street",
        "postal_code",
        "city",
        "phone",
        "email",
        "door_code",
        "care_of",
    ):
        setattr(person, name, "")


def test_a_flag_that_arrives_takes_the_addresses_away(database: Database) -> None:
    person = person_who_chose(database)
    with database.unit_of_work() as session:
        _protect(session.get_one(Person, person.id))
    with database.unit_of_work() as session:
        hide_person(session, outbox.Message(1, "person.protected", {"person_id": person.id}))
    with database.session() as session:
        assert session.get(ContactSettings, person.id) is None


def test_nobody_waits_while_the_other_system_is_slow(database: Database, mail: Recorder) -> None:
    """The call holds its own outbox message and nothing else: person, settings and inbox can be written meanwhile."""
    person = person_who_chose(database)
    post(database, person)

    class Slow:
        def send(self, *_message: str) -> None:
            with database.unit_of_work() as other:
                other.execute(text("SET LOCAL lock_timeout = '500ms'"))
                other.scalars(select(Person).with_for_update()).all()
                other.scalars(select(ContactSettings).with_for_update()).all()
                other.scalars(select(InboxMessage).with_for_update()).all()

    use_couriers(Couriers(LOGIN, mail=Slow()))
    assert handle_all(database) == [True]


def test_smtp_takes_it_and_a_repeat_is_known(clock: ManualClock) -> None:
    with mail_server() as server:
        sender = SmtpMail(server.url, "portal@example.org", clock=clock)
        for _ in range(2):
            sender.send("anna@example.org", "Du har ett nytt meddelande", "Logga in på å.", "message-7")
    first, again = (email.message_from_bytes(taken) for taken in server.taken)
    assert first["Message-ID"] == again["Message-ID"] == "<message-7@example.org>"
    assert first["To"] == "anna@example.org"
    assert first["Auto-Submitted"] == "auto-generated"
    assert "portal@example.org" in first["From"]


def test_smtp_over_tls_with_a_certificate_that_is_known(tmp_path: Path) -> None:
    key, certificate = _certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    with mail_server(tls=theirs) as server:
        ours = ssl.create_default_context(cafile=str(certificate))
        SmtpMail(server.url, "portal@example.org", tls=ours).send("a@example.org", "S", "T", "k")
        assert server.was_encrypted
        assert len(server.taken) == 1
        server.was_encrypted = False
        with pytest.raises(ssl.SSLError):
            SmtpMail(server.url, "portal@example.org").send("a@example.org", "S", "T", "k")
        assert len(server.taken) == 1


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_file, file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key_file, file


def test_without_tls_nothing_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as server:
        monkeypatch.setattr("portal.adapters.mail._LOOPBACK", ())
        with pytest.raises(Exception, match="STARTTLS"):
            SmtpMail(server.url, "portal@example.org").send("a@example.org", "S", "T", "k")
    assert server.taken == []
    assert not [line for line in server.said if line.startswith(("MAIL", "RCPT"))]


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        ({"recipient_answer": "550 no such user"}, AddressRefused),
        ({"recipient_answer": "451 try later"}, Exception),
        ({"data_answer": "554 looks like spam"}, Exception),
        ({"data_answer": "451 try later"}, Exception),
    ],
)
def test_what_smtp_refuses(behaviour: dict[str, str], problem: type[Exception]) -> None:
    with mail_server(**behaviour) as server, pytest.raises(problem) as raised:
        SmtpMail(server.url, "portal@example.org").send("a@example.org", "S", "T", "k")
    assert (raised.type is AddressRefused) == (problem is AddressRefused)


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.adapters.mail.SECONDS", 0.3)
    with mail_server(hangs=True) as server, pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        SmtpMail(server.url, "portal@example.org").send("a@example.org", "S", "T", "k")


def test_a_bad_goodbye_sends_nothing_twice() -> None:
    with mail_server(drops_goodbye=True) as server:
        SmtpMail(server.url, "portal@example.org").send("a@example.org", "S", "T", "k")
    assert len(server.taken) == 1


@pytest.mark.parametrize("hostile", ["a@example.org\r\nBcc: b@example.org", "a@example.org\nX: y"])
def test_no_header_can_be_put_in(hostile: str) -> None:
    with mail_server() as server, pytest.raises(ValueError, match="linefeed"):
        SmtpMail(server.url, "portal@example.org").send(hostile, "S", "T", "k")
    assert server.taken == []


def send_sms(server: SmsServer, key: str = "message-7") -> None:
    HttpSms(server.url, "hemlig", "Portalen").send("+46701234567", "Du har ett nytt meddelande.", key)


def test_sms_carries_the_outbox_id_as_key() -> None:
    with sms_server() as server:
        send_sms(server)
    assert server.sent == {
        "message-7": {"to": "+46701234567", "from": "Portalen", "text": "Du har ett nytt meddelande."}
    }
    assert server.headers[0]["Authorization"] == "Bearer hemlig"


def test_an_answer_that_is_lost_sends_it_once(database: Database, clock: ManualClock) -> None:
    person = person_who_chose(database, NotifyBy.SMS)
    post(database, person)
    with sms_server(loses_answers=True) as server:
        use_couriers(Couriers(LOGIN, sms=HttpSms(server.url, "", "")))
        assert handle_all(database) == [False]
        server.loses_answers = False
        clock.advance(timedelta(minutes=1))
        assert handle_all(database) == [True]
        assert (server.calls, len(server.sent)) == (2, 1)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_an_sms_that_is_refused_for_good(status: int) -> None:
    with sms_server(status=status) as server, pytest.raises(AddressRefused):
        send_sms(server)


@pytest.mark.parametrize("status", [301, 307, 401, 403, 408, 429, 500, 502, 503])
def test_an_sms_that_is_to_be_tried_again(status: int) -> None:
    with sms_server(status=status) as server, pytest.raises(Exception) as raised:
        send_sms(server)
    assert raised.type is not AddressRefused
    assert server.calls == 1


def test_a_service_that_hangs_or_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.adapters.http.SECONDS", (0.3, 0.3))
    with sms_server(hangs=True) as server, pytest.raises(requests.Timeout):
        send_sms(server)
    with sms_server(floods=True) as server:
        begun = time.monotonic()
        send_sms(server)
        assert time.monotonic() - begun < 5


def test_a_dead_message_is_seen_and_can_be_revived(database: Database, mail: Recorder, clock: ManualClock) -> None:
    mail.failures = outbox.MAX_ATTEMPTS
    post(database, person_who_chose(database))
    (message_id,) = waiting(database)
    for _ in range(outbox.MAX_ATTEMPTS):
        run_message(database, message_id)
        clock.advance(timedelta(minutes=10))
    with database.unit_of_work() as session:
        row = session.get_one(OutboxMessage, message_id)
        assert row.dead_at is not None
        assert row.last_error == "ConnectionError"
        assert outbox.revive(session, message_id)
    assert run_message(database, message_id)
    assert len(mail.sent) == 1


def test_the_demo_writes_files(tmp_path: Path, clock: ManualClock) -> None:
    mail = FileMail(tmp_path / "sent" / "mail", "portal@example.org", clock=clock)
    for _ in range(2):
        mail.send("anna@example.org", "Nytt", "Logga in på å.", "message-7")
    (file,) = (tmp_path / "sent" / "mail").iterdir()
    assert file.name == "message-7.eml"
    parsed = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert parsed.get_content() == "Logga in på å.\n"
    FileSms(tmp_path / "sms").send("+46701234567", "Hej", "message-8")
    assert (tmp_path / "sms" / "message-8.txt").read_text() == "+46701234567\nHej\n"


def test_the_settings_name_the_ways_out(tmp_path: Path) -> None:
    assert couriers_of(make_settings()).ways == (NotifyBy.NONE,)
    both = make_settings(mail_url="smtp://mail.example.org", sms_url="https://sms.example.org/send")
    assert couriers_of(both).ways == (NotifyBy.NONE, NotifyBy.EMAIL, NotifyBy.SMS)
    files = replace(both, mail_url=(tmp_path / "a b").as_uri(), sms_url=tmp_path.as_uri())
    ways = couriers_of(files)
    assert isinstance(ways.mail, FileMail)
    ways.mail.send("a@example.org", "S", "T", "k")
    assert (tmp_path / "a b" / "k.eml").exists()
