"""E-mail by SMTP, and into files for a demo."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.clock import Clock, SystemClock
from portal.adapters.files import write_whole
from portal.telling import AddressRefused

# Below the time that a job has, so that a slow server is a failure of its own and not a killed job.
SECONDS = 4
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Of all files of a message together: with its own encoding on top, what most mail servers still take.
MOST_FILE_BYTES = 9 * 1024 * 1024


@dataclass(frozen=True)
class MailFile:
    """A file that goes with an e-mail; never shown in a representation."""

    name: str
    mimetype: str
    content: bytes = field(repr=False)


class MailTooLarge(Exception):
    """The files together are more than a mail server takes; nothing has been sent."""


def mail_message(
    sender: str, to: str, subject: str, text: str, key: str, clock: Clock, files: Sequence[MailFile] = ()
) -> EmailMessage:
    """Build the e-mail; its Message-ID is made of the key, so that a repeat is known as one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    # Nobody's holiday answer is wanted.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if sum(len(file.content) for file in files) > MOST_FILE_BYTES:
        raise MailTooLarge
    for file in files:
        maintype, _slash, subtype = file.mimetype.partition("/")
        message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)
    return message


class SmtpMail:
    """A mail server: smtp://[user:password@]host[:port] with STARTTLS (required but on this machine itself), or smtps://."""

    def __init__(self, url: str, sender: str, *, clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._clock = clock or SystemClock()
        self._tls = tls or ssl.create_default_context()

    def send(self, to: str, subject: str, text: str, key: str) -> None:
        """Hand the e-mail to the server; AddressRefused when it says for good that there is no such receiver."""
        self.send_with_files(to, subject, text, (), key)

    def send_with_files(self, to: str, subject: str, text: str, files: Sequence[MailFile], key: str) -> None:
        """Hand over an e-mail with files; AddressRefused as above, MailTooLarge when they are more than `MOST_FILE_BYTES`."""
        message = mail_message(self._sender, to, subject, text, key, self._clock, files)
        server = self._connect()
        try:
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)
            # It is taken: how the goodbye goes is no reason to send it again.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        except smtplib.SMTPRecipientsRefused as refusal:
            if all(code >= 500 for code, _words in refusal.recipients.values()):
                # Without the server's words, which repeat the address.
                raise AddressRefused from None
            raise
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        if self._implicit_tls:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=self._tls)
        server = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        try:
            server.ehlo()
            if server.has_extn("starttls") or self._host not in _LOOPBACK:
                server.starttls(context=self._tls)
        except BaseException:
            server.close()
            raise
        return server


class FileMail:
    """A folder in which each e-mail is a file; the same message again is the same file."""

    def __init__(self, folder: Path, sender: str, *, clock: Clock | None = None) -> None:
        self._folder, self._sender = folder, sender
        self._clock = clock or SystemClock()

    def send(self, to: str, subject: str, text: str, key: str) -> None:
        """Write the e-mail as a mail program opens it."""
        self.send_with_files(to, subject, text, (), key)

    def send_with_files(self, to: str, subject: str, text: str, files: Sequence[MailFile], key: str) -> None:
        """Write the e-mail with its files; MailTooLarge when they are more than `MOST_FILE_BYTES`."""
        message = mail_message(self._sender, to, subject, text, key, self._clock, files)
        write_whole(self._folder, f"{key}.eml", message.as_bytes())
