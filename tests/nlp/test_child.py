from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from time import monotonic

import multiprocess
import orjson
import pytest
from nlp.scripted_child import MEMORY

from engine.errors import ExitCode
from engine.ipc.frames import Decoder, encode
from engine.model.plan import NlpConfig
from engine.model.record import Fetched
from engine.nlp.available import PRELOAD_VARIABLE
from engine.nlp.server import BATCH_PAGES, CREDIT
from engine.settings import Settings
from engine.supervisor.entry import InheritedFd, enter_nlp

PATIENCE_S = 60
URL = "http://a.example/"


class Shard:
    """A shard's end of a connection: blocking, and impatient only with what hangs."""

    def __init__(self, path):
        self.socket = socket(AF_UNIX, SOCK_STREAM)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.decoder = Decoder()
        self.frames = []
        self.ready = self.read()

    def read(self):
        """The next frame; None at the end."""
        while not self.frames:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:  # it died with pages of ours unread; what it had sent came first
                return None
            if not data:
                return None
            self.frames += self.decoder.feed(data)
        return self.frames.pop(0)

    def rest(self):
        """(type, ids) of the frames until the end."""
        found = []
        while (frame := self.read()) is not None:
            found.append((frame.type, frame.header.get("ids", frame.header.get("id"))))
        return found

    def send(self, page, body=b"page", *, alone=False, row_bytes=0):
        fetched = Fetched(url=URL, fetch_url=URL, shard=0, status_code=200, content_length=row_bytes)
        header = {"type": "page", "id": page, "alone": alone, "fetched": fetched._asdict(), "ct": "text/html"}
        self.socket.sendall(b"".join(encode(header, body)))


class Child:
    """A scripted child process."""

    def __init__(self, folder, timeout_s=PATIENCE_S, memory=0, batch_pages=1):
        self.path = f"{folder}/nlp"
        self.shards = []
        life, self.life = os.pipe()
        script = Path(__file__).with_name("scripted_child.py")
        command = [sys.executable, str(script), self.path, str(life), str(timeout_s), str(memory), str(batch_pages)]
        self.process = subprocess.Popen(command, pass_fds=(life,), stderr=subprocess.PIPE)  # noqa: S603 - our own
        os.close(life)

    def connect(self):
        wait_for(self.path, self.process.pid)
        self.shards.append(Shard(self.path))
        return self.shards[-1]

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def end(self):
        self.process.kill()
        self.process.communicate()
        for shard in self.shards:
            shard.socket.close()
        if self.life is not None:
            os.close(self.life)


def wait_for(path, pid):
    """Until the child listens: its path is there from then on. Bounded by the child's life."""
    while not os.path.exists(path):  # noqa: PTH110 - asked thousands of times
        assert os.path.exists(f"/proc/{pid}") or sys.platform != "linux"  # noqa: PTH110
        select.select([], [], [], 0.005)


@pytest.fixture
def folder():
    # Not tmp_path: a Unix socket's path may have some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="nlp") as path:
        yield path


@pytest.fixture
def start(folder):
    children = []

    def start(**options):
        children.append(Child(folder, **options))
        return children[-1]

    yield start
    for child in children:
        child.end()


def test_a_page_is_announced_and_its_row_comes_back(start):
    shard = start().connect()
    assert shard.ready.header == {"type": "ready", "child": 3, "credit": CREDIT}
    shard.send(11, b"hello")
    assert shard.read().header == {"type": "started", "ids": [11]}
    row = shard.read()
    assert row.header == {"type": "row", "id": 11, "kind": None, "ms": 0.5}
    assert row.body == b'{"body":"hello"}\n'


def test_a_page_that_is_to_be_alone_is_a_batch_of_its_own(start):
    child = start()
    shard = child.connect()
    os.kill(child.process.pid, signal.SIGSTOP)  # so that all of them wait when it looks
    for page in (1, 2, 4):
        shard.send(page, alone=page == 2)
    os.kill(child.process.pid, signal.SIGCONT)
    batches = []
    while sum(map(len, batches)) < 3 or shard.frames:
        frame = shard.read()
        if frame.type == "started":
            batches.append(frame.header["ids"])
    assert [2] in batches
    assert [page for batch in batches for page in batch] == [1, 2, 4]


