"""Who calls: the signature of a webhook, over its raw body and its time.

The header is `t=<unix seconds>,v1=<hex>[,v1=…]`, each v1 an HMAC-SHA256 of "{t}.{raw body}" under a secret that both
sides know; there are several while a secret is being replaced. A call is refused when it is older, or from a later
time, than five minutes: one that was listened to cannot be played again later, and one played at once is known by its
event's id. Compared in constant time.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

#: Seconds that a call's time may differ from ours, either way.
MAX_AGE_S: Final = 300.0

#: A header longer than this is none of a provider's.
_MAX_HEADER_CHARS: Final = 2_000


def refusal(header: str, body: bytes, secret: bytes, wall_now: float) -> str | None:
    """Why a call is not to be believed; None: it is the provider's, and fresh."""
    stamp, signatures = _parsed(header)
    if stamp is None or not signatures:
        return "the signature is missing, or is none"
    expected = hmac.new(secret, f"{stamp}.".encode() + body, sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures):
        return "the signature does not match"
    if abs(wall_now - int(stamp)) > MAX_AGE_S:
        return "the signature is too old, or from a later time"
    return None


def signed(body: bytes, secret: bytes, wall_now: float) -> str:
    """The header that a provider sends with `body`."""
    stamp = str(int(wall_now))
    return f"t={stamp},v1={hmac.new(secret, f'{stamp}.'.encode() + body, sha256).hexdigest()}"


def _parsed(header: str) -> tuple[str | None, list[str]]:
    stamp: str | None = None
    signatures: list[str] = []
    if len(header) > _MAX_HEADER_CHARS:
        return None, []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit():
            stamp = value
        elif name == "v1" and value.isascii():
            signatures.append(value.lower())
    return stamp, signatures
