"""What a page is and names, for discovery: one JSON object a page, the same whoever asks for it.

    {"role", "media_type", "title", "meta", "canonical", "words", "simhash", "links": [[url, role, source, note]], ...}

Links are whole normalised URLs, without fragments and session ids, each once, less those that can only be a trap's, and
less what no page or document ever is. Which of them are followed is the shard's to decide (engine.shard.discovery).
Where `discovery.profiles` asks for it, a page has a "profile" as well, or "no_profile" with the reason.

Law: as for rows (:mod:`.worker`): every page comes back, and a defect of ours costs that page alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from resiliparse.parse.html import HTMLTree

from engine.model.finding import Role, Source, finding_of
from engine.model.outcome import FailureKind
from engine.model.url import Target, parse_target
from engine.nlp import maintext
from engine.nlp.blocks import read_blocks
from engine.nlp.bounds import MAX_TEXT_BYTES, bound_markup
from engine.nlp.charset import RefusedEncodingError, decode
from engine.nlp.cuts import without_code
from engine.nlp.fingerprint import simhash
from engine.nlp.hyperlinks import read_hyperlinks
from engine.nlp.page import Worked
from engine.nlp.profile import ProfileReader
from engine.nlp.rowmaker import encode_row
from engine.nlp.sitemap import Listing, read_listing
from engine.nlp.sniff import parse_content_type, sniff
from engine.observe.logs import get_logger
from engine.policy.filetypes import is_asset, is_file
from engine.policy.lead import identity
from engine.policy.traps import clean, trap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.nlp.page import Page
    from engine.settings import Settings

Outline = dict[str, Any]

_MAX_MESSAGE_CHARS: Final = 300
_PACKED: Final = frozenset({"application/gzip", "application/x-gzip"})
#: Meta elements that concern who follows links.
_DIRECTIVES: Final = frozenset({"robots"})


class OutlineWorker:
    """Turns pages into outlines; the place of :class:`engine.nlp.worker.PageWorker` in stage 1."""

    #: Nothing is remembered from page to page.
    known_strings = 0
    #: Nor is anything gained from having many at once.
    batch_pages = 1

    def __init__(self, settings: Settings) -> None:
        self._max_listing_bytes = settings.discovery.max_sitemap_bytes
        self._profiles = settings.discovery.profiles
        self._token = settings.fetch.user_agent.partition("/")[0].strip().lower()
        self._log = get_logger(__name__)

    def prepare(self, pages: Sequence[Page], step: Callable[[], None]) -> None:
        """Nothing: see `batch_pages`."""

    def work(self, page: Page) -> Worked:
        """The page's outline as one JSON line. Raises nothing but what ends a process."""
        started = perf_counter()
        kind: FailureKind | None = None
        try:
            outline = self._outline(page)
        except RefusedEncodingError as error:
            kind = FailureKind.DECODE_FAILED
            outline = {"failure": str(error)}
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect costs its page, not the pages of a whole process
            self._log.exception("a page could not be processed", url=page.fetched.url)
            kind = FailureKind.INTERNAL_ERROR
            reason = f"{type(error).__name__}: {error}"[:_MAX_MESSAGE_CHARS]
            outline = {"failure": f"processing the page failed: {reason}"}
        return Worked(encode_row(outline), kind, (perf_counter() - started) * 1000)

    def _outline(self, page: Page) -> Outline:
        supplied, charset = parse_content_type(page.content_type)
        url = page.fetched.final_url or page.fetched.fetch_url
        finding = finding_of(page.fetched.input)
        expected = finding.expected if finding is not None else Role.PAGE
        found = sniff(page.body, supplied) if page.body else supplied
        major, _, minor = found.partition("/")
        if minor.endswith("xml") or found in _PACKED or (expected is Role.SITEMAP and major == "text"):
            listing = read_listing(page.body, self._max_listing_bytes, lines=expected is Role.SITEMAP)
            if listing.role is not None:
                return _listed(listing, found, url)
        if found in {"text/html", "application/xhtml+xml"}:
            return self._page(page.body, charset, found, url)
        return {"role": Role.FILE, "media_type": found}

    def _page(self, body: bytes, charset: str | None, media_type: str, url: str) -> Outline:
        source = bound_markup(decode(body[:MAX_TEXT_BYTES], charset).text)
        tree = HTMLTree.parse(source)
        found = read_hyperlinks(tree, url)
        reader = ProfileReader(tree, url) if self._profiles else None
        blocks = read_blocks(without_code(source, []))
        words = maintext.fast(blocks, source).split()
        canonical = parse_target(found.canonical, found.base) if found.canonical else None
        outline: Outline = {
            "role": Role.PAGE,
            "media_type": media_type,
            "title": found.title,
            "meta": {name: text for name, text in found.meta.items() if name in _DIRECTIVES or name == self._token},
            "canonical": clean(canonical.fetch_url) if isinstance(canonical, Target) else None,
            "words": len(words),
            "simhash": simhash(words),
            "links": _links(found.base, ((*link, None) for link in found.links)),
        }
        if reader is not None:
            profile = reader.read(blocks, found.title)
            if isinstance(profile, str):
                outline["no_profile"] = profile
            else:
                outline |= {"profile": profile, "simhash": _likeness(profile, url)}
        return outline


def _likeness(profile: dict[str, Any], url: str) -> str:
    """What a profile is compared by: people of one site have texts that are alike, and only who they are tells them."""
    return identity("profile", {"url": url, **profile})[:8].hex()


def _listed(listing: Listing, media_type: str, url: str) -> Outline:
    return {
        "role": listing.role,
        "media_type": media_type,
        "title": listing.title,
        "damaged": listing.damaged,
        "links": _links(url, listing.entries),
    }


def _links(base: str, links: Iterable[tuple[str, Role, Source, dict[str, Any] | None]]) -> list[list[Any]]:
    year = datetime.now(UTC).year
    found: dict[str, list[Any]] = {}
    for href, expected, source, note in links:
        target = parse_target(href, base) if href and not href.startswith("#") else None
        if not isinstance(target, Target):
            continue
        url = clean(target.fetch_url)
        if url in found or is_asset(url) or trap(url, year) is not None:
            continue
        role = Role.FILE if expected is Role.PAGE and is_file(url) else expected
        found[url] = [url, role, source, note]
    return list(found.values())
