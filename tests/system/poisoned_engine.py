"""An `enrich run` with NLP children that some pages hang or crash: poisoned_engine.py LIST --out DIR --set ...

All is real but the poison. Children import this file by name: the folder above it must be on PYTHONPATH.

A page whose URL says poison=crash ends its process by a fault signal; poison=hang never leaves C code.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.nlp.process import prepare_process, serve
from engine.nlp.worker import PageWorker
from engine.settings import Settings, load, parse_set
from engine.supervisor.plan import RunRequest
from engine.supervisor.processes import Targets
from engine.supervisor.run import run

if TYPE_CHECKING:
    from engine.model.plan import NlpConfig
    from engine.nlp.page import Page, Worked


class PoisonedWorker(PageWorker):
    def work(self, page: Page) -> Worked:
        if "poison=crash" in page.fetched.url:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "poison=hang" in page.fetched.url:
            re.match(r"(a+)+b", "a" * 200)
        return super().work(page)


def child_main(config: NlpConfig) -> None:
    prepare_process(config)
    settings = Settings.model_validate(config.settings)
    serve(config, settings, PoisonedWorker(settings))


def main() -> int:
    listing, _, out, *flags = sys.argv[1:]
    loaded = load([], os.environ, parse_set(flags[1::2]))
    try:
        return run(RunRequest(Path(out), loaded, sources=(listing,)), Targets(nlp="system.poisoned_engine:child_main"))
    except EngineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own words
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
