"""What the forkserver imports, so that NLP children start in 10 ms and share the memory of the libraries.

`ctx.set_forkserver_preload(["engine.nlp.preload"])` can name a module and nothing else. So the pipeline to load is in
the environment variable ENGINE_PRELOAD_PIPELINE (the value of nlp.pipeline; unset: `builtin`), to be set before the
forkserver starts. Importing this module anywhere else is slow and pointless.

A pipeline that cannot be loaded ends no forkserver: the child that needs it says so (:mod:`engine.nlp.child`).
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import engine.nlp.uncollected

# isort: split
import engine.nlp.child
import engine.nlp.worker  # with these all that a child imports
from engine.errors import UsageError
from engine.nlp.analyse import Analyser
from engine.nlp.available import PRELOAD_VARIABLE
from engine.nlp.language import load_language_model
from engine.settings import NlpSettings

_SAMPLE: Final = "Dr. Jane Doe of Example Inc. paid $5 in Paris on 3 May 2024, a warm day. It was not expensive at all."

with suppress(UsageError):
    # Loads the pipeline into the cache that children find it in, and runs each part once.
    Analyser(NlpSettings(pipeline=os.environ.get(PRELOAD_VARIABLE) or "builtin")).analyse(_SAMPLE, hint="en")
load_language_model()
engine.nlp.uncollected.loaded()
