"""Every short name of `stages:` does something: what is seen of a stage is another thing with it than without.

That a name reaches its setting is shown in tests/settings/test_stages.py; here, what comes of it: of crawls on a fake
web in fake time, of one page's row, or of a stage's files.
"""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
import yaml
from fake_time import run
from shard_rig import OutlinePool, Shard, SlowWeb, outline, reply
from web.server import Web

from engine.model.record import Fetched
from engine.nlp.models import found
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.settings import load
from engine.settings.stages import SHORT
from engine.shard.factory import site_budget
from engine.stages.handoff import publish
from engine.stages.layout import STAGES, Stage
from engine.transport.base import Request, Response, TransportError
from engine.transport.client import AiohttpTransport

NUMBERS = {name: number for number, name in STAGES.items()}
DOCUMENT = Path(__file__).parents[2] / "docs" / "pipeline.md"


class Case:
    """One stage under what a settings file says of it."""

    def __init__(self, folder, stage, said):
        file = folder / "my.yml"
        file.write_text(yaml.safe_dump({"stages": {stage: said}}), encoding="utf-8")
        self.folder, self.stage = folder, stage
        self.loaded = load([file], {}, {"run.stage": stage, "pipeline.data_dir": str(folder)})
        self.settings = self.loaded.settings
        own = {key for key, origin in self.loaded.origins.items() if origin.startswith(str(file))}
        self.flags = {key.replace(".", "__"): self._value(key) for key in own}

    def _value(self, key):
        group, _, leaf = key.partition(".")
        return getattr(getattr(self.settings, group), leaf)

    def crawl(self, web, *urls):
        """Rows by URL, and the sizes of the commits."""

        async def main():
            how = {"politeness__delay_s": 0, "discovery__sitemaps": False, **self.flags}
            shard = Shard(self.folder, web, run__stage=self.stage, **how)
            if self.stage == "discovery":
                shard.parts.endings._pool = OutlinePool()
                shard.store.budget = site_budget(shard.settings)
            await shard.feed(*urls)
            await shard.until_finished()
            commits = [record.count for _, record in shard.store.commit_records()]
            await shard.drain()
            return shard.rows(), commits

        return run(main())

    def row(self):
        """The row of a page, analysed."""
        url = "http://h.test/news/1"
        fetched = Fetched(url, url, 0, url, status_code=200, content_type="text/html")
        page = Page(1, alone=False, fetched=fetched, content_type="text/html", body=ARTICLE)
        return orjson.loads(PageWorker(self.settings).work(page).row)


class Busy(SlowWeb):
    """Notes the most requests that it had before it at once."""

    def __init__(self):
        super().__init__(default=reply(200, outline().body, Content_Type="text/html"))
        self.most = 0

    async def respond(self, request):
        self.most = max(self.most, sum(self.in_flight.values()))
        return await super().respond(request)


ARTICLE = (
    "<html lang=en><head><title>The harbour</title></head><body><article><h1>The harbour</h1>"
    + "<p>The harbour of Calder was repaired by Eleanor Whitcombe, and its lighthouse was opened to visitors again.</p>"
    * 3
    + "</article></body></html>"
).encode()

# -- what is seen of a stage ------------------------------------------------------------------------------------------


def most_at_once(case):
    web = Busy()
    case.crawl(web, *(f"http://h{n}.test/" for n in range(12)))
    return web.most


def most_of_a_host(case):
    web = Busy()
    case.crawl(web, *(f"http://h.test/{n}" for n in range(12)))
    return web.max_in_flight["h.test"]


def attempts(case):
    rows, _ = case.crawl(SlowWeb(default=Response(500)), "http://h.test/")
    return rows["http://h.test/"]["attempts"]


def largest_commit(case):
    return max(case.crawl(Busy(), *(f"http://h{n}.test/" for n in range(12)))[1])


def who_asks(case):
    web = Busy()
    case.crawl(web, "http://h.test/")
    return {dict(request.headers)["User-Agent"] for request in web.requests}


def answer_of_a_server_that_takes_three_seconds(case):
    async def main():
        async with Web() as web:
            fetch = case.settings.fetch.model_copy(update={"connect_to": (web.connect_to(),)})
            guard = case.settings.guard.model_copy(update={"allow_networks": ("127.0.0.0/8",)})
            transport = AiohttpTransport(fetch, guard)
            try:
                exchange = await transport.connect("http", "slow-3000-x.test", 80)
                asked = Request("GET", "http", "slow-3000-x.test", 80, "/html/1")
                told = {"on_bytes": lambda _: None, "on_written": lambda: None}
                return (await exchange.send(asked, max_body_bytes=1 << 20, **told)).status
            except TransportError as error:
                return error.kind
            finally:
                await transport.close()

    return run(main())


