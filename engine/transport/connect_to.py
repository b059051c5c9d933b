"""Where to connect instead: curl's --connect-to, "HOST1:PORT1:HOST2:PORT2".

A request for HOST1:PORT1 connects to HOST2:PORT2 and is otherwise unchanged: URL, Host header, TLS name and
certificate check stay the original's. An empty HOST1 or PORT1 matches any, an empty HOST2 or PORT2 keeps the
request's. The first rule that matches wins. IPv6 addresses stand in brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_RULE: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):(\d*):(\[[^\]]*\]|[^:\[\]]*):(\d*)")
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class _Rule:
    host: str  # "" matches any
    port: int  # 0 matches any
    to_host: str  # "" keeps
    to_port: int  # 0 keeps


class ConnectTo:
    """An ordered list of rules."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._rules = tuple(rules)

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Self:
        """Read the rules of `fetch.connect_to`; a UsageError names the one that is none."""
        return cls([_parse(text) for text in texts])

    def __bool__(self) -> bool:
        return bool(self._rules)

    def apply(self, host: str, port: int) -> tuple[str, int] | None:
        """(host, port) to connect to, IPv6 in brackets; None where no rule matches."""
        for rule in self._rules:
            if rule.host in ("", host) and rule.port in (0, port):
                return rule.to_host or host, rule.to_port or port
        return None


def _parse(text: str) -> _Rule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(f'fetch.connect_to: {text!r} is not "HOST1:PORT1:HOST2:PORT2" (IPv6 in brackets)')
    host, port, to_host, to_port = match.groups()
    ports = [int(part or 0) for part in (port, to_port)]
    if max(ports) > _MAX_PORT:
        raise UsageError(f"fetch.connect_to: {text!r} has a port above {_MAX_PORT}")
    return _Rule(host.lower(), ports[0], to_host.lower(), ports[1])
