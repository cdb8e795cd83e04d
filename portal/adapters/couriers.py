"""The ways out that the settings name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal.adapters.mail import FileMail, SmtpMail
from portal.adapters.sms import FileSms, HttpSms
from portal.config import Settings
from portal.telling import Couriers, SmsPort


def couriers_of(settings: Settings) -> Couriers:
    """Return the ways out of this installation."""
    return Couriers(login_address=settings.base_url, mail=_mail(settings), sms=_sms(settings))


def mail_with_files_of(settings: Settings) -> SmtpMail | FileMail | None:
    """Return the way out for e-mails with files, None for an installation that sends no e-mail."""
    return _mail(settings)


def _mail(settings: Settings) -> SmtpMail | FileMail | None:
    if not settings.mail_url:
        return None
    sender = settings.mail_from or f"no-reply@{urlsplit(settings.base_url).hostname}"
    folder = _folder(settings.mail_url)
    return FileMail(folder, sender) if folder else SmtpMail(settings.mail_url, sender)


def _sms(settings: Settings) -> SmsPort | None:
    if not settings.sms_url:
        return None
    folder = _folder(settings.sms_url)
    return FileSms(folder) if folder else HttpSms(settings.sms_url, settings.sms_token, settings.sms_sender)


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
