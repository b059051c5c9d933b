from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from supervisor_helpers import TICK_S, command_line

from engine.errors import ExitCode
from engine.supervisor.finish import verify_folder
from engine.supervisor.reconcile import HUNG_TICKS
from engine.supervisor.status import read_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor_helpers import Command, Workplace

URLS = [f"http://site{n}.example/page" for n in range(6)]
HOLD = "http://hold.example/hold"
#: Ample for a busy machine; a child that outlives its supervisor lives for ever.
GONE_S = 10


def test_killing_the_supervisor_ends_every_process(place: Workplace, start: Callable[..., Command]) -> None:
    command = start(place.urls(*URLS, "http://a.example/nlp/1", HOLD))
    command.until(lambda: place.noted("held") and len(place.noted("batch-0")) > 0)
    # two shards, the fork server and a child of it, and multiprocess's resource tracker
    command.until(lambda: len(command.children()) >= 5)
    children = command.children()
    command.signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=GONE_S)
    assert alive == []
    assert read_status(place.out)["state"] == "interrupted"


def test_a_killed_supervisors_folder_goes_on(place: Workplace, start: Callable[..., Command]) -> None:
    urls = place.urls(*URLS, HOLD)
    command = start(urls, shards=1)
    command.until(lambda: place.noted("held"))
    command.signal(signal.SIGKILL)
    command.process.wait()
    # the same command again, at once: it waits for the orphans
    again = start(urls, shards=1)
    again.until(lambda: len(place.noted("held")) > 1)
    again.signal(signal.SIGINT)
    assert again.process.wait() == ExitCode.INTERRUPTED
    assert read_status(place.out)["done"] >= 1


def test_a_first_signal_stops_in_order_and_the_run_can_be_resumed(
    place: Workplace, start: Callable[..., Command]
) -> None:
    command = start(place.urls(*URLS, HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    children = command.children()
    command.signal(signal.SIGINT)
    assert command.process.wait() == ExitCode.INTERRUPTED
    assert f"to go on: enrich resume {place.out}" in place.stderr
    assert psutil.wait_procs(children, timeout=GONE_S)[1] == []
    status = read_status(place.out)
    assert (status["state"], status["done"] + status["queued"]) == ("interrupted", 7)
    assert verify_folder(place.out) == []


def test_a_service_manager_may_signal_the_whole_group(place: Workplace, start: Callable[..., Command]) -> None:
    command = start(place.urls(*URLS, "http://a.example/nlp/1", HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    os.killpg(command.process.pid, signal.SIGTERM)
    assert command.process.wait() == ExitCode.INTERRUPTED
    assert verify_folder(place.out) == []


def test_a_second_signal_stops_at_once(place: Workplace, start: Callable[..., Command]) -> None:
    # shards that are stopped cannot leave in order
    command = start(place.urls(*URLS, HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    children = [child for child in command.children() if "spawn_main" in command_line(child)]
    for child in children:
        child.suspend()
    command.signal(signal.SIGINT)
    command.until(lambda: "once more stops at once" in place.stderr)
    command.signal(signal.SIGINT)
    assert command.process.wait() == ExitCode.INTERRUPTED
    assert psutil.wait_procs(children, timeout=GONE_S)[1] == []
    assert verify_folder(place.out) == []


def test_a_suspended_machine_kills_nobody(place: Workplace, start: Callable[..., Command]) -> None:
    """Everything stands still for far more ticks than a silent shard is given; nobody missed any of them."""
    command = start(place.urls(*URLS, HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    everybody = [psutil.Process(command.process.pid), *command.children()]
    for process in everybody:
        process.suspend()
    threading.Event().wait(2 * HUNG_TICKS * TICK_S)
    gauges = place.out / "state" / "gauges.json"
    told = gauges.stat().st_mtime_ns
    for process in reversed(everybody):
        process.resume()
    command.until(lambda: gauges.stat().st_mtime_ns != told)  # the supervisor has ticked
    assert [process for process in everybody if not process.is_running()] == []
    command.signal(signal.SIGTERM)
    assert command.process.wait() == ExitCode.INTERRUPTED
    assert "silent" not in place.stderr
    assert len(place.noted("held")) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not show it")
def test_an_nlp_child_that_is_stopped_is_replaced_and_no_page_blamed(
    place: Workplace, start: Callable[..., Command]
) -> None:
    command = start(place.urls("http://a.example/nlp/1", HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    (child,) = command.forkservers()[0].children()
    child.suspend()
    command.until(lambda: place.noted("nlp-gone"))
    assert place.noted("nlp-gone") == ["stopped"]
    command.until(lambda: [other for other in command.forkservers()[0].children() if other.pid != child.pid])
    command.signal(signal.SIGTERM)
    assert command.process.wait() == ExitCode.INTERRUPTED


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="here only a parent can tell of its child's end")
def test_a_stopped_fork_server_is_replaced(place: Workplace, start: Callable[..., Command]) -> None:
    """It neither tells that its child has died nor forks another, and would hold up the run for ever."""
    command = start(place.urls("http://a.example/nlp/1", HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    (server,) = command.forkservers()
    (child,) = server.children()
    server.suspend()
    child.kill()
    command.until(lambda: [other for other in command.forkservers() if other.pid != server.pid])
    command.until(lambda: "stopped" in place.noted("nlp-gone"))
    command.signal(signal.SIGTERM)
    assert command.process.wait() == ExitCode.INTERRUPTED


def test_a_fork_server_that_is_stopped_holds_up_no_end(place: Workplace, start: Callable[..., Command]) -> None:
    command = start(place.urls("http://a.example/nlp/1", HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    (server,) = command.forkservers()
    server.suspend()
    command.signal(signal.SIGINT)
    command.until(lambda: "once more stops at once" in place.stderr)
    command.signal(signal.SIGINT)
    assert command.process.wait() == ExitCode.INTERRUPTED


def test_a_killed_fork_server_is_replaced(place: Workplace, start: Callable[..., Command]) -> None:
    command = start(place.urls("http://a.example/nlp/1", HOLD), shards=1)
    command.until(lambda: place.noted("held"))
    (server,) = command.forkservers()
    orphans = server.children()
    server.kill()
    command.until(lambda: [other for other in command.forkservers() if other.pid != server.pid])
    assert psutil.wait_procs(orphans, timeout=GONE_S)[1] == []
    command.until(lambda: "stopped" in place.noted("nlp-gone"))
    command.signal(signal.SIGTERM)
    assert command.process.wait() == ExitCode.INTERRUPTED
