"""What a URL's ending says of it, for discovery: what is never a document, and what is one but names no other."""

from __future__ import annotations

from typing import Final

#: Parts of pages, programs and packings: nothing that a reader would call a page of the site.
_ASSETS: Final = frozenset({
    "css", "js", "mjs", "map", "json", "wasm", "ico", "woff", "woff2", "ttf", "otf", "eot", "svg", "swf",
    "zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "tar", "jar", "exe", "msi", "dmg", "pkg", "deb", "rpm", "apk", "iso",
    "bin", "dll",
})  # fmt: skip
#: Documents, images, sound and film: worth a row, but nothing is looked for in them.
_FILES: Final = frozenset({
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "epub", "mobi", "csv", "tsv",
    "jpg", "jpeg", "png", "gif", "webp", "avif", "bmp", "tif", "tiff",
    "mp3", "m4a", "wav", "ogg", "oga", "flac", "aac", "opus",
    "mp4", "m4v", "webm", "mov", "avi", "mkv", "mpg", "mpeg", "wmv",
})  # fmt: skip
#: The longest of them.
_MAX_SUFFIX_CHARS: Final = 5


def is_asset(url: str) -> bool:
    """Whether a URL's ending is that of a part of pages, a program or a packing; a packed sitemap is none."""
    suffix = _suffix(url)
    return suffix in _ASSETS and not (suffix == "gz" and ".xml.gz" in url.lower())


def is_file(url: str) -> bool:
    """Whether a URL's ending is that of a document without links of its own."""
    return _suffix(url) in _FILES


def _suffix(url: str) -> str:
    name = url.partition("?")[0].rpartition("/")[2]
    _, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and len(suffix) <= _MAX_SUFFIX_CHARS else ""
