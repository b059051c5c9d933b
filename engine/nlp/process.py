"""The process of an NLP child, whatever works in it: signals, the life pipe, logs, and its loop.

It ignores SIGINT (the supervisor decides), dies of SIGTERM, SIGPROF and SIGALRM (a page over nlp.timeout_s), and leaves
with the supervisor (:mod:`engine.ipc.life`).
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, cast

from engine.ipc.frames import MAX_FRAME_BYTES
from engine.ipc.life import leave_with_supervisor
from engine.model.messages import TIMEOUT_SIGNALS
from engine.nlp.server import Limits, Server
from engine.observe import logs

if TYPE_CHECKING:
    from engine.model.plan import NlpConfig
    from engine.nlp.page import Worker
    from engine.settings import Settings

#: What a PAGE's header may add to its body: the other columns of an input row can be large.
_HEADER_BYTES: Final = 64 << 20


def prepare_process(config: NlpConfig) -> None:
    """Signals, the watch on the life pipe, logs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    endings = (signal.SIGTERM, *TIMEOUT_SIGNALS)
    for ending in endings:
        signal.signal(ending, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, endings)
    leave_with_supervisor(config.life_fd)
    logs.configure(config.log_level, cast("logs.LogFormat", config.log_format), f"nlp-{config.child}")


def serve(config: NlpConfig, settings: Settings, worker: Worker) -> None:
    """Serve pages at config.path with `worker`; returns when it is time to be replaced."""
    max_body = max(settings.fetch.max_body_bytes, settings.discovery.max_sitemap_bytes)
    limits = Limits(
        timeout_s=settings.nlp.timeout_s,
        max_memory_bytes=settings.nlp.max_process_memory_bytes,
        max_frame_bytes=min(MAX_FRAME_BYTES, max_body + _HEADER_BYTES) if max_body else MAX_FRAME_BYTES,
    )
    Server(config.path, config.child, worker, limits).run()
