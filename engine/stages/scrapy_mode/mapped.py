"""Our settings in Scrapy's words, and Scrapy's failures in ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import exceptions as said
from twisted.internet import error as net
from twisted.web import client as web

from engine.errors import UsageError
from engine.model.outcome import Failure, FailureKind
from engine.transport.guard import RefusedAddressError

if TYPE_CHECKING:
    from engine.settings import Settings


def scrapy_settings(settings: Settings) -> dict[str, Any]:
    """The crawl's settings. Raises UsageError for one that Scrapy could not obey."""
    fetch, politeness = settings.fetch, settings.politeness
    for name, value in {
        "fetch.connect_to": fetch.connect_to,
        "fetch.proxy": fetch.proxy,
        "sites": settings.sites,
    }.items():
        if value:
            raise UsageError(f"{name} has no effect through Scrapy (--no-async-enrichment): leave it out")
    return {
        "USER_AGENT": fetch.user_agent,
        "DEFAULT_REQUEST_HEADERS": dict(fetch.headers),
        "COOKIES_ENABLED": False,
        "CONCURRENT_REQUESTS": fetch.max_concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": politeness.max_per_host or fetch.max_concurrency,
        "DOWNLOAD_DELAY": politeness.delay_s,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "DOWNLOAD_TIMEOUT": fetch.timeout_s,
        "DOWNLOAD_MAXSIZE": fetch.max_body_bytes,
        "REDIRECT_MAX_TIMES": fetch.max_redirects,
        "ROBOTSTXT_OBEY": politeness.obey_robots,
        "RETRY_TIMES": settings.retry.max_attempts - 1,
        "HTTPERROR_ALLOW_ALL": True,
        "DNS_RESOLVER": "engine.stages.scrapy_mode.guarded.Resolver",
        "DOWNLOADER_MIDDLEWARES": {"engine.stages.scrapy_mode.guarded.Middleware": 50},
        "ENGINE_GUARD": settings.guard,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
    }


_KINDS: tuple[tuple[tuple[type[BaseException], ...], FailureKind], ...] = (
    ((RefusedAddressError,), FailureKind.REFUSED_ADDRESS),
    ((net.DNSLookupError, said.CannotResolveHostError), FailureKind.DNS_NOT_FOUND),
    ((net.ConnectionRefusedError, said.DownloadConnectionRefusedError), FailureKind.CONNECT_REFUSED),
    ((net.TCPTimedOutError,), FailureKind.CONNECT_TIMEOUT),
    ((net.TimeoutError, said.DownloadTimeoutError), FailureKind.TOTAL_TIMEOUT),
    ((said.UnsupportedURLSchemeError,), FailureKind.REFUSED_SCHEME),
    ((said.DownloadCancelledError,), FailureKind.BODY_TOO_LARGE),
    (
        (
            net.ConnectionLost,
            net.ConnectionDone,
            web.ResponseFailed,
            web.ResponseNeverReceived,
            said.ResponseDataLossError,
            said.DownloadFailedError,
        ),
        FailureKind.CONNECTION_LOST,
    ),
    ((net.ConnectError,), FailureKind.CONNECT_REFUSED),
)


def failure_of(error: BaseException) -> Failure:
    """What Scrapy's exception is called here."""
    words = str(error) or type(error).__name__
    if isinstance(error, said.IgnoreRequest):
        if "robots.txt" in words:
            return Failure(FailureKind.ROBOTS_DISALLOWED, "robots.txt disallows this URL")
        if "max redirections" in words:
            return Failure(FailureKind.TOO_MANY_REDIRECTS, words)
    for types, kind in _KINDS:
        if isinstance(error, types):
            return Failure(kind, words)
    return Failure(FailureKind.INTERNAL_ERROR, f"{type(error).__name__}: {words}")
