"""Permits and found links between shards: small messages that pass through here.

Shards are connected to nobody else. A shard that is away can answer nothing: whoever asks it is told at once that it is
gone, as everybody was when it went, so that no permit is waited for in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.messages import Control

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Frame, Header

RELAYED: Final = frozenset(
    {Control.PERMIT_ASK, Control.PERMIT_REPLY, Control.PERMIT_DONE, Control.FOUND, Control.FOUND_DONE}
)


class Relay:
    """Passes messages on by their `to`. `send` gives a shard a frame, and says whether it was there to take it."""

    def __init__(self, shards: int, send: Callable[[int, Header, bytes], bool]) -> None:
        self._shards = shards
        self._send = send

    def passes(self, sender: int, frame: Frame) -> bool:
        """Pass a message of shard `sender` on; False where it is none of these."""
        if frame.type not in RELAYED:
            return False
        to = int(frame.header["to"])
        taken = self._send(to, {**frame.header, "from": sender}, frame.body)
        # A reply or a report to a shard that is gone has lost its meaning with the process that waited for it.
        if not taken and frame.type in {Control.PERMIT_ASK, Control.FOUND}:
            self._send(sender, {"type": Control.SHARD_GONE, "shard": to}, b"")
        return True

    def gone(self, shard: int) -> None:
        """Tell all others that a shard's process has ended: its permits are void."""
        for other in range(self._shards):
            if other != shard:
                self._send(other, {"type": Control.SHARD_GONE, "shard": shard}, b"")