def test_pages_that_come_together_are_prepared_together(start):
    child = start(batch_pages=3)
    first, second = child.connect(), child.connect()
    assert first.ready.header["credit"] == 6
    os.kill(child.process.pid, signal.SIGSTOP)
    first.send(1, b"prepared")
    first.send(2, b"prepared")
    second.send(3, b"prepared")
    os.kill(child.process.pid, signal.SIGCONT)
    assert second.read().header == {"type": "started", "ids": [3]}
    frames = [first.read() for _ in range(3)]
    assert [frame.header.get("ids", frame.header.get("id")) for frame in frames] == [[1, 2], 1, 2]
    assert {frame.body for frame in (frames[1], frames[2], second.read())} == {b"prepared,prepared,prepared\n"}


def test_a_lone_page_is_not_kept_waiting_for_others(start):
    shard = start(batch_pages=1000).connect()
    shard.send(1, b"prepared")
    assert [shard.read().type, shard.read().body] == ["started", b"\n"]  # and nothing was prepared with it


def test_a_page_that_hangs_while_pages_are_prepared_leaves_all_of_them_suspect(start):
    child = start(batch_pages=2, timeout_s=0.2)
    shard = child.connect()
    os.kill(child.process.pid, signal.SIGSTOP)
    shard.send(1)
    shard.send(2, b"hang together")
    os.kill(child.process.pid, signal.SIGCONT)
    assert shard.rest() == [("started", [1, 2])]
    assert child.wait() == -signal.SIGPROF


def test_shards_are_served_in_turn(start):
    child = start()
    first, second = child.connect(), child.connect()
    os.kill(child.process.pid, signal.SIGSTOP)
    for page in range(CREDIT):
        first.send(page)
    second.send(9)
    os.kill(child.process.pid, signal.SIGCONT)
    assert first.read().type == "started"
    assert second.read().header == {"type": "started", "ids": [9]}
    assert BATCH_PAGES <= CREDIT


def test_a_page_that_hangs_in_c_code_ends_the_process_after_it_was_announced(start):
    child = start(timeout_s=0.2)
    shard = child.connect()
    shard.send(1, b"quick")
    assert [shard.read().type, shard.read().type] == ["started", "row"]
    shard.send(2, b"hang")
    assert shard.rest() == [("started", [2])]
    assert child.wait() == -signal.SIGPROF


def test_the_alarm_is_a_page_s_own(start):
    shard = start(timeout_s=0.2).connect()
    end = monotonic() + 0.3
    page = 0
    while monotonic() < end:  # pages that take longer in all than one may
        page += 1
        shard.send(page)
        assert [shard.read().type, shard.read().type] == ["started", "row"]


def test_a_page_that_crashes_leaves_only_its_batch_suspect(start):
    child = start()
    shard = child.connect()
    shard.send(1, b"crash", alone=True)
    shard.send(2)
    assert shard.rest() == [("started", [1])]
    assert child.wait() == -signal.SIGSEGV


def test_a_grown_process_hands_over_its_rows_and_leaves(start):
    child = start()
    shard = child.connect()
    shard.send(1, b"grow", row_bytes=3_000_000)  # more than the kernel's buffer takes at once
    assert shard.rest() == [("started", [1]), ("row", 1)]
    shard.socket.close()
    assert child.wait() == 0
    assert not Path(child.path).exists()


def test_memory_over_the_soft_limit_ends_the_process_after_its_row(start):
    child = start(memory=MEMORY)
    shard = child.connect()
    shard.send(1)
    assert [shard.read().type, shard.read().type] == ["started", "row"]
    shard.send(2, b"hoard")
    assert shard.rest() == [("started", [2]), ("row", 2)]
    shard.socket.close()
    assert child.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the system refuses no memory")
def test_memory_over_the_budget_is_refused_and_ends_the_process_at_once(start):
    child = start(memory=MEMORY)
    shard = child.connect()
    shard.send(1, b"burst", alone=True)
    shard.send(2)
    assert shard.rest() == [("started", [1])]
    assert child.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    "broken",
    [
        b"\xff" * 8,
        b"GET / HTTP/1.1\r\n\r\n",
        b"".join(encode({"type": "row", "id": 1})),
        b"".join(encode({"type": "page", "id": 1})),
        b"".join(encode({"type": "page", "id": 1, "alone": False, "ct": "", "fetched": {"nonsense": 1}})),
        (1 << 29).to_bytes(4, "big") + (1).to_bytes(4, "big"),
    ],
)
def test_a_broken_peer_loses_its_connection_and_nobody_else_theirs(start, broken):
    child = start()
    healthy, bad = child.connect(), child.connect()
    bad.socket.sendall(broken)
    assert bad.read() is None
    healthy.send(1)
    assert [healthy.read().type, healthy.read().type] == ["started", "row"]


