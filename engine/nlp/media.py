"""Images, audio and video: what their headers and tags say. No pixel and no sample is decoded."""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from PIL import ExifTags, Image
from tinytag import TinyTag, TinyTagException

from engine.model.outcome import Failure, FailureKind
from engine.nlp import clean
from engine.nlp.containers import Container, read_container
from engine.nlp.values import Extracted

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The readers that may look at a body: Pillow has others, for formats that call outside programs.
_IMAGE_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "ICO")

#: Exif's own directory of the picture's data, and that of its place, which is read only when asked for (where a person
#: was is nobody's row). Thumbnails are a directory of their own, never read.
_EXIF_DIRECTORY: Final = int(ExifTags.IFD.Exif)
_GPS_DIRECTORY: Final = int(ExifTags.IFD.GPSInfo)
_EXIF_SKIPPED: Final = frozenset({int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo), int(ExifTags.IFD.Interop)})

_MAX_TAG_CHARS: Final = 1_000
_MAX_TAGS: Final = 100

#: Types whose files name their streams (:mod:`engine.nlp.containers`).
_CONTAINERS: Final = frozenset({"video/mp4", "audio/mp4", "video/webm", "audio/webm"})

#: Codecs of WAVE files by their numbers (RFC 2361, appendix A).
_WAVE_CODECS: Final = {"1": "pcm", "3": "pcm", "6": "alaw", "7": "mulaw", "55": "mp3", "fffe": "pcm"}

#: What tinytag names beside the tags: technical values, or the file's.
_TECHNICAL: Final = frozenset(
    {"filename", "filesize", "mime_type", "duration", "bitrate", "samplerate", "channels", "bitdepth", "is_lossless"}
)


def extract_image(body: bytes, content_type: str, *, with_location: bool = False) -> Extracted:
    """Format, mode, width and height in pixels, and Exif data of an image; its place only `with_location`."""
    try:
        with warnings.catch_warnings():
            # Half a bomb's size is a warning, and only decoding would be dear; what Pillow refuses is refused.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(body), formats=_IMAGE_FORMATS) as image:
                media = {"format": image.format, "mode": image.mode, "width": image.width, "height": image.height}
                exif = _exif(image, with_location=with_location)
    except Image.DecompressionBombError:
        return _failed(content_type, "the image claims more pixels than any picture has")
    except (OSError, SyntaxError, ValueError, RuntimeError):  # the last is libavif's
        return _failed(content_type, f"the file is damaged or no image: {content_type} was expected")
    return Extracted(content_type, media=media | ({"exif": exif} if exif else {}))


def extract_audio_video(body: bytes, content_type: str) -> Extracted:
    """Duration in seconds, bit rate in kbit/s, codecs, a picture's size and tags of audio or video."""
    values: dict[str, Any] = {}
    if content_type != "video/webm":  # which has no tags
        try:
            values = TinyTag.get(file_obj=BytesIO(body), image=False).as_dict()
        except TinyTagException as error:
            return _failed(content_type, f"the file is damaged or no {content_type}: {error}")
    is_container = content_type in _CONTAINERS
    container = read_container(body) if is_container else Container()
    tags = dict(list(_tags(values).items())[:_MAX_TAGS])
    duration_s = _positive(values.get("duration")) or _positive(container.duration_s)
    if duration_s is None and not tags and not container.codecs:
        return _failed(content_type, f"the file is damaged: it has the form of {content_type} and no content")
    whole = len(body) * 8 / 1000 / duration_s if is_container and duration_s else None
    found = {
        "duration_s": duration_s,
        "bitrate": _positive(values.get("bitrate")) or _positive(whole),
        "codec": ", ".join(container.codecs) or _codec(values.get("mime_type"), content_type),
        "width": container.width,
        "height": container.height,
        "tags": tags,
    }
    artist = tags.get("artist", "")
    return Extracted(
        content_type,
        title=tags.get("title", ""),
        metadata={"author": artist} if artist else {},
        media={key: value for key, value in found.items() if value},
    )


def _failed(content_type: str, message: str) -> Extracted:
    return Extracted(content_type, failure=Failure(FailureKind.EXTRACT_FAILED, message))


def _exif(image: Image.Image, *, with_location: bool) -> dict[str, Any]:
    """Exif values by their tags' names, those of text and numbers."""
    # For a PNG without it, Pillow would decode the picture to look for Exif data behind the pixels.
    if image.format not in {"JPEG", "TIFF", "WEBP"} and "exif" not in image.info:
        return {}
    exif = image.getexif()
    found: dict[str, Any] = {}
    for directory in (exif, exif.get_ifd(_EXIF_DIRECTORY)):
        for number, raw in directory.items():
            name = ExifTags.TAGS.get(number)
            if name and number not in _EXIF_SKIPPED and (value := _plain(raw)) not in (None, ""):
                found[name] = value
    return found | (_location(exif.get_ifd(_GPS_DIRECTORY)) if with_location else {})


def _location(gps: Mapping[int, Any]) -> dict[str, float]:
    """Latitude and longitude in degrees, north and east positive (Exif 2.32, 4.6.6), or nothing."""
    found = {}
    for name, negative in (("GPSLatitude", "S"), ("GPSLongitude", "W")):
        parts = gps.get(int(ExifTags.GPS[name]))
        numbers = [_plain(part) for part in parts] if isinstance(parts, tuple) else []
        degrees = [number for number in numbers if isinstance(number, int | float)]
        if len(degrees) != len(("degrees", "minutes", "seconds")):
            return {}
        value = degrees[0] + degrees[1] / 60 + degrees[2] / 3600
        sign = -1 if gps.get(int(ExifTags.GPS[f"{name}Ref"])) == negative else 1
        found[name] = round(sign * value, 6)
    return found


def _plain(value: object) -> str | int | float | None:
    """An Exif value as JSON has it; None for bytes, lists and numbers that are none."""
    if isinstance(value, str):
        return clean.line(value, _MAX_TAG_CHARS)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else None
    try:
        number = float(value)  # type: ignore[arg-type] # Pillow's rationals convert; what does not is left out
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _tags(values: dict[str, Any]) -> dict[str, str]:
    """The tags of a file, each the first of its values, as text."""
    found = {}
    for name, value in values.items():
        first = value[0] if isinstance(value, list) and value else value
        text = clean.line(first if isinstance(first, str) else str(first), _MAX_TAG_CHARS)
        if name not in _TECHNICAL and text:
            found[clean.line(name, 100)] = text
    return found


def _positive(value: object) -> float | None:
    number = value if isinstance(value, int | float) else 0
    return round(number, 3) if math.isfinite(number) and number > 0 else None


def _codec(mime_type: object, content_type: str) -> str:
    """The codec that the reader names, else the type's second half: for MPEG audio, FLAC and WAV that is the codec."""
    named = clean.line(mime_type, 200).partition("codecs=")[2].strip('" ')
    return _WAVE_CODECS.get(named, named) or content_type.partition("/")[2]
