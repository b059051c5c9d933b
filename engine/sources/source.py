"""What an input is: the text that the user gave, resolved to a file of a known kind, a page, or stdin.

Resolving looks at the file system but reads no content.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from engine.errors import UsageError
from engine.model.outcome import Failure
from engine.model.url import parse_target

#: What stands for stdin on the command line.
STDIN: Final = "-"

#: A fingerprint covers so much of a file's start and of its end (DESIGN.md: a gigabyte list must not be read twice).
_FINGERPRINT_BYTES: Final = 1 << 20

GZIP_MAGIC: Final = b"\x1f\x8b"  # RFC 1952, section 2.3.1
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878, section 3.1.1


class Format(StrEnum):
    """How records lie in an input."""

    TXT = "txt"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    PAGE = "page"  # the input is itself the one URL


class Compression(StrEnum):
    """What an input's bytes are packed with."""

    NONE = "none"
    GZ = "gz"
    ZST = "zst"


_FORMATS: Final = {
    ".txt": Format.TXT,
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
}
_COMPRESSIONS: Final = {".gz": Compression.GZ, ".zst": Compression.ZST}


@dataclass(frozen=True, slots=True)
class Source:
    """One input. `name` is for people (a URL's without user and password); exactly one of `path` and `url` is set.

    `path` is None only for a page and for a stdin that is not spooled yet.
    """

    name: str
    format: Format
    compression: Compression = Compression.NONE
    path: Path | None = None
    url: str | None = None

    @property
    def is_stdin(self) -> bool:
        """Whether this is a stdin that must be spooled (:mod:`.spool`) before it is read."""
        return self.name == STDIN and self.path is None

    @property
    def unit(self) -> str:
        """What an ordinal of this input counts, for sentences: "line 7", "row 7"."""
        return "row" if self.format is Format.PARQUET else "line"


def resolve(text: str) -> Source:
    """Tell what an INPUT of the command line is; UsageError where it is nothing that can be read."""
    if text == STDIN:
        return Source(STDIN, Format.TXT)
    if "://" in text:
        target = parse_target(text)
        if isinstance(target, Failure):
            raise UsageError(f"{target.message} (an input is a file, a http(s) URL, or - for stdin)")
        return Source(target.url, Format.PAGE, url=text)
    path = Path(text)
    _require_readable(path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    compression = _COMPRESSIONS.get(suffixes[-1], Compression.NONE) if suffixes else Compression.NONE
    if compression is not Compression.NONE:
        suffixes.pop()
    kind = _FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None:
        known = " ".join(_FORMATS)
        raise UsageError(f"{text!r} is of no known kind: name it as one of {known}, each also .gz or .zst")
    return Source(text, kind, compression, path)


def known_suffix(path: Path) -> bool:
    """Whether a file's name says that it is an input of some kind."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _FORMATS


def fingerprint(path: Path) -> dict[str, Any]:
    """Tell a file from another: {"size": bytes, "sha256": hex of its first and its last MiB, joined}."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = sha256(file.read(_FINGERPRINT_BYTES))
            file.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(file.read(_FINGERPRINT_BYTES))
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {reason(error)}") from error
    return {"size": size, "sha256": digest.hexdigest()}


def reason(error: OSError) -> str:
    """Say in lower case, without number and path, what the operating system refused."""
    return (error.strerror or str(error)).lower()


def _require_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder: name the files in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"{str(path)!r} is no regular file: pipe it in, and name - as the input")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {str(path)!r} (an input is a file, a http(s) URL, or - for stdin)") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read {str(path)!r}: {why}") from error
