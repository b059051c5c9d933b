"""Writes the Python examples of documents as scripts of their own, for a type checker and for tests.

python scripts/examples.py FOLDER DOCUMENT...    FOLDER/python_0.py, FOLDER/python_1.py ... of docs/python.md
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write(folder: Path, documents: Iterable[Path]) -> Iterator[Path]:
    """Write each block of the documents to a file of its own, and name the file."""
    for document in documents:
        for number, text in enumerate(_BLOCK.findall(document.read_text(encoding="utf-8"))):
            file = folder / f"{document.stem.lower()}_{number}.py"
            file.write_text(text, encoding="utf-8")
            yield file


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]), map(Path, sys.argv[2:])):
        print(written)
