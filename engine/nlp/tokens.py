"""The built-in tokenizer: text to a spaCy Doc by one regular expression.

Why not spaCy's own: its rule tokenizer costs 3.2 ms a page of 1,230 words where this one costs 0.6, and strips affixes
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

import numpy as np
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, registry

from engine.nlp.cjk import CHARACTER, Segmenter
from engine.nlp.lexicon import LEXICON, ORTH, Column, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from spacy.language import Language
    from spacy.strings import StringStore
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

#: A token and the space after it. The first three alternatives are no rules: they cut most tokens as the others would.
_TOKEN: Final = re.compile(
    rf"""
      [A-Za-z]{{1,{MAX_WORD_CHARS}}}+(?:[ ]|(?=[\n,;!?)"]|[.:]\s))
    | (?:[,;:!?()"]|\.(?!\.))[ ]?
    | \n{{1,2}}(?!\s)
    | (?:
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
    )[ ]?""",
    re.VERBOSE | re.DOTALL,
)

_IS_UNSPACED: Final[Column[np.int8]] = Column(
    lambda word: not word.isascii() and CHARACTER.search(word) is not None, np.int8, -1
)


class _Codes(dict[str, int]):
    """By token with the space after it: twice the number of its word, and one more where there is a space."""

    def __init__(self, strings: StringStore) -> None:
        super().__init__()
        self._strings = strings

    def __missing__(self, token: str) -> int:
        """The code of a token that was not met; its word is in the vocabulary from now on."""
        # White space is a word of its own, and takes in a space after it while it may grow.
        space = token[-1] == " " and not (token.isspace() and len(token) <= MAX_TOKEN_CHARS)
        word = token[:-1] if space else token
        self._strings.add(word)
        code = self[token] = 2 * LEXICON.number(word) + space
        return code


class RegexTokenizer(DummyTokenizer):
    """A spaCy tokenizer (`engine.tokenizer` in a spaCy config) for `vocab`."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab
        self._codes = _Codes(vocab.strings)

    def __call__(self, text: str) -> Doc:
        """The Doc of `text`, which holds no lone surrogate."""
        try:
            doc = self._doc(text)
        except KeyError:  # the vocabulary has forgotten words: it was read from disk, or a memory zone has ended
            self._codes = _Codes(self.vocab.strings)
            doc = self._doc(text)
        doc.user_data[_TEXT_KEY] = text
        return doc

    def __reduce__(self) -> tuple[Any, ...]:
        return (RegexTokenizer, (self.vocab,))

    def tokens(self, text: str) -> Tokens:
        """The tokens of `text`, for who needs no Doc."""
        codes = np.fromiter(map(self._codes.__getitem__, _TOKEN.findall(text)), np.intp)
        if _IS_UNSPACED.of(codes >> 1).any():
            codes = self._cut_unspaced(codes)
        return Tokens(codes >> 1, codes & 1)

    def _doc(self, text: str) -> Doc:
        tokens = self.tokens(text)
        # Words by their ids, not as strings: spaCy would hash each again, at three times the cost of the expression.
        doc = Doc(self.vocab, words=ORTH.of(tokens.words).tolist(), spaces=tokens.spaces.tolist())
        LEXICON.remember(doc, tokens)
        return doc

    def _cut_unspaced(self, codes: NDArray[np.intp]) -> NDArray[np.intp]:
        """`codes` with the words of scripts without spaces cut."""
        unspaced = _IS_UNSPACED.of(codes >> 1).tolist()
        words = [LEXICON.words[number] for number in (codes >> 1).tolist()]
        segmenter = Segmenter(word for word, is_unspaced in zip(words, unspaced, strict=True) if is_unspaced)
        cut: list[int] = []
        for code, word, is_unspaced in zip(codes.tolist(), words, unspaced, strict=True):
            if is_unspaced:
                cut += [self._codes[piece] for piece in segmenter.cut(word)]
                cut[-1] |= code & 1
            else:
                cut.append(code)
        return np.array(cut, np.intp)


@registry.tokenizers(TOKENIZER)  # type: ignore[untyped-decorator]
def create_tokenizer() -> Callable[[Language], RegexTokenizer]:
    """The factory that a spaCy config names."""
    return lambda nlp: RegexTokenizer(nlp.vocab)


def known_text(doc: Doc) -> str | None:
    """The text that `doc` was made from; None where another tokenizer made it."""
    text = doc.user_data.get(_TEXT_KEY)
    return text if isinstance(text, str) else None


def text_of(doc: Doc) -> str:
    """The text that `doc` was made from, by whichever tokenizer."""
    text = known_text(doc)
    return text if text is not None else str(doc.text)
