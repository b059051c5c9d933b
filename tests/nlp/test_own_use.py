"""What a page says of its own use: noted in its row, and obeyed where that is asked for."""

from __future__ import annotations

import orjson
import pytest

from engine.model.record import Fetched
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.settings import Settings

TEXT = "Owls hunt at night and sleep by day, as people in Norway have long known and often said to each other."
OBEY = {"politeness": {"obey_page_directives": True}}


def row(*metas, x_robots_tag="", body=None, content_type="text/html", **settings):
    head = "".join(f'<meta name="{name}" content="{content}">' for name, content in metas)
    html = f"<html lang=en><head><title>Owls</title>{head}</head><body><article><p>{TEXT}</p><p>{TEXT}</p></article>"
    fetched = Fetched("http://a.test/", "http://a.test/", 0, status_code=200, x_robots_tag=x_robots_tag)
    page = Page(1, alone=False, fetched=fetched, content_type=content_type, body=body or html.encode())
    worker = PageWorker(Settings.model_validate({"nlp": {"pipeline": "rules"}, **settings}))
    return orjson.loads(worker.work(page).row)


def test_header_and_every_meta_element_count_whoever_they_name_us():
    metas = [("robots", "max-image-preview:large"), ("ROBOTS", "NoIndex, follow"), ("enrich-engine", "noarchive")]
    found = row(*metas, ("googlebot", "none"), x_robots_tag="nofollow\notherbot: nosnippet")
    assert found["metadata"]["robots"] == ["nofollow", "max-image-preview:large", "noindex", "follow", "noarchive"]
    assert found["text_content"]
    assert "robots" not in row(("description", "noindex"))["metadata"]


def test_the_name_is_that_of_the_user_agent():
    found = row(("mybot", "noindex"), ("enrich-engine", "none"), fetch={"user_agent": "MyBot/1.0 (+a@b.example)"})
    assert found["metadata"]["robots"] == ["noindex"]


@pytest.mark.parametrize("said", [{"x_robots_tag": "none"}, {"x_robots_tag": "unavailable_after: 2020-01-01"}, {}])
def test_of_a_page_that_is_not_to_be_indexed_nothing_is_kept_where_that_is_obeyed(said):
    metas = [] if said else [("robots", "noindex")]
    free, obeyed = row(*metas, **said), row(*metas, **said, **OBEY)
    assert free["text_content"]
    assert free["title"] == "Owls"
    assert obeyed["error_kind"] is None
    assert obeyed["metadata"] == {"robots": free["metadata"]["robots"]}
    assert not any(obeyed[name] for name in ("title", "text_content", "entities", "keywords", "content_summary"))
    assert obeyed["content_type"] == "text/html"


def test_what_is_no_html_has_the_header_alone():
    plain = {"body": TEXT.encode(), "content_type": "text/plain", "x_robots_tag": "noindex"}
    assert row(**plain)["metadata"]["robots"] == ["noindex"]
    assert row(**plain, **OBEY)["text_content"] == ""


def test_a_million_meta_elements_cost_little():
    found = row(*[("robots", f"x{n}") for n in range(50_000)])
    assert len(found["metadata"]["robots"]) == 30
