"""After a kill or a power failure: which commits did not survive.

A kill of processes loses nothing that was handed to the system, so commits and part agree, or the part is longer (the
writer cuts it). After a power failure the frontier may know commits whose bytes never reached the disk: the file is
shorter, or holds zeros. The tasks of those commits are to be done again; their records are to be dropped before the
part is opened for writing, so that the last record left is where the file is cut.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from engine.output.blocks import PartReader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.model.task import CommitRecord

#: Commits whose bytes are checked at every opening: at one a second, twice the 30 s after which Linux writes dirty
#: pages back (vm.dirty_expire_centisecs), so whatever a power failure can have taken is among them.
LAST_CHECKED: Final = 64


def damaged(path: Path, records: Iterable[tuple[int, CommitRecord]], deep: bool) -> set[int]:
    """Give the ids of the commits whose bytes are missing from a part or have the wrong CRC.

    `records` are (id, record) in the order of the file. Without `deep` the bytes of only the last LAST_CHECKED commits
    are read, of the others that the file is long enough. Raises OutputError where the file cannot be read.
    """
    lost: set[int] = set()
    last: deque[tuple[int, CommitRecord]] = deque(maxlen=LAST_CHECKED)
    with PartReader(path, "none") as reader:
        size = reader.size
        for commit, record in records:
            if record.offset + record.length > size:
                lost.add(commit)
            elif deep:
                if not reader.intact(record):
                    lost.add(commit)
            else:
                last.append((commit, record))
        lost.update(commit for commit, record in last if not reader.intact(record))
    return lost
