"""Memory of one NLP process over many pages, a tenth of whose words it has never seen.

    python bench/nlp_memory.py [--pages 20000] [--pipeline builtin] [--recycling on|off]

On: a real child from a forkserver, which leaves when it has grown enough and is replaced, as in a run. Off: the same
work in this process, which is never replaced. Each tenth of the run says the resident memory after its last page, and
the highest and the mean over its pages; with recycling the memory is a saw's tooth, so its mean and its height count.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket

import multiprocess

from engine.ipc.frames import Decoder, encode
from engine.model.plan import NlpConfig
from engine.model.record import Fetched
from engine.nlp.available import PRELOAD_VARIABLE
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.settings import Settings
from engine.supervisor.entry import InheritedFd, enter_nlp

WORDS_A_PAGE = 1_500
KNOWN_WORDS = 8_000
UNSEEN = 0.1
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvw" for vowel in ("a", "en", "i", "or", "u")]
FETCHED = Fetched(url="http://a.example/", fetch_url="http://a.example/", shard=0, status_code=200)
CONTENT_TYPE = "text/html; charset=utf-8"


class Texts:
    """Pages of made-up words in sentences and paragraphs; the same for the same seed."""

    def __init__(self, seed=1):
        self._rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._known = [self._word() for _ in range(KNOWN_WORDS)]

    def _word(self):
        return "".join(self._rng.choices(SYLLABLES, k=self._rng.randint(2, 5)))

    def page(self):
        rng = self._rng
        parts = ["<html lang=en><title>A page</title><body><main>"]
        words = 0
        while words < WORDS_A_PAGE:
            sentence = [self._word() if rng.random() < UNSEEN else rng.choice(self._known) for _ in range(15)]
            sentence = [word.capitalize() if rng.random() < UNSEEN else word for word in sentence]
            parts.append(f"<p>The {' '.join(sentence)}.")
            words += len(sentence) + 1
        return "".join(parts).encode()


class Recycled:
    """A child that is replaced when it leaves."""

    def __init__(self, settings, folder):
        self._settings = settings
        self._folder = folder
        self._context = multiprocess.get_context("forkserver")
        self._context.set_forkserver_preload(["engine.nlp.preload"])
        self._life, self._life_end = self._context.Pipe(duplex=False)
        self.children = 0
        self._start()

    def _start(self):
        self.children += 1
        path = f"{self._folder}/{self.children}"
        config = NlpConfig(child=self.children, path=path, settings=self._settings.model_dump(mode="json"), life_fd=-1)
        arguments = ("engine.nlp.child:child_main", config, f"{path}.why", InheritedFd(self._life.fileno()))
        self._process = self._context.Process(target=enter_nlp, args=arguments)
        self._process.start()
        while not os.path.exists(path):  # noqa: PTH110 - asked often
            assert self._process.is_alive(), "the child ended at its start"
            time.sleep(0.005)
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        self._socket.connect(path)
        self._decoder = Decoder()
        self._frames = []
        self._read()

    def _read(self):
        while not self._frames:
            data = self._socket.recv(1 << 20)
            if not data:
                return None
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def work(self, number, body):
        """The page's row, and the memory of the process that made it."""
        header = {"type": "page", "id": number, "alone": False, "fetched": FETCHED._asdict(), "ct": CONTENT_TYPE}
        while True:
            try:
                self._socket.sendall(b"".join(encode(header, body)))
                while (frame := self._read()) is not None:
                    if frame.type == "row":
                        return resident_mib(self._process.pid)
            except ConnectionError:
                pass  # it left between two pages: the next one takes this page
            self._socket.close()
            self._process.join()
            assert self._process.exitcode == 0, self._process.exitcode
            self._start()

    def end(self):
        self._socket.close()
        self._process.kill()
        self._process.join()


class Kept:
    """This process, never replaced."""

    children = 1

    def __init__(self, settings):
        self._worker = PageWorker(settings)

    def work(self, number, body):
        page = Page(number, alone=False, fetched=FETCHED, content_type=CONTENT_TYPE, body=body)
        self._worker.work(page)
        return resident_mib(os.getpid())

    def end(self):
        pass


def resident_mib(pid):
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it left after this row
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--pipeline", default="builtin")
    parser.add_argument("--recycling", choices=("on", "off"), default="on")
    options = parser.parse_args()
    os.environ[PRELOAD_VARIABLE] = options.pipeline
    settings = Settings.model_validate({"nlp": {"pipeline": options.pipeline}})
    texts = Texts()
    step = max(1, options.pages // 10)
    with tempfile.TemporaryDirectory(prefix="nlp") as folder:
        worker = Recycled(settings, folder) if options.recycling == "on" else Kept(settings)
        print("pages  resident MiB: last  mean  highest  processes so far")
        sizes = []
        for number in range(1, options.pages + 1):
            size = worker.work(number, texts.page())
            if size is not None:
                sizes.append(size)
            if number % step == 0:
                mean = sum(sizes) / len(sizes)
                print(f"{number:6}  {sizes[-1]:18.0f}  {mean:4.0f}  {max(sizes):7.0f}  {worker.children}", flush=True)
                sizes.clear()
        worker.end()


if __name__ == "__main__":
    main()
