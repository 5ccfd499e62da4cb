"""A recognizer on recordings whose words are known: error rates, latency, and what goes wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np

from kws.errors import SourceError
from kws.evaluation.intervals import Rate
from kws.evaluation.reliability import Bin, reliability
from kws.evaluation.transcripts import Blame, Mistakes, Scored, blame, mistakes
from kws.events import Event, Guess, Transcript
from kws.frontends import new_front_end
from kws.recognition.recognizer import AcousticStage, Recognizer
from kws.recognition.tokens import LogProbs
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples

QUIET_SECONDS = 2.5
"""Silence after every recording, so that an utterance ends as it does in a room."""
BLOCK_ROWS = 10
"""Heard at a time: latency is counted in tenths of a second."""


@dataclass(frozen=True)
class Spoken:
    """A recording and its words."""

    path: Path
    text: str
    """In lower case, without punctuation but apostrophes."""


@dataclass(frozen=True)
class Heard:
    """What became of one recording."""

    spoken: Spoken
    text: str
    accepted: bool | None
    """Whether any of it was in the grammar; None without one."""
    latencies: tuple[float, ...]
    """Seconds from the last word's end to its transcript."""
    log_probs: LogProbs
    guess: Guess | None = None
    """The likeliest text, accepted or not; None unless there was just one transcript."""
    transcripts: int = 1
    """How many there were, rejected ones included."""


@dataclass(frozen=True)
class SpeechTrial:
    """Everything measured."""

    heard: tuple[Heard, ...]
    mistakes: Mistakes
    character_error_rate: float
    latencies: tuple[float, ...]
    blame: Blame | None
    """None where nothing tells what a text is worth, as in a grammar with places for any words."""

    @property
    def reliability(self) -> list[Bin]:
        """Of the first guesses' confidence, accepted or not; right is one all of whose words are."""
        guessed = [(one.guess, one.spoken.text) for one in self.heard if one.guess]
        return reliability(
            [guess.confidence for guess, _ in guessed], [guess.text == said for guess, said in guessed]
        )


def read_spoken(table: Path) -> list[Spoken]:
    """A tab-separated table with the columns `path`, relative to it, and `text` (or `label`).

    Raises:
        SourceError: the file, or one of these columns, is missing.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{table}: cannot be read ({error}); give a tab-separated table") from error
    columns = reader.fieldnames or ()
    column = next((name for name in ("text", "label") if name in columns), None)
    if column is None or "path" not in columns:
        raise SourceError(
            f"{table}: expected the columns path and text (or label), found {', '.join(columns)}"
        )
    spoken = [
        Spoken(table.parent / row["path"], " ".join((row[column] or "").lower().split())) for row in rows
    ]
    found = [one for one in spoken if one.text]
    if not found:
        raise SourceError(f"{table}: no row has a text; write down what is said")
    return found


def try_recognizer(
    recognizer: Recognizer, spoken: Sequence[Spoken], score: Callable[[LogProbs, str], float] | None = None
) -> SpeechTrial:
    """Let the recognizer hear every recording by itself.

    Args:
        recognizer: as it would run.
        spoken: what to hear.
        score: of a text, as the search ranks it, for finding out whose fault mistakes are.

    Raises:
        SourceError: a recording cannot be read.
    """
    recorder = _Recorder(recognizer.acoustic)
    recognizer.acoustic = recorder
    return analysed([_hear(recognizer, recorder, one) for one in spoken], score)


def analysed(heard: Sequence[Heard], score: Callable[[LogProbs, str], float] | None = None) -> SpeechTrial:
    """What was heard against what was said; `score` as in `try_recognizer`."""
    references, texts = [one.spoken.text for one in heard], [one.text for one in heard]
    scored = [_scored(one, score) for one in heard] if score else None
    return SpeechTrial(
        heard=tuple(heard),
        mistakes=mistakes(references, texts),
        character_error_rate=float(jiwer.cer(references, texts)),
        latencies=tuple(latency for one in heard for latency in one.latencies),
        blame=blame(scored) if scored else None,
    )


def false_accepts(recognizer: Recognizer, paths: Sequence[Path]) -> Rate:
    """How often a sentence of the grammar is understood in recordings in which none is said.

    Raises:
        SourceError: a recording cannot be read.
    """
    accepted, samples_heard = 0, 0
    for path in paths:
        samples = read_samples(path)
        samples_heard += len(samples)
        recognizer.reset()
        events = recognizer.push(new_front_end(recognizer.front_end).push(samples)) + recognizer.flush()
        accepted += sum(isinstance(event, Transcript) and event.in_grammar is True for event in events)
    return Rate(accepted, samples_heard / SAMPLE_RATE / 3600)


def _hear(recognizer: Recognizer, recorder: _Recorder, spoken: Spoken) -> Heard:
    recognizer.reset()
    samples = read_samples(spoken.path)
    rows = new_front_end(recognizer.front_end).push(_with_quiet(samples))
    found: list[tuple[float, Transcript]] = []
    for first in range(0, len(rows), BLOCK_ROWS):
        events = recognizer.push(rows[first : first + BLOCK_ROWS])
        found += _transcripts(events, (first + BLOCK_ROWS) / 100)
    kept = recorder.all()
    found += _transcripts(recognizer.flush(), len(rows) / 100)
    said = [transcript for _, transcript in found]
    judged = [transcript.in_grammar for transcript in said if transcript.in_grammar is not None]
    return Heard(
        spoken,
        " ".join(transcript.text for transcript in said if transcript.text),
        any(judged) if judged else None,
        tuple(now - transcript.end for now, transcript in found if transcript.text),
        kept,
        said[0].nbest[0] if len(said) == 1 and said[0].nbest else None,
        len(said),
    )


def _transcripts(events: Sequence[Event], now: float) -> list[tuple[float, Transcript]]:
    return [(now, event) for event in events if isinstance(event, Transcript)]


def _with_quiet(samples: Samples) -> Samples:
    return np.concatenate([samples, np.zeros(round(QUIET_SECONDS * SAMPLE_RATE), np.int16)])


def _scored(heard: Heard, score: Callable[[LogProbs, str], float]) -> Scored:
    """What was rejected counts as what it was taken for."""
    rejected = not heard.text and heard.guess is not None
    unheard = not heard.text and heard.guess is None and heard.accepted is None
    reference, transcript = heard.spoken.text, heard.guess.text if rejected and heard.guess else heard.text
    cut = heard.transcripts > 1 and heard.accepted is not None
    if transcript == reference or unheard or cut:
        return Scored(reference, transcript, 0.0, 0.0, rejected, unheard, cut)
    return Scored(
        reference, transcript, score(heard.log_probs, reference), score(heard.log_probs, transcript), rejected
    )


class _Recorder:
    """An acoustic stage that keeps what it has said since the last reset."""

    def __init__(self, acoustic: AcousticStage) -> None:
        self._acoustic = acoustic
        self._kept: list[LogProbs] = []

    @property
    def front_end(self) -> str:
        return self._acoustic.front_end

    @property
    def step_seconds(self) -> float:
        return self._acoustic.step_seconds

    def push(self, rows: Rows) -> LogProbs:
        self._kept.append(self._acoustic.push(rows))
        return self._kept[-1]

    def flush(self) -> LogProbs:
        return self._acoustic.flush()

    def reset(self) -> None:
        self._acoustic.reset()
        self._kept = []

    def all(self) -> LogProbs:
        return np.concatenate(self._kept)
