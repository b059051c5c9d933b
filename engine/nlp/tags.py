"""Tags of a URL: the segments of its path that a user has named."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection


def content_tags(url: str, predefined_tags: Collection[str]) -> list[str]:
    """The path segments of `url` that equal one of `predefined_tags`, each once, in the path's order.

    Case does not matter, the tag is given as the user wrote it; a segment is percent-decoded first.
    """
    if not predefined_tags:
        return []
    wanted = {tag.casefold(): tag for tag in predefined_tags}
    try:
        path = urlsplit(url).path
    except ValueError:  # a broken IPv6 host: such a line has no page and no tags
        return []
    segments = (unquote(segment).casefold() for segment in path.split("/"))
    return list(dict.fromkeys(wanted[segment] for segment in segments if segment in wanted))
