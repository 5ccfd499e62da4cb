"""From the names a user gives, model, grammar and phrases, to recognizers and spotters."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from kws.delegates import Delegate
from kws.errors import GrammarError, KwsError
from kws.grammar.compile import compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.alarm_rate import alarm_rate_of
from kws.recognition.bundle import TOKEN_SETS, RecognizerBundle, find_recognizer
from kws.recognition.decoder import Decoder
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.graph_beam import BeamConfig
from kws.recognition.letters import beside, letters_of
from kws.recognition.open_words import open_words_of
from kws.recognition.priors import decoding_of
from kws.recognition.recognizer import PhraseSpotting, Recognizer, ScaledStage
from kws.recognition.rescorers import rescorer_of
from kws.recognition.rival import rival_of
from kws.recognition.spelling import endings, phrase_spellings
from kws.recognition.spotter import Spotter, SpotterConfig
from kws.recognition.tokens import Kind, LogProbs, Tokens

COMMAND = EndpointConfig(patience=5.0, longest=15.0)
"""After a wake word: give up after 5 s of silence."""
BOOST = 1.5
"""Nats per token of a phrase that is boosted without a number of its own."""


def build_recognizer(
    model: str | Path,
    *,
    grammar: str | Path | None = None,
    wake_words: Sequence[str] = (),
    boost: Mapping[str, float] | None = None,
    threshold: float | None = None,
    endpoint: EndpointConfig | None = None,
    delegate: Delegate | None = None,
    rescore: Sequence[str] = (),
    language_model: str | Path | None = None,
) -> Recognizer:
    """A recognizer of a bundled name or a path.

    Args:
        model: of the acoustic model.
        grammar: a file of sentences to listen for; None: anything may be said.
        wake_words: as spoken; the end of one may be heard before the first word and is passed over.
        boost: phrases that are likelier than usual, with nats per token; only without a grammar.
        threshold: confidence from which a sentence of the grammar counts as said; None: what the grammar
            says, or else the recognizer's card.
        endpoint: where an utterance ends.
        delegate: what computes the acoustic model, see kws.delegates.
        rescore: names of the rescorers that have a say in the end; none: see kws.recognition.rescorers.
        language_model: an ARPA file for free text; None: see kws.recognition.free_text.

    Raises:
        BundleError, GrammarError: naming the file and the remedy.
    """
    if grammar is not None and language_model is not None:
        raise KwsError(f"{language_model}: does not go with a grammar; leave the language model out")
    bundle = find_recognizer(model)
    kind = _kind(bundle, by_words=grammar is not None)
    letters = beside(bundle, kind) if grammar is not None else None
    acoustic = AcousticModel(bundle, kind, beside=letters, delegate=delegate)
    tokens, step = acoustic.tokens, acoustic.step_seconds
    lead_in = [spelling for word in wake_words for spelling in endings(word, tokens)]
    rescorer = rescorer_of(bundle, rescore, free=grammar is None)
    decoder: Decoder
    if grammar is not None:
        sentences = read_grammar(grammar)
        graph = compile_grammar(sentences, tokens, lead_in=lead_in)
        known = decoding_of(bundle.card, tokens)
        calibration = known.calibration.with_threshold(sentences.threshold).with_threshold(threshold)
        rival = rival_of(bundle, tokens, lead_in) if calibration.rival else None
        decoder = GrammarDecoder(
            graph,
            step,
            calibration=calibration,
            priors=known.priors,
            rescorer=rescorer,
            rival=rival,
            letters=letters_of(bundle, kind),
            open_words=open_words_of(bundle, tokens, step) if graph.is_open else None,
        )
    else:
        decoder = free_decoder(bundle, tokens, step, lead_in, boost or {}, rescorer, language_model)
    return Recognizer(acoustic, decoder, endpoint)


def grammar_score(model: str | Path, grammar: str | Path) -> Callable[[LogProbs, str], float] | None:
    """How a grammar's search ranks a sentence in the end, were nothing dropped on the way.

    In nats; minus infinity for what is not in the grammar. None of a grammar with places for any words.

    Raises:
        BundleError, GrammarError: naming the file and the remedy.
    """
    bundle, sentences = find_recognizer(model), read_grammar(grammar)
    kind = _kind(bundle, by_words=True)
    tokens = TOKEN_SETS[kind]
    if compile_grammar(sentences, tokens).is_open:
        return None
    priors, step = decoding_of(bundle.card, tokens).priors, AcousticModel(bundle, kind).step_seconds

    def score(log_probs: LogProbs, text: str) -> float:
        try:
            graph = compile_grammar(sentences, tokens, only=text)
        except GrammarError:
            return float("-inf")
        beam = BeamConfig(width=math.inf, nodes=graph.nodes, silent=math.inf)
        decoder = GrammarDecoder(graph, step, priors=priors, letters=letters_of(bundle, kind), beam=beam)
        decoder.push(log_probs)
        return max((nats for nats, *_ in decoder.weighed()), default=float("-inf"))

    return score


def build_spotter(
    model: str | Path,
    phrases: Sequence[str],
    *,
    threshold: float | None = None,
    delegate: Delegate | None = None,
    false_alarms_per_hour: float | None = None,
) -> PhraseSpotting:
    """Phrases found by their spelling alone.

    Args:
        model: of the acoustic model.
        phrases: what to look for.
        threshold: score from which a phrase counts as found.
        delegate: computes what it takes of the model.
        false_alarms_per_hour: gives each phrase the threshold that keeps to it on ordinary speech.

    Raises:
        BundleError, GrammarError: the model is unfit, or a phrase cannot be said.
        KwsError: the recognizer's false alarms were never measured.
    """
    bundle = find_recognizer(model)
    acoustic, tokens = spotting_stage(bundle, delegate), spotting_tokens(bundle)
    config = SpotterConfig() if threshold is None else SpotterConfig(threshold)
    ways = {phrase: phrase_spellings(phrase, tokens) for phrase in phrases}
    thresholds = {}
    if false_alarms_per_hour is not None:
        rate = alarm_rate_of(bundle)
        thresholds = {phrase: rate.threshold(way, false_alarms_per_hour) for phrase, way in ways.items()}
    return PhraseSpotting(acoustic, Spotter(ways, acoustic.step_seconds, config, thresholds))


def spotting_stage(bundle: RecognizerBundle, delegate: Delegate | None = None) -> ScaledStage:
    """What a spotter needs before it; raises BundleError where the model is unfit."""
    acoustic = AcousticModel(bundle, _kind(bundle, by_words=True), delegate=delegate)
    return ScaledStage(acoustic, decoding_of(bundle.card, acoustic.tokens).priors)


def spotting_tokens(bundle: RecognizerBundle) -> Tokens:
    """In which its phrases are spelled."""
    return TOKEN_SETS[_kind(bundle, by_words=True)]


def parse_boost(entries: Iterable[str]) -> dict[str, float]:
    """ "living room" or "living room=2.5", the number being nats per token."""
    found = {}
    for entry in entries:
        phrase, has_number, number = entry.partition("=")
        if has_number and not re.fullmatch(r"\s*\d+(\.\d+)?\s*", number):
            raise KwsError(f"--boost {entry!r}: expected a number of 0 or more after '='")
        found[phrase.strip()] = float(number) if has_number else BOOST
    return found


def _kind(bundle: RecognizerBundle, *, by_words: bool) -> Kind:
    """Phones where the model has them; free text is then written by a lexicon, which must be installed."""
    has_dictionary = by_words or find_spec("pocketsphinx") is not None
    return "phones" if "phones" in bundle.tokens and has_dictionary else "characters"
