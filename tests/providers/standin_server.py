"""The stand-in on a socket: in a thread of the test, or as a program of its own (then kills do not reach it).

    python tests/providers/standin_server.py '{"least_s": 0.1}'      prints its port, then serves

`GET /_standin` gives what a test wants to know: the log, how often each lead was submitted, and the jobs; `GET /_seen`
how many requests there were.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import aiohttp
from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a program

from providers.standin import Behaviour, Standin

WEBHOOK_TRIES = 3


class Server:
    """Serves one stand-in."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.standin = Standin(behaviour)
        self.calls: list[tuple[str, int]] = []  # webhooks: (event id, answer)
        self._tasks: set[asyncio.Task] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/_standin":
            return web.json_response(self.told())
        if request.path == "/_seen":
            return web.json_response(len(self.standin.log))
        raw = await request.read()
        body = json.loads(raw) if raw else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self.standin.handle(request.method, request.path, headers, body, time.monotonic())
        if reply.job is not None and reply.job.callback and request.method == "POST":
            telling = self._tell(reply.job, now=reply.early)
            if reply.early:
                await telling  # the call overtakes the submit's own answer
            else:
                task = asyncio.create_task(telling)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if reply.lost:
            request.transport.abort()
            return web.Response()
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def _tell(self, job, *, now: bool) -> None:
        if not now:
            await asyncio.sleep(max(0.0, job.ends_at - time.monotonic()))
        job.ends_at = min(job.ends_at, time.monotonic())
        event_id, body = self.standin.event(job)
        duplicate = self.standin._chance(job, "twice") < self.standin.behaviour.webhook_duplicates
        for _ in range(2 if duplicate else 1):
            await self._post(job, event_id, body)

    async def _post(self, job, event_id: str, body: bytes) -> None:
        secret = self.standin.behaviour.webhook_secret
        async with aiohttp.ClientSession() as session:
            for attempt in range(WEBHOOK_TRIES):
                stamp = str(int(time.time()))
                signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
                headers = {"Sixtyfour-Event-Id": event_id, "Content-Type": "application/json"}
                if secret:
                    headers["Sixtyfour-Signature"] = f"t={stamp},v1={'0' * 64},v1={signed}"
                try:
                    async with session.post(job.callback, data=body, headers=headers) as answer:
                        self.calls.append((event_id, answer.status))
                        if answer.status < 300:
                            job.told += 1
                            return
                except aiohttp.ClientError:
                    self.calls.append((event_id, 0))
                await asyncio.sleep(0.05 * 2**attempt)

    def told(self):
        jobs = {**self.standin.jobs, **self.standin.batches}
        return {
            "log": self.standin.log,
            "submitted": dict(self.standin.submitted),
            "calls": self.calls,
            "jobs": [asdict(job) | {"ends_at": min(job.ends_at, 1e12)} for job in jobs.values()],
        }


async def start(server: Server) -> tuple[web.AppRunner, int]:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


@contextmanager
def serving(behaviour: Behaviour):
    """Serve in a thread: gives (server, base URL)."""
    server = Server(behaviour)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    found: list = []

    def work() -> None:
        asyncio.set_event_loop(loop)
        found.extend(loop.run_until_complete(start(server)))
        ready.set()
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(found[0].cleanup())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    try:
        yield server, f"http://127.0.0.1:{found[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _main() -> None:
    _, port = await start(Server(Behaviour(**json.loads(sys.argv[1]))))
    print(port, flush=True)  # noqa: T201 - how the caller learns it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
