"""Connections that wait for their next request: a bounded pool, the longest idle closed first.

The connector's own pool has no bound, and a list of many hosts at a thousand requests a second would leave tens of
thousands of idle connections open, beyond any limit on open files. The pool knows no clock: `now` is an argument.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable


class Closable(Protocol):
    """A connection as the pool sees it."""

    def close(self) -> None:
        """Close it for good."""

    @property
    def reusable(self) -> bool:
        """Still open, and nothing has come that nobody asked for."""


ConnectionT = TypeVar("ConnectionT", bound=Closable)


class IdlePool(Generic[ConnectionT]):
    """At most `max_idle` connections, none idle for longer than `keepalive_s` (0 = none is kept)."""

    def __init__(self, max_idle: int, keepalive_s: float) -> None:
        self._max_idle = max_idle
        self._keepalive_s = keepalive_s
        self._by_key: dict[Hashable, list[ConnectionT]] = {}  # few of a key: what a host may have at once
        # Oldest first: connection -> (key, expiry). All wait equally long, so this is also the order of expiry.
        self._waiting: OrderedDict[ConnectionT, tuple[Hashable, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, key: Hashable, now: float) -> ConnectionT | None:
        """The connection of `key` that was used last and is still good, or None."""
        connections = self._by_key.get(key)
        while connections:
            connection = connections.pop()
            _, expiry = self._waiting.pop(connection)
            if not connections:
                del self._by_key[key]
            if now < expiry and connection.reusable:
                return connection
            connection.close()
        return None

    def put(self, key: Hashable, connection: ConnectionT, now: float) -> None:
        """Keep a connection that can be used again; the pool closes it when its time is over."""
        if self._keepalive_s <= 0 or self._max_idle <= 0:
            connection.close()
            return
        others = self._by_key.get(key)
        if others is None:
            self._by_key[key] = [connection]
        else:
            others.append(connection)
        self._waiting[connection] = (key, now + self._keepalive_s)
        if len(self._waiting) > self._max_idle:
            self._drop_oldest()

    def expire(self, now: float) -> None:
        """Close what has waited too long."""
        while self._waiting:
            _, expiry = next(iter(self._waiting.values()))
            if expiry > now:
                return
            self._drop_oldest()

    def close(self) -> None:
        """Close all."""
        while self._waiting:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        connection, (key, _) = self._waiting.popitem(last=False)
        connections = self._by_key[key]
        del connections[0]  # a key's oldest is at its left: the overall oldest is the oldest of its key
        if not connections:
            del self._by_key[key]
        connection.close()
