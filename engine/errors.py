"""Failures of the engine itself.

A URL that fails is data (:class:`engine.model.outcome.FailureKind` in its row), never an exception that leaves the
engine. What is raised here ends the command: each class carries the exit code that the command line returns, and its
message is one line that names the thing at fault and the mend.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns (documented in docs/commands.md)."""

    COMPLETE = 0
    USAGE = 2
    INTERRUPTED = 3
    OUTPUT = 4
    ENGINE = 5
    THRESHOLD = 6


class EngineError(Exception):
    """Base of all engine failures; `exit_code` is what the command returns."""

    exit_code: ExitCode = ExitCode.ENGINE


class UsageError(EngineError):
    """Bad usage, configuration or input: the user can mend it."""

    exit_code = ExitCode.USAGE


class OutputError(EngineError):
    """The output or the state cannot be written (disk full, permission); the run can be resumed."""

    exit_code = ExitCode.OUTPUT


class ThresholdError(EngineError):
    """Stopped by a threshold that the user set; the run can be resumed."""

    exit_code = ExitCode.THRESHOLD
