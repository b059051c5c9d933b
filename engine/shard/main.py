"""The entry of a shard process: its lock, its files, its loop, and how it reports what it cannot mend."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvloop

from engine.collector import settle
from engine.errors import EngineError, OutputError, UsageError
from engine.frontier.hosts import HostTable
from engine.frontier.store import Store
from engine.ipc.channel import from_socket
from engine.ipc.life import leave_with_supervisor
from engine.model.messages import Control
from engine.observe import logs
from engine.output.codec import part_name
from engine.output.parts import PartWriter
from engine.output.recover import damaged
from engine.policy.politeness import share
from engine.settings import Settings
from engine.shard.assembly import assemble
from engine.shard.factory import site_budget
from engine.shard.files import raise_limit
from engine.shard.flight import Flight
from engine.shard.quarantine import suspects
from engine.shard.worker import Worker
from engine.transport.cache_disk import open_cache
from engine.transport.client import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ipc.channel import Channel
    from engine.model.plan import ShardConfig
    from engine.transport.cache_disk import DiskCache

_LOG: Final = structlog.get_logger("shard")


def shard_main(config: ShardConfig) -> None:
    """Run a shard until the supervisor says DRAIN or is gone."""
    logs.configure(config.log_level, config.log_format, f"shard {config.shard}")  # type: ignore[arg-type]
    leave_with_supervisor(config.life_fd)  # without a commit: another shard may start at any moment
    with _locked(Path(config.folder) / "state" / f"shard-{config.shard:05}.lock"):
        uvloop.run(_run(config))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the shard's lock, which the kernel gives back however this process ends. Raises UsageError, OutputError."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)  # so that who is refused can be told by whom
    except BlockingIOError:
        raise UsageError(f"{path} is held: another process still writes this shard") from None
    except OSError as error:  # a full disk, say
        raise OutputError(f"{path}: cannot be written: {error.strerror}; mend that, then: enrich resume") from error
    try:
        yield
    finally:
        os.close(fd)


async def _run(config: ShardConfig) -> None:
    loop = asyncio.get_running_loop()
    settings = Settings.model_validate(config.settings)
    control: Channel

    def send(header: dict[str, Any]) -> None:
        # A supervisor that does not read (it is stopped) is to find the latest report, not an hour of them.
        if header["type"] != Control.HEARTBEAT or not control.congested:
            control.send(header)

    worker = Worker(config.shard, send, loop)
    loop.set_exception_handler(worker.on_callback_error)
    control = await from_socket(socket.socket(fileno=config.control_fd), worker.on_frame, worker.on_lost)
    transport = AiohttpTransport(settings.fetch, settings.guard, environ=os.environ)
    try:
        store, part = _open(config, settings)
        flight = _flight(config, settings)
        found = suspects(store, flight.left, config.fault)
        store.commit()
        files = raise_limit()
        with _page_cache(settings) as cache:
            worker.parts = assemble(
                settings, config.shard, config.shards, loop, store=store, table=_table(store), part=part,
                transport=transport, send=send, spawn=worker.spawn, max_files=files, flight=flight,
                suspects=found, cache=cache,
            )  # fmt: skip
            gc.collect()
            settle()
            try:
                await worker.run()
            finally:
                if worker.parts.pool is not None:
                    await worker.parts.pool.close()
        store.close()
        part.sync()
        part.close()
    except BaseExceptionGroup as group:
        raise _report(control, _first(group)) from group
    except EngineError as error:
        raise _report(control, error) from error
    finally:
        await transport.close()
        control.close()
        await control.wait_closed()  # the last words are to arrive


def _open(config: ShardConfig, settings: Settings) -> tuple[Store, PartWriter]:
    """Open the frontier and the part, and bring them to agree."""
    folder = Path(config.folder)
    store = Store.open(folder / "state" / f"shard-{config.shard:05}.sqlite", create=True)
    store.budget = site_budget(settings)
    path = folder / "parts" / part_name(config.shard, settings.output.compression)
    queue_lost_rows(store, path)
    if config.retry_kinds is not None:
        queued = store.requeue_failed(config.retry_kinds)
        _LOG.info("failed rows are queued again", urls=queued)
    store.commit()
    return store, PartWriter.open(path, settings.output.compression, store.last_commit())


def queue_lost_rows(store: Store, part: Path) -> None:
    """Queue again what a power failure took from the end of a part although the frontier has it."""
    if store.last_commit() is not None:
        lost = damaged(part, store.commit_records(), deep=False)
        if lost:
            queued = store.requeue_commits(lost)
            _LOG.warning("rows were lost and are queued again", part=part.name, commits=len(lost), urls=queued)


def _flight(config: ShardConfig, settings: Settings) -> Flight:
    path = Path(config.folder) / "state" / f"shard-{config.shard:05}.flight"
    return Flight.open(path, share(settings.run.max_in_flight_pages, config.shards))


@contextmanager
def _page_cache(settings: Settings) -> Iterator[DiskCache | None]:
    """The cache of pages, where there is to be one. What goes wrong with it costs no page, and is told at the end."""
    cache = open_cache(settings.cache, os.environ)
    try:
        yield cache
    finally:
        if cache is not None:
            cache.close()
            counts = cache.counts
            _LOG.debug("page cache", **asdict(counts))
            if counts.faults:
                _LOG.warning("the page cache failed at times", faults=counts.faults, latest=counts.last_fault)


def _table(store: Store) -> HostTable:
    table = HostTable(store)
    table.reopen(time.time())
    store.commit()
    return table


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that began it: what came of its tasks' cancelling is not the cause."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _report(control: Any, error: BaseException) -> BaseException:  # noqa: ANN401 - the channel
    """Tell the supervisor why this shard cannot go on, and hand back what to raise."""
    if isinstance(error, EngineError):
        control.send({"type": Control.FAULT, "message": str(error), "exit_code": int(error.exit_code)})
    else:
        _LOG.error("the shard ended by a fault", exc_info=error)
    return error
