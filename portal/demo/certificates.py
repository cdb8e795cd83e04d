"""Certificates for mutual TLS on this machine: an authority made on the spot, one certificate that it gives a server, one a caller."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from portal.demo.environment import write_private

_DAYS = 365


@dataclass(frozen=True)
class Certificates:
    """PEM files in a folder that is readable by its owner only; the authority's own key is kept nowhere."""

    folder: Path

    @property
    def authority(self) -> Path:
        """Whom both sides trust."""
        return self.folder / "authority.pem"

    @property
    def server(self) -> Path:
        """The server's certificate, for localhost."""
        return self.folder / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key."""
        return self.folder / "server-key.pem"

    @property
    def caller(self) -> Path:
        """The caller's certificate, with the caller's HSA-id as serial number of its subject."""
        return self.folder / "caller.pem"

    @property
    def caller_key(self) -> Path:
        """The caller's private key."""
        return self.folder / "caller-key.pem"


def make_certificates(folder: Path, caller_hsa_id: str) -> Certificates:
    """Write new certificates over the old ones, valid for a year."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Certificates(folder)
    authority = _Authority()
    write_private(made.authority, authority.pem)
    localhost = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    server = _subject("localhost")
    _give(authority, server, ExtendedKeyUsageOID.SERVER_AUTH, made.server, made.server_key, localhost)
    caller = _subject("hjalpmedelsportalen", caller_hsa_id)
    _give(authority, caller, ExtendedKeyUsageOID.CLIENT_AUTH, made.caller, made.caller_key)
    return made


def _subject(common_name: str, serial_number: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Demo"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if serial_number:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
    return x509.Name(parts)


class _Authority:
    """Signs for as long as it is in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject("Demo authority")
        own = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        self.pem = own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        purpose: x509.ObjectIdentifier,
        names: list[x509.GeneralName],
    ) -> str:
        """Return a certificate as PEM."""
        builder = (
            _builder(subject, self._name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _give(
    authority: _Authority,
    subject: x509.Name,
    purpose: x509.ObjectIdentifier,
    certificate: Path,
    key_file: Path,
    names: list[x509.GeneralName] | None = None,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    write_private(certificate, authority.sign(subject, key.public_key(), purpose, names or []))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    # The machine's clock: certificates are checked by it, whatever day a test plays.
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
