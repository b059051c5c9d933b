"""The requests of validation: HEAD, and after it as :mod:`engine.policy.probe` says, each under a grant of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.outcome import Failure
from engine.policy.probe import Method, after_answer, after_failure
from engine.shard.requester import Ask, RequestFailed

if TYPE_CHECKING:
    from engine.shard.caching import Asked
    from engine.shard.grants import Grant
    from engine.shard.hops import Hops
    from engine.shard.requester import Answer


#: Origins that are not asked by HEAD again; one that is forgotten costs a request.
_REMEMBERED: Final = 10_000

_OK: Final = range(200, 300)


class Probing:
    """Stands where :class:`engine.shard.caching.Caching` does in other stages. `probe_bytes` of a body are read."""

    def __init__(self, hops: Hops, probe_bytes: int) -> None:
        self._hops = hops
        self._asks = {
            Method.HEAD: Ask("HEAD", name=Method.HEAD),
            Method.RANGE: Ask("GET", probe_bytes, truncate=True, name=Method.RANGE),
            Method.GET: Ask("GET", probe_bytes, truncate=True, name=Method.GET),
        }
        self._without_head: dict[str, None] = {}  # origins whose word on HEAD turned out wrong, the oldest first
        self._conditions = {Method.RANGE: (("Range", f"bytes=0-{probe_bytes - 1}"),)}

    async def answer(self, asked: Asked, grant: Grant) -> Answer:
        """The answer that settles a hop; raises what `asked.send` does. The grant is over in every case."""
        origin = asked.target.origin
        method = Method.RANGE if origin in self._without_head else Method.HEAD
        tried_head = method is Method.HEAD
        while True:
            try:
                answer = await asked.send(grant, self._conditions.get(method, ()), self._asks[method])
                following = after_answer(
                    method, answer.response.status, answer.response.headers.get("Content-Type", "")
                )
                if following is None:
                    if tried_head and method is not Method.HEAD and answer.response.status in _OK:
                        self._remember(origin)
                    return answer
            except RequestFailed as failed:
                following = after_failure(method, failed.failure.kind)
                if following is None:
                    raise
            method = following
            granted = await self._hops.grant(asked.target)
            if isinstance(granted, Failure):
                raise RequestFailed(granted, 0.0)
            grant = granted

    def _remember(self, origin: str) -> None:
        """A refused HEAD looks like trouble of the server's to the limit: one is enough."""
        self._without_head[origin] = None
        if len(self._without_head) > _REMEMBERED:
            del self._without_head[next(iter(self._without_head))]
