from __future__ import annotations

# ruff: noqa: RUF001 - characters of other scripts are what is tested
import socket

import pytest

from engine.nlp.language import detect_language, primary_subtag

SENTENCES = {
    "en": "The farmer is coming back home, and so the fox runs away from the yard before the dog wakes up.",
    "de": "Der Bauer kommt nach Hause, und so läuft der Fuchs vom Hof, bevor der Hund aufwacht und bellt.",
    "fr": "Le fermier rentre chez lui, et le renard s'enfuit de la cour avant que le chien ne se réveille.",
    "es": "El granjero vuelve a casa, así que el zorro huye del patio antes de que despierte el perro.",
    "it": "Il contadino torna a casa e così la volpe scappa dal cortile prima che il cane si svegli.",
    "pl": "Rolnik wraca do domu, więc lis ucieka z podwórka, zanim obudzi się pies.",
    "ru": "Фермер возвращается домой, и лиса убегает со двора, прежде чем проснётся собака.",
    "ja": "農夫が家に帰ってくるので、狐は犬が目を覚ます前に庭から逃げました。",
    "zh": "农夫要回家了,所以狐狸在狗醒来之前从院子里跑掉了。",
    "ko": "농부가 집으로 돌아오기 때문에 여우는 개가 깨어나기 전에 마당에서 도망칩니다.",
    "ar": "المزارع عائد إلى المنزل لذلك يهرب الثعلب من الفناء قبل أن يستيقظ الكلب.",
    "hi": "किसान घर आ रहा है इसलिए कुत्ते के जागने से पहले लोमड़ी आँगन से भाग जाती है।",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough(language):
    assert detect_language(SENTENCES[language]) == language


def test_a_wrong_claim_does_not_win():
    assert detect_language(SENTENCES["de"] * 5, "en-US") == "de"


@pytest.mark.parametrize(
    ("text", "claim", "language"), [("Hi!", "en-GB", "en"), ("", "de_AT", "de"), ("12 34", None, None)]
)
def test_too_little_text_leaves_the_claim(text, claim, language):
    assert detect_language(text, claim) == language


@pytest.mark.parametrize(
    ("claim", "language"), [("EN-us", "en"), (" pt_BR", "pt"), ("english", None), ("", None), (None, None)]
)
def test_a_claim_in_any_form(claim, language):
    assert primary_subtag(claim) == language


def test_nothing_reaches_the_network(monkeypatch):
    def refuse(*_args):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert detect_language(SENTENCES["pl"]) == "pl"
