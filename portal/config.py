"""Typed settings, read once from the environment; whatever is wrong is said at boot, all of it at once, without showing a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from core.crypto import Keyring
from portal import environment as values
from portal.adapters.contract_source_file import optional_contract_sources

DEFAULT_ACR_VALUES = "http://id.elegnamnden.se/loa/1.0/loa3 http://id.swedenconnect.se/loa/1.0/uncertified-loa3 http://id.sambi.se/loa/loa3"
PACKAGED_POLICIES = Path(__file__).parent / "policies"


class SettingsProblem(Exception):
    """The environment does not hold usable settings; `problems` names each variable and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The settings are not usable:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between one installation and another; what differs between regions is policy data instead."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    secret_key: str = field(repr=False)
    keyring: Keyring = field(repr=False)
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_key_file: Path
    oidc_client_authentication: str = "private_key_jwt"
    oidc_client_secret: str = field(default="", repr=False)
    oidc_acr_values: tuple[str, ...] = tuple(DEFAULT_ACR_VALUES.split())
    oidc_claim_map: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    log_level: str = "INFO"
    policy_dir: Path = PACKAGED_POLICIES
    regions: tuple[str, ...] = ()
    default_region: str = ""
    service_points_url: str = ""
    service_points_key_file: Path | None = None
    service_points_file: Path | None = None
    mail_url: str = field(default="", repr=False)
    mail_from: str = ""
    sms_url: str = field(default="", repr=False)
    sms_token: str = field(default="", repr=False)
    sms_sender: str = ""
    warehouse_url: str = ""
    warehouse_folder: Path | None = None
    warehouse_key_file: Path | None = None
    carrier_url: str = ""
    carrier_folder: Path | None = None
    carrier_key_file: Path | None = None
    contract_caller_header: str = "X-Client-Subject"
    contract_proxy_key_file: Path | None = None
    contract_sources_file: Path | None = None

    @property
    def uses_https(self) -> bool:
        """Whether people reach the portal over TLS, so that cookies must be Secure."""
        return self.base_url.startswith("https://")

    def oidc_client_key(self) -> str:
        """Return the private key we authenticate with at the identity provider (a JWK or a PEM)."""
        return self.oidc_client_key_file.read_text(encoding="utf-8")

    def service_points_key(self) -> str:
        """Return the key that we show to the provider of service points."""
        return self.service_points_key_file.read_text(encoding="utf-8").strip() if self.service_points_key_file else ""

    def contract_proxy_key(self) -> str:
        """Return the key by which the proxy that checks client certificates is known."""
        return self.contract_proxy_key_file.read_text(encoding="utf-8").strip() if self.contract_proxy_key_file else ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raise SettingsProblem with every missing or unusable variable."""
        reader = values.EnvironmentReader(os.environ if environment is None else environment)
        database_url = reader.required("DATABASE_URL", values.database_url)
        redis_url = reader.required("REDIS_URL", values.redis_url)
        base_url = reader.required("PORTAL_BASE_URL", values.web_address)
        secret_key = reader.required("PORTAL_SECRET_KEY", values.secret)
        data_keys = reader.required("PORTAL_DATA_KEYS", str)
        index_key = reader.required("PORTAL_INDEX_KEY", str)
        keyring = reader.check("PORTAL_DATA_KEYS, PORTAL_INDEX_KEY", lambda: Keyring.parse(data_keys, index_key))
        oidc_issuer = reader.required("OIDC_ISSUER", values.web_address)
        oidc_client_id = reader.required("OIDC_CLIENT_ID", str)
        oidc_client_key_file = reader.required("OIDC_CLIENT_KEY_FILE", values.readable_file)
        oidc_client_authentication = reader.optional("OIDC_CLIENT_AUTHENTICATION", "private_key_jwt", str)
        oidc_client_secret = reader.optional("OIDC_CLIENT_SECRET", "", str)
        oidc_acr_values = reader.optional("OIDC_ACR_VALUES", DEFAULT_ACR_VALUES, values.words)
        oidc_claim_map = reader.optional("OIDC_CLAIM_MAP", "{}", values.claim_map)
        log_level = reader.optional("PORTAL_LOG_LEVEL", "INFO", values.log_level)
        policy_dir = reader.optional("PORTAL_POLICY_DIR", str(PACKAGED_POLICIES), values.folder)
        regions = reader.optional("PORTAL_REGIONS", "", values.words)
        default_region = reader.optional("PORTAL_DEFAULT_REGION", "", str)
        mail_url = reader.optional("MAIL_URL", "", values.mail_url)
        mail_from = reader.optional("MAIL_FROM", "", values.mail_address)
        sms_url = reader.optional("SMS_URL", "", values.sms_url)
        sms_token = reader.optional("SMS_TOKEN", "", str)
        sms_sender = reader.optional("SMS_SENDER", "", str)
        service_points_url = reader.optional("SERVICE_POINTS_URL", "", values.optional(values.web_address))
        service_points_key_file = reader.optional("SERVICE_POINTS_KEY_FILE", "", values.optional_file)
        service_points_file = reader.optional("SERVICE_POINTS_FILE", "", values.optional_file)
        if service_points_url and service_points_file:
            reader.problems.append("SERVICE_POINTS_URL and SERVICE_POINTS_FILE exclude each other")
        if service_points_url and not service_points_key_file:
            reader.problems.append("SERVICE_POINTS_URL needs SERVICE_POINTS_KEY_FILE")
        warehouse_url = reader.optional("WAREHOUSE_URL", "", values.optional(values.web_address))
        warehouse_folder = reader.optional("WAREHOUSE_FOLDER", "", values.optional_folder)
        warehouse_key_file = reader.optional("WAREHOUSE_KEY_FILE", "", values.optional_region_keys)
        if warehouse_url and warehouse_folder:
            reader.problems.append("WAREHOUSE_URL and WAREHOUSE_FOLDER are both set: there is one way to the warehouse")
        carrier_url = reader.optional("CARRIER_URL", "", values.optional(values.web_address))
        carrier_folder = reader.optional("CARRIER_FOLDER", "", values.optional_folder)
        carrier_key_file = reader.optional("CARRIER_KEY_FILE", "", values.optional_region_keys)
        if carrier_url and carrier_folder:
            reader.problems.append("CARRIER_URL and CARRIER_FOLDER are both set: there is one way to the carriers")
        contract_caller_header = reader.optional("CONTRACT_CALLER_HEADER", "X-Client-Subject", str)
        contract_proxy_key_file = reader.optional("CONTRACT_PROXY_KEY_FILE", "", values.optional_file)
        contract_sources_file = reader.optional("CONTRACT_SOURCES_FILE", "", optional_contract_sources)
        if reader.problems:
            raise SettingsProblem(reader.problems)
        assert keyring is not None
        return cls(
            database_url=database_url,
            redis_url=redis_url,
            base_url=base_url,
            secret_key=secret_key,
            keyring=keyring,
            oidc_issuer=oidc_issuer,
            oidc_client_id=oidc_client_id,
            oidc_client_key_file=oidc_client_key_file,
            oidc_client_authentication=oidc_client_authentication,
            oidc_client_secret=oidc_client_secret,
            oidc_acr_values=oidc_acr_values,
            oidc_claim_map=oidc_claim_map,
            log_level=log_level,
            policy_dir=policy_dir,
            regions=regions,
            default_region=default_region,
            service_points_url=service_points_url,
            service_points_key_file=service_points_key_file,
            service_points_file=service_points_file,
            mail_url=mail_url,
            mail_from=mail_from,
            sms_url=sms_url,
            sms_token=sms_token,
            sms_sender=sms_sender,
            warehouse_url=warehouse_url,
            warehouse_folder=warehouse_folder,
            warehouse_key_file=warehouse_key_file,
            carrier_url=carrier_url,
            carrier_folder=carrier_folder,
            carrier_key_file=carrier_key_file,
            contract_caller_header=contract_caller_header,
            contract_proxy_key_file=contract_proxy_key_file,
            contract_sources_file=contract_sources_file,
        )
