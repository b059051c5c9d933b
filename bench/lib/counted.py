"""Run a command and count the CPU time of every process that comes of it, and the memory of the one that held most:

    counted.py REPORT COMMAND...

As a subreaper this process becomes the parent of whatever the command leaves behind (the fork server and its
children), so that the kernel's figures for reaped children hold all of them. REPORT gets {"cpu_s", "wall_s", "code",
"peak"}, bytes.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

#: What outlives the command for so long is killed, and counted up to then.
ORPHANS_S = 10


def main() -> int:
    report, *command = sys.argv[1:]
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # a benchmark that is killed leaves no engine behind
    began = time.monotonic()
    child = subprocess.Popen(command)  # noqa: S603 - what the benchmark measures
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    code = child.wait()
    wall_s = time.monotonic() - began
    signal.signal(signal.SIGALRM, _kill_orphans)
    signal.alarm(ORPHANS_S)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    told = {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall_s, "code": code, "peak": peak}
    aside = Path(f"{report}.tmp")
    aside.write_text(json.dumps(told))
    aside.replace(report)
    return 0


def _kill_orphans(_number: int, _frame: object) -> None:
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    signal.alarm(1)  # their children come to us now


if __name__ == "__main__":
    sys.exit(main())
