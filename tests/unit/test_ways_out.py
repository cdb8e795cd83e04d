"""The settings of e-mail and SMS: what is no way out is said at boot, without showing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.config import Settings, SettingsProblem
from tests.support.settings import make_settings

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def environment(folder: Path) -> dict[str, str]:
    """Everything that has to be set."""
    client_key = folder / "client-key.json"
    client_key.write_text("{}", encoding="utf-8")
    whole = make_settings()
    return {
        "DATABASE_URL": whole.database_url,
        "REDIS_URL": whole.redis_url,
        "PORTAL_BASE_URL": whole.base_url,
        "PORTAL_SECRET_KEY": whole.secret_key,
        "PORTAL_DATA_KEYS": f"test:{KEY}",
        "PORTAL_INDEX_KEY": KEY,
        "OIDC_ISSUER": whole.oidc_issuer,
        "OIDC_CLIENT_ID": whole.oidc_client_id,
        "OIDC_CLIENT_KEY_FILE": str(client_key),
    }


GOOD = [
    ("MAIL_URL", "smtp://user:secret@mail.example.org:587"),
    ("MAIL_URL", "smtps://mail.example.org"),
    ("MAIL_URL", "file:///var/portal/mail"),
    ("SMS_URL", "https://sms.example.org/send"),
    ("SMS_URL", "http://localhost:9999/send"),
    ("SMS_URL", "file:///var/portal/sms"),
    ("MAIL_FROM", "portal@example.org"),
]
BAD = [
    ("MAIL_URL", "mail.example.org"),
    ("MAIL_URL", "http://mail.example.org"),
    ("MAIL_URL", "smtp://"),
    ("MAIL_URL", "smtp://mail.example.org:many"),
    ("MAIL_URL", "file:relative"),
    ("SMS_URL", "http://sms.example.org/send"),
    ("SMS_URL", "ftp://sms.example.org"),
    ("MAIL_FROM", "Portalen <portal@example.org>"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_way_out(tmp_path: Path, name: str, value: str) -> None:
    settings = Settings.from_environment({**environment(tmp_path), name: value})
    assert getattr(settings, name.lower()) == value
    if "secret" in value:
        assert "secret" not in repr(settings)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_no_way_out(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsProblem) as problem:
        Settings.from_environment({**environment(tmp_path), name: value})
    assert [said for said in problem.value.problems if said.startswith(name)]
    assert value == "smtp://" or value not in str(problem.value)
