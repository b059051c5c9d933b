"""The kinds of value a setting may have, and the rule of each.

Law: a value is taken as it is or refused, never guessed: true is no number, "5" is no number, nan is no duration. A
refusal is a ValueError whose message completes the sentence "fetch.proxy must …".
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from engine.model.outcome import Failure
from engine.model.url import parse_target

#: Far above any sane value, far below where durations and counts overflow clocks, SQLite integers or semaphores.
_MAX_SECONDS: Final = 1e8
_MAX_COUNT: Final = 2**31 - 1
_MAX_BYTES: Final = 2**50
_MAX_PORT: Final = 65_535

Count = Annotated[int, Field(strict=True, ge=0, le=_MAX_COUNT)]
PositiveCount = Annotated[int, Field(strict=True, ge=1, le=_MAX_COUNT)]
ByteCount = Annotated[int, Field(strict=True, ge=0, le=_MAX_BYTES)]
PositiveByteCount = Annotated[int, Field(strict=True, ge=1, le=_MAX_BYTES)]
Rate = Annotated[float, Field(strict=True, ge=0, le=_MAX_COUNT, allow_inf_nan=False)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=_MAX_SECONDS, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(strict=True, gt=0, le=_MAX_SECONDS, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Factor = Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
Switch = Annotated[bool, Field(strict=True)]


def _check_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if not text.isprintable():
        raise ValueError("must be one line of text without control characters")
    return text


Text = Annotated[str, Field(strict=True), AfterValidator(_check_text)]


def _check_auto(value: Any) -> int | Literal["auto"]:  # noqa: ANN401 - whatever a file or a flag holds
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_COUNT:
        raise ValueError("must be a whole number of at least 1, or auto")
    return value


#: A number that the engine works out where it is "auto".
AutoCount = Annotated[int | Literal["auto"], BeforeValidator(_check_auto)]


_HOST_PART: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^:\[\]/@\s]*)"
_CONNECT_TO: Final = re.compile(rf"{_HOST_PART}:(\d*):{_HOST_PART}:(\d*)", re.ASCII)


def _check_connect_to(text: str) -> str:
    """As curl's --connect-to takes it (engine.transport.connect_to follows it)."""
    match = _CONNECT_TO.fullmatch(text)
    if match is None:
        raise ValueError(f'must hold HOST1:PORT1:HOST2:PORT2, such as "::127.0.0.1:8080", not {text!r}')
    if not all(_is_port(number) for number in match.groups() if number):
        raise ValueError(f"must have ports between 1 and {_MAX_PORT}, not {text!r}")
    return text


def _is_port(text: str) -> bool:
    return re.fullmatch(r"\d{1,5}", text, re.ASCII) is not None and 1 <= int(text) <= _MAX_PORT


def _check_network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        try:
            meant = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"must hold networks such as 10.0.0.0/8 or ::1/128, not {text!r}") from None
        raise ValueError(f"must hold networks, and {text} is an address inside {meant}: write {meant}") from None
    return text


def _check_nameserver(text: str) -> str:
    host, port = text, "53"
    if bracketed := re.fullmatch(r"\[(.+)\](?::(\d{1,5}))?", text, re.ASCII):
        host, port = bracketed[1], bracketed[2] or port
    elif text.count(":") == 1:
        host, port = text.split(":")
    try:
        ip_address(host)
    except ValueError:
        raise ValueError(f"must hold IP addresses, each with :PORT or without, not {text!r}") from None
    if not _is_port(port):
        raise ValueError(f"must have a port between 1 and {_MAX_PORT}, not {text!r}")
    return text


#: The value of fetch.proxy that stands for the variables of the environment.
PROXY_OF_ENVIRONMENT: Final = "environment"


def _check_proxy(text: str) -> str:
    # The message never repeats the value: it may hold a password.
    shape = (
        f"must be {PROXY_OF_ENVIRONMENT}, or an http://, https://, socks5:// or socks5h:// URL with a host, such as"
        " http://proxy.example:3128"
    )
    if text == PROXY_OF_ENVIRONMENT:
        return text
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https", "socks5", "socks5h"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(shape) from None
    if not valid or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(shape)
    return text


def _check_match(text: str) -> str:
    """A host, or "*." and a host, normalised as hosts of fetch URLs are (lower case, punycode)."""
    prefix, host = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    target = parse_target(f"http://{host}/") if host else None
    # Whatever makes more than a host of it (a port, a path, a user) shows in the normalised URL.
    if target is None or isinstance(target, Failure) or target.auth or target.fetch_url != f"http://{target.host}/":
        raise ValueError(f"must be a host (www.example.org) or *. and a host (*.example.org), not {text!r}")
    if "*" in target.host:
        raise ValueError(f"may have * only as its first label, as in *.example.org, not {text!r}")
    return prefix + target.host


#: RFC 6750, section 2.1.
_BEARER: Final = re.compile(r"Bearer [A-Za-z0-9._~+/-]+=*")


def _check_auth(text: str) -> str:
    if ":" not in text and not _BEARER.fullmatch(text):
        raise ValueError("must be user:password, or Bearer TOKEN")
    return text


