"""Our settings in Scrapy's words, and Scrapy's failures in ours."""

from __future__ import annotations

from typing import Any, Final

from scrapy import exceptions as said
from twisted.internet import error as net
from twisted.web import client as web

from engine.errors import UsageError
from engine.model.outcome import Failure, FailureKind
from engine.settings import Settings
from engine.transport.guard import RefusedAddressError

#: What changes who is asked, how, or what comes of it, and what Scrapy's own engine has no notion of. What only steers
#: our own machinery (shards, the adaptive limit, breakers) is left aside.
_UNHEEDED: Final = (
    "fetch.connect_to", "fetch.proxy", "fetch.cookies", "fetch.cookie_jar", "fetch.ca_file", "fetch.verify_tls",
    "fetch.nameservers", "politeness.max_per_site", "politeness.max_per_ip", "politeness.obey_page_directives",
    "retry.base_delay_s", "retry.max_delay_s", "retry.rate_limit_delay_s", "sites", "cache.enabled",
    "run.max_duration_s", "run.min_rate", "run.max_urls_per_site", "output.mark_duplicates",
)  # fmt: skip

#: What makes Scrapy cheaper and no different. It starts CONCURRENT_ITEMS tasks for each answer, whatever the callback
#: gives: with the usual 100 that is 40 % of its processor time, for a spider that gives none.
FAST: Final[dict[str, Any]] = {"CONCURRENT_ITEMS": 1, "ASYNCIO_EVENT_LOOP": "uvloop.Loop"}


def _value(settings: Settings, name: str) -> object:
    group, _, key = name.partition(".")
    value = getattr(settings, group)
    return getattr(value, key) if key else value


def scrapy_settings(settings: Settings) -> dict[str, Any]:
    """The crawl's settings. Raises UsageError for one that Scrapy could not obey."""
    fetch, politeness = settings.fetch, settings.politeness
    usual = Settings()
    for name in _UNHEEDED:
        if _value(settings, name) != _value(usual, name):
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
        # As here: a page's meta refresh is not followed, and the environment's proxies are not asked.
        "METAREFRESH_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        **FAST,
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
