"""What runs first in a child process: the same for shards and NLP children, and light to import.

File descriptors cross as :class:`InheritedFd`, which pickles into whatever the start method needs (a number kept open
over exec for spawn, a message to the server for forkserver) and arrives as a plain int.
"""

from __future__ import annotations

import faulthandler
import gc
import signal
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multiprocess import reduction

from engine.errors import EngineError
from engine.observe.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.plan import NlpConfig, ShardConfig

#: The supervisor decides when children leave: a Ctrl-C or a service manager signals the whole group.
IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InheritedFd:
    """A file descriptor of this process on its way to a child; the child's argument is an int of its own."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _arrive, (reduction.DupFd(self.fd),)


def _arrive(sent: Any) -> int:  # noqa: ANN401 - one of multiprocess's private wrappers
    fd: int = sent.detach()
    return fd


def enter_shard(target: str, config: ShardConfig, why: str, life_fd: int, control_fd: int) -> None:
    """Run a shard; `target` is "module:function", `why` the file to leave a reason in."""
    _enter(target, replace(config, life_fd=life_fd, control_fd=control_fd), why)


def enter_nlp(target: str, config: NlpConfig, why: str, life_fd: int) -> None:
    """Run a child of the NLP pool."""
    _enter(target, replace(config, life_fd=life_fd), why)


def _enter(target: str, config: ShardConfig | NlpConfig, why: str) -> None:
    if sys.stderr is not None:
        faulthandler.enable()  # the supervisor asks a hung child for its stacks by SIGABRT
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # Blocked since before the child existed, so that none could come too early (see processes.started_quietly).
    signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED_SIGNALS)
    module, _, name = target.partition(":")
    try:
        gc.disable()  # nothing that an import makes is garbage, and looking for some takes a tenth of the start
        main = getattr(import_module(module), name)
        gc.enable()
        main(config)
    except EngineError as error:
        _leave(why, str(error))
        sys.exit(int(error.exit_code))
    except Exception as error:
        _leave(why, f"{type(error).__name__}: {error}")
        raise


def _leave(why: str, reason: str) -> None:
    """Write why this process ends, for the supervisor; where that cannot be written (a full disk), for people."""
    try:
        Path(why).write_text(reason, encoding="utf-8")
    except OSError:
        get_logger(__name__).error(reason)
