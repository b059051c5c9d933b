"""robots.txt by RFC 9309: which paths of an origin a crawler may ask for.

The law: of all groups only ours is kept (those that name our product token, merged; else those for `*`), and of its
rules the longest match decides; Allow wins a tie, and no match means allowed. Where the RFC leaves a choice this does
as Google documents for its own parser: unknown lines close no group, a byte order mark is skipped, a line is cut at 16
KiB, common misspellings and a missing colon are understood, an agent line counts up to its first odd character.

No file is too hostile: parsing is linear in its bytes. A match looks literal prefixes up by length, also those that
patterns with wildcards begin with; such a pattern is matched piece by piece from left to right, which is linear in the
path, as no piece is ever tried again.
"""

from __future__ import annotations

import re
from typing import Final

#: RFC 9309, section 2.5: at least 500 KiB must be read. What comes later is ignored.
MAX_BODY_BYTES: Final = 500 * 1024

#: Google's parser cuts a line here (8 times the longest URL of old browsers, 2083, less the terminator).
MAX_LINE_BYTES: Final = 2083 * 8 - 1

#: A file is used for a day at most, so no longer gap can be meant.
MAX_CRAWL_DELAY_S: Final = 86_400.0

#: Sitemap lines beyond it are dropped: a sitemap index holds as many as a site can need.
MAX_SITEMAPS: Final = 1000

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = " \t\v\f"
_PRODUCT: Final = re.compile(r"[A-Za-z_-]+")
_COMPATIBLE: Final = re.compile(r"\(compatible;\s*([A-Za-z_-]+)", re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18}")

# The keys, as lower-case prefixes of what stands before the colon, with the misspellings that Google's parser accepts.
_AGENT: Final = ("user-agent", "useragent", "user agent")
_ALLOW: Final = ("allow",)
_DISALLOW: Final = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_RULE: Final = _ALLOW + _DISALLOW
_SITEMAP: Final = ("sitemap", "site-map")
_CRAWL_DELAY: Final = ("crawl-delay", "crawldelay", "crawl delay")

#: Characters of a path or pattern that stand for themselves: RFC 3986's unreserved and reserved ones, but `*` and `$`.
_PLAIN: Final = r"A-Za-z0-9\-._~:/?#\[\]@!&'()+,;="
_SPECIAL: Final = re.compile(f"[^{_PLAIN}]")
_TO_NORMALISE: Final = re.compile(f"%[0-9A-Fa-f]{{2}}|[^{_PLAIN}*$%]")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_QUERY_LITERALS: Final = _UNRESERVED | frozenset(":/'")

#: Rough bytes that a kept rule takes beside its text (a dictionary entry, the string's head, its rank).
_RULE_OVERHEAD_BYTES: Final = 150
#: And one with a wildcard inside beside that: a list, two tuples, a string for each piece.
_WILD_OVERHEAD_BYTES: Final = 150

#: A pattern with a wildcard inside, but for what the path starts with: rank, the pieces to find in turn, its end.
_Wild = tuple[int, tuple[str, ...], str]


def product_token(user_agent: str) -> str:
    """Find the product token in a User-Agent value, to be looked for in robots.txt; "" where it has none.

    The first product, or, of a value in a browser's guise ("Mozilla/5.0 (compatible; ExampleBot/0.1; ...)"), the one
    after "compatible".
    """
    disguised = _COMPATIBLE.search(user_agent)
    if disguised:
        return disguised[1]
    found = _PRODUCT.match(user_agent.strip())
    return found[0] if found else ""


