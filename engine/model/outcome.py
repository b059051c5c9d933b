"""How one request, or one URL, ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class FailureKind(StrEnum):
    """Why a URL has no enriched row: the values of the row's `error_kind`."""

    INVALID_URL = "invalid_url"
    REFUSED_SCHEME = "refused_scheme"
    REFUSED_ADDRESS = "refused_address"
    ROBOTS_DISALLOWED = "robots_disallowed"
    DNS_NOT_FOUND = "dns_not_found"
    DNS_FAILED = "dns_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_REFUSED = "connect_refused"
    CONNECTION_LOST = "connection_lost"
    TLS_FAILED = "tls_failed"
    READ_TIMEOUT = "read_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    HTTP_STATUS = "http_status"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_REDIRECT = "bad_redirect"
    BAD_RESPONSE = "bad_response"
    BODY_TOO_LARGE = "body_too_large"
    DECODE_FAILED = "decode_failed"
    UNSUPPORTED_CONTENT = "unsupported_content"
    EXTRACT_FAILED = "extract_failed"
    NLP_TIMEOUT = "nlp_timeout"
    NLP_CRASHED = "nlp_crashed"
    CIRCUIT_OPEN = "circuit_open"
    DEFERRED = "deferred"
    INTERNAL_ERROR = "internal_error"


#: A sentence is for people, and quotes what a server sent: a Location of 32 KB would make a row of as many.
MAX_MESSAGE_CHARS: Final = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind and a sentence for people (shown in the row's `error`), cut to MAX_MESSAGE_CHARS."""

    kind: FailureKind
    message: str

    def __post_init__(self) -> None:
        """Cut a sentence that is too long, whoever wrote it."""
        if len(self.message) > MAX_MESSAGE_CHARS:
            object.__setattr__(self, "message", self.message[: MAX_MESSAGE_CHARS - 1] + "…")


class Outcome(NamedTuple):
    """The end of one request: an HTTP status, or a failure before one came (then `status` is 0).

    `kind` is None where the answer is to be used as it is (2xx, and a redirect that is followed).
    `retry_after_s` is the answer's Retry-After in seconds from now, None where none came.
    """

    status: int = 0
    kind: FailureKind | None = None
    retry_after_s: float | None = None
