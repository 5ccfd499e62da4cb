"""The prefix beam against exhaustive search over all token sequences, and against flashlight-text."""

from __future__ import annotations

import gc
import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import random_steps

from kws.recognition.ctc import best_alignment_score, log_probability
from kws.recognition.greedy import Greedy
from kws.recognition.lexicon import Lexicon
from kws.recognition.log_domain import NEVER, log_add
from kws.recognition.ngram import ArpaModel, History
from kws.recognition.prefix import Prefix
from kws.recognition.prefix_beam import PrefixBeam, PrefixBeamConfig
from kws.recognition.scorer import AnyText
from kws.recognition.text_scorer import Fusion, LexiconWords
from kws.recognition.tokens import BLANK, LogProbs

EXACT = PrefixBeamConfig(beam=10**6, least=math.inf, slack=math.inf)
TOKENS = 4
seeds = st.integers(0, 999)


def collapsed(path: Sequence[int]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token != BLANK)


def exhaustive(log_probs: LogProbs) -> dict[tuple[int, ...], float]:
    """ln P of every token sequence, by summing over every path there is."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        value = float(log_probs.astype(np.float64)[np.arange(len(path)), list(path)].sum())
        found[collapsed(path)] = log_add(found.get(collapsed(path), NEVER), value)
    return found


class Words:
    """A scorer for tests: token 1 ends a word, word pairs have a bonus, two words at most."""

    def start(self) -> tuple[tuple[int, ...], ...]:
        return ((),)

    def ways(self, state, tokens):
        table = np.zeros((1, tokens))
        table[0, 1] = 0.3 * sum(state[-1]) - 0.5 if len(state) < 3 and state[-1] else NEVER
        return table

    def follow(self, state, way, token):
        return (*state, ()) if token == 1 else (*state[:-1], (*state[-1], token))

    def finish(self, state) -> float:
        return NEVER if len(state) > 2 and not state[-1] else 0.1

    def words(self, state) -> int:
        return len([word for word in state if word])

    def outlook(self, state) -> tuple[int, tuple[int, ...]]:
        return len(state), state[-1]

    def of(self, tokens: tuple[int, ...]) -> float:
        """The same of a whole sequence."""
        state, nats = self.start(), 0.0
        for token in tokens:
            nats += float(self.ways(state, TOKENS)[0, token])
            state = self.follow(state, 0, token)
        return nats + self.finish(state)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 4))
def test_all_probabilities_are_those_of_exhaustive_search(seed, steps):
    log_probs = random_steps(seed, steps, TOKENS)
    beam = PrefixBeam(AnyText(), EXACT)
    beam.push(log_probs)
    found = {hypothesis.tokens: hypothesis.acoustic for hypothesis in beam.finished()}
    expected = exhaustive(log_probs)
    assert found.keys() == expected.keys()
    assert all(found[tokens] == pytest.approx(expected[tokens], abs=1e-5) for tokens in expected)
    assert sum(map(math.exp, found.values())) == pytest.approx(1, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 4))
def test_with_a_scorer_the_ranking_is_that_of_exhaustive_search(seed, steps):
    log_probs = random_steps(seed, steps, TOKENS)
    beam = PrefixBeam(Words(), EXACT)
    beam.push(log_probs)
    expected = {tokens: value + Words().of(tokens) for tokens, value in exhaustive(log_probs).items()}
    expected = {tokens: value for tokens, value in expected.items() if value > NEVER}
    found = {hypothesis.tokens: hypothesis.score for hypothesis in beam.finished()}
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-5)


def test_length_normalization_divides_by_words():
    log_probs = random_steps(3, 5, TOKENS)
    plain, normalized = (
        PrefixBeam(Words(), PrefixBeamConfig(10**6, math.inf, math.inf, length_exponent=power))
        for power in (0, 0.7)
    )
    plain.push(log_probs)
    normalized.push(log_probs)
    long = {h.tokens: h.score for h in normalized.finished()}
    for hypothesis in plain.finished():
        words = max(1, plain.scorer.words(hypothesis.prefix.state))
        assert long[hypothesis.tokens] == pytest.approx(hypothesis.score / words**0.7)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 3))
def test_a_beam_of_eight_finds_the_best_of_what_is_fairly_clear(seed, sharpness):
    log_probs = random_steps(seed, 6, TOKENS) * (1 + sharpness)
    log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
    expected = exhaustive(log_probs)
    beam = PrefixBeam(AnyText(), PrefixBeamConfig(beam=8))
    beam.push(log_probs)
    best = beam.finished()[0]
    assert best.acoustic <= expected[best.tokens] + 1e-5
    assert expected[best.tokens] > max(expected.values()) - 0.7


@settings(max_examples=15, deadline=None)
@given(seeds, st.lists(st.integers(0, 30), max_size=4))
def test_the_split_of_the_input_is_no_matter_and_reset_is_new(seed, cuts):
    log_probs = random_steps(seed, 30, 6)
    whole, pieces = PrefixBeam(), PrefixBeam()
    whole.push(log_probs)
    for _ in range(2):
        pieces.reset()
        for piece in np.split(log_probs, sorted(cuts)):
            pieces.push(piece)
        assert [(h.tokens, h.score) for h in pieces.finished()] == [
            (h.tokens, h.score) for h in whole.finished()
        ]


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_what_is_settled_begins_every_later_answer(seed):
    beam = PrefixBeam(config=PrefixBeamConfig(beam=4, least=3))
    certain: tuple[int, ...] = ()
    for row in random_steps(seed, 25, 5) * 2:
        beam.push(row[None])
        settled = tuple(prefix.token for prefix in beam.settled().chain())
        assert settled[: len(certain)] == certain
        certain = settled
    assert all(hypothesis.tokens[: len(certain)] == certain for hypothesis in beam.finished())


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 6))
def test_what_is_merged_finds_the_best_text_or_one_hardly_worse(seed, steps):
    log_probs = random_steps(seed, steps, TOKENS)
    beams = [PrefixBeam(Words(), replace(EXACT, merge=merge)) for merge in (False, True)]
    for beam in beams:
        beam.push(log_probs)
    every = {hypothesis.tokens: hypothesis.score for hypothesis in beams[0].finished()}
    best = beams[1].finished()[0]
    assert max(every.values()) - 0.5 < every[best.tokens]
    assert best.score < max(every.values()) + 1e-9


def test_rivals_keep_their_distance_whatever_follows():
    """ "1" or "2", then "3" for sure; a scorer to which only the last token matters."""
    probs = [[0.1, 0.5, 0.3, 0.1], *[[0.01, 0.01, 0.01, 0.97]] * 3]
    every, merged = (PrefixBeam(AnyText(), replace(EXACT, merge=merge)) for merge in (False, True))
    for beam in (every, merged):
        beam.push(np.log(np.array(probs, np.float32)))
    exact = {hypothesis.tokens: hypothesis.score for hypothesis in every.finished()}
    ranked = merged.finished()
    found = {hypothesis.tokens: hypothesis.score for hypothesis in reversed(ranked)}
    assert ranked[0].tokens == next(iter(exact)) == (1, 3)
    assert found[2, 3] == pytest.approx(exact[2, 3], abs=0.05)
    ends = {hypothesis.prefix for hypothesis in ranked}
    assert len(ends) < len(ranked)  # rivals stand for themselves, but end as their betters do


def test_a_scorer_is_asked_once_of_what_stays_in_the_beam():
    class Asked(AnyText):
        """Every prefix has a state of its own."""

        def __init__(self) -> None:
            self.of: list[object] = []

        def start(self):
            return object()

        def follow(self, state, way, token):
            return object()

        def ways(self, state, tokens):
            self.of.append(state)
            return super().ways(state, tokens)

    scorer = Asked()
    beam = PrefixBeam(scorer, PrefixBeamConfig(beam=6))
    beam.push(random_steps(7, 100, TOKENS))
    assert len(scorer.of) == len(set(scorer.of)) > 6


def test_what_is_dropped_is_freed_without_the_collector_of_cycles():
    def known() -> int:
        return sum(isinstance(thing, Prefix) for thing in gc.get_objects())

    gc.collect()
    before = known()
    gc.disable()
    try:
        beam = PrefixBeam(config=PrefixBeamConfig(beam=4))
        beam.push(random_steps(5, 400, 6) * 3)
        links = len({link for hypothesis in beam.finished() for link in hypothesis.prefix.chain()})
        assert known() == before + 1 + links  # and the root
        beam.reset()
        assert known() == before + 1
    finally:
        gc.enable()


@settings(max_examples=15, deadline=None)
@given(seeds, st.lists(st.integers(1, TOKENS - 1), max_size=4), st.integers(0, 4))
def test_the_forward_algorithm_sums_over_all_alignments(seed, tokens, steps):
    log_probs = random_steps(seed, steps, TOKENS)
    expected = exhaustive(log_probs).get(tuple(tokens), NEVER)
    assert log_probability(log_probs, tokens) == pytest.approx(expected, abs=1e-5)
    paths = itertools.product(range(TOKENS), repeat=steps)
    fits = [path for path in paths if collapsed(path) == tuple(tokens)]
    best = max((sum(float(log_probs[i, t]) for i, t in enumerate(path)) for path in fits), default=NEVER)
    assert best_alignment_score(log_probs, tokens) == pytest.approx(best, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seeds, st.lists(st.integers(0, 20), max_size=4))
def test_greedy_is_the_likeliest_path_collapsed(seed, cuts):
    log_probs = random_steps(seed, 20, TOKENS)
    greedy = Greedy()
    heard = [token for piece in np.split(log_probs, sorted(cuts)) for token in greedy.push(piece)]
    heard += greedy.flush()
    path = log_probs.argmax(axis=1)
    assert tuple(token.token for token in heard) == collapsed(path.tolist())
    for token in heard:
        assert set(path[token.start : token.end]) == {token.token}
        assert token.log_prob == pytest.approx(log_probs[token.start : token.end].max())
    greedy.reset()
    assert greedy.push(log_probs) + greedy.flush() == heard


@settings(max_examples=200)
@given(st.floats(-800, 0) | st.just(NEVER), st.floats(-800, 0) | st.just(NEVER))
def test_sums_in_the_log_domain(a, b):
    assert log_add(a, b) == pytest.approx(float(np.logaddexp(a, b)))


@pytest.fixture
def flashlight():
    """The reference that can be had as a package."""
    if sys.platform != "linux":
        pytest.skip("flashlight-text has wheels for Linux on x86-64 alone")
    return pytest.importorskip("flashlight.lib.text.decoder")


def sharp_steps(seed: int) -> LogProbs:
    log_probs = 3 * random_steps(seed, 30, 8)
    return log_probs - np.log(np.exp(log_probs).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(4))
def test_flashlight_text_finds_the_same_sequences(flashlight, seed):
    """And the same probability for them, but for what each prunes."""
    decoder, log_probs, silence = flashlight, sharp_steps(seed), 7
    options = decoder.LexiconFreeDecoderOptions(
        beam_size=300, beam_size_token=8, beam_threshold=1e3, lm_weight=0.0, sil_score=0.0,
        log_add=True, criterion_type=decoder.CriterionType.CTC,
    )  # fmt: skip
    search = decoder.LexiconFreeDecoder(options, decoder.ZeroLM(), silence, BLANK, [])
    theirs = search.decode(log_probs.ctypes.data, *log_probs.shape)[0]
    ours = PrefixBeam(AnyText(), PrefixBeamConfig(beam=300, least=math.inf, slack=math.inf))
    ours.push(log_probs)
    best = ours.finished()[0]
    assert collapsed(theirs.tokens[1:-1]) == best.tokens  # without the silence that it puts around them
    assert theirs.score == pytest.approx(best.acoustic, abs=0.02)


def test_flashlight_text_writes_the_same_words_by_lexicon_and_language_model(flashlight):
    """Words that begin alike, and one that another begins with; their score, weights and all, is the same.

    There a silence ends every word and may be said again after blanks, so there is time for it only once.
    """
    silence, other_words = 7, 0
    sounds = {"a": (1, 2), "ab": (1, 2, 3), "b": (4, 6), "bc": (4, 6, 5), "c": (5, 1), "d": (2, 6)}
    spellings, words = {word: (*sound, silence) for word, sound in sounds.items()}, list(sounds)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        grams = {(word,): -1 - 2 * rng.random() for word in [*words, "</s>"]}
        pairs = itertools.product(["<s>", *words], [*words, "</s>"])
        grams |= {pair: -2 * rng.random() for pair in pairs if rng.random() < 0.7}
        model = ArpaModel(2, grams, {(word,): -0.5 for word in ["<s>", *words]})
        said = [token for word in rng.choice(words, 6) for token in spellings[word]]
        path = np.array([token for pair in zip(said, [BLANK] * len(said), strict=True) for token in pair])
        logits = 1.5 * rng.normal(size=(len(path), 8)) + 2.5 * np.eye(8)[path]
        logits[:, silence] = np.where(path == silence, 6, -40)
        logits[path != BLANK, BLANK] = -40
        log_probs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)

        fusion = Fusion(weight=0.8, insertion=0.7)
        theirs = flashlight_words(flashlight, log_probs, spellings, model, fusion)
        ours, score = our_words(log_probs, spellings, model, fusion)
        assert [words[index] for index in theirs.words if index >= 0] == ours
        assert theirs.score == pytest.approx(score, abs=0.01)
        other_words += our_words(log_probs, spellings, model, Fusion(0.0, 0.7))[0] != ours
    assert other_words > 2  # so often the language model decides


def our_words(
    log_probs: LogProbs, spellings: dict[str, tuple[int, ...]], model: ArpaModel, fusion: Fusion
) -> tuple[list[str], float]:
    lexicon = Lexicon(
        {word: [spelling] for word, spelling in spellings.items()}, dict.fromkeys(spellings, -1)
    )
    scorer = LexiconWords(lexicon, model, fusion)
    beam = PrefixBeam(scorer, PrefixBeamConfig(beam=400, least=math.inf, slack=math.inf))
    beam.push(log_probs)
    best = beam.finished()[0]
    states = [link.state for link in best.links]
    words = [state.finished for state in states if state.finished]
    return [*words, scorer.last_word(states[-1])], best.score


def flashlight_words(
    flashlight: Any,
    log_probs: LogProbs,
    spellings: dict[str, tuple[int, ...]],
    model: ArpaModel,
    fusion: Fusion,
) -> Any:
    """The best result of its lexicon decoder with the same language model."""
    words = list(spellings)

    class Model(flashlight.LM):
        """What its states stand for is kept beside them, and they with it: Python would let go of them."""

        def __init__(self) -> None:
            super().__init__()
            self.histories: dict[Any, History] = {}

        def start(self, _):
            state = flashlight.LMState()
            self.histories[state] = model.start()
            return state

        def score(self, state, index):
            history, nats = model.score(self.histories[state], words[index])
            child = state.child(index)
            self.histories[child] = history
            return child, nats

        def finish(self, state):
            return state, model.end(self.histories[state])

    root = silence = 7
    trie, language_model = flashlight.Trie(8, root), Model()
    for number, spelling in enumerate(spellings.values()):
        trie.insert(list(spelling), number, 0.0)
    options = flashlight.LexiconDecoderOptions(
        beam_size=400, beam_size_token=8, beam_threshold=1e4, lm_weight=fusion.weight,
        word_score=fusion.insertion, unk_score=-math.inf, sil_score=0.0, log_add=True,
        criterion_type=flashlight.CriterionType.CTC,
    )  # fmt: skip
    search = flashlight.LexiconDecoder(options, trie, language_model, silence, BLANK, -1, [], False)
    return search.decode(log_probs.ctypes.data, *log_probs.shape)[0]