def test_more_pages_than_the_credit_are_a_broken_peer(start):
    child = start()
    shard = child.connect()
    os.kill(child.process.pid, signal.SIGSTOP)
    for page in range(CREDIT + 1):
        shard.send(page)
    os.kill(child.process.pid, signal.SIGCONT)
    assert shard.rest() == []


def test_a_shard_that_leaves_in_the_midst_harms_nobody(start):
    child = start()
    leaving, staying = child.connect(), child.connect()
    leaving.send(1, row_bytes=5_000_000)
    leaving.socket.close()
    staying.send(2)
    assert [staying.read().type, staying.read().type] == ["started", "row"]


def test_a_shard_that_takes_no_rows_holds_up_nobody(start):
    child = start()
    deaf, shard = child.connect(), child.connect()
    deaf.send(1, row_bytes=5_000_000)
    deaf.send(2)
    for page in range(5):
        shard.send(page)
        assert [shard.read().type, shard.read().type] == ["started", "row"]
    rows = []
    while len(rows) < 2:
        frame = deaf.read()
        rows += [frame.header["id"]] if frame.type == "row" else []
    assert rows == [1, 2]


def test_it_leaves_when_the_supervisor_is_gone(start):
    child = start()
    shard = child.connect()
    os.close(child.life)
    child.life = None
    assert child.wait() == 0
    assert shard.rest() == []


def test_sigint_is_the_supervisor_s_and_sigterm_ends_it(start):
    child = start()
    shard = child.connect()
    os.kill(child.process.pid, signal.SIGINT)
    shard.send(1)
    assert [shard.read().type, shard.read().type] == ["started", "row"]
    os.kill(child.process.pid, signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM


def test_a_stale_socket_is_replaced(start, folder):
    with socket(AF_UNIX, SOCK_STREAM) as stale:
        stale.bind(f"{folder}/stale")
    Path(f"{folder}/stale").rename(f"{folder}/nlp")
    child = start()
    while True:
        try:
            shard = child.connect()
            break
        except ConnectionRefusedError:  # the stale one still
            assert child.process.poll() is None
    assert shard.ready.type == "ready"


@contextmanager
def forked(folder, settings):
    """A child of a preloaded forkserver, as the supervisor starts it; its supervisor goes at the end."""
    context = multiprocess.get_context("forkserver")
    context.set_forkserver_preload(["engine.nlp.preload"])
    life, supervisor = os.pipe()
    config = NlpConfig(child=0, path=f"{folder}/nlp", settings=settings.model_dump(mode="json"), life_fd=-1)
    arguments = ("engine.nlp.child:child_main", config, f"{folder}/why", InheritedFd(life))
    child = context.Process(target=enter_nlp, args=arguments)
    child.start()
    os.close(life)
    try:
        yield child
    finally:
        os.close(supervisor)
        child.join(PATIENCE_S)


def test_a_preloaded_child_of_a_forkserver_analyses_pages(folder, monkeypatch):
    monkeypatch.setenv(PRELOAD_VARIABLE, "rules")
    with forked(folder, Settings()) as child:
        wait_for(f"{folder}/nlp", child.pid)
        shard = Shard(f"{folder}/nlp")
        with closing(shard.socket):
            shard.send(1, b"<html lang=en><title>T</title><body><p>Paris is a large and old city in France.</p></body>")
            assert shard.read().type == "started"
            row = orjson.loads(shard.read().body)
    assert child.exitcode == 0
    assert row["language"] == "en"
    assert [entity["text"] for entity in row["entities"]] == ["Paris", "France"]


def test_a_missing_pipeline_ends_the_child_with_the_usage_code(folder):
    with forked(folder, Settings.model_validate({"nlp": {"pipeline": "no_such_model"}})) as child:
        child.join(PATIENCE_S)
        assert child.exitcode == ExitCode.USAGE
