"""Bring a virtual environment up to date with the project: `environment.py FOLDER EXTRAS` (standard library only).

A stamp in the environment says for which project files, Python and extras it was installed: while it holds, nothing is
done and no network is asked. A lock lets one process at a time install; the others then find the stamp.
Where ENGINE_PYTHON says which Python it is to be, an environment of another version is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT_FILES = ("pyproject.toml", "config/constraints.txt")
STAMP_NAME = "enrich-stamp.json"
LOCK_NAME = "enrich-lock"


def main() -> int:
    """Install what is missing; 0 when the environment is as the project wants it."""
    folder, extras = Path(sys.argv[1]).absolute(), sys.argv[2]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK_NAME).open("w")
    except OSError as error:
        return fail(f"cannot make the environment {folder}: {error.strerror}")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asked = "ENGINE_PYTHON" in os.environ
        if asked and (held := python_of(folder)) is not None and minor(held) != minor(sys.version):
            return fail(f"{folder} is of Python {minor(held)}, not {minor(sys.version)}: remove it, or choose another")
        if is_current(folder, extras):
            return 0
        return install(folder, extras)


def is_current(folder: Path, extras: str) -> bool:
    """Tell whether the stamp is of the project as it is now, with these extras or more."""
    try:
        stamp = json.loads((folder / STAMP_NAME).read_text())
    except (OSError, ValueError):
        return False
    return (
        stamp.get("project") == fingerprint()
        and stamp.get("root") == str(ROOT)
        and extras in {"", stamp.get("extras")}
        and python_of(folder) == stamp.get("python")
    )


def fingerprint() -> str:
    """Hash the files that say what is to be installed."""
    digest = hashlib.sha256()
    for name in PROJECT_FILES:
        digest.update((ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def python_of(folder: Path) -> str | None:
    """Ask the environment's Python for its version; None where there is none, or it has lost its base."""
    command = [str(folder / "bin" / "python"), "-c", "import sys; print(sys.version)"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own environment
    except OSError:
        return None
    return answer.stdout if answer.returncode == 0 else None


def minor(version: str) -> str:
    """The first two numbers of a version: of "3.13.0 (main, ...)" 3.13."""
    return ".".join(version.split(".")[:2])


def install(folder: Path, extras: str) -> int:
    """Make the environment where there is none that runs, and install the project into it."""
    sys.stderr.write(f"setting up {folder} (the first time takes some minutes, and the network)\n")
    (folder / STAMP_NAME).unlink(missing_ok=True)
    if python_of(folder) is None:
        for left in folder.iterdir():
            if left.name != LOCK_NAME:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        try:
            venv.create(folder, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return fail(f"cannot make the environment {folder}: {error}")
    target = f"{ROOT}[{extras}]" if extras else str(ROOT)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "-c", str(ROOT / "config" / "constraints.txt"), "-e", target]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 - our own environment
        return fail("pip could not install the project (its message is above); is there a network? Then run this again")
    stamp = {"project": fingerprint(), "root": str(ROOT), "extras": extras, "python": python_of(folder)}
    (folder / STAMP_NAME).write_text(json.dumps(stamp) + "\n")
    return 0


def fail(message: str) -> int:
    """Say why it did not work; the exit code for it."""
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
