"""Documents, pictures, sounds and films: what each one's row says, and that a damaged one's row says so."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from engine.model.record import Fetched
from engine.nlp.containers import read_container
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.settings import Settings
from tests.nlp.media_bytes import flac, image, mp3, mp4, pdf, photograph, wav, webm

URL = "http://a.example/file"
NAMED = [(b"\xa9nam", "A film"), (b"\xa9ART", "Ann")]
INFORMATION = "/Title (A report) /Author (Ann) /Subject (Bees) /CreationDate (D:20210908103000+02'00')"


@pytest.fixture(scope="module")
def worker():
    return PageWorker(Settings.model_validate({"nlp": {"pipeline": "none"}, "extract": {"pdf_max_pages": 3}}))


def row_of(worker, body, content_type=""):
    fetched = Fetched(url=URL, fetch_url=URL, shard=0, status_code=200)
    page = Page(1, alone=False, fetched=fetched, content_type=content_type, body=body)
    return orjson.loads(worker.work(page).row)


def picture(kind, mode="RGB", width=40, height=30):
    return {"format": kind, "mode": mode, "width": width, "height": height}


def tiff():
    buffer = io.BytesIO()
    Image.new("L", (7, 9)).save(buffer, "TIFF")
    return buffer.getvalue()


#: name: body, Content-Type as a server may send it, fields of the row, keys of its media.
FILES = {
    "pdf": (pdf(["One page"]), "application/pdf", {"text_content": "One page", "word_count": 2}, {"page_count": 1}),
    "pdf, pages": (pdf(["One", "Two"]), "", {"text_content": "One\n\nTwo"}, {"page_count": 2, "pages_processed": 2}),
    "pdf, limit": (pdf(list("abcde")), "", {"text_content": "a\n\nb\n\nc"}, {"page_count": 5, "pages_processed": 3}),
    "pdf, empty page": (pdf(["", "Two"]), "", {"text_content": "Two"}, {"pages_processed": 2}),
    "pdf, letters": (pdf(["Café déjà vu"]), "", {"text_content": "Café déjà vu"}, {"page_count": 1}),
    "pdf, title": (pdf(["x"], INFORMATION), "", {"title": "A report"}, {"title": "A report", "author": "Ann"}),
    "pdf, time": (pdf(["x"], "/CreationDate (D:20210908)"), "", {"metadata": {"published_at": "2021-09-08"}}, {}),
    "pdf, wrong header": (pdf(["One"]), "text/html", {"content_type": "application/pdf", "text_content": "One"}, {}),
    "jpeg": (image("JPEG"), "image/jpeg", {"content_type": "image/jpeg"}, picture("JPEG")),
    "jpeg, gray": (image("JPEG", "L"), "image/jpg", {}, picture("JPEG", "L")),
    "jpeg, exif": (photograph(), "", {}, {"exif": {"Make": "Camera works", "ExposureTime": 0.5}}),
    "png": (image("PNG"), "image/png", {"title": "", "text_content": ""}, picture("PNG")),
    "png, transparent": (image("PNG", "RGBA", (1, 2)), "", {}, picture("PNG", "RGBA", 1, 2)),
    "png, as text": (image("PNG"), "text/plain", {"content_type": "image/png"}, picture("PNG")),
    "gif": (image("GIF", "P"), "image/gif", {}, picture("GIF", "P")),
    "webp": (image("WEBP"), "image/webp", {}, picture("WEBP")),
    "bmp": (image("BMP"), "", {"content_type": "image/bmp"}, picture("BMP")),
    "tiff": (tiff(), "", {"content_type": "image/tiff"}, picture("TIFF", "L", 7, 9)),
    "wav": (wav(), "audio/x-wav", {"content_type": "audio/wav"}, {"duration_s": 1.0, "bitrate": 128.0, "codec": "pcm"}),
    "wav, stereo": (wav(2, 16_000, 2), "", {}, {"duration_s": 2.0, "bitrate": 512.0}),
    "wav, as mp3": (wav(), "audio/mpeg", {"content_type": "audio/wav"}, {"codec": "pcm"}),
    "mp3": (mp3(), "", {"content_type": "audio/mpeg"}, {"duration_s": 2.612, "bitrate": 128.0}),
    "mp3, title": (mp3(title="Song"), "audio/mp3", {"title": "Song"}, {"tags": {"title": "Song"}}),
    "flac": (flac(), "audio/flac", {"title": "A sound"}, {"duration_s": 2.0, "codec": "flac"}),
    "m4a": (mp4(b"mp4a", sound=True), "", {"content_type": "audio/mp4"}, {"duration_s": 3.0, "codec": "aac"}),
    "mp4": (mp4(), "video/mp4", {}, {"duration_s": 3.0, "codec": "h264", "width": 64, "height": 48}),
    "mp4, tags": (mp4(tags=NAMED), "", {"title": "A film", "metadata": {"author": "Ann"}}, {"duration_s": 3.0}),
    "mp4, hevc": (mp4(b"hvc1", size=(3840, 2160)), "", {}, {"codec": "hevc", "width": 3840, "height": 2160}),
    "webm": (webm(), "", {"content_type": "video/webm"}, {"duration_s": 2.0, "codec": "vp9, opus", "width": 64}),
    "webm, live": (webm(("V_AV1",), 0), "video/webm", {}, {"codec": "av1", "height": 48}),
}
#: name: body and what its error says.
DAMAGED = {
    "pdf, header only": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "damaged"),
    "pdf, overwritten": (b"%PDF-1.4" + bytes(700), "damaged"),
    "pdf, encrypted": (pdf(["secret"], encrypted=True), "encrypted"),
    "jpeg, cut": (image("JPEG")[:5], "damaged"),
    "png, cut": (image("PNG")[:12], "damaged"),
    "png, overwritten": (image("PNG")[:8] + b"\xff" * 60, "damaged"),
    "gif, cut": (image("GIF")[:8], "damaged"),
    "webp, cut": (image("WEBP")[:18], "damaged"),
    "tiff, cut": (tiff()[:6], "damaged"),
    "bmp, overwritten": (image("BMP")[:14] + bytes(60), "damaged"),
    "wav, cut": (wav()[:14], "damaged"),
    "wav, overwritten": (wav()[:12] + b"\xff" * 90, "damaged"),
    "mp3, cut": (mp3(title="Song")[:9], "damaged"),
    "flac, cut": (flac()[:8], "damaged"),
    "mp4, cut": (mp4()[:40], "damaged"),
    "mp4, overwritten": (mp4()[:20] + bytes(500), "damaged"),
    "webm, cut": (webm()[:30], "damaged"),
    "webm, overwritten": (webm()[:24] + b"\xff" * 300, "damaged"),
}


def test_there_are_thirty():
    assert len(FILES) == 30


@pytest.mark.parametrize("name", FILES)
def test_the_row_of_a_file(name, worker):
    body, content_type, fields, media = FILES[name]
    row = row_of(worker, body, content_type)
    assert row["error_kind"] is None
    assert {key: row[key] for key in fields} == fields
    assert {key: row["media"].get(key) for key in media} == media


@pytest.mark.parametrize("name", DAMAGED)
def test_the_row_of_a_damaged_file(name, worker):
    body, said = DAMAGED[name]
    row = row_of(worker, body)
    assert row["error_kind"] == "extract_failed"
    assert said in row["error"]


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif(worker):
    assert row_of(worker, image("AVIF"))["media"] == picture("AVIF")


def test_the_place_where_a_picture_was_taken_is_told_when_asked_for_only(worker):
    assert b"GPS" not in orjson.dumps(row_of(worker, photograph()))
    asked = PageWorker(Settings.model_validate({"nlp": {"pipeline": "none"}, "extract": {"image_location": True}}))
    exif = row_of(asked, photograph())["media"]["exif"]
    assert (exif["GPSLatitude"], exif["GPSLongitude"]) == (-33.856917, 151.21)


@pytest.mark.parametrize("kind", ["vnd.openxmlformats-officedocument.wordprocessingml.document", "zip", "epub+zip"])
def test_office_files_are_named_and_not_read(worker, kind):
    row = row_of(worker, b"PK\x03\x04" + bytes(60), f"application/{kind}")
    assert row["error_kind"] == "unsupported_content"
    assert kind in row["error"]


@given(st.sampled_from([mp4(), webm()]), st.data())
def test_any_damage_to_a_container_is_survived(body, data):
    at = data.draw(st.integers(4, len(body) - 1))
    broken = bytearray(body[: data.draw(st.integers(at, len(body)))])
    broken[at : at + 8] = data.draw(st.binary(max_size=8))
    found = read_container(bytes(broken))
    assert len(found.codecs) <= 2