#: RFC 9110, section 5.6.2: what a header's (and RFC 6265: a cookie's) name is made of.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: RFC 6265, section 4.1.1.
_COOKIE_VALUE: Final = re.compile(r"[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]*")
#: The engine writes these itself; a second one would break the framing, robots.txt matching or the choice of the host.
_OWN_HEADERS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "user-agent"})


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"must map header names to values, and {name!r} is no header name")
        if name.lower() in _OWN_HEADERS:
            hint = " (use fetch.user_agent)" if name.lower() == "user-agent" else ""
            raise ValueError(f"must not hold {name}: the engine writes it itself{hint}")
        if not all(char.isprintable() or char == "\t" for char in value):
            raise ValueError(f"must not have control characters or line breaks in the value of {name}")
    return headers


def _check_cookies(cookies: dict[str, str]) -> dict[str, str]:
    for name, value in cookies.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"must map cookie names to values, and {name!r} is no cookie name")
        if not _COOKIE_VALUE.fullmatch(value):
            raise ValueError(f"must have a value without spaces, quotes, commas, semicolons or backslashes for {name}")
    return cookies


def _check_media_type(text: str) -> str:
    kind, slash, subtype = text.partition("/")
    named = subtype == "*" or (_TOKEN.fullmatch(subtype) and "*" not in subtype)
    if not slash or not _TOKEN.fullmatch(kind) or "*" in kind or not named:
        raise ValueError(f"must hold media types such as text/html or image/*, not {text!r}")
    return text.lower()


def _check_user_agent(text: str) -> str:
    if not text.isascii():
        raise ValueError("must be ASCII text: servers read it as bytes")
    return text


def _check_api_url(text: str) -> str:
    parts = _url_parts(text, "https://api.example.com")
    if parts.query or parts.fragment:
        raise ValueError("must have no query: the provider's paths are added to it")
    # The key would travel in clear.
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ValueError("must be https:// (http:// is for servers on this machine)")
    return text


def _check_callback_url(text: str) -> str:
    if _url_parts(text, "https://hooks.example.org/leads").fragment:
        raise ValueError("must have no #fragment: it is never sent")
    return text


def _url_parts(text: str, example: str) -> SplitResult:
    shape = f"must be an http:// or https:// URL without user and password, such as {example}"
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(shape) from None
    if not valid or "@" in parts.netloc:
        raise ValueError(shape)
    return parts


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_listen(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not host or not colon or not (port == "0" or _is_port(port)):
        raise ValueError(f"must be HOST:PORT, such as 127.0.0.1:8080 or [::]:8080, not {text!r}")
    return text


def _check_variable(text: str) -> str:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text, re.ASCII):
        # Capitals only: a key that is put here by mistake must end up in no message and no manifest.
        raise ValueError("must be the name of an environment variable in capitals, not a key itself")
    return text


_STRUCT_TYPES: Final = frozenset(
    {"str", "int", "float", "bool", "list", "list[str]", "list[int]", "list[float]", "dict"}
)


def _check_struct(struct: dict[str, Any]) -> dict[str, Any]:
    for name, value in struct.items():
        if isinstance(value, str) and value.strip():
            continue
        told = value.get("description") if isinstance(value, dict) else None
        if not isinstance(told, str):
            raise ValueError(  # noqa: TRY004 - what pydantic takes
                f"must map each field to a description, or to {{description, type}}, and {name} has none"
            )
        if set(value) - {"description", "type"} or value.get("type", "str") not in _STRUCT_TYPES:
            raise ValueError(f"must give {name} a type of {', '.join(sorted(_STRUCT_TYPES))}, and nothing further")
    return struct


def _check_domain(text: str) -> str:
    """A domain, normalised as hosts of fetch URLs are; it stands for all hosts below it, too."""
    try:
        return _check_match(text.removeprefix("*.").removeprefix("."))
    except ValueError:
        raise ValueError(f"must hold domains such as example.org, not {text!r}") from None


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError) as error:
        raise ValueError(f"must hold regular expressions, and {text!r} is none: {error}") from None
    return text


ConnectToText = Annotated[Text, AfterValidator(_check_connect_to)]
Network = Annotated[Text, AfterValidator(_check_network)]
Nameserver = Annotated[Text, AfterValidator(_check_nameserver)]
Proxy = Annotated[Text, AfterValidator(_check_proxy)]
SiteMatch = Annotated[Text, AfterValidator(_check_match)]
Domain = Annotated[Text, AfterValidator(_check_domain)]
Pattern = Annotated[Text, AfterValidator(_check_pattern)]
Auth = Annotated[Text, AfterValidator(_check_auth)]
MediaType = Annotated[Text, AfterValidator(_check_media_type)]
ApiUrl = Annotated[Text, AfterValidator(_check_api_url)]
CallbackUrl = Annotated[Text, AfterValidator(_check_callback_url)]
ListenAddress = Annotated[Text, AfterValidator(_check_listen)]
VariableName = Annotated[Text, AfterValidator(_check_variable)]
Struct = Annotated[dict[str, Any], AfterValidator(_check_struct)]
UserAgent = Annotated[Text, AfterValidator(_check_user_agent)]
Headers = Annotated[dict[str, str], AfterValidator(_check_headers)]
Cookies = Annotated[dict[str, str], AfterValidator(_check_cookies)]
