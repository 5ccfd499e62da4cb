"""One text of a grammar by itself: the same paths, marks and weights, and what it is worth to the search."""

from __future__ import annotations

import math

import numpy as np
import pytest
from spoken import random_steps, saying

from kws.errors import GrammarError
from kws.grammar.compile import compile_grammar
from kws.grammar.expression import Grammar
from kws.grammar.reading import read_grammar
from kws.recognition.build import grammar_score
from kws.recognition.grammar_decoder import GrammarDecoder, meaning
from kws.recognition.graph_beam import BeamConfig, GraphBeam, Path
from kws.recognition.tokens import PHONES

LAMPS = """#JSGF V1.0;
grammar lamps;
public <lamps> = /0.1/ stop | /1/ [please] lights (on {state=on} | off {state=off})+ | /1/ lights dim dim;
"""
TEXTS = ("stop", "lights on", "please lights off", "lights dim dim", "please lights on off on")
UNPRUNED = BeamConfig(width=math.inf, nodes=100_000, silent=math.inf)


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("grammar") / "lamps.jsgf"
    path.write_text(LAMPS)
    return path


def best(sentences: Grammar, log_probs: np.ndarray, only: str | None = None) -> tuple[float, Path]:
    decoder = GrammarDecoder(compile_grammar(sentences, PHONES, only=only), 0.04, beam=UNPRUNED)
    decoder.push(log_probs)
    nats, path, _ = decoder.weighed()[0]
    return nats, path


@pytest.mark.parametrize("text", TEXTS)
def test_only_the_text_is_left_and_means_what_it_meant(lamps, text):
    sentences = read_grammar(lamps)
    _, expected = best(sentences, saying(text))
    assert expected.text == text
    for other in (text, "stop"):
        _, path = best(sentences, saying(other), only=text)
        assert path.text == text
        assert meaning(path) == meaning(expected)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_text_is_worth_what_the_whole_search_says_and_no_other_is_worth_more(lamps, seed):
    sentences, log_probs = read_grammar(lamps), random_steps(seed, 40, len(PHONES))
    nats, path = best(sentences, log_probs)
    worth = {text: best(sentences, log_probs, only=text)[0] for text in {*TEXTS, path.text}}
    assert worth[path.text] == pytest.approx(nats)
    assert max(worth.values()) == worth[path.text]
    assert len(set(worth.values())) > 1


def test_weights_are_kept(lamps):
    plain = lamps.with_name("plain.jsgf")
    plain.write_text(LAMPS.replace("/0.1/", "/1/"))
    heard = saying("stop")
    weighted, unweighted = (best(read_grammar(path), heard, only="stop")[0] for path in (lamps, plain))
    assert weighted == pytest.approx(unweighted + math.log(0.1))


@pytest.mark.parametrize("text", ["", "lights", "lights on please", "stop stop", "off"])
def test_what_it_does_not_say_is_named(lamps, text):
    with pytest.raises(GrammarError, match=f"'{text}' is not in the grammar"):
        compile_grammar(read_grammar(lamps), PHONES, only=text)


def test_a_text_is_worth_nothing_where_it_is_not_in_the_grammar(lamps):
    score = grammar_score("english", lamps)
    assert score
    heard = saying("lights off")
    assert score(heard, "lights off") > score(heard, "lights on") > -math.inf
    assert score(heard, "lights green") == -math.inf


def test_places_for_any_words_are_not_judged(tmp_path):
    (tmp_path / "any.yaml").write_text(
        "language: en\nintents:\n  Say:\n    data:\n      - sentences: ['say {text}']\n"
        "lists:\n  text:\n    wildcard: true\n"
    )
    assert grammar_score("english", tmp_path / "any.yaml") is None


@pytest.mark.parametrize("seed", range(6))
def test_the_next_best_sentences_differ_in_any_word_and_cost_what_they_are_worth(tmp_path, seed):
    """Up to when the words after the difference begin, which is as in the better sentence."""
    (tmp_path / "loop.jsgf").write_text(
        "#JSGF V1.0;\ngrammar loop;\npublic <loop> = (on {s=1} | off {s=2} | /0.5/ oh | home)+;\n"
    )
    sentences = read_grammar(tmp_path / "loop.jsgf")
    log_probs = np.log(0.6 * np.exp(saying("on home off on")) + 0.4 * np.exp(sharp(seed)))
    beam = GraphBeam(compile_grammar(sentences, PHONES), UNPRUNED)
    beam.push(log_probs)
    found = beam.sentences()
    worth = [best(sentences, log_probs, only=path.text)[0] for path in found]
    scores = [path.score for path in found]
    assert len({path.sense for path in found}) == len(found) == 10
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(worth[0])
    assert all(score <= exact + 1e-6 for score, exact in zip(scores, worth, strict=True))
    exact = sum(score == pytest.approx(value, abs=0.3) for score, value in zip(scores, worth, strict=True))
    assert exact >= 7
    last = found[0].text.split()[-1]
    assert sum(path.text.split()[-1] == last for path in found) > 2  # two hypotheses end with one word
    for path in found:
        assert path.score == pytest.approx(sum(word.score for word in path.words))
        assert meaning(path) == meaning(best(sentences, log_probs, only=path.text)[1])


def sharp(seed: int) -> np.ndarray:
    steps = 2 * random_steps(seed, len(saying("on home off on")), len(PHONES))
    return steps - np.log(np.exp(steps).sum(axis=1, keepdims=True))
