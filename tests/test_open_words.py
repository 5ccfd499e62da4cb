"""Wildcards: where any words may be said, their place is found and filled, without expansion."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from spoken import phones_of, saying
from test_grammar import templates

from kws.errors import GrammarError
from kws.grammar.compile import TokenGraph, compile_grammar
from kws.grammar.expression import Grammar
from kws.grammar.open_words import OPEN_LIMIT
from kws.grammar.word_graph import OPEN
from kws.recognition.between import Between
from kws.recognition.confidence import Calibration
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.free_text import lexicon_of
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.graph_beam import GraphBeam
from kws.recognition.ngram import END, ArpaModel
from kws.recognition.open_words import OpenWords
from kws.recognition.text_scorer import Fusion, LexiconWords
from kws.recognition.tokens import PHONES

STEP = 0.04
SAID = ("oat", "milk", "bread", "to", "my", "list", "add", "butter", "better", "call", "anna", "please")
WORDS = ArpaModel(1, {**{(word,): -3.0 for word in SAID}, (END,): -3.0}, {}, unknown=-9.0)
ADD = templates("add {item} to my list", lists="{item: {wildcard: true}}")


def graph_of(grammar: Grammar) -> TokenGraph:
    return compile_grammar(grammar, PHONES)


def free(before: object, after: object) -> FreeDecoder:
    """Writes a handful of words."""
    return FreeDecoder(PHONES, LexiconWords(lexicon_of(WORDS), WORDS, Fusion(0.5, 0.0)), STEP)


def decoder(grammar: Grammar) -> GrammarDecoder:
    calibration = Calibration(threshold=0.5)
    return GrammarDecoder(graph_of(grammar), STEP, calibration=calibration, open_words=OpenWords(free, STEP))


def understood(grammar: Grammar, text: str):
    ears = decoder(grammar)
    ears.push(saying(text))
    (transcript,) = ears.flush()
    return transcript


@pytest.mark.parametrize("item", ["bread", "oat milk", "oat milk bread butter"])
def test_the_slot_holds_what_was_said_between_the_words(item: str) -> None:
    heard = understood(ADD, f"add {item} to my list")
    assert heard.in_grammar
    assert heard.slots == {"item": item}
    assert heard.text == f"add {item} to my list"
    assert [word.word for word in heard.words] == heard.text.split()


def test_words_stand_where_they_were_said() -> None:
    heard = understood(ADD, "add oat milk to my list")
    oat = len(phones_of("add")) * STEP + 5 * STEP
    assert heard.words[1].start == pytest.approx(oat, abs=0.05)
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert all(word.end > word.start for word in heard.words)


def test_a_wildcard_at_the_end_and_several() -> None:
    grammar = templates(
        "call {name}",
        "add {item} to {list}",
        lists="{name: {wildcard: true}, item: {wildcard: true}, list: {wildcard: true}}",
    )
    assert understood(grammar, "call anna").slots == {"name": "anna"}
    heard = understood(grammar, "add oat milk to my list")
    assert (heard.intent, heard.slots) == ("Test", {"item": "oat milk", "list": "my list"})


def test_nothing_said_in_it_is_not_in_the_grammar() -> None:
    assert not understood(ADD, "add to my list").in_grammar


def test_the_grammars_own_words_go_first() -> None:
    grammar = templates("call {who} please", lists="{who: {values: [{in: anna, out: '17'}]}}")
    both = templates(
        "call ({who}|{any}) please",
        lists="{who: {values: [{in: anna, out: '17'}]}, any: {wildcard: true}}",
    )
    assert understood(grammar, "call anna please").slots == {"who": "17"}
    assert understood(both, "call anna please").slots == {"who": "17"}
    assert understood(both, "call butter please").slots == {"any": "butter"}


def test_confidence_is_of_the_grammars_words_and_of_the_rest_by_its_rivals() -> None:
    clear = saying("add butter to my list")
    doubtful = clear.copy()
    heard, other = (PHONES.index[phone] for phone in ("AH", "EH"))
    for step in np.flatnonzero(clear.argmax(axis=1) == heard):  # "better" is nearly as likely
        doubtful[step, heard], doubtful[step, other] = np.log(0.48), np.log(0.44)
    found = []
    for log_probs in (clear, doubtful):
        ears = decoder(ADD)
        ears.push(log_probs)
        found += ears.flush()
    assert [one.slots for one in found] == [{"item": "butter"}] * 2
    assert found[1].confidence == pytest.approx(found[0].confidence, abs=0.02)
    assert found[0].words[1].confidence > 0.95
    assert 0.1 < found[1].words[1].confidence < 0.4  # about half of the probability, and doubted
    assert found[1].words[0].confidence == pytest.approx(found[0].words[0].confidence, abs=0.02)


def test_partials_end_before_a_wildcard_and_keep_their_promise() -> None:
    ears = decoder(ADD)
    partials = ears.push(saying("add oat milk to my list"))
    (heard,) = ears.flush()
    assert [partial.text for partial in partials][-1] == "add"
    for partial in partials:
        stable = partial.text.split()[: partial.stable]
        assert heard.text.split()[: len(stable)] == stable


def test_any_split_gives_the_same() -> None:
    log_probs, ears = saying("add oat milk to my list"), decoder(ADD)
    whole = (ears.push(log_probs), ears.flush())
    ears.reset()
    pieces = [partial for part in np.split(log_probs, [1, 9, 10, 31]) for partial in ears.push(part)]
    assert (pieces, ears.flush()) == whole


def test_a_wildcard_is_as_large_as_the_alphabet() -> None:
    without, with_one = graph_of(templates("add bread to my list")), graph_of(ADD)
    assert with_one.is_open
    assert not without.is_open
    assert with_one.nodes - without.nodes == len(PHONES) - 1 - len(phones_of("bread")) // 3


def test_nobody_to_ask_leaves_a_sign() -> None:
    beam = GraphBeam(graph_of(ADD))
    beam.push(saying("add oat milk to my list"))
    assert [path.text for path in beam.sentences()] == [f"add {OPEN} to my list"]


def test_too_many_are_refused() -> None:
    rules = "{" + ", ".join(f"r{n}: '<r{n + 1}> <r{n + 1}>'" for n in range(11)) + ", r11: '{any}'}"
    grammar = templates("a <r0>", expansion_rules=rules, lists="{any: {wildcard: true}}")
    with pytest.raises(
        GrammarError, match=rf"test.yaml: wildcards stand in 2048 places, {OPEN_LIMIT} at most"
    ):
        graph_of(grammar)


def test_words_on_both_sides_say_what_is_likely_between() -> None:
    single = {("a",): -3.0, ("b",): -4.0, ("c",): -5.0, (END,): -6.0}
    pairs = {("a", "b"): -1.0, ("b", "c"): -2.0}
    model = ArpaModel(2, {**single, **pairs}, {("a",): -0.5, ("b",): -0.5}, unknown=-9.0)
    between = Between(model, ["a"], ["c"])
    history, log_prob = between.score(between.start(), "b")
    assert log_prob == -1.0
    assert between.end(history) == -2.0
    alone = Between(model, [], [])
    assert alone.end(alone.start()) == model.end(model.start())
