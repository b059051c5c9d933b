"""Whether a heading is a person's name, and the name in it: without titles, degrees and what was sorted by surname.

The law: a name is never made up, only cut: its words are those of the heading, in the order in which they are said.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from engine.nlp import clean
from engine.nlp.wordlists import data_words
from engine.policy.lead import no_person

_MOST_CHARS: Final = 80
_BEFORE: Final = re.compile(
    r"^(?:(?:emeritus|associate|assistant|adjunct|distinguished)\s+)*"
    r"(?:(?:prof(?:essor)?|dr|doc|mr|mrs|ms|mx|miss|sir|dame|rev|hon|ing|dipl\.-ing|priv\.-doz)\b\.?\s*)+",
    re.IGNORECASE,
)
_BEHIND: Final = re.compile(
    r"(?:,|\s)\s*(?:ph\.?\s?d|d\.?phil|m\.?d|m\.?sc|b\.?sc|m\.?a|m\.?b\.?a|m\.?p\.?h|ll\.?m|ll\.?b|j\.?d|ed\.?d|r\.?n"
    r"|frs|fba|obe|mbe|cbe|esq|emeritus|emerita)\.?$",
    re.IGNORECASE,
)
#: What is said of a name behind it: "Jane Doe (she/her)".
_ASIDE: Final = re.compile(r"\s*\([^()]{0,40}\)$")
_SEPARATORS: Final = re.compile(r"\s+[|\u2013\u2014\u2022\u00b7:-]\s+|\s*[|\u00bb\u00ab]\s*")

_PARTICLES: Final = frozenset(
    "al ap bin binti da dal de del della den der di do dos du e el ibn la le les te ten ter van von vom y zu zum zur".split()  # noqa: E501, SIM905
)
#: Last words of fields of study, sections and the like, which are written as names are.
_NO_SURNAMES: Final = frozenset(
    (  # noqa: SIM905 - a text is easier to read and to add to
        "aid analysis applications archive areas arts awards biology business calendar chemistry computing contact "
        "courses culture data design development directory economics education engineering events finance found "
        "geology grants health history humanities informatics information intelligence interaction jobs languages law "
        "learning library linguistics literature mathematics medicine mechanics modelling music networks nursing "
        "optimization people philosophy physics policy politics portal programming projects psychology publications "
        "relations research resources robotics science sciences search security seminar services sociology software "
        "statistics studies systems teaching technology theory us vision welcome"
    ).split()
)
#: First words of what is called something, and is no person.
_NO_GIVEN_NAMES: Final = frozenset("a all an at for from how in my new on our the to what your".split())  # noqa: SIM905
_WORD: Final = re.compile(r"[^\W\d_]+")
_MOST_WORDS: Final = 7
_SHORTEST_PART: Final = 3
_MOST_CJK: Final = 4


def person_name(text: object) -> str:
    """The name of the one person that `text` is; "" where it is something else."""
    name = clean.text(text, 2 * _MOST_CHARS)
    name = _ASIDE.sub("", name)
    name = _BEFORE.sub("", name)
    while (shorter := _BEHIND.sub("", name).rstrip(" ,")) != name:
        name = shorter
    surname, comma, given = name.partition(", ")
    if comma and surname and given and "," not in given:
        name = f"{given} {surname}"
    return name if _is_name(name) else ""


def _is_name(name: str) -> bool:
    if not name or len(name) > _MOST_CHARS or any(char in name for char in '@/,;:!?"|&+') or no_person({"name": name}):
        return False
    words = name.split()
    if len(words) == 1:
        return 1 < len(name) <= _MOST_CJK and all(unicodedata.category(char) == "Lo" for char in name)
    if len(words) > _MOST_WORDS or any(char.isdigit() for char in name):
        return False
    first, last = words[0].lower(), words[-1].lower()
    if first in _NO_GIVEN_NAMES or not _NO_SURNAMES.isdisjoint({first, last}):
        return False
    if last in data_words("org_forms") or not data_words("org_kinds").isdisjoint(words):
        return False
    # A word in small letters is a particle; scripts without capitals have none.
    return all(not word[0].islower() or word.lower() in _PARTICLES or word[1:2] in {"'", "\u2019"} for word in words)


def parts(title: str) -> list[str]:
    """The parts of a page's title: a name, then its section, then the site."""
    return [part for part in _SEPARATORS.split(title) if part]


def folded_words(name: str) -> list[str]:
    """The words of a name as addresses write them: small, without accents."""
    plain = unicodedata.normalize("NFKD", name.replace("\u00df", "ss").replace("\u00f8", "o").replace("\u0142", "l"))
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)).casefold())


def same_person(one: str, other: str) -> bool:
    """Whether two names are of one person: the words of one, initials allowed, are all in the other."""
    first, second = sorted((folded_words(one), folded_words(other)), key=len)
    if not first or first[-1] not in second:
        return False
    return all(word in second or any(long.startswith(word) for long in second if len(word) == 1) for word in first)


def names_owner(local_part: str, name: str) -> bool:
    """Whether the local part of a mail address, or the last segment of a URL, holds the person's name."""
    local = "".join(folded_words(local_part))
    words = folded_words(name)
    if any(len(word) >= _SHORTEST_PART and word in local for word in words):
        return True
    return len(words) > 1 and local in {"".join(word[0] for word in words), words[0][0] + words[-1], words[-1]}
