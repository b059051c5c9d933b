from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from web.server import Web

from engine.settings import FetchSettings, GuardSettings
from engine.transport.base import Request, Response
from engine.transport.client import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK = GuardSettings(allow_networks=("127.0.0.0/8",))


@dataclass
class Client:
    """A transport that leads every host to one local web."""

    transport: AiohttpTransport
    received: list[int] = field(default_factory=list)
    written: int = 0
    first_written: asyncio.Event = field(default_factory=asyncio.Event)
    scheme: str = "http"

    def wrote(self) -> None:
        self.written += 1
        self.first_written.set()

    async def get(self, target: str, host: str = "a.test", **options: Any) -> Response:
        port = 443 if self.scheme == "https" else 80
        exchange = await self.transport.connect(self.scheme, host, port)
        return await self.send(
            exchange, Request(options.pop("method", "GET"), self.scheme, host, port, target), **options
        )

    async def send(self, exchange: Any, request: Request, max_body_bytes: int = 10 << 20, **options: Any) -> Response:
        return await exchange.send(
            request, max_body_bytes=max_body_bytes, on_bytes=self.received.append, on_written=self.wrote, **options
        )


@asynccontextmanager
async def make_client(web: Web | None, guard: GuardSettings = LOOPBACK, **fetch: Any) -> AsyncIterator[Client]:
    settings = FetchSettings(**{"connect_to": (web.connect_to(),) if web else (), **fetch})
    transport = AiohttpTransport(settings, guard)
    try:
        yield Client(transport)
    finally:
        await transport.close()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as web:
        yield web


@pytest.fixture
async def client(web: Web) -> AsyncIterator[Client]:
    async with make_client(web) as client:
        yield client


@pytest.fixture
def connecting():
    return make_client
