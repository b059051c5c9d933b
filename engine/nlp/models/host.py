"""The host: a process of its own that holds the models of one device, and answers the children of the pool.

    python -m engine.nlp.models.host CONFIG        (started by engine.nlp.models.client)

It gathers what all children ask for, for at most 50 ms, and runs that together. It holds a lock beside its socket: a
second host of the device leaves at once. It ends with the supervisor's life pipe, and by SIGALRM when one batch of a
model takes three times nlp.timeout_s, so that one text that hangs a model is found among those that were asked about.
Exit codes: 0, another serves this device; 2, the models cannot be loaded, with the reason in PATH.why.
"""

from __future__ import annotations

import fcntl
import selectors
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast

import orjson

from engine.errors import ExitCode
from engine.ipc.frames import Decoder, encode
from engine.ipc.life import leave_with_supervisor
from engine.nlp.gathering import Gathering
from engine.nlp.models.asked import HostConfig, Message
from engine.nlp.models.found import model_folder
from engine.nlp.server import listen
from engine.observe import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from socket import socket

    from engine.nlp.models.asked import Span
    from engine.settings import NlpSettings

_READ_BYTES = 1 << 20
_SEND_S = 60.0
_PATIENCE = 3


@dataclass(slots=True)
class _Client:
    """A child: it asks one thing at a time, and waits for the answer."""

    connection: socket
    decoder: Decoder = field(default_factory=Decoder)
    asked: dict[str, Any] | None = None
    texts: list[str] = field(default_factory=list)


class Names(Protocol):
    """What :class:`engine.nlp.models.names.NameModel` does."""

    def find(self, texts: Sequence[str], step: Callable[[], None]) -> list[list[Span]]:
        """The names in each text."""
        ...


class Summaries(Protocol):
    """What :class:`engine.nlp.models.summaries.Summariser` does."""

    def summarise(self, texts: Sequence[str], most_chars: int, step: Callable[[], None]) -> list[str | None]:
        """A summary of each text."""
        ...


class Host:
    """Serves at a listening socket for ever; one of `devices` hosts."""

    def __init__(
        self, listener: socket, settings: NlpSettings, names: Names | None, summaries: Summaries | None, devices: int
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._devices = devices
        self._names, self._summaries = names, summaries
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, None)
        self._clients: list[_Client] = []
        self._gathering = Gathering(settings.batch_pages)

    def run(self) -> None:
        """Serve."""
        while True:
            asking = [client for client in self._clients if client.asked is not None]
            wait_s = self._gathering.wait_s(sum(len(client.texts) for client in asking), monotonic())
            if wait_s == 0:
                self._gathering.begun()
                self._answer(asking)
                continue
            for key, _ in self._selector.select(wait_s):
                self._receive(key.data) if key.data is not None else self._accept()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_SEND_S)  # a child reads when it has asked: one that does not is gone
        client = _Client(connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)
        self._send(client, {"type": Message.READY, "devices": self._devices})

    def _receive(self, client: _Client) -> None:
        try:
            data = client.connection.recv(_READ_BYTES)
            frames = client.decoder.feed(data)
        except (OSError, ValueError):
            data, frames = b"", []
        for frame in frames:
            client.asked, client.texts = frame.header, orjson.loads(frame.body)
        if not data:
            self._drop(client)

    def _answer(self, asking: list[_Client]) -> None:
        texts = [text for client in asking for text in client.texts]
        chars = max(int(client.asked["summary_chars"]) for client in asking if client.asked is not None)

        def step() -> None:
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE * self._settings.timeout_s)
            for key, _ in self._selector.select(0):
                if key.data is not None:
                    self._receive(key.data)
            # Also those whose turn comes next: what they wait for gets on, and is no page's fault.
            for client in [client for client in self._clients if client.asked is not None]:
                self._send(client, {"type": Message.PROGRESS})

        step()
        names = self._names.find(texts, step) if self._names is not None else [None] * len(texts)
        summaries = (
            self._summaries.summarise(texts, chars, step) if self._summaries is not None else [None] * len(texts)
        )
        signal.setitimer(signal.ITIMER_REAL, 0)
        told = list(zip(names, summaries, strict=True))
        for client in asking:
            mine, told = told[: len(client.texts)], told[len(client.texts) :]
            header = {"type": Message.TOLD, "id": client.asked["id"] if client.asked is not None else 0}
            client.asked, client.texts = None, []
            self._send(client, header, orjson.dumps(mine))

    def _send(self, client: _Client, header: dict[str, Any], body: bytes = b"") -> None:
        if client not in self._clients:
            return
        try:
            client.connection.sendall(b"".join(encode(header, body)))
        except OSError:  # it died, or was killed for its time: whoever replaces it asks again
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._selector.unregister(client.connection)
        self._clients.remove(client)
        client.connection.close()


def _models(settings: NlpSettings, device: str) -> tuple[Names | None, Summaries | None]:
    from transformers.utils import logging  # noqa: PLC0415 - after the lock: loading takes seconds

    from engine.nlp.models.names import NameModel  # noqa: PLC0415 - likewise
    from engine.nlp.models.summaries import Summariser  # noqa: PLC0415 - likewise

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    names, summariser = (model_folder(name) for name in (settings.ner_model, settings.summarizer_model))
    return NameModel(names, device) if names else None, Summariser(summariser, device) if summariser else None


def main() -> None:
    """Be the host that the argument describes."""
    config = HostConfig.loaded(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_supervisor(config.life_fd)
    logs.configure(config.log_level, cast("logs.LogFormat", config.log_format), f"models-{config.slot}")
    with Path(f"{config.path}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            from engine.nlp.models.devices import devices_of  # noqa: PLC0415 - loads torch: after the lock

            devices = devices_of(config.nlp.device)
            device = devices[config.slot % len(devices)]
            preliminary = f"{config.path}.loading"
            host = Host(listen(preliminary), config.nlp, *_models(config.nlp, device), len(devices))
        except Exception as error:  # noqa: BLE001 - many libraries' ways to say that a model is none; it ends here
            reason = " ".join(str(error).split())[:500]
            Path(f"{config.path}.why").write_text(
                f"nlp.use_transformers: {type(error).__name__}: {reason}", encoding="utf-8"
            )
            sys.exit(ExitCode.USAGE)
        Path(preliminary).replace(config.path)
        logs.get_logger(__name__).info("models are loaded", device=device)
        host.run()


if __name__ == "__main__":
    main()
