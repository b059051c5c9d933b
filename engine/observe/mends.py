"""What each kind of failure means, and which setting helps: one sentence a kind, shown in the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

#: By the value of a kind. Settings are named as `group.key`, which a test compares with the settings.
MENDS: Final[Mapping[str, str]] = {
    FailureKind.INVALID_URL: "the line is no URL; mend the input, or name the right column with input.url_column",
    FailureKind.REFUSED_SCHEME: "only http and https are fetched; take such lines out of the input",
    FailureKind.REFUSED_ADDRESS: (
        "the host has a private or loopback address; if it is yours, add its network to guard.allow_networks"
    ),
    FailureKind.ROBOTS_DISALLOWED: (
        "the site's robots.txt forbids it or could not be had; set politeness.obey_robots=false only with the owner's"
        " consent"
    ),
    FailureKind.DNS_NOT_FOUND: "the host name does not exist; mend the input",
    FailureKind.DNS_FAILED: "name servers did not answer; set fetch.nameservers, then: enrich retry",
    FailureKind.CONNECT_TIMEOUT: "the host did not answer; raise fetch.connect_timeout_s, then: enrich retry",
    FailureKind.CONNECT_REFUSED: "nothing listens on that port; check the URL's port, or later: enrich retry",
    FailureKind.CONNECTION_LOST: (
        "the server closed the connection early; lower politeness.max_per_host, then: enrich retry"
    ),
    FailureKind.TLS_FAILED: (
        "the certificate or handshake was not accepted; set fetch.ca_file to the issuer's certificates"
    ),
    FailureKind.READ_TIMEOUT: "the server stopped sending; raise fetch.timeout_s, then: enrich retry",
    FailureKind.TOTAL_TIMEOUT: "the page took too long in all; raise fetch.timeout_s, then: enrich retry",
    FailureKind.HTTP_STATUS: (
        "the server answered with an error; see the row's status_code, and for 401 or 403 set auth or headers in sites"
    ),
    FailureKind.RATE_LIMITED: (
        "the server asked for fewer requests; raise politeness.delay_s or the site's own delay in sites, then:"
        " enrich retry"
    ),
    FailureKind.TOO_MANY_REDIRECTS: "a loop or a long chain of redirects; raise fetch.max_redirects if it is no loop",
    FailureKind.BAD_REDIRECT: "a redirect without a usable target; the fault is the server's",
    FailureKind.BAD_RESPONSE: "the answer was no valid HTTP; the fault is the server's, or that of a fetch.proxy",
    FailureKind.BODY_TOO_LARGE: "the body is longer than is kept; raise fetch.max_body_bytes, then: enrich retry",
    FailureKind.DECODE_FAILED: "the body was not what its Content-Encoding said; the fault is the server's",
    FailureKind.UNSUPPORTED_CONTENT: "a type of content that is not read; see extract.content_types",
    FailureKind.EXTRACT_FAILED: "the content was damaged or not of its declared type; try extract.extractor=careful",
    FailureKind.NLP_TIMEOUT: "analysis took too long; raise nlp.timeout_s, or lower extract.max_text_length",
    FailureKind.NLP_CRASHED: (
        "the page ended its process twice; raise nlp.max_process_memory_bytes if memory is short, or report the page"
    ),
    FailureKind.CIRCUIT_OPEN: "the host kept failing, so the rest was not asked; later: enrich retry",
    FailureKind.DEFERRED: "put off by a limit of the run; raise run.max_duration_s or run.max_urls_per_site",
    FailureKind.INTERNAL_ERROR: "a fault of the engine; please report it with the URL and the log",
}
