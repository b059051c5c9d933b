from __future__ import annotations

# ruff: noqa: RUF001 - characters of other scripts are what is tested
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.analyse import Analyser
from engine.nlp.cjk import Segmenter
from engine.settings import NlpSettings

CHINESE = (
    "人工智能技术正在改变我们的生活，北京大学的研究人员在人工智能领域取得了重要成果。"
    "清华大学和北京大学合作建立了人工智能研究中心。机器学习是人工智能的重要分支。"
)
JAPANESE = "東京タワーは観光地として有名で、多くの観光客が東京タワーを訪れる。スカイツリーも人気の観光地である。"


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("你好", ["你好"]),
        ("大学的研究", ["大学", "的", "研究"]),
        ("東京タワーは", ["東京", "タワー", "は"]),
        ("iPhone対応", ["iPhone", "対応"]),
        ("abc", ["abc"]),
    ],
)
def test_a_word_is_cut_where_scripts_and_particles_tell(word, pieces):
    assert list(Segmenter([word]).cut(word)) == pieces


def test_what_repeats_is_a_word():
    words = ["人工智能改变", "人工智能领域"]
    assert [list(Segmenter(words).cut(word)) for word in words] == [["人工智能", "改变"], ["人工智能", "领域"]]


@given(st.lists(st.text(st.sampled_from("人工智能的在a1ー々タかなé"), min_size=1), max_size=5))
def test_the_pieces_joined_are_the_word(words):
    segmenter = Segmenter(words)
    assert ["".join(segmenter.cut(word)) for word in words] == words


@pytest.mark.parametrize(("text", "language", "keyword"), [(CHINESE, "zh", "人工智能"), (JAPANESE, "ja", "東京タワー")])
def test_keywords_are_words_of_the_language(text, language, keyword):
    found = Analyser(NlpSettings(pipeline="rules")).analyse(text)
    assert found.language == language
    assert keyword in [entry["text"] for entry in found.keywords]
    assert found.summary
