"""Front-end rows -> transcripts, utterance by utterance: an acoustic stage, a decoder, and where to end."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from kws.events import Detection, Event, HeardWord, NoSpeech, Partial, Transcript
from kws.recognition.decoder import Decoder
from kws.recognition.endpoint import End, Endpoint, EndpointConfig
from kws.recognition.priors import Priors
from kws.recognition.spotter import Spotter
from kws.recognition.tokens import LogProbs
from kws.types import Rows

QUIET_SECONDS = 10.0
"""Without speech for so long, the decoder starts anew, so that what it keeps does not grow."""


class AcousticStage(Protocol):
    """A streaming Stage: rows (t, channels) -> log-probabilities (steps, tokens) of one token set, which the
    decoder searches, or of that and another side by side."""

    @property
    def front_end(self) -> str:
        """What the rows are, see kws.frontends."""

    @property
    def step_seconds(self) -> float:
        """From one step to the next."""

    def push(self, rows: Rows, /) -> LogProbs:
        """Steps that these rows complete."""

    def flush(self) -> LogProbs:
        """The audio has ended: steps that a look-ahead held back."""

    def reset(self) -> None:
        """As new."""


class ScaledStage:
    """An AcousticStage whose log-probabilities are divided by how frequent the tokens are anyway."""

    def __init__(self, acoustic: AcousticStage, priors: Priors) -> None:
        self._acoustic, self._priors = acoustic, priors
        self.front_end, self.step_seconds = acoustic.front_end, acoustic.step_seconds

    def push(self, rows: Rows) -> LogProbs:
        """Steps that these rows complete."""
        return self._priors.scaled(self._acoustic.push(rows))

    def flush(self) -> LogProbs:
        """The audio has ended: steps that a look-ahead held back."""
        return self._priors.scaled(self._acoustic.flush())

    def reset(self) -> None:
        """As new."""
        self._acoustic.reset()


class PhraseSpotting:
    """A streaming Stage: rows -> the Detections of a spotter behind an acoustic stage."""

    def __init__(self, acoustic: AcousticStage, spotter: Spotter) -> None:
        self.acoustic, self.spotter = acoustic, spotter
        self.front_end = acoustic.front_end

    def push(self, rows: Rows) -> list[Event]:
        """Times count from the first row since the last reset."""
        return list(self.spotter.push(self.acoustic.push(rows)))

    def flush(self) -> list[Event]:
        """The audio has ended."""
        found = self.spotter.push(self.acoustic.flush()) + self.spotter.flush()
        self.reset()
        return list(found)

    def reset(self) -> None:
        """As new."""
        self.acoustic.reset()
        self.spotter.reset()


class Recognizer:
    """A streaming Stage: rows -> Partial, Transcript, and NoSpeech once its patience is used up."""

    def __init__(
        self, acoustic: AcousticStage, decoder: Decoder, endpoint: EndpointConfig | None = None
    ) -> None:
        self.acoustic, self.decoder = acoustic, decoder
        self.front_end = acoustic.front_end
        self.config = endpoint or EndpointConfig()
        self.step_seconds = acoustic.step_seconds
        self._endpoint = Endpoint(self.config, self.step_seconds)
        self._quiet_steps = round(QUIET_SECONDS / self.step_seconds)
        self.ends: list[float] = []
        """When the utterances that the last `push` has answered were over, pause included."""
        self.reset()

    def push(self, rows: Rows) -> list[Event]:
        """Events by these rows; times count from the first row since the last reset."""
        self.ends = []
        return self._decode(self.acoustic.push(rows))

    def flush(self) -> list[Event]:
        """The audio has ended, and with it what was being said."""
        events = self._decode(self.acoustic.flush())
        found = self._finished() if self._endpoint.heard else []
        if not found and self.config.patience is not None and self._waited + self._endpoint.step:
            found.append(self._silent())
        self.reset()
        return events + found

    def reset(self) -> None:
        """As new."""
        self.acoustic.reset()
        self._lead = 0  # steps that may hold what is left of a wake word
        self._start_utterance(0)

    def pass_over(self, seconds: float) -> None:
        """Of what follows the reset just made, the first seconds may hold the rest of a wake word.

        If nothing is said after them, they count as speech only with a sentence of the grammar in them.
        """
        self._lead = round(seconds / self.step_seconds)

    def _start_utterance(self, step: int, *, waited: int = 0) -> None:
        self._step = step  # of its first step, counted from the last reset
        self._waited = waited  # steps before it in which nobody has spoken
        self._endpoint.reset(waited)
        self.decoder.reset()

    def _decode(self, log_probs: LogProbs) -> list[Event]:
        events: list[Event] = []
        for step in range(len(log_probs)):
            events += map(self._placed, self.decoder.push(log_probs[step : step + 1]))
            end = self._endpoint.push(log_probs[step], self.decoder.at_end)
            if end is End.SPOKEN:
                events += self._finished()
            elif end is End.SILENT:
                events.append(self._silent())
                self._next_utterance()
            elif not self._endpoint.heard and self._endpoint.step >= self._quiet_steps:
                self._keep_waiting()
        return events

    def _finished(self) -> list[Event]:
        transcripts = self.decoder.flush()
        if self._endpoint.spoken_until <= self._lead and not any(told.in_grammar for told in transcripts):
            self._start_utterance(self._step + self._endpoint.step, waited=self._waited + self._endpoint.step)
            return []
        found = [self._placed(transcript) for transcript in transcripts]
        self._next_utterance(told=bool(found))
        return found

    def _silent(self) -> NoSpeech:
        return NoSpeech(self._seconds(-self._waited), self._seconds(self._endpoint.step))

    def _keep_waiting(self) -> None:
        if self.config.patience is None:
            self._next_utterance(told=False)

    def _next_utterance(self, *, told: bool = True) -> None:
        step = self._step + self._endpoint.step
        if told:
            self.ends.append(step * self.step_seconds)
        self._start_utterance(step)

    def _seconds(self, step: int) -> float:
        return (self._step + step) * self.step_seconds

    def _placed(self, event: Partial | Transcript) -> Event:
        """From times within the utterance to times since the last reset."""
        if isinstance(event, Transcript) and not event.nbest:  # there was speech, and no path at all
            event = dataclasses.replace(event, end=self._endpoint.step * self.step_seconds)
        return later(event, self._step * self.step_seconds)


def later(event: Event, seconds: float, source: str = "") -> Event:
    """The event with its times moved on, and its source named."""
    if isinstance(event, (Partial, Transcript)):
        words = tuple(
            HeardWord(word.word, word.start + seconds, word.end + seconds, word.confidence)
            for word in event.words
        )
        event = dataclasses.replace(event, words=words)
    if isinstance(event, (Detection, Partial, Transcript, NoSpeech)):
        return dataclasses.replace(
            event, start=event.start + seconds, end=event.end + seconds, source=source or event.source
        )
    raise TypeError(f"a {type(event).__name__} is not heard in speech")