def copies(case):
    stage = Stage(NUMBERS[case.stage], case.settings)
    stage.folder.mkdir(parents=True)
    stage.output.write_text("{}\n", encoding="utf-8")
    publish(stage)
    return [path.name for path in case.folder.glob("*.jsonl")]


def found_urls(case):
    """Of a site whose pages name the next one each, and another site's."""
    web = SlowWeb()
    for n in range(20):
        at = "/" if n == 0 else f"/{n}"
        web.answer("h.test", at, outline(f"http://h.test/{n + 1}", *(["http://else.test/"] if n == 0 else [])))
    web.answer("else.test", "/", outline())
    return len(case.crawl(web, "http://h.test/")[0])


def kind_of_a_page(case):
    if case.stage == "enrichment":
        return case.row()["error_kind"]
    (row,) = case.crawl(Busy(), "http://h.test/")[0].values()
    return row["error_kind"]


def of_row(field, measure=lambda value: value):
    return lambda case: measure(case.row()[field])


def models_looked_for(case):
    """What the check before a run looks for on this machine: models by name, and the device."""
    asked = []

    def in_the_cache(name):
        asked.append(name)
        (case.folder / "config.json").touch()
        (case.folder / "model.safetensors").touch()
        return case.folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(found, "_PACKAGES", ())
        patch.setattr(found, "_cached", in_the_cache)
        patch.setattr(found, "_require_device", asked.append)
        found.require_models(case.settings.nlp)
    return asked


def with_models(case):
    case.settings = case.settings.model_copy(
        update={"nlp": case.settings.nlp.model_copy(update={"use_transformers": True})}
    )
    return models_looked_for(case)


#: By short name: what to say, what is looked at, and what is seen then.
EFFECTS = {
    "max_workers": (3, most_at_once, 3),
    "timeout": (1.0, answer_of_a_server_that_takes_three_seconds, "read_timeout"),
    "max_retries": (1, attempts, 2),
    "limit_per_host": (3, most_of_a_host, 3),
    "batch_size": (2, largest_commit, 2),
    "user_agent": ("mine/1", who_asks, {"mine/1"}),
    "output_file": ("mine.jsonl", copies, ["mine.jsonl"]),
    "allowed_domains": (["else.test"], found_urls, 2),
    "max_depth": (2, found_urls, 3),
    "max_pages": (4, found_urls, 4),
    "content_types": (["image/*"], kind_of_a_page, "unsupported_content"),
    "nlp_enabled": (False, of_row("keywords"), []),
    "spacy_model": ("rules", of_row("entities", len), 1),
    "max_text_length": (20, of_row("text_content", len), 20),
    "top_keywords": (2, of_row("keywords", len), 2),
    "predefined_tags": (["news"], of_row("content_tags"), ["news"]),
    "use_transformers": (True, models_looked_for, ["dslim/bert-base-NER", "sshleifer/distilbart-cnn-12-6"]),
    "transformer_ner_model": ("my/ner", with_models, ["my/ner", "sshleifer/distilbart-cnn-12-6"]),
    "summarizer_model": ("none", with_models, ["dslim/bert-base-NER"]),
    "device": ("cuda:1", with_models, ["dslim/bert-base-NER", "sshleifer/distilbart-cnn-12-6", "cuda:1"]),
}
NAMES = [(stage, name) for stage, names in SHORT.items() for name in names]


@pytest.mark.parametrize(("stage", "name"), NAMES)
def test_a_short_name_has_its_effect(stage, name, tmp_path):
    value, observe, seen = EFFECTS[name]
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    assert observe(Case(tmp_path / "with", stage, {name: value})) == seen
    assert observe(Case(tmp_path / "without", stage, {})) != seen


def test_every_short_name_is_documented_with_its_stages():
    table = DOCUMENT.read_text(encoding="utf-8").partition("| short name |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| (\w+) \| ([123 ]+) \|", table, re.MULTILINE)
    documented = {(STAGES[int(number)], name) for name, numbers in told for number in numbers.split()}
    assert documented == set(NAMES)
