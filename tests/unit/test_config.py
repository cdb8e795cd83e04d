"""Settings fail at boot, all at once, and never show a secret."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from portal.config import Settings, SettingsProblem

SECRET = "correct-horse-battery-staple-0123456789"
KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A complete environment."""
    key_file = tmp_path / "client-key.json"
    key_file.write_text("{}")
    return {
        "DATABASE_URL": "postgresql+psycopg://portal:hidden-password@db.example.org/portal",
        "REDIS_URL": "redis://:hidden-password@queue.example.org/0",
        "PORTAL_BASE_URL": "https://hjalpmedel.example.org/",
        "PORTAL_SECRET_KEY": SECRET,
        "PORTAL_DATA_KEYS": f"2026:{KEY},2025:{KEY}",
        "PORTAL_INDEX_KEY": KEY,
        "OIDC_ISSUER": "https://login.example.org",
        "OIDC_CLIENT_ID": "portal",
        "OIDC_CLIENT_KEY_FILE": str(key_file),
    }


def test_a_complete_environment_gives_settings(environment: dict[str, str]) -> None:
    environment |= {"OIDC_ACR_VALUES": "loa3 loa4", "OIDC_CLAIM_MAP": '{"personal_number": "nin"}'}
    settings = Settings.from_environment(environment)
    assert settings.base_url == "https://hjalpmedel.example.org"
    assert settings.uses_https
    assert list(settings.keyring.data_keys) == ["2026", "2025"]
    assert settings.oidc_acr_values == ("loa3", "loa4")
    assert settings.oidc_claim_map["personal_number"] == "nin"
    assert (settings.policy_dir / "vgr.toml").is_file()


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsProblem) as caught:
        Settings.from_environment({})
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "DATABASE_URL",
        "REDIS_URL",
        "PORTAL_BASE_URL",
        "PORTAL_SECRET_KEY",
        "PORTAL_DATA_KEYS",
        "PORTAL_INDEX_KEY",
        "OIDC_ISSUER",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_KEY_FILE",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///portal.db"),
        ("REDIS_URL", "http://queue.example.org"),
        ("PORTAL_BASE_URL", "http://hjalpmedel.example.org"),
        ("PORTAL_BASE_URL", "hjalpmedel.example.org"),
        ("PORTAL_SECRET_KEY", "short"),
        ("PORTAL_DATA_KEYS", f"2026:{base64.b64encode(bytes(16)).decode()}"),
        ("PORTAL_DATA_KEYS", "no key at all"),
        ("PORTAL_INDEX_KEY", "%%%"),
        ("OIDC_ISSUER", "http://login.example.org"),
        ("OIDC_CLIENT_KEY_FILE", "/nonexistent"),
        ("OIDC_CLAIM_MAP", '["nin"]'),
        ("PORTAL_LOG_LEVEL", "chatty"),
        ("PORTAL_POLICY_DIR", "/nonexistent"),
        ("SERVICE_POINTS_URL", "http://points.example.org"),
        ("SERVICE_POINTS_KEY_FILE", "/nonexistent"),
        ("SERVICE_POINTS_FILE", "/nonexistent"),
    ],
)
def test_an_unusable_value_is_named_and_not_shown(environment: dict[str, str], name: str, value: str) -> None:
    environment[name] = value
    with pytest.raises(SettingsProblem, match=name) as caught:
        Settings.from_environment(environment)
    assert len(caught.value.problems) == 1
    assert value not in str(caught.value)


def test_settings_print_no_secret(environment: dict[str, str]) -> None:
    printed = repr(Settings.from_environment(environment))
    assert "hidden-password" not in printed
    assert SECRET not in printed
    assert KEY not in printed
    assert repr(bytes(32)) not in printed


def test_service_points_are_asked_for_or_read_from_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "points-key"
    key.write_text(" hidden-key \n")
    url = {"SERVICE_POINTS_URL": "https://points.example.org/"}
    asked = Settings.from_environment(environment | url | {"SERVICE_POINTS_KEY_FILE": str(key)})
    assert (asked.service_points_url, asked.service_points_key()) == ("https://points.example.org", "hidden-key")
    read = Settings.from_environment(environment | {"SERVICE_POINTS_FILE": str(key)})
    assert (read.service_points_file, read.service_points_url, read.service_points_key()) == (key, "", "")
    for wrong in (url, url | {"SERVICE_POINTS_KEY_FILE": str(key), "SERVICE_POINTS_FILE": str(key)}):
        with pytest.raises(SettingsProblem) as caught:
            Settings.from_environment(environment | wrong)
        assert [problem.split()[0] for problem in caught.value.problems] == ["SERVICE_POINTS_URL"]
