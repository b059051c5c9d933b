"""Calls to the listener: over a real socket, with the signatures and faults of the provider's own."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from engine.errors import UsageError
from engine.policy.signature import signed
from engine.providers.store import JobStore, NewLead
from engine.providers.webhook import Listener, callback_url, listening

SECRET = b"whsec"
BODY = json.dumps({"task_id": "t1", "status": "completed", "result": {"structured_data": {"a": 1}}}).encode()


class Place:
    def __init__(self, store, session, url):
        self.store = store
        self.session = session
        self.url = url
        self.heard = []

    async def call(self, body=BODY, *, event="e1", signature=None, mark=None):
        headers = {"Sixtyfour-Event-Id": event} if event else {}
        if signature is not None:
            headers["Sixtyfour-Signature"] = signature
        url = callback_url(self.url, mark) if mark else self.url
        async with self.session.post(url, data=body, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def place(tmp_path, secret):
    store = JobStore.open(tmp_path / "leads.sqlite", create=True)
    store.ingest([NewLead(b"a", {}, {"name": "a"})])
    heard = []
    names = ("Sixtyfour-Signature", "Sixtyfour-Event-Id")
    listener = Listener(store, secret=secret, headers=names, wall=time.time, on_event=heard.append)
    async with listening(listener, "127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        here = Place(store, session, f"http://127.0.0.1:{port}/hooks/leads")
        here.heard = heard
        yield here
    store.close()


async def test_a_signed_call_is_on_disk_before_it_is_acknowledged(tmp_path):
    async with place(tmp_path, SECRET) as here:
        assert await here.call(signature=signed(BODY, SECRET, time.time())) == 200
        assert [event.body for event in here.store.unused_events()] == [BODY]
        assert [event.id for event in here.heard] == ["e1"]


async def test_forged_and_stale_calls_are_refused(tmp_path):
    async with place(tmp_path, SECRET) as here:
        now = time.time()
        for signature in (
            None,
            "",
            signed(BODY, b"guess", now),
            signed(b"{}", SECRET, now),
            signed(BODY, SECRET, now - 301),
        ):
            assert await here.call(signature=signature) == 401
        assert here.heard == here.store.unused_events() == []


async def test_a_repeated_call_is_acknowledged_and_ignored(tmp_path):
    async with place(tmp_path, SECRET) as here:
        for _ in range(3):
            assert await here.call(signature=signed(BODY, SECRET, time.time())) == 200
            assert await here.call(signature=signed(BODY, SECRET, time.time()), event=None) == 200
        assert len(here.heard) == 2  # one without an id is known by what it says


async def test_without_a_secret_only_our_own_mark_is_believed(tmp_path):
    async with place(tmp_path, None) as here:
        (task,) = here.store.intend([here.store.planned(0, 1)], 1.0)
        assert await here.call() == 200
        assert await here.call(mark="guess") == 200
        assert here.heard == []
        assert await here.call(mark=task.mark) == 200
        assert [event.mark for event in here.heard] == [task.mark]


async def test_no_call_is_too_odd(tmp_path):
    async with place(tmp_path, SECRET) as here:
        for body in (b"", b"\xff\x00", b"[]", b"1" * 1000):
            assert await here.call(body, event=f"e{body[:4]!r}", signature=signed(body, SECRET, time.time())) == 200
        async with here.session.get(here.url) as answer:
            assert answer.status == 405


async def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    async with place(tmp_path, SECRET) as here:
        port = int(here.url.split(":")[2].partition("/")[0])
        with pytest.raises(UsageError, match=f"leads.webhook_listen: 127.0.0.1:{port}"):
            async with listening(_Nobody(), "127.0.0.1", port):
                pass


class _Nobody:
    async def handle(self, _request):
        raise AssertionError


def test_the_mark_is_added_to_the_url():
    assert callback_url("https://h.example/x", "m") == "https://h.example/x?mark=m"
    assert callback_url("https://h.example/x?a=1", "m") == "https://h.example/x?a=1&mark=m"
