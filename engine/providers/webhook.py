"""The listener for a provider's webhooks.

The law: a call is believed only with a signature that fits (where there is a secret) or with a mark that is ours (where
there is none: marks are 128 random bits, told to the provider alone); it is on disk before it is acknowledged, and
looked at after that. A call that was had before, or about a task that nobody knows, is acknowledged all the same, or
the provider would go on calling.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aiohttp import web

from engine.errors import UsageError
from engine.observe.logs import get_logger
from engine.policy.signature import refusal
from engine.providers.store import Kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from engine.providers.store import JobStore

_log = get_logger(__name__)

#: As much as an answer to a poll may have.
_MAX_BODY_BYTES: Final = 32 * 1024 * 1024

#: The query parameter that carries a task's mark.
MARK: Final = "mark"


def callback_url(base: str, mark: str) -> str:
    """The URL that the provider is to call about a task."""
    return f"{base}{'&' if '?' in base else '?'}{MARK}={mark}"


class Listener:
    """Takes calls. `on_event` is told of each new one."""

    def __init__(
        self,
        store: JobStore,
        *,
        secret: bytes | None,
        headers: tuple[str, str],
        wall: Callable[[], float],
        on_event: Callable[[Kept], None],
    ) -> None:
        self._store = store
        self._secret = secret
        self._signature_header, self._event_header = headers
        self._wall = wall
        self._on_event = on_event

    async def handle(self, request: web.Request) -> web.Response:
        """Believe, keep, acknowledge."""
        body = await request.read()
        mark = request.query.get(MARK)
        if mark is not None and not self._store.knows_mark(mark):
            mark = None
        if self._secret is not None:
            why = refusal(request.headers.get(self._signature_header, ""), body, self._secret, self._wall())
            if why is not None:
                _log.warning("a webhook's call is refused", why=why, peer=request.remote)
                return web.Response(status=401, text=why)
        elif mark is None:
            _log.info("a webhook's call without a mark of ours is not believed", peer=request.remote)
            return web.Response(text="ignored")
        event = Kept(request.headers.get(self._event_header) or _digest(body), mark, body)
        if self._store.keep_event(event, self._wall()):
            self._on_event(event)
        return web.Response(text="ok")


@asynccontextmanager
async def listening(listener: Listener, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block is left; gives the port (another than `port` where that is 0). Raises UsageError."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.router.add_post("/{path:.*}", listener.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]"), port).start()
        except OSError as error:
            raise UsageError(f"leads.webhook_listen: {host}:{port}: {error.strerror or error}") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _digest(body: bytes) -> str:
    """A call without an id is known by what it says: a retry says the same."""
    return "sha256:" + sha256(body).hexdigest()
