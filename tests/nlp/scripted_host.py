"""A host of models that are none: the real process and loop, without torch. Run by test_models.py.

Argument: socket path. A name is the first word of a text, a summary says how many texts it was summed up with.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engine.nlp.models.host import Host
from engine.nlp.server import listen
from engine.settings import NlpSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Scripted:
    def find(self, texts: Sequence[str], step: Callable[[], None]) -> list[list[tuple[int, int, str]]]:
        step()
        return [[(0, len(text.split()[0]), "ORG")] for text in texts]

    def summarise(self, texts: Sequence[str], most_chars: int, step: Callable[[], None]) -> list[str | None]:
        step()
        return [f"{len(texts)} texts"[: most_chars or None] for _ in texts]


if __name__ == "__main__":
    Host(listen(sys.argv[1]), NlpSettings(batch_pages=4), Scripted(), Scripted(), devices=1).run()
