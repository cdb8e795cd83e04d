"""Mutual TLS with a source: who we are, whom we trust, and that nothing is sent to anybody else."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import sleep

import pytest

from orders.source.ports import AnswerLost, Registered, SourceDown
from portal.adapters import contract_source as adapter
from portal.adapters.contract_source import ContractSource
from portal.demo.certificates import Certificates, make_certificates
from tests.support.contract_client import CALLER
from tests.support.source import policies_elsewhere
from tests.support.source_answers import NUMBER, ORDER, prescriptions, taken
from tests.support.source_servers import SourceServer, source_server, tls_of

VERSIONS = pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies_elsewhere(tmp_path)
    monkeypatch.setattr(adapter, "READ_SECONDS", 20)
    monkeypatch.setattr(adapter, "REGISTER_SECONDS", 20)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What both sides have of the region's authority."""
    return make_certificates(tmp_path_factory.mktemp("ours"), CALLER)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The same of an authority that nobody here trusts."""
    return make_certificates(tmp_path_factory.mktemp("others"), CALLER)


@pytest.fixture
def server(ours: Certificates) -> Iterator[SourceServer]:
    with source_server(tls_of(ours)) as running:
        yield running


def source_of(server: SourceServer, certificates: Certificates) -> ContractSource:
    """The way to the server by these certificates."""
    return ContractSource({"vgr": server.addresses(certificates)})


@VERSIONS
def test_both_sides_show_who_they_are(ours: Certificates, newest: ssl.TLSVersion) -> None:
    with source_server(tls_of(ours, newest=newest)) as server:
        server.script = [prescriptions(), taken()]
        source = source_of(server, ours)
        assert b"PrescriptionItemId" in source.read("vgr", NUMBER)
        assert isinstance(source.register("vgr", ORDER), Registered)
        assert [asked.subject["serialNumber"] for asked in server.asked] == [CALLER] * 2


@VERSIONS
def test_a_source_that_does_not_take_our_certificate_has_taken_no_order(
    ours: Certificates, others: Certificates, newest: ssl.TLSVersion
) -> None:
    with source_server(tls_of(ours, newest=newest)) as server:
        stranger = replace(
            server.addresses(others),
            authorities=ours.authority,
        )
        for _ in range(3):
            source = ContractSource({"vgr": stranger})
            with pytest.raises(SourceDown, match="TLS refused"):
                source.register("vgr", ORDER)
        with pytest.raises(SourceDown, match="TLS refused"):
            ContractSource({"vgr": stranger}).read("vgr", NUMBER)
        assert server.connections == 4, "what is refused is not tried again"
        assert server.asked == []


def test_a_source_without_manners_may_leave_us_unsure_and_never_wrong(ours: Certificates, others: Certificates) -> None:
    with source_server(tls_of(ours), is_rude=True) as server:
        stranger = replace(server.addresses(others), authorities=ours.authority)
        for _ in range(10):
            with pytest.raises((SourceDown, AnswerLost)):
                ContractSource({"vgr": stranger}).register("vgr", ORDER)
        assert server.asked == []


@VERSIONS
def test_a_source_that_demands_a_certificate_takes_none_that_is_missing(
    ours: Certificates, newest: ssl.TLSVersion, tmp_path: Path
) -> None:
    """The settings demand one; should the file be gone all the same, nothing is sent."""
    with source_server(tls_of(ours, newest=newest)) as server:
        gone = replace(server.addresses(ours), certificate=tmp_path / "gone.pem")
        with pytest.raises(SourceDown):
            ContractSource({"vgr": gone}).register("vgr", ORDER)
        assert server.connections == 0
        nameless = replace(server.addresses(ours), certificate=None)
        with pytest.raises(SourceDown, match="TLS refused"):
            ContractSource({"vgr": nameless}).register("vgr", ORDER)
        assert server.asked == []


def test_a_source_whose_certificate_we_do_not_trust_hears_nothing(
    ours: Certificates, others: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the machine trusts is not what the region trusts.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(others.authority))
    with source_server(tls_of(others)) as server:
        with pytest.raises(SourceDown, match="TLS refused"):
            source_of(server, ours).register("vgr", ORDER)
        with pytest.raises(SourceDown, match="TLS refused"):
            source_of(server, ours).read("vgr", NUMBER)
        assert (server.connections, server.asked) == (2, [])


def test_a_certificate_for_another_name_is_another_server(ours: Certificates) -> None:
    with source_server(tls_of(ours), host="127.0.0.2") as server:
        with pytest.raises(SourceDown, match="TLS refused"):
            source_of(server, ours).register("vgr", ORDER)
        assert server.asked == []


def test_a_source_that_speaks_no_tls_hears_nothing(ours: Certificates) -> None:
    with source_server() as server:
        plain = server.addresses(ours)
        secure = replace(plain, orders=plain.orders.replace("http:", "https:"))
        with pytest.raises(SourceDown):
            ContractSource({"vgr": secure}).register("vgr", ORDER)
        assert server.asked == []


def test_who_is_given_up_while_shaking_hands_sends_nothing_afterwards(
    server: SourceServer, ours: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "REGISTER_SECONDS", 0.3)
    server.before_handshake = lambda: sleep(0.8)
    server.behave = taken()
    with pytest.raises(SourceDown):
        source_of(server, ours).register("vgr", ORDER)
    sleep(1)
    assert (server.connections, server.asked) == (1, [])


def test_a_renewed_certificate_is_used_without_a_new_start(
    ours: Certificates, others: Certificates, tmp_path: Path
) -> None:
    files = Certificates(tmp_path / "files")
    shutil.copytree(others.folder, files.folder)
    with source_server(tls_of(ours)) as server:
        server.behave = taken()
        source = source_of(server, files)
        with pytest.raises(SourceDown):
            source.register("vgr", ORDER)
        shutil.copytree(ours.folder, files.folder, dirs_exist_ok=True)
        assert isinstance(source.register("vgr", ORDER), Registered)
