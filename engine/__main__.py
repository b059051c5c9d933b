"""`enrich`, and `python -m engine`: refuse where the engine cannot run, else hand over to the command line.

Law: this module imports nothing of the engine at its top. Every spawned child imports the main module again, and an
unsupported Python must get a sentence, not a traceback from a module that needs more.
"""

from __future__ import annotations

import gc
import sys

_PLATFORMS = {"linux": "Linux", "darwin": "macOS"}
_FIRST_PYTHON = (3, 11)
_AFTER_LAST_PYTHON = (3, 14)


def refusal(platform: str, version: tuple[int, int]) -> str | None:
    """Say why the engine does not run on this platform (`sys.platform`) and Python (major, minor); None: it does."""
    if platform not in _PLATFORMS:
        return f"this engine runs on Linux and macOS, not on {platform}: on Windows use WSL 2 or a container"
    if not _FIRST_PYTHON <= version < _AFTER_LAST_PYTHON:
        return f"this engine runs on Python 3.11 to 3.13, not {version[0]}.{version[1]}: install it with one of those"
    return None


def main() -> None:
    """Run the command line and exit with its code."""
    reason = refusal(sys.platform, sys.version_info[:2])
    if reason is not None:
        sys.stderr.write(f"enrich: {reason}\n")
        sys.exit(2)
    gc.disable()  # nothing that an import makes is garbage, and looking for some takes a tenth of the start
    from engine.cli.app import invoke  # noqa: PLC0415 - see the module's law
    from engine.collector import settle  # noqa: PLC0415 - likewise

    settle()  # else the collector is a tenth of what a URL of a long list costs here
    sys.exit(invoke(sys.argv[1:]))


if __name__ == "__main__":
    main()
