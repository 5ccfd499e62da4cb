"""A second opinion on the n-best: it is asked once, about all that was heard, and its nats decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from speech_stages import free_decoder
from spoken import saying

from kws.grammar.compile import compile_grammar
from kws.grammar.jsgf import parse_jsgf
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.rescoring import Heard, Several
from kws.recognition.tokens import PHONES, LogProbs

GRAMMAR = parse_jsgf("#JSGF V1.0; public <light> = lights (on | off {state=off});")


class Prefers:
    """A rescorer that gives one text some nats, and remembers what it was asked."""

    def __init__(self, text: str, nats: float = 100.0) -> None:
        self.text, self.nats = text, nats
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        self.asked.append((len(heard), tuple(texts)))
        return [self.nats * (text == self.text) for text in texts]


def by_grammar(rescorer: Prefers | None) -> GrammarDecoder:
    return GrammarDecoder(compile_grammar(GRAMMAR, PHONES), 0.03, rescorer=rescorer)


def freely(rescorer: Prefers | None) -> FreeDecoder:
    made = free_decoder()
    made._heard.rescorer = rescorer
    return made


def test_a_grammars_best_sentence_is_the_one_of_both_scores() -> None:
    audio = saying("lights on", sure=0.4)
    for nats, text in ((0.0, "lights on"), (100.0, "lights off")):
        decoder = by_grammar(Prefers("lights off", nats))
        decoder.push(audio)
        (transcript,) = decoder.flush()
        best = transcript.nbest[0].text
        assert (best, len(transcript.nbest)) == (text, 2)
    decoder = by_grammar(None)
    decoder.push(audio)
    assert decoder.flush()[0].text == "lights on"


def test_free_text_is_ranked_by_both_scores() -> None:
    audio = saying("lights on", sure=0.6)
    plain = freely(None)
    plain.push(audio)
    (first,) = plain.flush()
    other = first.nbest[1].text
    decoder = freely(Prefers(other))
    decoder.push(audio)
    (second,) = decoder.flush()
    assert (first.text, second.text) == ("lights on", other)
    assert {guess.text for guess in first.nbest} == {guess.text for guess in second.nbest}
    assert second.nbest[0].confidence > 0.99  # a share of the probability, which its nats decide


@pytest.mark.parametrize("made", [by_grammar, freely])
def test_it_is_asked_once_about_the_whole_utterance_whatever_the_split(made) -> None:
    audio = saying("lights on", sure=0.4)
    rescorer = Prefers("")
    decoder = made(rescorer)
    for _ in range(2):
        for piece in np.split(audio, [3, 4, 17]):
            decoder.push(piece)
        decoder.flush()
    steps, texts = zip(*rescorer.asked, strict=True)
    assert steps == (len(audio), len(audio))
    assert texts[0] == texts[1]
    decoder.push(audio)
    decoder.reset()
    decoder.flush()
    assert len(rescorer.asked) == 2  # nothing was heard since


def test_a_text_that_was_found_twice_is_judged_once_for_both() -> None:
    judge = Prefers("on", 2.0)
    heard = Heard(judge)
    heard.push(saying("on"))
    assert heard.added(["on", "off", "on"]) == [2.0, 0.0, 2.0]
    assert judge.asked == [(len(saying("on")), ("on", "off"))]


def test_where_there_is_one_text_alone_nobody_is_asked() -> None:
    judge = Prefers("on", 2.0)
    heard = Heard(judge)
    heard.push(saying("on"))
    assert heard.added(["on", "on"]) == [0.0, 0.0]
    assert judge.asked == []


def test_several_opinions_add_up() -> None:
    heard = saying("lights on")
    both = Several([Prefers("a", 1.0), Prefers("b", 2.0), Prefers("a", 0.5)])
    assert both.scores(heard, ["a", "b", "c"]) == [1.5, 2.0, 0.0]
    assert Several([]).scores(heard, ["a", "b"]) == [0.0, 0.0]
