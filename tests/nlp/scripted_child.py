"""An NLP child whose pages say what befalls it: the real process and loop, without spaCy. Run by test_child.py.

Arguments: socket path, descriptor of the life pipe, timeout_s, memory limit in bytes.
"""

from __future__ import annotations

import os
import re
import signal
import sys

from engine.model.plan import NlpConfig
from engine.nlp.page import Page, Worked
from engine.nlp.process import prepare_process, serve
from engine.nlp.server import MAX_NEW_STRINGS
from engine.settings import Settings

#: A budget that leaves some room beside the interpreter and the libraries.
MEMORY = 320 << 20


class ScriptedWorker:
    known_strings = 0
    kept = b""

    def work(self, page: Page) -> Worked:
        if page.body == b"hang":
            re.match(r"(a+)+b", "a" * 200)  # stays inside C code
        if page.body == b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if page.body == b"grow":
            self.known_strings += MAX_NEW_STRINGS + 1
        if page.body == b"hoard":
            self.kept = b"x" * (MEMORY // 2)
        if page.body == b"burst":
            b"x" * 2 * MEMORY
        return Worked(b'{"body":"' + page.body[:20] + b'"}\n' + b"x" * page.fetched.content_length, None, 0.5)


if __name__ == "__main__":
    path, life_fd, timeout_s, memory = sys.argv[1:]
    settings = Settings.model_validate(
        {"nlp": {"timeout_s": float(timeout_s), "max_process_memory_bytes": int(memory)}}
    )
    config = NlpConfig(child=3, path=path, settings={}, life_fd=int(life_fd))
    prepare_process(config)
    serve(config, settings, ScriptedWorker())
