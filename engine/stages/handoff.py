"""From one stage to the next: the list of what is usable, in the order of the rows, and copies of the rows.

Both are made anew each time from a complete stage's rows, aside and renamed: the same rows give the same bytes, so that
a stage that goes on finds the input that it began with.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import orjson

from engine.errors import OutputError
from engine.model.stage_rows import discovered_page
from engine.output.codec import CorruptError, open_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.stages.layout import Stage


def hand_on(stage: Stage, url_column: str) -> int:
    """Write the list of a complete stage's usable URLs; how many they are. Raises OutputError."""
    path = stage.usable
    aside = path.with_name(path.name + ".tmp")
    count = 0
    try:
        with aside.open("wb") as file:
            for entry in _usable(stage, url_column):
                file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except CorruptError as error:
        raise OutputError(f"{stage.output}: {error}; to write it again: enrich merge {stage.folder}") from error
    except OSError as error:
        raise OutputError(f"{error.filename or path}: {error.strerror}") from error
    return count


def _usable(stage: Stage, url_column: str) -> Iterator[dict[str, Any]]:
    with open_lines(stage.output) as lines:
        for line in lines:
            row = orjson.loads(line)
            if stage.number == 1:
                if discovered_page(row):
                    yield {url_column: row["discovered_url"]}
            elif row["is_valid"]:
                yield {**row["input"], url_column: row["url"]}


def publish(stage: Stage) -> None:
    """Put a complete stage's rows where its settings say as well. Raises OutputError."""
    path = stage.copy
    if path is None:
        return
    aside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        try:
            os.link(stage.output, aside)
        except OSError:  # another file system, or one without links
            shutil.copyfile(stage.output, aside)
        aside.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
