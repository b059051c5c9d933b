"""The one TLS context of a process: building it reads the system's certificates, which takes tens of milliseconds."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def client_context(*, verify: bool, ca_file: str | Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer (RFC 8996 forbids older), HTTP/1.1. `ca_file` (PEM) is trusted beside the system's authorities.

    Raises UsageError where the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    # Python 3.13 also asks for RFC 5280's form (VERIFY_X509_STRICT), which certificates of private authorities often
    # lack, and which neither browsers nor curl ask for: what a URL's row is must not hang on the Python.
    context.verify_flags = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except ssl.SSLError:
            raise UsageError(f"fetch.ca_file: {ca_file} holds no certificate in PEM form") from None
        except OSError as error:
            raise UsageError(f"fetch.ca_file: {ca_file}: {error.strerror}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
