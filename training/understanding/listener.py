"""A recognizer's decoders on what its network has said before: end-points and search without the audio."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from kws.events import Event, Transcript
from kws.frontends import WAVEFORM
from kws.grammar.reading import read_grammar
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.decoder import Decoder
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.letters import letters_of
from kws.recognition.priors import decoding_of
from kws.recognition.recognizer import Recognizer
from kws.recognition.rescorers import rescorer_of
from kws.recognition.rival import rival_of
from kws.recognition.text_confidence import TextJudge
from kws.recognition.tokens import PHONES, LogProbs
from kws.types import Rows
from training.understanding.dev_speech import graph_of, path_of


class Replay:
    """An acoustic stage that has heard the clip before; rows are numbers of steps, whatever they hold."""

    front_end = WAVEFORM

    def __init__(self, step_seconds: float) -> None:
        self.step_seconds = step_seconds
        self.log_probs: LogProbs = np.zeros((0, 0), np.float32)

    def push(self, rows: Rows) -> LogProbs:
        """Everything at once."""
        return self.log_probs

    def flush(self) -> LogProbs:
        """Nothing is left."""
        return self.log_probs[:0]

    def reset(self) -> None:
        """Nothing to forget."""


@dataclass
class Listener:
    """A decoder behind the end-points, fed with clips, and what its beam costs."""

    decoder: Decoder
    step_seconds: float
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    cpu: float = 0.0
    audio: float = 0.0

    def transcripts(self, log_probs: LogProbs) -> list[Transcript]:
        """All final transcripts of one clip."""
        acoustic = Replay(self.step_seconds)
        recognizer = Recognizer(acoustic, self.decoder, self.endpoint)
        acoustic.log_probs = log_probs
        began = time.process_time()
        events: list[Event] = recognizer.push(np.zeros((0, 40), np.int8)) + recognizer.flush()
        self.cpu += time.process_time() - began
        self.audio += len(log_probs) * self.step_seconds
        return [event for event in events if isinstance(event, Transcript)]

    def text(self, log_probs: LogProbs) -> str:
        """All that was said in one clip."""
        return " ".join(filter(None, (transcript.text for transcript in self.transcripts(log_probs))))


def grammar_listener(name: str, step_seconds: float, bundle: RecognizerBundle) -> Listener:
    """For a grammar among the examples, with its own threshold where it has one."""
    known = decoding_of(bundle.card, PHONES)
    rival = rival_of(bundle, PHONES) if known.calibration.rival else None
    calibration = known.calibration.with_threshold(read_grammar(path_of(name)).threshold)
    decoder = GrammarDecoder(
        graph_of(name),
        step_seconds,
        calibration=calibration,
        priors=known.priors,
        rival=rival,
        letters=letters_of(bundle),
    )
    return Listener(decoder, step_seconds)


def free_listener(bundle: RecognizerBundle, step_seconds: float, judge: TextJudge | None = None) -> Listener:
    """For anything that may be said; `judge` as in `free_decoder`."""
    rescorer = rescorer_of(bundle, [], free=True)
    return Listener(free_decoder(bundle, PHONES, step_seconds, rescorer=rescorer, judge=judge), step_seconds)
