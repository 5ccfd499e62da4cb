"""Free text: the package's trigram, and what is chosen for a recognizer."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import saying

from kws.bundle import MODELS
from kws.errors import LanguageModelError
from kws.recognition.bundle import find_recognizer
from kws.recognition.free_text import free_decoder, language_model_of, lexicon_of, text_score
from kws.recognition.lexicon import ROOT, Lexicon
from kws.recognition.ngram import ArpaModel, read_arpa
from kws.recognition.packaged_trigram import PackagedTrigram
from kws.recognition.tokens import CHARACTERS, PHONES


@pytest.fixture(scope="module")
def trigram() -> PackagedTrigram:
    return PackagedTrigram(2_000)


def test_the_trigram_says_what_the_pairs_cut_from_it_say(trigram):
    """The bundled bigram's kept pairs carry the same probabilities, rounded to a thousandth of a decade."""
    pairs = read_arpa(MODELS / "english.arpa.gz")
    for first, second in (("<s>", "the"), ("of", "the"), ("i", "am"), ("thank", "you")):
        assert trigram.log_prob((first,), second) == pytest.approx(pairs.log_prob((first,), second), abs=0.01)


def test_what_follows_two_words_sums_to_no_more_than_one(trigram):
    share = sum(math.exp(trigram.log_prob(("one", "of"), word)) for word in trigram.words)
    assert 0.5 < share <= 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["the", "day", "of", "xyzzyq"]), max_size=5))
def test_two_words_are_all_that_it_looks_back_on(trigram, words):
    history = trigram.start()
    for word in words:
        history, log_prob = trigram.score(history, word)
        assert -20.0 <= log_prob < 0
    assert trigram.end(history) == trigram.log_prob(tuple(["<s>", *words][-2:]), "</s>")


def test_its_words_are_the_most_frequent_that_can_be_written(trigram):
    words = trigram.words
    assert len(words) == 2_000 == len(set(words))
    assert {"the", "don't", "coffee"} <= set(words)
    assert words[:5] == PackagedTrigram(5).words
    assert all(word.replace("'", "").isalpha() for word in words)


def test_letters_do_without_the_package_and_an_own_model_comes_first(tmp_path, trigram):
    bundle = find_recognizer("english")
    assert isinstance(language_model_of(bundle, PHONES), PackagedTrigram)
    assert isinstance(language_model_of(bundle, CHARACTERS), ArpaModel)
    own = tmp_path / "mine.arpa"
    own.write_text(ARPA)
    assert language_model_of(bundle, PHONES, own).words == ["stop", "</s>"]
    (tmp_path / "mine.arpa.gz").write_bytes((MODELS / "english.arpa.gz").read_bytes())
    beside = replace(bundle, manifest_path=tmp_path / "mine.json")
    assert isinstance(language_model_of(beside, PHONES), ArpaModel)
    with pytest.raises(LanguageModelError, match=r"none\.arpa"):
        language_model_of(bundle, PHONES, tmp_path / "none.arpa")


def test_searches_with_one_model_share_its_lexicon_unless_they_change_it():
    model, other = (ArpaModel(1, {("the",): -1.0, ("</s>",): -2.0}, {}) for _ in range(2))
    shared = lexicon_of(model)
    assert lexicon_of(model) is shared
    assert lexicon_of(model, own=True) is not shared
    assert lexicon_of(other) is not shared
    assert words_at(shared, "DH AH") == ("the",)
    boosted = lexicon_of(model, ["coffee"])
    assert words_at(boosted, "K AO F IY") == ("coffee",)
    assert words_at(shared, "K AO F IY") == ()


def test_a_model_is_read_once_until_its_file_changes(tmp_path: Path) -> None:
    bundle, own = find_recognizer("english"), tmp_path / "own.arpa"
    own.write_text(ARPA)
    first = language_model_of(bundle, PHONES, own)
    assert language_model_of(bundle, PHONES, str(own)) is first
    own.write_text(ARPA.replace("stop", "start"))
    assert language_model_of(bundle, PHONES, own).words == ["start", "</s>"]


def words_at(lexicon: Lexicon, phones: str) -> tuple[str, ...]:
    node: int | None = ROOT
    for token in PHONES.encode(tuple(phones.split())):
        node = None if node is None else lexicon.child(node, token)
    return () if node is None else lexicon.words(node)


ARPA = """\\data\\
ngram 1=2

\\1-grams:
-0.5 stop
-0.5 </s>

\\end\\
"""


def test_a_sentence_is_written_by_the_trigram_and_ranked_as_the_search_ranks_it():
    bundle = find_recognizer("english")
    log_probs = saying("there were two of them in the street")
    decoder = free_decoder(bundle, PHONES, 0.04)
    decoder.push(log_probs)
    best = decoder.hypotheses()[0]
    assert decoder.text(best) == "there were two of them in the street"
    score = text_score("english", PHONES)
    assert score(log_probs, "there were two of them in the street") == pytest.approx(best.score, abs=0.5)
    assert score(log_probs, "there were to of them in the street") < best.score
    assert score(log_probs, "xyzzyq") == -math.inf


def test_homophones_are_told_apart_by_two_words_of_history():
    decoder = free_decoder(find_recognizer("english"), PHONES, 0.04)
    for said in ("i want to go", "one or two of them"):
        decoder.reset()
        decoder.push(saying(said))
        assert decoder.text(decoder.hypotheses()[0]) == said


def test_a_file_of_ones_own_decides_what_can_be_written(tmp_path: Path):
    own = tmp_path / "own.arpa"
    own.write_text(ARPA)
    decoder = free_decoder(find_recognizer("english"), PHONES, 0.04, language_model=own)
    decoder.push(saying("stop"))
    (transcript,) = decoder.flush()
    assert transcript.text == "stop"
    assert np.isfinite(transcript.confidence)
