"""What behaviours are written with: the request as it came, a plain answer, the connection, and the table of paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, urlsplit

from web.pages import article

if TYPE_CHECKING:
    from collections import Counter

HTML = "text/html; charset=utf-8"


class Wire(Protocol):
    """The connection, for behaviours that are no plain answer."""

    def write(self, data: bytes, status: int = 200) -> None:
        """Write bytes as they are."""

    async def drained(self) -> None:
        """Wait until the peer has taken what was written."""

    def close(self) -> None:
        """Close after what was written."""

    def reset(self) -> None:
        """Send RST."""


@dataclass(slots=True)
class Asked:
    """A request; `nth` counts those of its connection, `seen` those of each URL of the server."""

    method: str
    target: str
    host: str
    headers: dict[str, str]
    nth: int
    seen: Counter[str]

    @property
    def query(self) -> dict[str, str]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(slots=True)
class Reply:
    """A plain answer."""

    status: int = 200
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self, *, with_body: bool) -> bytes:
        """Head and body as bytes."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = f"HTTP/1.1 {self.status} Status\r\nContent-Type: {self.kind}\r\nContent-Length: {len(self.body)}\r\n"
        return f"{head}{extra}\r\n".encode() + (self.body if with_body else b"")


Behaviour = Callable[[Asked, list[str], Wire], "Reply | Awaitable[Reply | None] | None"]
PATHS: dict[str, Behaviour] = {}


def path(*names: str) -> Callable[[Behaviour], Behaviour]:
    """Register a behaviour for the first segment of a path; it gets the rest of the segments."""

    def register(behaviour: Behaviour) -> Behaviour:
        PATHS.update(dict.fromkeys(names, behaviour))
        return behaviour

    return register


def page(number: int, at_least_bytes: int = 0) -> bytes:
    return article(number, at_least_bytes).html.encode()
