"""Leads from the merged rows of a discovery that read profiles: one for each person, in the order of the rows.

The rows stay as they are, one for each URL; what is left out here says there why: `no_profile`, or `duplicate_of` the
page that stands for it. Memory does not depend on the number of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.errors import OutputError
from engine.model.profile import lead_row
from engine.output.codec import CorruptError, open_lines
from engine.output.folder import reason, sync_folder
from engine.output.merged import MergedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.output.codec import Compression
    from engine.output.merged import FileFacts

#: The leads, less the suffix of their compression.
PROFILES_NAME: Final = "profiles.jsonl"


def write_profiles(rows: Path, folder: Path, compression: Compression) -> dict[str, FileFacts]:
    """Write the leads of the merged `rows` into `folder`; the file's facts by its name. Raises OutputError."""
    with MergedFile(folder, PROFILES_NAME, compression) as file:
        try:
            file.add(_leads(rows))
        except CorruptError as error:
            raise OutputError(f"{rows}: {error}; to write it again: enrich merge {folder}") from error
        facts = file.finish()
        file.publish()
    try:
        sync_folder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be synced to disk: {reason(error)}") from error
    return {file.path.name: facts}


def _leads(rows: Path) -> Iterator[bytes]:
    with open_lines(rows) as lines:
        for line in lines:
            row: dict[str, Any] = orjson.loads(line)
            metadata = row["discovery_metadata"]
            if row["error_kind"] is None and "profile" in metadata and "duplicate_of" not in metadata:
                yield orjson.dumps(lead_row(row), option=orjson.OPT_APPEND_NEWLINE)
