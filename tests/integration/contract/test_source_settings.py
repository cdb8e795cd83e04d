"""The file that says where sources are: everything that is wrong with it is told at start, with region and field and no secret."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from core.db import Database
from core.policy import Policies, use_policies
from portal.adapters.contract_source import ContractSource, contract_source_of
from portal.adapters.contract_source_file import SourceAddresses, read_contract_sources
from portal.app import create_app
from portal.config import PACKAGED_POLICIES, Settings, SettingsProblem
from portal.demo.certificates import Certificates, make_certificates
from portal.jobs import prepare_process
from tests.support.contract_client import CALLER
from tests.support.settings import make_settings
from tests.support.source import policies_elsewhere

HERE = 'prescriptions = "http://localhost:8001/p"\norders = "http://127.0.0.1:8001/o"\n'
THERE = 'prescriptions = "https://source.example.org/p"\norders = "https://source.example.org/o/"\n'


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), CALLER)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sources.toml"


def files_of(certificates: Certificates) -> str:
    """The three files of mutual TLS as the settings have them."""
    return (
        f'certificate = "{certificates.caller}"\nkey = "{certificates.caller_key}"\n'
        f'authorities = "{certificates.authority}"\n'
    )


def problems(file: Path, text: str) -> list[str]:
    """What is said of a file at start."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsProblem) as caught:
        Settings.from_environment({"CONTRACT_SOURCES_FILE": str(file)})
    return [problem for problem in caught.value.problems if problem.startswith("CONTRACT_SOURCES_FILE")]


def test_a_source_is_read_with_paths_beside_the_file(file: Path, certificates: Certificates) -> None:
    file.write_text(
        f'[vgr]\n{THERE}points = "https://points.example.org"\n{files_of(certificates)}[jonkoping]\n{HERE}',
        encoding="utf-8",
    )
    assert read_contract_sources(file) == {
        "vgr": SourceAddresses(
            "https://source.example.org/p",
            "https://source.example.org/o/",
            "https://points.example.org",
            certificates.caller,
            certificates.caller_key,
            certificates.authority,
        ),
        "jonkoping": SourceAddresses("http://localhost:8001/p", "http://127.0.0.1:8001/o"),
    }
    beside = certificates.folder / "sources.toml"
    names = 'certificate = "caller.pem"\nkey = "caller-key.pem"\nauthorities = "authority.pem"\n'
    beside.write_text(f"[vgr]\n{THERE}{names}", encoding="utf-8")
    assert read_contract_sources(beside)["vgr"].key == certificates.caller_key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[vgr", "is not a TOML file"),
        ('vgr = "https://source.example.org"', "[vgr] is not a region's section"),
        ("[vgr]\n", "[vgr] lacks prescriptions; [vgr] lacks orders"),
        (f'[vgr]\n{HERE}adress = "x"\n', "[vgr] has no field adress"),
        (f"[vgr]\n{HERE}points = 7\n", "[vgr] points must be a text that is not empty"),
        (f'[vgr]\n{HERE}points = ""\n', "[vgr] points must be a text that is not empty"),
        (f'[vgr]\n{HERE}points = "ftp://localhost/"\n', "[vgr] points must be a web address"),
        (
            f'[vgr]\n{HERE}points = "http://source.example.org/"\n',
            "[vgr] points must be https (http only on this machine itself)",
        ),
        (f'[vgr]\n{HERE}points = "http://localhost:port/"\n', "[vgr] points has a port that is no number"),
        (f'[vgr]\n{HERE}points = "http://me:secret@localhost/"\n', "[vgr] points must be an address alone"),
        (f'[vgr]\n{HERE}points = "http://localhost/a b"\n', "[vgr] points must be an address alone"),
        (f'[vgr]\n{HERE}points = "http://localhost/p?wsdl"\n', "[vgr] points is the address of a description"),
        (
            f"[vgr]\n{THERE}",
            "; ".join(f"[vgr] lacks {name}, which https needs" for name in ("certificate", "key", "authorities")),
        ),
        (f'[vgr]\n{HERE}points = "HTTPS://source.example.org/"\n', "[vgr] lacks certificate, which https needs"),
        (f'[vgr]\n{HERE}key = "gone.pem"\n', "[vgr] key must name a file that can be read"),
        (
            f'[a]\n{HERE}points = "http://localhost/"\n[b]\n{HERE}points = "http://localhost/"\n',
            "points can be one region's only, and a, b have them",
        ),
        (f"[a]\n[vgr]\n{HERE}size = 1\n", "[a] lacks prescriptions; [a] lacks orders; [vgr] has no field size"),
    ],
)
def test_what_is_wrong_is_told_at_start(file: Path, text: str, told: str) -> None:
    [problem] = problems(file, text)
    assert problem.startswith(f"CONTRACT_SOURCES_FILE {told}"), problem
    assert "secret" not in problem


def test_a_file_that_is_not_there_is_told_at_start(file: Path) -> None:
    with pytest.raises(SettingsProblem, match="CONTRACT_SOURCES_FILE must name a file that can be read"):
        Settings.from_environment({"CONTRACT_SOURCES_FILE": str(file)})


def test_certificate_key_and_authorities_are_tried_at_start(
    file: Path, certificates: Certificates, tmp_path: Path
) -> None:
    usual = f"[vgr]\n{THERE}{files_of(certificates)}"
    misfit = "certificate and key are not PEM files that fit each other, the key without a password"
    [strangers_key] = problems(file, usual.replace("caller-key.pem", "server-key.pem"))
    assert strangers_key == f"CONTRACT_SOURCES_FILE [vgr] {misfit}"
    key = load_pem_private_key(certificates.caller_key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hemligt")))
    [with_password] = problems(file, usual.replace(str(certificates.caller_key), str(locked)))
    assert with_password == strangers_key
    [no_authority] = problems(file, usual.replace("authority.pem", "server-key.pem"))
    assert no_authority == "CONTRACT_SOURCES_FILE [vgr] authorities is not a PEM file of certificates"


def test_a_region_whose_prescriptions_live_elsewhere_needs_a_source(database: Database, tmp_path: Path) -> None:
    settings = make_settings(policy_dir=policies_elsewhere(tmp_path))
    with pytest.raises(SettingsProblem, match="has no source of vgr: the policy has"):
        create_app(settings, database=database)
    with pytest.raises(SettingsProblem, match="has no source of vgr: the policy has"):
        prepare_process(settings)


def test_a_source_that_no_policy_asks_for_is_told_of(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    use_policies(Policies.load(PACKAGED_POLICIES))
    assert contract_source_of(make_settings()) is None
    file.write_text(f"[vgr]\n{HERE}", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert contract_source_of(make_settings(contract_sources_file=file)) is None
    assert "whose policy has none" in caplog.text
    policies_elsewhere(file.parent)
    assert isinstance(contract_source_of(make_settings(contract_sources_file=file)), ContractSource)
