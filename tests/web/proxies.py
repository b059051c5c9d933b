"""Proxies for one test: one that forwards and tunnels HTTP, and one that speaks SOCKS5. Both lead to one web."""

from __future__ import annotations

import asyncio
import socket
import struct
from base64 import b64encode
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

    from web.server import Web

USER, PASSWORD = "joe", "hunter2"
_DENIED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


class _Proxy:
    """A server on a port of loopback; remembers what it was asked for, and carries it to `web`."""

    def __init__(self, web: Web, tls: ssl.SSLContext | None = None) -> None:
        self.web = web
        self.asked: list[str] = []
        self._tls = tls
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve_one(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _carry(self, reader, writer) -> None:
        await self._carry_by(lambda onward: _pump(reader, onward), writer)

    async def _carry_by(self, send, writer) -> None:
        """`send` writes what came to the web; what the web answers goes back."""
        onward_reader, onward_writer = await asyncio.open_connection(self.web.host, self.web.port)
        try:
            await asyncio.gather(send(onward_writer), _pump(onward_reader, writer))
        finally:
            onward_writer.close()


class HttpProxy(_Proxy):
    """Absolute form and CONNECT, for those who send USER and PASSWORD; `refuse` is answered to everybody instead."""

    def __init__(self, web: Web, tls: ssl.SSLContext | None = None, refuse: bytes = b"") -> None:
        super().__init__(web, tls)
        self.refuse = refuse

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    async def _serve(self, reader, writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode())
        token = b64encode(f"{USER}:{PASSWORD}".encode())
        if self.refuse or b"\r\nProxy-Authorization: Basic " + token + b"\r\n" not in head:
            writer.write(self.refuse or _DENIED)
        elif head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await self._carry(reader, writer)
        else:
            await self._carry_by(lambda onward: self._forward(head, reader, onward), writer)

    async def _forward(self, head: bytes, reader, onward) -> None:
        """Request by request, in origin form; none of them has a body."""
        while True:
            method, url, rest = head.split(b" ", 2)
            onward.write(b" ".join((method, b"/" + url.split(b"/", 3)[3], rest)))
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.decode())


class SocksProxy(_Proxy):
    """RFC 1928 with user and password (RFC 1929); `asked` holds "HOST:PORT". `reply` other than 0 refuses."""

    def __init__(self, web: Web, reply: int = 0) -> None:
        super().__init__(web)
        self.reply = reply

    def url(self, scheme: str = "socks5", user: str = USER, password: str = PASSWORD) -> str:
        return f"{scheme}://{user}:{password}@127.0.0.1:{self.port}"

    async def _serve(self, reader, writer) -> None:
        _, methods = await reader.readexactly(2)
        if 2 not in await reader.readexactly(methods):
            writer.write(b"\x05\xff")
            return
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        known = (user.decode(), (await reader.readexactly(length)).decode()) == (USER, PASSWORD)
        writer.write(b"\x01\x00" if known else b"\x01\x01")
        if not known:
            return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            (length,) = await reader.readexactly(1)
            host = (await reader.readexactly(length)).decode()
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, await reader.readexactly(4 if kind == 1 else 16))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append(f"{host}:{port}")
        writer.write(bytes([5, self.reply, 0, 1]) + bytes(6))
        if not self.reply:
            await self._carry(reader, writer)


async def _pump(reader, writer) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    writer.close()
