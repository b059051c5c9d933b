"""The header fields of a request, by the settings, the site's rule, and the URL's own credentials.

Law: what may be secret (all fields but a few, cookies, authorisation) goes to the site of the URL as given alone.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from engine.policy.politeness import SiteRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.settings import Settings, SiteRule
    from engine.shard.requester import Headers

#: What a page is asked for: pages first, anything else too.
ACCEPT: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

#: What of `fetch.headers` other sites may see too, where a redirect leads there: any other field may hold a secret.
HARMLESS: Final = frozenset({"user-agent", "accept", "accept-language", "accept-encoding", "cache-control", "dnt"})


class HeaderRules:
    """The header fields of a request: made once, and once for each rule."""

    def __init__(self, settings: Settings) -> None:
        fetch = settings.fetch
        given = {name.lower() for name in fetch.headers}
        usual = {"User-Agent": fetch.user_agent, "Accept": ACCEPT}  # the transport adds the encodings it decodes
        if settings.run.stage == "validation":  # lengths, and ranges, are to be those of the page itself
            usual["Accept-Encoding"] = "identity"
        common: Headers = tuple((n, v) for n, v in usual.items() if v and n.lower() not in given)
        secret: Headers = tuple(fetch.headers.items())
        if fetch.cookies:
            secret += (("Cookie", "; ".join(f"{name}={value}" for name, value in fetch.cookies.items())),)
        self._own = common + secret
        self._others = common + _harmless(secret)
        self._ruled = SiteRules((rule.match, _ruled(self._own, rule)) for rule in settings.sites)

    def of(self, host: str, *, own_site: bool) -> Headers:
        """The fields for a host. `own_site`: it belongs to the site of the URL as given, and may see what is secret."""
        if not own_site:  # a page of another site is not to use what a rule entrusts to this one
            return self._others
        ruled = self._ruled.lookup(host)
        return self._own if ruled is None else ruled


def _ruled(headers: Headers, rule: SiteRule) -> Headers:
    for name, value in rule.headers.items():
        headers = replaced(headers, name, value)
    return headers if rule.auth is None else replaced(headers, "Authorization", authorization(rule.auth))


def _harmless(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() in HARMLESS)


def replaced(headers: Headers, name: str, value: str) -> Headers:
    """The headers with this field, and no other of its name."""
    return (*(pair for pair in headers if pair[0].lower() != name.lower()), (name, value))


def authorization(auth: str) -> str:
    """The value of Authorization for "user:password" (RFC 7617) or "Bearer TOKEN" (RFC 6750)."""
    if ":" not in auth:
        return auth
    return "Basic " + base64.b64encode(auth.encode()).decode()


def with_cookies(headers: Headers, set_before: Mapping[str, str]) -> Headers:
    """The headers with what the site has set, which is newer than what the settings give, all in one field."""
    given = [part.strip() for name, value in headers if name.lower() == "cookie" for part in value.split(";")]
    pairs = {part.partition("=")[0]: part for part in given if part}
    pairs |= {name: f"{name}={value}" for name, value in set_before.items()}
    return replaced(headers, "Cookie", "; ".join(pairs.values()))
