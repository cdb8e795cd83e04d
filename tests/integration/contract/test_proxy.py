"""The demo's proxy lets in whom the authority knows, and nobody can say through it that they are somebody else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from portal.api.contract.callers import KEY_HEADER, hsa_id_of
from portal.demo.certificates import Certificates, make_certificates
from portal.demo.contract_proxy import CALLER_HEADER, Behind, ContractProxy, Trouble, subject_of

HSA_ID = "SE2321000131-S000000000201"
KEY = "what-only-the-proxy-knows"
ORDERING = "/api/contract/2.0/RegisterMedicalSupplyOrder"


@dataclass
class Heard:
    """What came through to a program behind."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def of(self, name: str) -> list[str]:
        """Return the values of every header that a WSGI server would take for this one."""
        wanted = name.replace("-", "_").lower()
        return [value for found, value in self.headers if found.replace("-", "_").lower() == wanted]


@contextmanager
def program_behind(heard: Heard) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.headers += self.headers.items()
            heard.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Set-Cookie", "session=its-own")
            self.end_headers()
            self.wfile.write("<svar>åäö</svar>".encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), HSA_ID)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def proxy(certificates: Certificates, heard: Heard) -> Iterator[ContractProxy]:
    with program_behind(heard) as port, ContractProxy(certificates, Behind(port, KEY)).running() as running:
        yield running


@contextmanager
def caller(own: Certificates | None, trusted: Certificates) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(trusted.authority)
        if own is not None:
            session.cert = (str(own.caller), str(own.caller_key))
        yield session


def test_a_caller_is_told_by_its_certificate_and_by_nothing_that_it_says(
    proxy: ContractProxy, certificates: Certificates, heard: Heard
) -> None:
    lies = {
        "X-Client-Subject": "SERIALNUMBER=SE2321000131-S000000001177",
        "x_client_subject": "SERIALNUMBER=SE2321000131-S000000001177",
        "X-Proxy-Key": "a guess",
        "X_Proxy_Key": "a guess",
        "Cookie": "session=somebody",
    }
    with caller(certificates, certificates) as session:
        answer = session.post(proxy.address + ORDERING, b"<a/>", headers={**lies, "SOAPAction": '"x"'}, timeout=10)
    assert answer.content.decode() == "<svar>åäö</svar>"
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    assert heard.bodies == [b"<a/>"]
    [subject] = heard.of(CALLER_HEADER)
    assert hsa_id_of(subject) == HSA_ID
    assert heard.of(KEY_HEADER) == [KEY]
    assert heard.of("SOAPAction") == ['"x"']
    assert heard.of("Cookie") == []


def test_no_value_of_a_subject_is_taken_for_another_attribute() -> None:
    certificate = {
        "subject": (
            (("organizationName", "Nån, SERIALNUMBER=SE2321000131-S000000001177 + CN=SE2321000131-S000000001177"),),
            (("serialNumber", HSA_ID),),
        )
    }
    subject = subject_of(certificate)
    assert subject.isascii()
    assert hsa_id_of(subject) == HSA_ID
    for others in (
        r"O=Nån\, SERIALNUMBER=SE2321000131-S000000001177",
        r'O="Nån, SERIALNUMBER=SE2321000131-S000000001177"',
        r'O="Nån \", SERIALNUMBER=SE2321000131-S000000001177"',
        r"O=Nån\+CN=SE2321000131-S000000001177",
        "O=Nån/SERIALNUMBER=SE2321000131-S000000001177",
    ):
        assert hsa_id_of(others) == ""
        assert hsa_id_of(f"{others}, SERIALNUMBER={HSA_ID}") == HSA_ID
    assert "\n" not in subject_of({"subject": ((("commonName", "a\r\nX-Proxy-Key: b"),),)})


@pytest.mark.parametrize(
    "subject",
    [
        f"CN=SE2321000131-S000000001177, SERIALNUMBER={HSA_ID}",
        f"/C=SE/CN=SE2321000131-S000000001177/serialNumber={HSA_ID}",
        f"CN=SE2321000131-S000000001177+2.5.4.5={HSA_ID},C=SE",
        f"CN={HSA_ID}, SERIALNUMBER=5561234567",
    ],
)
def test_the_number_goes_before_the_name_and_either_notation_is_read(subject: str) -> None:
    assert hsa_id_of(subject) == HSA_ID


def test_nobody_without_a_certificate_of_the_authority_is_answered(
    proxy: ContractProxy, certificates: Certificates, tmp_path: Path, heard: Heard
) -> None:
    stranger = make_certificates(tmp_path / "others", HSA_ID)
    for own in (None, stranger):
        with caller(own, certificates) as session, pytest.raises(requests.ConnectionError):
            session.post(proxy.address + ORDERING, b"<a/>", timeout=10)
    with caller(certificates, stranger) as session, pytest.raises(requests.exceptions.SSLError):
        session.post(proxy.address + ORDERING, b"<a/>", timeout=10)
    assert heard.bodies == []


def test_only_the_services_are_behind_it_and_only_what_has_a_size(
    proxy: ContractProxy, certificates: Certificates, heard: Heard
) -> None:
    with caller(certificates, certificates) as session:
        assert session.post(f"{proxy.address}/log-in", b"", timeout=10).status_code == 404
        # Hung up on before all is sent, a client may miss what was answered.
        for content in (iter([b"<a/>"]), b"a" * 2_100_000):
            with suppress(requests.RequestException):
                assert session.post(proxy.address + ORDERING, content, timeout=10).status_code in (411, 413)
    assert heard.bodies == []


def test_it_can_be_down_and_it_can_lose_answers_to_orders(certificates: Certificates, heard: Heard) -> None:
    now = {"down": False, "lost": True}
    trouble = Trouble(lambda: now["down"], lambda: now["lost"])
    with (
        program_behind(heard) as port,
        ContractProxy(certificates, Behind(port, KEY), trouble=trouble).running() as proxy,
        caller(certificates, certificates) as session,
    ):
        with pytest.raises(requests.ConnectionError):
            session.post(proxy.address + ORDERING, b"<order/>", timeout=10)
        other = proxy.address + ORDERING.replace("RegisterMedicalSupplyOrder", "GetMedicalSupplyPrescriptions")
        assert session.post(other, b"<read/>", timeout=10).ok
        assert heard.bodies == [b"<order/>", b"<read/>"]
        now.update(down=True, lost=False)
        with pytest.raises(requests.ConnectionError):
            session.post(proxy.address + ORDERING, b"<order/>", timeout=10)
        now["down"] = False
        assert session.post(proxy.address + ORDERING, b"<order/>", timeout=10).ok


def test_a_dead_program_behind_is_a_bad_gateway(certificates: Certificates) -> None:
    with program_behind(Heard()) as port:
        pass
    with (
        ContractProxy(certificates, Behind(port, KEY)).running() as proxy,
        caller(certificates, certificates) as session,
    ):
        assert session.post(proxy.address + ORDERING, b"<order/>", timeout=10).status_code == 502


def test_a_client_that_never_shakes_hands_holds_up_nobody(proxy: ContractProxy, certificates: Certificates) -> None:
    port = int(proxy.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)), caller(certificates, certificates) as session:
        assert session.post(proxy.address + ORDERING, b"<a/>", timeout=5).ok


def test_its_certificates_are_what_the_strictest_client_wants(proxy: ContractProxy, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=str(certificates.authority))
    context.load_cert_chain(certificates.caller, certificates.caller_key)
    # What Python's newest version asks of every certificate.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(proxy.address.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
