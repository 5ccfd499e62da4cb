"""The streaming stages behind an acoustic model, each with input that makes it speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from spoken import saying

from kws.frontends import MICRO
from kws.grammar.compile import compile_grammar
from kws.grammar.jsgf import parse_jsgf
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.free_decoder import FreeDecoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.greedy import Greedy
from kws.recognition.lexicon import Lexicon
from kws.recognition.ngram import ArpaModel
from kws.recognition.recognizer import Recognizer
from kws.recognition.spotter import Spotter, SpotterConfig
from kws.recognition.text_scorer import Fusion, LexiconWords
from kws.recognition.tokens import PHONES, LogProbs

STEP = 0.03
WORDS = ("lights", "on", "off", "stop")


def said() -> LogProbs:
    return np.concatenate([saying("lights on"), saying("stop", pause=20)])


def other() -> LogProbs:
    return saying("off stop lights lights")


class Through:
    """An acoustic stage whose rows are log-probabilities already."""

    step_seconds = STEP
    front_end = MICRO

    def push(self, rows: Any) -> LogProbs:
        return rows  # type: ignore[no-any-return]

    def flush(self) -> LogProbs:
        return said()[:0]

    def reset(self) -> None:
        pass


def grammar_decoder() -> GrammarDecoder:
    grammar = parse_jsgf("#JSGF V1.0; public <a> = (lights (on | off) | stop)+;")
    return GrammarDecoder(compile_grammar(grammar, PHONES), STEP)


def free_decoder() -> FreeDecoder:
    from kws.recognition.spelling import phrase_spellings

    spellings = {word: phrase_spellings(word, PHONES) for word in WORDS}
    model = ArpaModel(1, {(word,): -1.5 for word in WORDS}, {})
    lexicon = Lexicon(spellings, dict.fromkeys(WORDS, -1.5))
    return FreeDecoder(PHONES, LexiconWords(lexicon, model, Fusion()), STEP)


def recognizer() -> Recognizer:
    return Recognizer(Through(), grammar_decoder(), EndpointConfig(silence=0.9, silence_after_sentence=0.3))


def spotter() -> Spotter:
    from kws.recognition.spelling import phrase_spellings

    ways = {word: phrase_spellings(word, PHONES) for word in WORDS}
    return Spotter(ways, STEP, SpotterConfig(refractory=0.1))


STAGES: dict[str, Callable[[], Any]] = {
    "Greedy": Greedy,
    "GrammarDecoder": grammar_decoder,
    "FreeDecoder": free_decoder,
    "Recognizer": recognizer,
    "Spotter": spotter,
}

AT_END = {"GrammarDecoder": 1, "FreeDecoder": 1}
"""Decoders hold the transcript until they are told that the utterance is over."""
