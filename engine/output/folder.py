"""Making file changes durable: what POSIX asks for beyond a write.

A new name is on disk only once the *folder* that holds it is synced too (fsync(2), notes), so whoever creates or
renames a file here syncs both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def reason(error: OSError) -> str:
    """Say what the system objected to, without the file's name that OSError repeats."""
    return error.strerror or str(error)