class Robots:
    """The rules of one origin for one product token.

    `crawl_delay_s` is the longest Crawl-delay of our group, or None; `sitemaps` the absolute URLs of the file's Sitemap
    lines; `size_bytes` about what this takes in memory.
    """

    __slots__ = (
        "_exact", "_lengths", "_prefixes", "_wild", "_wild_lengths", "crawl_delay_s", "sitemaps", "size_bytes"
    )  # fmt: skip

    def __init__(
        self,
        rules: list[tuple[str, bool]] | None = None,
        crawl_delay_s: float | None = None,
        sitemaps: tuple[str, ...] = (),
    ) -> None:
        """`rules` are (pattern as written, whether it allows); empty patterns say nothing."""
        # A rank orders matches: twice the pattern's length, plus one for Allow, so that Allow wins among equals.
        self._exact: dict[str, int] = {}
        self._prefixes: dict[str, int] = {}
        self._wild: dict[str, list[_Wild]] = {}  # by what a path must start with; the best of each first
        self.crawl_delay_s = crawl_delay_s
        self.sitemaps = sitemaps
        self.size_bytes = sum(map(len, sitemaps)) + _RULE_OVERHEAD_BYTES * (1 + len(sitemaps))
        for pattern, allows in rules or ():
            if pattern:
                self._add(pattern, allows)
        for patterns in self._wild.values():
            if len(patterns) > 1:
                patterns.sort(reverse=True)
        self._lengths = _best_by_length(self._prefixes)
        self._wild_lengths = _best_by_length({start: patterns[0][0] for start, patterns in self._wild.items()})

    def allows(self, path_and_query: str) -> bool:
        """Whether a URL of this origin may be asked for; given as in the request line, without fragment."""
        path = path_and_query if path_and_query.startswith("/") else "/" + path_and_query
        if _SPECIAL.search(path):
            # RFC 9309, section 2.2.3: a literal * or $ is written percent-encoded in a rule.
            path = _normalise(_as_bytes(path)).replace("*", "%2A").replace("$", "%24")
        best = self._exact.get(path, 0)
        prefixes = self._prefixes
        for rank, length in self._lengths:
            if rank <= best:
                break
            found = prefixes.get(path[:length], 0)  # a shorter path is no key of this length, but may be one of its own
            best = max(best, found)
        for highest, length in self._wild_lengths:
            if highest <= best:
                break
            for rank, pieces, end in self._wild.get(path[:length], ()):
                if rank <= best:
                    break
                if path.endswith(end) and _matches(path, length, pieces, end):
                    best = rank
                    break
        # The file itself may always be fetched (RFC 9309, section 2.2.2).
        return not best or best & 1 == 1 or path == "/robots.txt"

    def _add(self, written: str, allows: bool) -> None:
        text = _normalise(written) if _TO_NORMALISE.search(written) else written
        rank = 2 * len(text) + allows
        anchored = text.endswith("$")
        if anchored:
            text = text[:-1]
        text = text.replace("$", "%24")  # not at the end it is a character like others
        bare = text.rstrip("*")
        if bare != text:
            text, anchored = bare, False  # anything may follow
        start, *pieces = text.split("*")
        self.size_bytes += _RULE_OVERHEAD_BYTES + len(text)
        if pieces:
            end = pieces.pop() if anchored else ""
            self.size_bytes += _WILD_OVERHEAD_BYTES
            pattern = (rank, tuple(piece for piece in pieces if piece), end)
            self._wild.setdefault(start, []).append(pattern)
        else:
            table = self._exact if anchored else self._prefixes
            table[text] = max(table.get(text, 0), rank)


def _best_by_length(ranks: dict[str, int]) -> list[tuple[int, int]]:
    """(highest rank, length) of the prefixes of each length, best first: a search ends where no better one can come."""
    best: dict[int, int] = {}
    for prefix, rank in ranks.items():
        best[len(prefix)] = max(best.get(len(prefix), 0), rank)
    return sorted(((rank, length) for length, rank in best.items()), reverse=True)


def _matches(path: str, at: int, pieces: tuple[str, ...], end: str) -> bool:
    """Whether the pieces in order, and `end` (which the path ends with), fit what stands in the path from `at`.

    Taking each piece at its first place leaves the most room for the rest, so no other place need be tried.
    """
    for piece in pieces:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(path) - at >= len(end)


