"""The built-in tokenizer: text to a spaCy Doc by one regular expression.

Why not spaCy's own: its rule tokenizer costs 3.2 ms a page of 1,230 words where this one costs 0.9, and strips affixes
one at a time, so that 20,000 brackets in a row take seconds. Here every alternative is bounded and none backtracks
over more than a token: the time is linear in the text whatever it holds.

Laws: the tokens joined give the text back exactly; no token is longer than `MAX_TOKEN_CHARS` (a URL:
`MAX_URL_CHARS`); words are what lies between spaces and punctuation in any script, and Chinese and Japanese are cut
further (engine/nlp/cjk.py; other languages written without spaces, such as Thai, yield clauses). Contractions are cut
as English treebanks do ("it" + "'s") except for "n't", which stays whole.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
import re
from typing import TYPE_CHECKING, Any, Final

from spacy.tokens import Doc
from spacy.util import DummyTokenizer, registry

from engine.nlp.cjk import CHARACTER, Segmenter, has_unspaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from spacy.language import Language
    from spacy.vocab import Vocab

#: The name in a spaCy config: `[nlp.tokenizer] @tokenizers = "engine.tokenizer"`.
TOKENIZER: Final = "engine.tokenizer"

#: A word, or one part of a hyphenated one: longer than any word of a language (German compounds reach 40 and more).
MAX_WORD_CHARS: Final = 60
MAX_WORD_PARTS: Final = 4
MAX_TOKEN_CHARS: Final = MAX_WORD_PARTS * (MAX_WORD_CHARS + 1)
MAX_URL_CHARS: Final = 500

#: Where a component finds the text of a Doc: Doc.text joins the tokens anew at 0.7 ms a page.
_TEXT_KEY: Final = "engine.text"

#: White space and the punctuation and symbols of Unicode's blocks, less the joiners U+200C and U+200D and the marks
#: that are written inside words: what `re` counts as no word character holds the vowel signs of Indic scripts too.
_BREAKS: Final = (
    r"\s!-/:-@\[-\^`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u037e\u0387\u0589\u05be"
    r"\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965\u104a-\u104f\u17d4-\u17da\u2000-\u200b\u200e-\u206f"
    r"\u20a0-\u2bff\u2e00-\u2e7f\u3001-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30fb\ufe30-\ufe6f\uff01-\uff0f"
    r"\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufffd\U0001f000-\U0001faff"
)
_WORD: Final = rf"[^{_BREAKS}]{{1,{MAX_WORD_CHARS}}}"
_CLITIC: Final = r"['’](?:s|re|ve|ll|d|m|S)(?![^\W_])"

_TOKEN: Final = re.compile(
    rf"""(
      (?:https?://|www\.)[^\s<>"]{{0,{MAX_URL_CHARS - 20}}}[^\s<>".,;:!?)\]}}'’”»]  # URL less the sentence's marks
    | (?:[A-Z]\.){{2,8}}                                  # U.S., J.R.R.
    | {_CLITIC}
    | {_WORD}(?:(?:
          -|&
        | (?!{_CLITIC})['’]
        | \.(?=[a-z0-9])                                  # e.g, example.com, 3.5; but "end.Next" is two words
        | (?<=[0-9])[,:/](?=[0-9])                        # 1,500 12:30 3/4
      ){_WORD}){{0,{MAX_WORD_PARTS - 1}}}
    | \s{{1,{MAX_TOKEN_CHARS}}}
    | \.{{2,{MAX_TOKEN_CHARS}}} | [-–—=*~\#•_]{{2,{MAX_TOKEN_CHARS}}}
    | .
    )([ ]?)""",
    re.VERBOSE | re.DOTALL,
)


class RegexTokenizer(DummyTokenizer):
    """A spaCy tokenizer (`engine.tokenizer` in a spaCy config) for `vocab`."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """The Doc of `text`, which holds no lone surrogate."""
        pairs: list[tuple[str, str]] = _TOKEN.findall(text)
        if has_unspaced(text):
            pairs = _cut_unspaced(pairs)
        doc = Doc(self.vocab, words=[word for word, _ in pairs], spaces=[space != "" for _, space in pairs])
        doc.user_data[_TEXT_KEY] = text
        return doc

    def __reduce__(self) -> tuple[Any, ...]:
        return (RegexTokenizer, (self.vocab,))


def _cut_unspaced(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(word, space after it) with the words of scripts without spaces cut."""
    segmenter = Segmenter(word for word, _ in pairs if CHARACTER.search(word))
    cut: list[tuple[str, str]] = []
    for word, space in pairs:
        if CHARACTER.search(word):
            *pieces, last = segmenter.cut(word)
            cut += [(piece, "") for piece in pieces]
            cut.append((last, space))
        else:
            cut.append((word, space))
    return cut


@registry.tokenizers(TOKENIZER)  # type: ignore[untyped-decorator]
def create_tokenizer() -> Callable[[Language], RegexTokenizer]:
    """The factory that a spaCy config names."""
    return lambda nlp: RegexTokenizer(nlp.vocab)


def text_of(doc: Doc) -> str:
    """The text that `doc` was made from, by whichever tokenizer."""
    text = doc.user_data.get(_TEXT_KEY)
    return text if isinstance(text, str) else str(doc.text)
