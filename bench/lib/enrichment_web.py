"""The web that bench/enrichment.py lets both engines loose on: pages like real ones, on many loopback addresses.

As :mod:`lib.web` (options, record), but what a URL gets hangs on the URL alone, so that both engines meet the same web
in whatever order they ask: one of --articles, a time between the bounds of --delay-s, and, for --fail-share of all, a
failure. Of these two in five are 500 each time, one is a connection that is cut each time, one 404, and one 500 the
first time only. robots.txt forbids a folder that nobody asks for.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import uvloop

from lib.parent import die_with_parent
from lib.tests_web import pages
from lib.web import Web, answer, filler, parser, serve

if TYPE_CHECKING:
    import argparse

ROBOTS = b"User-agent: *\nDisallow: /private/\n"

#: What becomes of five failures; "" is a connection cut.
FAILURES = ("500", "500", "", "404", "once")


class EnrichmentWeb(Web):
    """Articles by URL."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        padding = filler(options.body_bytes)
        self.articles = [
            answer(200, padded(pages.article(number, options.text_bytes).html.encode(), padding))
            for number in range(options.articles)
        ]
        self.rules = answer(200, ROBOTS).replace(b"text/html", b"text/plain")

    def choose(self, host: bytes, path: bytes) -> tuple[tuple[int, bytes, str], float]:
        shares = blake2b(host + path, digest_size=12).digest()
        which, late, fails = (int.from_bytes(shares[at : at + 4]) / 2**32 for at in (0, 4, 8))
        least_s, most_s = self.options.delay_s
        delay_s = least_s + late * (most_s - least_s)
        if path == b"/robots.txt":
            self.robots += 1
            return (200, self.rules, ""), delay_s
        if fails < self.options.fail_share:
            return self.failure(host + path, int(fails / self.options.fail_share * len(FAILURES))), delay_s
        return (200, self.articles[int(which * len(self.articles))], "page"), delay_s

    def failure(self, url: bytes, number: int) -> tuple[int, bytes, str]:
        how = FAILURES[number]
        if how == "once" and url in self.seen:
            return 200, self.articles[0], "page"
        self.seen.add(url)
        return {"": (0, b"", "cut"), "404": (404, self.missing, "404")}.get(how, (500, self.failing, "500"))


def padded(html: bytes, padding: bytes) -> bytes:
    """The page as long as `padding`, by a script at its end: in real pages too text is the lesser part."""
    return html + b"<script>/*%s*/</script>" % padding[len(html) :]


def main() -> None:
    asked = parser()
    asked.add_argument("--articles", type=int, default=200, help="how many different ones there are")
    asked.add_argument("--text-bytes", type=int, default=6144, help="of a page, with its marks; the rest is a script")
    asked.add_argument("--fail-share", type=float, default=0.0)
    die_with_parent()
    uvloop.run(serve(asked.parse_args(), EnrichmentWeb))


if __name__ == "__main__":
    main()