def _as_bytes(text: str) -> str:
    """Turn `text` into its UTF-8, each byte as one character, as the body of a robots.txt is held here."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _normalise(text: str) -> str:
    """One spelling for what is the same path (RFC 9309, section 2.2.2); `*` and `$` are left alone.

    Bytes that no URL may hold are percent-encoded, encoded ones that need not be are decoded, and hexadecimal digits
    are upper case. In a query also %2F and %3A are decoded, as the RFC's own example takes "?a=https://b" and its
    encoded form for the same, and %27, which is what the URL Standard makes of an apostrophe there.
    """
    path, mark, query = text.partition("?")
    return _TO_NORMALISE.sub(_in_path, path) + mark + _TO_NORMALISE.sub(_in_query, query)


def _in_path(found: re.Match[str]) -> str:
    return _spell(found[0], _UNRESERVED)


def _in_query(found: re.Match[str]) -> str:
    return _spell(found[0], _QUERY_LITERALS)


def _spell(octet: str, literals: frozenset[str]) -> str:
    if len(octet) == 1:
        return f"%{ord(octet):02X}"
    character = chr(int(octet[1:], 16))
    return character if character in literals else octet.upper()


class _Group:
    """What the groups for one kind of agent have said so far."""

    __slots__ = ("crawl_delay_s", "current", "rules", "seen")

    def __init__(self) -> None:
        self.seen = False  # was there any such group?
        self.current = False  # is the group being read one?
        self.rules: list[tuple[str, bool]] = []
        self.crawl_delay_s: float | None = None

    def name(self) -> None:
        self.seen = self.current = True

    def add_rule(self, pattern: str, *, allows: bool) -> None:
        self.rules.append((pattern, allows))
        slash = pattern.rfind("/")
        if allows and pattern.startswith("/index.htm", slash):
            # As Google has it: who allows a folder's index page by name means the folder's own URL too.
            self.rules.append((pattern[: slash + 1] + "$", True))

    def add_crawl_delay(self, value: str) -> None:
        seconds = _SECONDS.match(value)
        if seconds:
            delay_s = min(float(seconds[0]), MAX_CRAWL_DELAY_S)
            self.crawl_delay_s = max(delay_s, self.crawl_delay_s or 0.0)


class _Reader:
    """Takes a file line by line; `ours` and `everyone` are the groups for our token and for `*`."""

    __slots__ = ("_in_rules", "_wanted", "everyone", "ours", "sitemaps")

    def __init__(self, token: str) -> None:
        self.ours = _Group()
        self.everyone = _Group()
        self.sitemaps: list[str] = []
        self._wanted = token.lower()
        self._in_rules = False  # so that the next agent line begins a new group

    def read(self, key: str, value: str) -> None:
        if key.startswith(_AGENT):
            self._agent(value)
        elif key.startswith(_RULE):
            self._in_rules = True
            if group := self._current():
                group.add_rule(value, allows=key.startswith(_ALLOW))
        elif key.startswith(_CRAWL_DELAY):
            # The RFC knows no such line, so it closes no group; it is said to the agents named so far.
            if group := self._current():
                group.add_crawl_delay(value)
        elif key.startswith(_SITEMAP):
            self._sitemap(value)

    def _current(self) -> _Group | None:
        if self.ours.current:
            return self.ours
        return self.everyone if self.everyone.current else None

    def _agent(self, value: str) -> None:
        if self._in_rules:
            self.ours.current = self.everyone.current = self._in_rules = False
        if value == "*" or value.startswith(("* ", "*\t")):
            self.everyone.name()
        elif self._wanted and (product := _PRODUCT.match(value)) and product[0].lower() == self._wanted:
            self.ours.name()

    def _sitemap(self, value: str) -> None:
        if len(self.sitemaps) < MAX_SITEMAPS and value[:8].lower().startswith(("http://", "https://")):
            self.sitemaps.append(value.encode("latin-1").decode("utf-8", "replace"))


def parse(body: bytes, token: str) -> Robots:
    """Keep what a robots.txt says to the product `token`. Never fails: to this parser no line is an error."""
    reader = _Reader(token)
    for line in _lines(body):
        if line:
            reader.read(*_key_and_value(line))
    chosen = reader.ours if reader.ours.seen else reader.everyone
    return Robots(chosen.rules, chosen.crawl_delay_s, tuple(reader.sitemaps))


def _lines(body: bytes) -> list[str]:
    """Split `body` into lines, one character a byte; a byte order mark, also a part of one, is skipped."""
    start = 0
    while start < len(_BOM) and body[start : start + 1] == _BOM[start : start + 1]:
        start += 1
    text = body[start:MAX_BODY_BYTES].decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(body) > MAX_BODY_BYTES and body[MAX_BODY_BYTES] not in b"\r\n":
        lines.pop()  # half a line may say the opposite of the whole: "Disallow: /" of "Disallow: /private"
    return lines


def _key_and_value(line: str) -> tuple[str, str]:
    """(key in lower case, value) of a line, ("", "") of one that has none."""
    # Not bare strip(): in Latin-1, which stands for bytes here, it takes parts of UTF-8 characters for spaces.
    text = line[:MAX_LINE_BYTES].partition("#")[0].strip(_BLANK)
    key, colon, value = text.partition(":")
    if not colon:
        # A forgotten colon, understood where there are two words and no more.
        words = text.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if len(words) != 2:  # noqa: PLR2004 -- a key and a value
            return "", ""
        key, value = words
    return key.rstrip(_BLANK).lower(), value.lstrip(_BLANK)


#: Everything may be asked for: what a missing robots.txt (4xx) means.
ALLOW_ALL: Final = Robots()
