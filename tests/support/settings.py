"""Settings for tests: complete, made up, and pointing nowhere unless a test says where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.crypto import Keyring
from portal.config import Settings

TEST_KEYRING = Keyring({"test": bytes(range(32))}, bytes(reversed(range(32))))


def make_settings(**changes: Any) -> Settings:
    """Return settings for tests with some of them changed."""
    settings = Settings(
        database_url="postgresql+psycopg://nobody@/nothing?host=/nonexistent",
        redis_url="unix:///nonexistent/valkey.sock",
        base_url="http://localhost:8000",
        secret_key="a-secret-that-only-tests-know-0123456789",
        keyring=TEST_KEYRING,
        oidc_issuer="http://127.0.0.1:8400",
        oidc_client_id="hjalpmedelsportalen",
        oidc_client_key_file=Path("/nonexistent/client-key.json"),
    )
    return replace(settings, **changes)
