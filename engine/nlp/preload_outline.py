"""What the forkserver imports in stage 1, whose children look for links: no pipeline, and nothing of spaCy."""

from __future__ import annotations

import engine.nlp.uncollected

# isort: split
import engine.nlp.outline
import engine.nlp.process  # with it all that a child imports

engine.nlp.uncollected.loaded()
