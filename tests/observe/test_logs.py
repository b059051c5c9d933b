from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import structlog

from engine.observe.logs import MAX_EVENT_CHARS, MAX_TRACEBACK_CHARS, MAX_VALUE_CHARS, _Forward, configure, get_logger


@pytest.fixture
def logged(capsys):
    """What was written to stderr since the last call; configuration ends with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_console_line_names_level_process_and_details(logged):
    logger = get_logger("engine.shard")
    configure("info", "console", "shard-0")
    logger.warning("host paused", host="a.example", for_s=5, why="429 twice")
    line = logged()
    assert line[8:] == " warning shard-0 host paused host=a.example for_s=5 why='429 twice'\n"


def test_json_lines_are_objects(logged):
    configure("info", "json", "supervisor")
    get_logger("engine.supervisor").info("started", shards=2, big=1 << 70, none=None, odd={1, 2}, broken="\ud800")
    row = json.loads(logged())
    assert row.pop("timestamp").endswith("Z")
    assert row == {
        "event": "started",
        "level": "info",
        "process": "supervisor",
        "module": "engine.supervisor",
        "shards": 2,
        "big": str(1 << 70),
        "none": None,
        "odd": "{1, 2}",
        "broken": "\\ud800",
    }


def test_levels_below_the_configured_one_are_silent(logged):
    configure("warning", "console", "main")
    get_logger("x").info("not shown")
    assert not logged()
    configure("debug", "console", "main")
    get_logger("x").debug("shown")
    assert "debug main shown" in logged()


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="log level 'loud': one of debug, info, warning"):
        configure("loud", "console", "main")


@pytest.mark.parametrize("style", ["console", "json"])
def test_no_secret_no_control_character_no_long_text(logged, style):
    configure("info", style, "main")
    get_logger("x").info(
        "asked http://user:secret@a.example/ " + "y" * 9999,
        url="http://me:secret@b.example/\x1b[2J\nforged line",
        nested={"proxy": "http://p:secret@c.example"},
        page="z" * 100_000,
    )
    text = logged()
    assert "secret" not in text
    assert "\x1b" not in text
    assert text.count("\n") == 1
    assert len(text) < MAX_EVENT_CHARS + 3 * MAX_VALUE_CHARS + 200


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_is_kept_bounded_and_redacted(logged, style):
    configure("info", style, "main")
    try:
        int("http://user:secret@a.example/" + "q" * 50_000 + " the end")
    except ValueError:
        get_logger("x").exception("page failed")
    text = logged()
    assert "page failed" in text
    assert "the end" in text
    assert "secret" not in text
    assert len(text) < MAX_TRACEBACK_CHARS + 500


def test_other_libraries_log_the_same_way_from_warnings_on(logged):
    configure("info", "json", "shard-1")
    configure("info", "json", "shard-1")  # once more does not double the lines
    logging.getLogger("asyncio").error("Task exception was never retrieved: %s", "http://u:secret@a.example")
    logging.getLogger("asyncio").info("not shown")
    logging.getLogger("odd").log(35, "a level of its own")
    _Forward().handle(logging.LogRecord("odd", logging.WARNING, "", 0, "wrong arguments %d", ("text",), None))
    rows = [json.loads(line) for line in logged().splitlines()]
    assert [(row["module"], row["level"], row["event"]) for row in rows] == [
        ("asyncio", "error", "Task exception was never retrieved: http://<redacted>@a.example"),
        ("odd", "warning", "a level of its own"),
        ("odd", "warning", "wrong arguments %d"),
    ]


@pytest.mark.usefixtures("logged")
def test_nobody_listening_stops_nothing(monkeypatch):
    configure("info", "console", "main")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    get_logger("x").info("into the void")
