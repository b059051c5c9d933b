"""A child's side of the models: it asks the host of its device, and starts one where there is none.

Children are many and a host is one: whoever finds nobody at the host's socket starts a host, and of several only the
one with the lock stays. A host outlives its children, and ends with the supervisor's life pipe. Where it is lost with a
question open, the child ends by SIGKILL: its pages are suspects then, and run again alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from time import sleep
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from engine.errors import EngineError, UsageError
from engine.ipc.frames import Decoder, encode
from engine.nlp.models.asked import HostConfig, Message, Told
from engine.observe.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.ipc.frames import Frame
    from engine.model.plan import NlpConfig
    from engine.settings import NlpSettings

#: How often a host that is loading its models is looked for: some seconds in all.
_LOOK_S: Final = 0.1
_READ_BYTES: Final = 1 << 20


class Models(Protocol):
    """What :class:`ModelClient` does."""

    def ask(self, texts: Sequence[str], summary_chars: int, step: Callable[[], None]) -> list[Told]:
        """What the models say of each text; `step` is called whenever they got on."""
        ...


class ModelClient:
    """A connection to a host. Raises UsageError, EngineError where none can be had."""

    def __init__(self, config: NlpConfig, settings: NlpSettings) -> None:
        self._config = config
        self._settings = settings
        self._log = get_logger(__name__)
        self._questions = 0
        self._frames: list[Frame] = []
        self._connect(0)
        devices = int(self._read().header["devices"])
        if slot := config.child % devices:
            self.close()
            self._connect(slot)
            self._read()

    def ask(self, texts: Sequence[str], summary_chars: int, step: Callable[[], None]) -> list[Told]:
        """See :class:`Models`."""
        self._questions += 1
        header = {"type": Message.ASK, "id": self._questions, "summary_chars": summary_chars}
        try:
            self._socket.sendall(b"".join(encode(header, orjson.dumps(list(texts)))))
            while (frame := self._read()).type != Message.TOLD:
                step()
        except (OSError, EOFError) as error:
            self._log.error("the process of the models is gone", error=str(error))
            os.kill(os.getpid(), signal.SIGKILL)
            raise
        return [
            Told(None if names is None else [(start, end, label) for start, end, label in names], summary)
            for names, summary in orjson.loads(frame.body)
        ]

    def close(self) -> None:
        """End the connection; the host stays."""
        self._socket.close()

    def _read(self) -> Frame:
        while not self._frames:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise EOFError("its connection ended")
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def _connect(self, slot: int) -> None:
        path = str(Path(self._config.path).with_name(f"m{slot}.sock"))
        self._decoder = Decoder()
        host: subprocess.Popen[bytes] | None = None
        while True:
            self._socket = socket(AF_UNIX, SOCK_STREAM)
            try:
                self._socket.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                self._socket.close()
            else:
                return
            if host is None or host.poll() == 0:  # 0: another had the lock, and may have died since
                host = self._start(path, slot)
            elif host.returncode is not None:
                why = Path(f"{path}.why")
                if why.exists():
                    raise UsageError(why.read_text(encoding="utf-8"))
                raise EngineError(f"the process of the models ended with code {host.returncode} while it loaded them")
            sleep(_LOOK_S)

    def _start(self, path: str, slot: int) -> subprocess.Popen[bytes]:
        config = self._config
        settings: dict[str, Any] = self._settings.model_dump(mode="json")
        host = HostConfig(path, slot, settings, config.life_fd, config.log_level, config.log_format)
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "engine.nlp.models.host", host.dumped()],
            stdin=subprocess.DEVNULL,
            pass_fds=(config.life_fd,),
            start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's
        )
