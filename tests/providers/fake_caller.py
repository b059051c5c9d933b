"""The fake of engine.providers.caller.Caller: the stand-in on the event loop's own clock, without sockets."""

from __future__ import annotations

import asyncio
import json

from providers.standin import KEY

from engine.providers.base import Answer
from engine.providers.caller import Lost


class FakeCaller:
    def __init__(self, standin, *, there_s=0.02, back_s=0.03):
        self.standin = standin
        self._there_s = there_s
        self._back_s = back_s
        self.at_once = 0
        self.most_at_once = 0

    async def call(self, call):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self._there_s)
            now = asyncio.get_running_loop().time()
            body = None if call.body is None else json.loads(json.dumps(call.body))
            reply = self.standin.handle(call.method, call.path, {"x-api-key": KEY}, body, now)
            await asyncio.sleep(self._back_s)
        finally:
            self.at_once -= 1
        if reply.lost:
            return Lost("the connection was closed")
        return Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)

    async def close(self):
        pass
