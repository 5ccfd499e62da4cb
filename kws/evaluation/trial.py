"""A model tried on somebody's own recordings: clips that hold the word, recordings that do not.

The clips become one long stream with pauses between them, once as they are and once per noise level, and
once with some of the other recordings between them; these follow one another in a stream of their own. The
model is reset before a stream and never within.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.engine import WakeWord
from kws.errors import SourceError
from kws.evaluation.det import Det, det_curve
from kws.evaluation.matching import best_scores, false_alarm_times
from kws.evaluation.streams import TALK, WORDS, Layout
from kws.evaluation.trial_streams import AmidStream, Stream, TalkStream, WordStream
from kws.scoring import ScoreTrack, score_track
from kws.sources.file import FileSource
from kws.types import SAMPLE_RATE

CLEAN, AMID = "as recorded", "amid talk"
AUDIO = {".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav"}
"""Suffixes of the files in a folder that are taken for recordings."""

_NEAR_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Heard:
    """One stream as the model heard it."""

    track: ScoreTrack
    layout: Layout

    @cached_property
    def best(self) -> npt.NDArray[np.float32]:
        """Highest score within each word's hit window, shape (words,)."""
        return best_scores(self.track, self.layout.occurrences)


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of it."""

    words: Mapping[str, Heard]
    """By condition: CLEAN, AMID, and "10 dB" and the like."""
    paths: tuple[Path, ...]
    """The clips, in the order of the stream."""
    talk: Heard
    talk_paths: tuple[Path, ...]
    """The recordings without the word, in the order of theirs."""

    def det(self, condition: str = CLEAN) -> Det:
        """Misses in one condition against false alarms on the talk."""
        return det_curve(self.words[condition].best, self.talk.track, self.talk.layout.hours)

    def false_alarms(self, threshold: float) -> list[FalseAlarm]:
        """Where the score reached the threshold without a word, highest first."""
        times = false_alarm_times(self.talk.track, threshold)
        return sorted((self._false_alarm(time) for time in times), key=lambda alarm: -alarm.score)

    def misses(self, threshold: float, condition: str = CLEAN) -> list[tuple[Path, float]]:
        """Clips whose word stays below the threshold, with the highest score they reach, lowest first."""
        best = self.words[condition].best
        below = np.flatnonzero(best < np.float32(threshold))
        return [(self.paths[index], float(best[index])) for index in below[np.argsort(best[below])]]

    def _false_alarm(self, time: float) -> FalseAlarm:
        segments = self.talk.layout.segments
        index = int(np.searchsorted([segment.start for segment in segments], time, side="right")) - 1
        near = slice(*np.searchsorted(self.talk.track.time, [time, time + _NEAR_SECONDS]))
        score = float(self.talk.track.score[near].max(initial=0))
        return FalseAlarm(self.talk_paths[index], time - segments[index].start, score)


@dataclass(frozen=True)
class FalseAlarm:
    """Something taken for the word."""

    path: Path
    time: float
    """Seconds of that recording."""
    score: float
    """The highest within a second."""


def try_model(
    wake_word: WakeWord,
    words: Sequence[Path],
    talk: Sequence[Path],
    *,
    noises: Sequence[Path] = (),
    snr_db: Iterable[float] = (),
) -> Trial:
    """Hear all recordings; the files are those `readable` let through.

    Args:
        wake_word: the model, of one label.
        words: clips in which the word is said, once each.
        talk: recordings of any length in which it is not said.
        noises: what lies under the words in noise.
        snr_db: levels of the words over that noise.
    """
    streams = word_streams(words, talk, noises, snr_db)
    heard = {name: _hear(wake_word, stream) for name, stream in streams.items()}
    return Trial(heard, tuple(words), _hear(wake_word, TalkStream(talk)), tuple(talk))


def word_streams(
    words: Sequence[Path], talk: Sequence[Path], noises: Sequence[Path] = (), snr_db: Iterable[float] = ()
) -> dict[str, Stream]:
    """The clips as they are, with talk between them, and over noise at each level, by condition."""
    streams: dict[str, Stream] = {CLEAN: WordStream(words, WORDS), AMID: AmidStream(words, TALK, talk)}
    return streams | {f"{snr:g} dB": WordStream(words, replace(WORDS, snr_db=snr), noises) for snr in snr_db}


def recordings_in(places: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as all recordings in and below them, sorted.

    Raises:
        SourceError: a place does not exist, or a folder holds no recording.
    """
    return [path for place in places for path in _recordings_at(place)]


def readable(paths: Iterable[Path]) -> tuple[list[Path], list[SourceError]]:
    """Those whose audio can be read to its end, and why not of the others."""
    good, faults = [], []
    for path in paths:
        try:
            if not _seconds(path):
                raise SourceError(f"{path}: no audio in it; record it again")
            good.append(path)
        except SourceError as error:
            faults.append(error)
    return good, faults


def _recordings_at(place: Path) -> list[Path]:
    if not place.is_dir():
        if not place.is_file():
            raise SourceError(f"{place}: no such file or folder; give recordings or a folder of them")
        return [place]
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in AUDIO)
    if not found:
        raise SourceError(f"{place}: no recording in it; expected files like {', '.join(sorted(AUDIO))}")
    return found


def _seconds(path: Path) -> float:
    with FileSource(str(path)) as blocks:
        return sum(len(block.pcm) for block in blocks) / SAMPLE_RATE


def _hear(wake_word: WakeWord, stream: Stream) -> Heard:
    return Heard(score_track(stream.blocks(), wake_word), stream.layout)
