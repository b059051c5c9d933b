"""A certificate authority for one test session: certificates right and wrong, each in a server's TLS context."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from itertools import count
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


class Authority:
    """Signs certificates; `file` is its own, as fetch.ca_file takes it."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / "ca.pem"
        self._numbers = count()
        now = dt.datetime.now(dt.UTC)
        certificate = self._build(self.name, self.key.public_key(), (now - 2 * DAY, now + DAY), ca=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, public_key, lifetime, names=(), *, ca=False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(lifetime[0])
            .not_valid_after(lifetime[1])
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server_context(self, *hosts: str, begins: dt.timedelta = -2 * DAY, ends: dt.timedelta = DAY) -> ssl.SSLContext:
        """A context with a certificate for these names or addresses (of none: its common name says the rest)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0] if hosts else "no.names.test")])
        now = dt.datetime.now(dt.UTC)
        certificate = self._build(
            subject, key.public_key(), (now + begins, now + ends), [_name(host) for host in hosts]
        )
        file = self.folder / f"server-{next(self._numbers)}.pem"
        encoding = serialization.Encoding.PEM
        file.write_bytes(
            certificate.public_bytes(encoding)
            + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
