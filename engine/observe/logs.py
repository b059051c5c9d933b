"""Logs: one short line an event, to stderr, in every process of a run.

Each process configures itself once with its own name. Lines of other libraries (asyncio's "exception was never
retrieved" above all) take the same way from warnings on. A line is written with one call, so that lines of several
processes do not mix.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import orjson
import structlog

from engine.observe.tell import tell
from engine.observe.text import printable, redact, shown

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import FilteringBoundLogger

LogFormat = Literal["console", "json"]

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}

MAX_EVENT_CHARS: Final = 500
MAX_VALUE_CHARS: Final = 300
#: A traceback is cut at its front: its end says what happened.
MAX_TRACEBACK_CHARS: Final = 6000

#: What every line begins with.
_FIRST: Final = ("timestamp", "level", "process", "event")

#: JSON writers of 64 bits take no larger ones.
_INT_LIMIT: Final = 1 << 63


def configure(level: str, format: LogFormat, process: str) -> None:  # noqa: A002 - the option's name
    """Send this process's logs to stderr from `level` (a key of LEVELS) on, each line naming `process`.

    May be called again. Raises ValueError for a level that does not exist.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r}: one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if format == "json" else "%H:%M:%S", utc=format == "json"),
            _naming(process),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _harmless,
            _as_json if format == "json" else _as_console,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward())
    root.setLevel(max(LEVELS[level], logging.WARNING))


def get_logger(name: str) -> FilteringBoundLogger:
    """Give the logger of a module; may be made before `configure`. Events are short sentences, details are keys."""
    return cast("FilteringBoundLogger", structlog.get_logger(module=name))


class _Stderr:
    """Writes lines to whatever stderr is now: a live display may stand in front of it."""

    def msg(self, line: str) -> None:
        tell(line + "\n", patience_s=0)

    debug = info = warning = error = critical = exception = fatal = log = msg


class _Forward(logging.Handler):
    """Hands the records of other libraries to our own chain."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)  # arguments that do not fit their message: the caller's fault, told as it is
        level = max((level for level in LEVELS.values() if level <= record.levelno), default=LEVELS["debug"])
        get_logger(record.name).log(level, "%s", message, exc_info=record.exc_info or None)


def _naming(process: str) -> structlog.typing.Processor:
    def name(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return name


def _harmless(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact, escape and clip every text; turn what is no plain value into text first."""
    traceback = event.pop("exception", None)
    for key, value in event.items():
        if value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < _INT_LIMIT):
            continue
        text = value if isinstance(value, str) else repr(value)
        event[key] = shown(text, MAX_EVENT_CHARS if key == "event" else MAX_VALUE_CHARS)
    if traceback:
        lines = [printable(line) for line in redact(str(traceback))[-MAX_TRACEBACK_CHARS:].splitlines()]
        event["exception"] = "\n".join(lines)
    return event


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key, None) for key in _FIRST}
    return orjson.dumps(first | dict(event)).decode()


def _as_console(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Render as `12:00:01 warning shard-0 host paused host=a.example for_s=5`, a traceback below it."""
    known = [event.pop(key, "") for key in _FIRST]
    traceback = event.pop("exception", None)
    event.pop("module", None)
    line = " ".join(str(value) for value in known) + "".join(f" {key}={_value(value)}" for key, value in event.items())
    return f"{line}\n{traceback}" if traceback else line


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text or not text else text
