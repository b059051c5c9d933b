from __future__ import annotations

import pytest

from engine.nlp.analyse import Analyser
from engine.nlp.values import Analysis
from engine.settings import NlpSettings

TEXT = """Solar panels in Spain

Solar panels turn sunlight into electricity, and Spain has a great deal of sunlight. In 2023 the country added
more solar panels than any other in Europe, said Dr. Ana García of Iberia Energy Inc. Roofs in Madrid and Seville now
carry solar panels that pay for themselves within 6 years.

The price of a solar panel has fallen by 80% since 2010. Cheap solar panels and a law that lets neighbours share
electricity have changed what people think of their roofs. Critics ask who will pay for the grid. The grid was built
for large power stations, they say, and the solar panels on roofs use it without paying much.

Read more
"""


def analyse(text, title="", hint=None, **settings):
    return Analyser(NlpSettings(**settings)).analyse(text, title, hint)


def test_a_text_is_analysed_whole():
    found = analyse(TEXT, "Solar panels in Spain", "en")
    assert found.language == "en"
    assert {"text": "Ana García", "label": "PERSON", "count": 1} in found.entities
    assert {"text": "Iberia Energy Inc", "label": "ORG", "count": 1} in found.entities
    assert {"text": "80%", "label": "PERCENT", "count": 1} in found.entities
    assert "solar panels" in [keyword["text"].lower() for keyword in found.keywords[:3]]
    assert found.summary


def test_keywords_are_bounded_scored_and_distinct():
    keywords = analyse(TEXT, top_keywords=5).keywords
    scores = [keyword["score"] for keyword in keywords]
    assert len(keywords) == 5
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    texts = [keyword["text"].lower() for keyword in keywords]
    assert len(set(texts)) == 5
    assert not {"the", "and", "of"} & set(texts)


def test_no_limit_on_keywords_gives_them_all():
    assert len(analyse(TEXT, top_keywords=0).keywords) > 15


def test_stop_words_are_those_of_the_language():
    text = "Der Hund und die Katze schlafen. Der Hund bellt, und die Katze miaut. Hund und Katze sind nicht allein."
    texts = [keyword["text"] for keyword in analyse(text, hint="de").keywords]
    words = {word for text in texts for word in text.split()}
    assert {"Hund", "Katze"} <= words
    assert not {"Der", "der", "und", "die", "nicht"} & words


@pytest.mark.parametrize("limit", [120, 250, 500])
def test_the_summary_is_whole_sentences_of_the_text_in_order(limit):
    summary = analyse(TEXT, "Solar panels in Spain", summary_max_chars=limit).summary
    assert 0 < len(summary) <= limit
    flat = " ".join(TEXT.split())
    places = [flat.index(sentence) for sentence in summary.replace(". ", ".\n").replace("Dr.\n", "Dr. ").split("\n")]
    assert places == sorted(places)
    assert summary.endswith(".")


def test_headings_and_what_does_not_fit_are_no_summary():
    assert analyse("Home\nProducts\nAbout us\nContact").summary == ""
    assert (
        analyse("This one sentence is longer than the summary that is asked for.", summary_max_chars=20).summary == ""
    )


def test_sentences_near_the_title_are_preferred():
    text = "Many birds sing in spring. Some owls hunt mice quietly. Most foxes sleep through bright days. "
    assert analyse(text, "How owls hunt mice", summary_max_chars=40).summary == "Some owls hunt mice quietly."


def test_the_same_text_gives_the_same_whatever_came_before():
    analyser = Analyser(NlpSettings())
    first = analyser.analyse(TEXT, "t", "en")
    analyser.analyse("Un tout autre texte, en français, avec des mots nouveaux.", "", "fr")
    assert analyser.analyse(TEXT, "t", "en") == first == Analyser(NlpSettings()).analyse(TEXT, "t", "en")


def test_no_pipeline_means_no_analysis():
    assert analyse(TEXT, pipeline="none") == Analysis()


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n", ".", "\x00", "\ud800 lone", "a" * 50_000, "(" * 50_000, "a@" * 20_000, "1," * 20_000,
     "http://" * 8_000, "May 1 " * 8_000, "$1" * 20_000, "'s" * 20_000,
     "\u0301" * 20_000, "漢字" * 20_000, "." + '"' * 20_000],
)  # fmt: skip
def test_hostile_text_is_analysed_like_any_other(text):
    assert isinstance(analyse(text, text[:50], "en"), Analysis)
