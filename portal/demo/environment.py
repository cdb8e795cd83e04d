"""The demo's settings: secrets made once and kept in `.demo`, addresses made at each start."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

CLIENT_ID = "hjalpmedelsportalen-demo"
SERVICE_POINTS = Path(__file__).parent / "region" / "data" / "service-points.csv"


@dataclass(frozen=True)
class DemoFiles:
    """Where the demo keeps what must survive a restart."""

    folder: Path

    @property
    def secrets(self) -> Path:
        """Keys made once; without them the database cannot be read."""
        return self.folder / "secrets.json"

    @property
    def client_key(self) -> Path:
        """The private key that the portal shows at the identity provider."""
        return self.folder / "client-key.json"

    @property
    def provider_config(self) -> Path:
        """What the identity provider reads."""
        return self.folder / "identity-provider.json"

    @property
    def environment(self) -> Path:
        """The settings as a shell reads them, for running other `portal` commands beside the demo."""
        return self.folder / "env"

    @property
    def lock(self) -> Path:
        """Held as long as anything of a demo runs."""
        return self.folder / "lock"

    @property
    def postgres(self) -> Path:
        """The state of the embedded PostgreSQL."""
        return self.folder / "postgres"

    @property
    def valkey(self) -> Path:
        """The state of the embedded Valkey."""
        return self.folder / "valkey"

    def log(self, name: str) -> Path:
        """The log of one part of the demo."""
        return self.folder / "logs" / f"{name}.log"

    def sent(self, way: str) -> Path:
        """Where e-mail and SMS of the demo end up instead of leaving it."""
        return self.folder / "sent" / way

    @property
    def manifests(self) -> Path:
        """What the carriers of the demo are given: a file per carrier and day."""
        return self.folder / "carriers"

    @property
    def certificates(self) -> Path:
        """Certificates and keys of the way between two installations, made at each start."""
        return self.folder / "certificates"

    @property
    def sources(self) -> Path:
        """What one installation knows of another that has the prescriptions."""
        return self.folder / "sources.toml"

    def prepare(self) -> None:
        """Create the folder, readable by its owner only."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.manifests.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)


@dataclass(frozen=True)
class DemoSecrets:
    """Keys and secrets of this demo."""

    secret_key: str
    data_key: str
    index_key: str
    provider_cookie_key: str
    provider_keys: dict[str, Any]
    client_public_key: dict[str, Any]

    @classmethod
    def load_or_make(cls, files: DemoFiles) -> DemoSecrets:
        """Read yesterday's secrets, or make them."""
        if not files.secrets.exists():
            client = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
            provider = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
            write_private(files.client_key, json.dumps(client.as_dict(private=True)))
            made = {
                "secret_key": secrets.token_urlsafe(48),
                "data_key": base64.b64encode(secrets.token_bytes(32)).decode(),
                "index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
                "provider_cookie_key": secrets.token_urlsafe(48),
                "provider_keys": {"keys": [provider.as_dict(private=True)]},
                "client_public_key": client.as_dict(private=False),
            }
            # Last, because its presence says that everything is there.
            write_private(files.secrets, json.dumps(made))
        return cls(**json.loads(files.secrets.read_text(encoding="utf-8")))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that is there either whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


def portal_environment(
    files: DemoFiles, own: DemoSecrets, *, base_url: str, issuer: str, database_url: str, redis_url: str
) -> dict[str, str]:
    """Return the variables that `portal.config` reads."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORTAL_BASE_URL": base_url,
        "PORTAL_SECRET_KEY": own.secret_key,
        "PORTAL_DATA_KEYS": f"demo:{own.data_key}",
        "PORTAL_INDEX_KEY": own.index_key,
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_KEY_FILE": str(files.client_key),
        "SERVICE_POINTS_FILE": str(SERVICE_POINTS),
        "MAIL_URL": files.sent("mail").as_uri(),
        "SMS_URL": files.sent("sms").as_uri(),
        "CARRIER_FOLDER": str(files.manifests),
    }


def write_environment(files: DemoFiles, environment: Mapping[str, str]) -> None:
    """Write the settings for `set -a; . .demo/env`."""
    write_private(files.environment, "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items()))
