from __future__ import annotations

from hashlib import sha256

from engine.nlp.fingerprint import content_hash, simhash

WORDS = [f"word{n * n % 997}" for n in range(1000)]


def distance(left, right):
    return (int(left, 16) ^ int(right, 16)).bit_count()


def test_equal_texts_share_the_hash():
    assert content_hash("né") == sha256("né".encode()).hexdigest()
    assert content_hash("") is None
    assert content_hash("\ud800") == sha256(b"?").hexdigest()


def test_nearly_equal_texts_nearly_share_the_simhash():
    changed = [*WORDS[:500], "other", *WORDS[501:]]
    assert distance(simhash(WORDS), simhash(changed)) <= 3
    assert distance(simhash(WORDS), simhash([f"else{n}" for n in range(1000)])) > 12


def test_the_simhash_is_stable_over_processes_and_machines():
    assert simhash(["Hello", "world"]) == simhash(["hello", "WORLD"]) == "a29bff953c499d14"
    assert len(simhash(["a"])) == 16
    assert simhash([]) is None
