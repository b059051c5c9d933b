"""The servers that a benchmark fetches from, each in a process of its own and ended with its block."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from lib.web import filler

if TYPE_CHECKING:
    from collections.abc import Iterator

_BENCH = Path(__file__).resolve().parents[1]
_LEAVE_S = 20

#: Pages that nginx serves, and how large each is: between two and three packets' worth of them fit a core's cache.
NGINX_PAGES = 200
NGINX_PAGE_BYTES = 35 * 1024

_NGINX_CONF = """\
daemon off; {user}worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600; default_type text/html;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/html; }}
}}
"""


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Serve /0.html … /199.html of about 35 KB each; gives the port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit("nginx is not installed (Debian and Ubuntu: apt install nginx-light)")
    pages = folder / "html"
    pages.mkdir(parents=True, exist_ok=True)
    for number in range(NGINX_PAGES):
        (pages / f"{number}.html").write_bytes(filler(NGINX_PAGE_BYTES + number))
    port = free_port()
    conf = folder / "nginx.conf"
    # Started by root its workers would be another user, who may not look into a folder of root's.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    conf.write_text(_NGINX_CONF.format(folder=folder, port=port, user=user))
    process = subprocess.Popen([program, "-e", folder / "error.log", "-p", folder, "-c", conf])  # noqa: S603 - ours
    try:
        await_port(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def pages_web(script: Path, copies: int, urls: Path, log: Path | None = None) -> Iterator[int]:
    """Serve real pages at their own URLs by the script that the caller named; gives the port.

    Their URLs are written to `urls`, and a JSON line a request to `log`.
    """
    port = free_port()
    line = [sys.executable, script, "--port", str(port), "--copies", str(copies), "--list", urls]
    line += [] if log is None else ["--log", log]
    process = subprocess.Popen(  # noqa: S603 - the script that the caller named
        line, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        await_port(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


class WebServer:
    """:mod:`lib.web`, running. `stop` ends it and reads what it recorded."""

    def __init__(self, process: subprocess.Popen[str], port: int, record: Path) -> None:
        self.port = port
        self._process = process
        self._record = record
        self.recorded: dict[str, Any] = {}

    @property
    def cpu_s(self) -> float:
        """What the server itself has taken so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def stats(self) -> dict[str, Any]:
        """How things stand; see lib.web."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/stats", timeout=10) as reply:
            return json.load(reply)

    def pages(self, kind: str) -> int:
        """Pages answered so far of a class."""
        return self.stats()["pages"].get(kind, 0)

    def stop(self) -> dict[str, Any]:
        if not self.recorded:
            self._process.terminate()
            self._process.wait(_LEAVE_S)
            self.recorded = json.loads(self._record.read_text())
            self._record.unlink()
        return self.recorded


@contextmanager
def web(folder: Path, module: str = "lib.web", **options: Any) -> Iterator[WebServer]:
    """Serve as :mod:`lib.web` (or `module`) does; options as on its command line (delay_s=(0.1, 0.3), log=True)."""
    record = folder / "web.record"
    line = [sys.executable, "-m", module, "--record", record]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            line.append(flag)
        elif value is not False:
            line += [flag, *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    with printing_port(line) as (process, port):
        yield WebServer(process, port, record)


@contextmanager
def name_server() -> Iterator[str]:
    """Serve names as :mod:`lib.names` does; gives what fetch.nameservers takes."""
    with printing_port([sys.executable, "-m", "lib.names"]) as (_, port):
        yield f"127.0.0.1:{port}"


@contextmanager
def printing_port(line: list[Any]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that prints the port it listens on."""
    process = subprocess.Popen(  # noqa: S603 - our own scripts
        [str(part) for part in line], stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=_BENCH
    )
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.terminate()
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """An address that swallows connections: a listening socket whose backlog is full drops every further SYN."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        stuffing = []
        try:
            for _ in range(4):
                one = socket.socket()
                one.settimeout(0)
                one.connect_ex((address, port))
                stuffing.append(one)
            with socket.socket() as probe:
                probe.settimeout(0.3)
                try:
                    probe.connect((address, port))
                except TimeoutError:
                    pass
                else:
                    raise SystemExit("this system takes connections beyond a listening socket's backlog: no black hole")
            yield
        finally:
            for one in stuffing:
                one.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until somebody listens."""
    for _ in range(1200):  # a minute: a server may have much to load, and the machine other work
        with socket.socket() as probe:
            probe.settimeout(0.05)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise SystemExit(f"the server ended with code {process.returncode}")
    raise SystemExit(f"nobody listens on port {port}")
