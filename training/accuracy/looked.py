"""What both stages of a word hear in the dev recordings: every candidate with the score that it comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kws.bundle import Bundle
from kws.confirmation_table import Second
from kws.confirmed import ConfirmedWord
from kws.detector import Candidate as Proposed
from kws.detector import Detector
from kws.evaluation import Matched, match_detections
from kws.evaluation.streams import Layout, RowStream
from kws.events import Detection
from kws.fusion import Fusion
from kws.look import Look
from kws.recognition.confirmation import SecondLook, rehearing_of
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from kws.second_opinion import WEIGHT, KeptAudio, SecondOpinion
from kws.several_looks import SeveralLooks
from kws.types import Outputs
from training.accuracy.dev_streams import CLEAN, NOISY, SPEECH, dev_stream


@dataclass(frozen=True)
class Candidate:
    """What the first stage heard, and what the second made of it."""

    event: Detection
    score: float
    """That it came to, however early a word would have been told."""
    proposed: Proposed


class Scorer(ConfirmedWord):
    """A confirmed word that never agrees, so that every look is carried to its end."""

    def __init__(self, bundle: Bundle, second: Second) -> None:
        super().__init__(bundle, look_of(bundle, second), least=2.0, weight=weight_of(second))

    @property
    def look_front_end(self) -> str:
        """What its second stage hears."""
        return self._look.front_end

    def candidates(self, stream: RowStream, outputs: Outputs, threshold: float) -> list[Candidate]:
        """The score that each candidate comes to.

        Args:
            stream: in rows as the second stage hears them.
            outputs: of the first stage.
            threshold: at which that proposes.
        """
        found = []
        self._start_anew()
        for kept in self._look.kept:
            kept.extend(0, stream.rows)
        self._said.extend(outputs[:, 0])
        detector = Detector(dataclasses.replace(self.detectors[0].config, threshold=threshold))
        for proposed in detector.push(outputs[:, 0]):
            event = self.detection(proposed, 0, 0, "")
            row = self._row_at(event.end, 0)
            self._begin(event, proposed, row)
            assert self._candidate
            candidate = self._candidate
            self._look_on(row + self._wait, 0)
            found.append(Candidate(event, self._score(candidate), proposed))
        return found

    @property
    def refractory(self) -> int:
        """Steps of its own model."""
        return self.detectors[0].config.refractory


def told_once(candidates: Sequence[Candidate], least: float, refractory: int) -> list[Detection]:
    """Those that reach it, one of each utterance: as ConfirmedWord tells them, to within a look's waiting."""
    found, ready_at = [], 0
    for candidate in candidates:
        if candidate.score >= least and candidate.proposed.risen >= ready_at:
            found.append(candidate.event)
            ready_at = candidate.proposed.step + refractory
    return found


@dataclass(frozen=True)
class Looked:
    """All candidates at one threshold of the first stage."""

    threshold: float
    candidates: dict[str, list[Candidate]]
    """By stream."""
    layouts: dict[str, Layout]
    refractory: int
    """Steps of the first stage's model."""

    def matched(self, name: str, least: float) -> Matched:
        """What the second stage lets through of one stream, against what is said there."""
        events = told_once(self.candidates[name], least, self.refractory)
        return match_detections(events, self.layouts[name].occurrences)


def looked(bundle: Bundle, second: Second, cache: Path, thresholds: Sequence[float]) -> list[Looked]:
    """What both stages hear of the dev recordings, for each of these thresholds of the first."""
    word = bundle.wake_word.lower()
    scorer = Scorer(bundle, second)
    streams, outputs = {}, {}
    for name in (CLEAN, NOISY, SPEECH):
        heard = dev_stream(word, name, cache=cache, front_end=bundle.front_end)
        outputs[name] = bundle.open_model().push(heard.rows)
        streams[name] = dev_stream(word, name, cache=cache, front_end=scorer.look_front_end)
    layouts = {name: stream.layout for name, stream in streams.items()}
    found = []
    for first in thresholds:
        candidates = {
            name: scorer.candidates(stream, outputs[name], first) for name, stream in streams.items()
        }
        found.append(Looked(first, candidates, layouts, scorer.refractory))
    return found


def weight_of(second: Second) -> float | None:
    """Of its score beside the wake word's own; None where it decides alone."""
    if isinstance(second, Fusion):
        return sum(second.weights)
    return WEIGHT if isinstance(second, Bundle) else None


def look_of(bundle: Bundle, second: Second) -> Look:
    """How this second stage looks for the word of that bundle."""
    if isinstance(second, Fusion):
        looks = [look_of(bundle, member) for member in second.members]
        return SeveralLooks(list(zip(looks, second.weights, strict=True)))
    if isinstance(second, Bundle):
        return SecondOpinion(second, KeptAudio())
    return SecondLook(rehearing_of(second), phrase_spellings(bundle.wake_word, PHONES))
