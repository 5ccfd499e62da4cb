"""The rival of a grammar: what other words explain better is rejected, what the grammar can say is not."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import random_steps, saying

from kws.bundle import MODELS
from kws.errors import LanguageModelError
from kws.grammar.compile import compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.bundle import find_recognizer
from kws.recognition.confidence import Calibration
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.ngram import read_arpa
from kws.recognition.rival import Rival, frequent_words, rival_of
from kws.recognition.spelling import endings
from kws.recognition.tokens import CHARACTERS, PHONES

CALIBRATION = Calibration(mean=0.4, worst=0.9, length=0.0, rival=1.0, offset=4.0, threshold=0.5)


@pytest.fixture(scope="module")
def words():
    return frequent_words(MODELS / "english.arpa.gz", 1_000)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("grammar") / "lamps.jsgf"
    path.write_text("#JSGF V1.0;\ngrammar lamps;\npublic <lamps> = stop | lights (on | off);\n")
    return read_grammar(path)


def decoder_of(sentences, rival: Rival | None, lead_in=()) -> GrammarDecoder:
    graph = compile_grammar(sentences, PHONES, lead_in=lead_in)
    return GrammarDecoder(graph, 0.04, calibration=CALIBRATION, rival=rival)


def heard(decoder: GrammarDecoder, log_probs):
    decoder.push(log_probs)
    (transcript,) = decoder.flush()
    return transcript


def test_its_words_are_the_most_frequent_and_no_others(words):
    every = read_arpa(MODELS / "english.arpa.gz")
    least = min(words.log_prob((), word) for word in words.words if word != "</s>")
    assert len(words.words) == 1_001
    assert words.order == 1
    assert words.log_prob((), "the") == every.log_prob((), "the")
    assert sum(every.log_prob((), word) > least for word in every.words if word[0] != "<") < 1_000
    assert words.log_prob((), "xyzzyq") == least  # a word of a grammar that it does not know


def test_what_other_words_explain_better_is_rejected(words, graph):
    """Without a rival "step" passes for "stop"."""
    sound = saying("step", sure=0.7)
    alone, beside = heard(decoder_of(graph, None), sound), heard(decoder_of(graph, Rival(words)), sound)
    assert alone.in_grammar
    assert beside.nbest[0].text == alone.nbest[0].text == "stop"
    assert not beside.in_grammar
    for said in ("stop", "lights off"):
        right = heard(decoder_of(graph, Rival(words)), saying(said, sure=0.7))
        assert (right.text, right.in_grammar) == (said, True)


def test_a_margin_is_of_the_best_text_and_never_in_favour(words):
    rival = Rival(words)
    log_probs = saying("the street is long")
    rival.push(log_probs)
    said, other = rival.margins([(0.0, ["the", "street", "is", "long"], 14), (-40.0, ["stop"], 4)])
    assert -0.5 < said <= 0
    assert other < -5
    rival.reset()
    rival.push(log_probs)
    assert rival.margins([(0.0, ["the", "street", "is", "long"], 14)]) == [said]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 40), max_size=4))
def test_the_split_is_no_matter(words, graph, seed, cuts):
    log_probs = 2 * random_steps(seed, 40, len(PHONES))
    one, other = decoder_of(graph, Rival(words)), decoder_of(graph, Rival(words))
    for piece in np.split(log_probs, sorted(cuts)):
        one.push(piece)
    other.push(log_probs)
    assert one.ranked() == other.ranked()
    assert one.flush() == other.flush()
    assert one.paths() == other.paths()  # and both begin anew


def test_what_is_left_of_a_wake_word_is_nobodys_argument(words, graph):
    lead_in = endings("computer", PHONES)
    sound = np.concatenate([saying("computer")[8:-5], saying("lights on")])
    deaf = heard(decoder_of(graph, Rival(words), lead_in), sound)
    knowing = heard(decoder_of(graph, Rival(words, lead_in), lead_in), sound)
    assert knowing.text == "lights on"
    assert knowing.confidence >= deaf.confidence


def test_it_is_there_for_phones_alone_and_its_file_is_named_where_it_is_bad(tmp_path):
    bundle = find_recognizer("english")
    assert rival_of(bundle, CHARACTERS) is None
    assert bundle.card["decoding"]["confidence"]["rival"] > 0
    bad = tmp_path / "bad.arpa.gz"
    bad.write_bytes(gzip.compress(b"\\data\\\nngram 1=2\n\n\\1-grams:\n-1 a\n"))
    with pytest.raises(LanguageModelError, match=r"bad\.arpa\.gz:5: expected 2 n-grams of order 1"):
        frequent_words(bad)
