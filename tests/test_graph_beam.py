"""The beam over a grammar against the slow and obvious way: score every sentence by itself, take the best."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import random_steps

from kws.grammar.compile import compile_words
from kws.grammar.expression import AnyOrder, Choice, Expression, Repeat, Sequence, Slot, Word
from kws.grammar.word_graph import WordGraph
from kws.recognition.graph_beam import BeamConfig, GraphBeam, Path
from kws.recognition.tokens import BLANK, LogProbs, Tokens
from kws.recognition.word_history import SURE

TOKENS = Tokens("characters", ("", "a", "b", "c"))
EXACT = BeamConfig(width=np.inf, nodes=10**6, silent=np.inf)


def said(path: Path) -> tuple[str, ...]:
    return tuple(word.text for word in path.words if not word.is_filler)


def graph_of(expression: Expression) -> GraphBeam:
    graph = WordGraph("test")
    graph.add(expression, graph.start, graph.end)
    spelled = [replace(arc, spelling=TOKENS.encode(arc.word)) for arc in graph.words]
    graph.words = spelled
    return GraphBeam(compile_words(graph, TOKENS), EXACT)


def narrow(expression: Expression) -> GraphBeam:
    """With a beam that drops what is far behind."""
    return GraphBeam(graph_of(expression).graph, BeamConfig(width=6))


def sentences(item: Expression, limit: int) -> Iterator[tuple[str, ...]]:
    """Every sentence of up to `limit` words: the definition of what an expression says."""
    if isinstance(item, Word):
        yield (item.text,)
    elif isinstance(item, Sequence):
        parts = [list(sentences(part, limit)) for part in item.items]
        yield from (sum(chosen, ()) for chosen in itertools.product(*parts))
    elif isinstance(item, Choice):
        for part in item.items:
            yield from sentences(part, limit)
    elif isinstance(item, Repeat):
        once = list(sentences(item.item, limit))
        for times in range(item.at_least, limit + 1):
            yield from (sum(chosen, ()) for chosen in itertools.product(once, repeat=times))
    elif isinstance(item, AnyOrder):
        for order in itertools.permutations(item.items):
            yield from sentences(Sequence(order), limit)
    elif isinstance(item, Slot):
        yield from sentences(item.item, limit)


def alignment_score(spelled: str, log_probs: LogProbs) -> float:
    """Best alignment of exactly these tokens, by trying every sequence of token and blank."""
    relative = log_probs.astype(np.float64) - log_probs.max(axis=1, keepdims=True)
    best = -np.inf
    wanted = list(TOKENS.encode(spelled))
    for path in itertools.product(range(len(TOKENS)), repeat=len(log_probs)):
        if [token for token, _ in itertools.groupby(path) if token != BLANK] == wanted:
            best = max(best, float(relative[np.arange(len(path)), list(path)].sum()))
    return best


words = st.sampled_from(["a", "b", "c", "ab", "aa", "bca"]).map(Word)
expressions: st.SearchStrategy[Expression] = st.recursive(
    words,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: Sequence(tuple(items)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: Choice(tuple(items)))
        | st.builds(Repeat, inner, st.integers(0, 1))
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: AnyOrder(tuple(items)))
        | st.builds(Slot, st.just("s"), inner, st.sampled_from([None, "v"]))
    ),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(expressions, st.integers(1, 5), st.integers(0, 99))
def test_the_best_sentence_is_that_of_exhaustive_search(item, steps, seed):
    log_probs = random_steps(seed, steps, len(TOKENS))
    spelled = {"".join(said) for said in sentences(item, steps) if 0 < len("".join(said)) <= steps}
    scores = {text: alignment_score(text, log_probs) for text in spelled}
    best = max(scores.values(), default=-np.inf)
    beam = graph_of(item)
    beam.push(log_probs)
    found = [path for path in beam.sentences() if path.words]
    assert (found[0].score if found else -np.inf) == pytest.approx(best)
    if found:
        assert scores["".join(word.text for word in found[0].words)] == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(expressions, st.integers(0, 99), st.lists(st.integers(0, 12), max_size=4))
def test_the_split_of_the_input_is_no_matter(item, seed, cuts):
    log_probs = random_steps(seed, 12, len(TOKENS))
    whole, pieces = graph_of(item), graph_of(item)
    whole.push(log_probs)
    for piece in np.split(log_probs, sorted(cuts)):
        pieces.push(piece)
    assert pieces.sentences() == whole.sentences()
    assert pieces.best() == whole.best()
    whole.reset()
    whole.push(log_probs)
    assert whole.sentences() == pieces.sentences()


@settings(max_examples=40, deadline=None)
@given(expressions, st.integers(0, 99))
def test_settled_words_begin_every_later_answer(item, seed):
    beam = GraphBeam(graph_of(item).graph, BeamConfig(width=6, nodes=5))
    certain: tuple[str, ...] = ()
    for row in random_steps(seed, 20, len(TOKENS)):
        beam.push(row[None])
        settled = beam.settled()
        assert settled[: len(certain)] == certain
        certain = settled
        assert said(beam.best())[: len(certain)] == certain
    near = [path for path in beam.sentences() if path.score > beam.sentences()[0].score - SURE]
    assert all(said(path)[: len(certain)] == certain for path in near)


@settings(max_examples=40, deadline=None)
@given(expressions, st.integers(0, 99))
def test_the_words_of_a_path_and_the_silence_before_them_cost_what_the_path_costs(item, seed):
    beam = graph_of(item)
    beam.push(random_steps(seed, 10, len(TOKENS)))
    for path in beam.sentences():
        if path.words:
            silence = path.score - sum(word.score for word in path.words)
            assert silence <= 1e-9
            if path.words[0].start == 0:
                assert silence == pytest.approx(0)
            times = [step for word in path.words for step in (word.start, word.end)]
            assert times == sorted(times)
            assert all(word.end > word.start for word in path.words)


def test_a_narrow_beam_keeps_few_nodes_and_still_finds_what_is_clear():
    item = Repeat(Choice(tuple(Word(text) for text in ("a", "b", "ab", "ca", "cab"))), at_least=1)
    beam = GraphBeam(graph_of(item).graph, BeamConfig(width=3, nodes=4))
    sure = np.full((6, 4), np.log(0.01), np.float32)
    sure[np.arange(6), (*TOKENS.encode("cab"), 0, 1, 0)] = np.log(0.97)
    beam.push(sure)
    assert beam.best().text.replace(" ", "") == "caba"
    assert len(beam._now.node) <= 4


def test_where_all_but_the_blank_is_far_behind_nothing_begins():
    item = Repeat(Choice((Word("a"), Word("b"))))
    sure = np.full((6, 4), -7.0, np.float32)
    sure[np.arange(6), (*TOKENS.encode("a"), 0, 0, 0, 0, 0)] = 0.0
    sure[3, TOKENS.encode("b")] = -5.0
    texts = {}
    for silent in (5.5, np.inf):
        beam = GraphBeam(graph_of(item).graph, BeamConfig(silent=silent))
        beam.push(sure)
        assert beam.best().text == "a"
        assert beam.best().score == 0
        texts[silent] = {path.text: path.score for path in beam.sentences()}
    assert texts[5.5]["a b"] == -5.0
    assert "a b a" not in texts[5.5]  # for which a third step would be needed at which a token begins
    assert texts[np.inf]["a b a"] == -12.0


def test_equal_tokens_need_a_blank_between_them_across_words_too():
    beam = graph_of(Sequence((Word("a"), Word("a"))))
    beam.push(np.log(np.array([[0.1, 0.7, 0.1, 0.1]] * 2, np.float32)))
    assert beam.sentences() == []
    beam.push(np.log(np.array([[0.1, 0.7, 0.1, 0.1]], np.float32)))
    assert [path.text for path in beam.sentences()] == ["a a"]
    assert beam.sentences()[0].score == pytest.approx(np.log(0.1 / 0.7))


def test_weights_decide_between_what_sounds_alike():
    item = Choice((Slot("x", Word("a"), "1"), Slot("x", Word("a"), "2")), weights=(0.25, 0.75))
    beam = graph_of(item)
    beam.push(np.log(np.array([[0.1, 0.7, 0.1, 0.1]], np.float32)))
    first, second = beam.sentences()
    assert [path.words[-1].marks_after[0].value for path in (first, second)] == ["2", "1"]
    assert first.score - second.score == pytest.approx(np.log(3))


def test_nothing_is_heard_before_the_first_step():
    beam = graph_of(Word("a"))
    assert beam.best().words == beam.settled() == ()
    assert beam.sentences() == []
    assert not beam.at_end()


def test_what_is_certain_after_very_many_words_is_no_deep_recursion():
    """First asked for at the end."""
    beam = narrow(Repeat(Choice((Word("a"), Word("b")))))
    rng = np.random.default_rng(1)
    spoken = rng.integers(1, 3, 1500)
    steps = np.full((2 * len(spoken), len(TOKENS)), np.log(0.001), np.float32)
    steps[np.arange(0, len(steps), 2), spoken] = np.log(0.997)
    steps[1::2, BLANK] = np.log(0.997)
    beam.push(steps)
    assert len(beam.best().words) == len(spoken)
    assert len(beam.settled()) > len(spoken) // 2
    assert beam.settled() == said(beam.best())[: len(beam.settled())]


def test_sentences_are_found_however_many_ways_there_are_to_mean_the_same():
    """Each "a" may be said in six ways with one meaning; "b" is nearly as likely as each."""
    a = Choice(tuple(Word("a") for _ in range(6)))
    beam = graph_of(Sequence((Choice((a, Word("b"))),) * 4))
    steps = np.full((8, len(TOKENS)), -9.0, np.float32)
    steps[0::2, TOKENS.encode("a")], steps[0::2, TOKENS.encode("b")] = -0.6, -0.9
    steps[1::2, BLANK] = -0.01
    beam.push(steps)
    texts = [path.text for path in beam.sentences(16)]
    assert len(texts) == len(set(texts)) == 16
    assert texts[0] == "a a a a"
    assert texts[-1] == "b b b b"


def test_a_word_that_ends_as_the_next_begins_is_kept_beside_the_best():
    """Of both first words the hypothesis that has not paused is better, and cannot go on."""
    beam = graph_of(Sequence((Choice((Word("ab"), Word("cb"))), Word("bc"))))
    sounds = [{"a": 0.6, "c": 0.4}, {"b": 1.0}, {"b": 0.55, None: 0.45}, {"b": 1.0}, {"c": 1.0}]
    steps = np.full((len(sounds), len(TOKENS)), np.log(1e-6), np.float32)
    for step, shares in zip(steps, sounds, strict=True):
        for symbol, share in shares.items():
            step[TOKENS.encode(symbol) if symbol else BLANK] = np.log(share)
    beam.push(steps)
    assert [path.text for path in beam.sentences(2)] == ["ab bc", "cb bc"]
    first, second = beam.sentences(2)
    assert first.score - second.score == pytest.approx(np.log(0.6 / 0.4))


def test_a_sentence_without_alternatives_settles_though_its_words_run_into_each_other():
    beam = narrow(Sequence((Word("ab"), Word("bc"), Word("ab"), Word("c"))))
    symbols, weak = "abbcabc", np.array([0.45, 0.55])
    settled = []
    for place, symbol in enumerate(symbols):
        steps = np.full((2, len(TOKENS)), np.log(1e-6), np.float32)
        steps[0, TOKENS.encode(symbol)] = 0
        steps[1, [BLANK, *TOKENS.encode(symbol)]] = np.log(weak if place == 1 else (1.0, 1e-6))
        beam.push(steps)
        settled.append(len(beam.settled()))
    assert settled == sorted(settled)
    assert settled[-1] >= 3


def test_what_differs_in_meaning_alone_is_no_doubt_about_the_words():
    """Which of two slots is filled is known in the end; that "a" was said is certain before."""
    item = Sequence((Choice((Slot("x", Word("a"), "1"), Slot("y", Word("a"), "2"))), Word("b"), Word("c")))
    beam = narrow(item)
    steps = np.full((6, len(TOKENS)), -9.0, np.float32)
    steps[np.arange(6), [TOKENS.encode("a")[0], 0, TOKENS.encode("b")[0], 0, TOKENS.encode("c")[0], 0]] = 0
    beam.push(steps)
    assert beam.settled()[:1] == ("a",)
    assert len(beam.sentences()) == 2
