"""The HTTP edge of a provider: one call, and which of three things became of it.

The law: a call was *answered*, or it was *not sent*, or nobody knows. "Not sent" needs proof: no connection came about.
Everything else that is no answer may have been worked on. To keep such doubts rare a submit never goes out on a
connection that was used before, which the server might close in the same moment; questions reuse theirs. Redirects are
not followed: they would carry the key elsewhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
import orjson

from engine.observe.text import shown
from engine.providers.base import Answer, Json
from engine.sources.json_depth import can_be_written
from engine.transport.tls import client_context

if TYPE_CHECKING:
    from engine.providers.base import Call
    from engine.settings import FetchSettings

#: Far above any result; a body without an end must not fill the memory.
_MAX_BODY_BYTES: Final = 32 * 1024 * 1024
_READ_BYTES: Final = 256 * 1024

#: What proves that no connection came about: no name, no route, refused, no handshake.
_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_MAX_WORDS_CHARS: Final = 300
_HIDDEN: Final = "<redacted>"


class Key:
    """The API key. It shows itself to nobody but the header of a request, and is taken out of what comes back."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _HIDDEN

    def header(self) -> str:
        """The value itself, for the request."""
        return self._value

    def scrubbed(self, data: bytes) -> bytes:
        """What a provider sent, without the key that it may quote in an error."""
        return data.replace(self._value.encode(), _HIDDEN.encode())

    def scrubbed_text(self, text: str) -> str:
        """The same of a text of our own side, such as an exception's."""
        return text.replace(self._value, _HIDDEN)


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection came about: nothing was begun."""

    message: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The call may have arrived, and no whole answer came."""

    message: str


class Caller(Protocol):
    """Makes calls. Its fake is tests/providers/fake_caller.py."""

    async def call(self, call: Call) -> Answer | NotSent | Lost:
        """Make a call; never raises but for cancellation."""

    async def close(self) -> None:
        """Close all connections."""


class HttpCaller:
    """The caller that speaks HTTP, with the proxy, certificates and user agent of the settings of `fetch`."""

    def __init__(self, base_url: str, key_header: str, key: Key, fetch: FetchSettings) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._proxy = fetch.proxy
        self._connect_s = fetch.connect_timeout_s
        headers = {key_header: key.header(), "User-Agent": fetch.user_agent, "Accept": "application/json"}
        context = client_context(verify=fetch.verify_tls, ca_file=fetch.ca_file)
        # The limit of requests at once is the work's to keep (AIMD): none here.
        self._fresh = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context, force_close=True), headers=headers
        )
        self._kept = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=fetch.keepalive_s or None),
            headers=headers,
        )

    async def call(self, call: Call) -> Answer | NotSent | Lost:
        """See Caller."""
        session = self._kept if call.method == "GET" else self._fresh
        data = None if call.body is None else orjson.dumps(call.body)
        timeout = aiohttp.ClientTimeout(
            total=self._connect_s + call.timeout_s, connect=self._connect_s, sock_connect=self._connect_s
        )
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            async with session.request(
                call.method,
                self._base_url + call.path,
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                body = await _read(response)
                return Answer(
                    response.status,
                    {name.lower(): value for name, value in response.headers.items()},
                    parsed(self._key.scrubbed(body)),
                )
        except _NOT_SENT as error:
            return NotSent(self._words(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Lost(self._words(error))

    async def close(self) -> None:
        """See Caller."""
        await asyncio.gather(self._fresh.close(), self._kept.close())

    def _words(self, error: Exception) -> str:
        text = self._key.scrubbed_text(str(error)) or "no answer in time"
        return shown(f"{type(error).__name__}: {text}", _MAX_WORDS_CHARS)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_READ_BYTES):
        parts.append(part)
        size += len(part)
        if size > _MAX_BODY_BYTES:
            raise aiohttp.ClientPayloadError(f"a body above {_MAX_BODY_BYTES:,} bytes")
    return b"".join(parts)


def parsed(body: bytes) -> Json:
    """The JSON of an answer or a webhook's call; None where it is none, or could not be stored."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if can_be_written(value, body.count(b"{") + body.count(b"[")) else None
