"""Test streams: recordings joined with gaps, on quiet or in noise, with the place of every word in them.

The same clips and seed give the same samples. Streams come in parts of one clip each, so hours of them
need the memory of one recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kws.evaluation.activity import speech_span
from kws.evaluation.levels import Audio, to_float, to_int16, to_level
from kws.evaluation.matching import Occurrence
from kws.frontends import MICRO, new_front_end
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples

_EXCERPT_SECONDS = 20
_SILENT_DBFS = -60.0


@dataclass(frozen=True)
class StreamRecipe:
    """How clips become a stream. Levels are dB re full scale."""

    gap: tuple[float, float] = (1.2, 2.0)
    """Seconds from the end of one clip to the start of the next, uniform."""
    snr_db: float | None = None
    """Speech level over the bed of noise; None: clips as they were recorded and no bed."""
    speech_level: float = -26.0
    """Active level of every clip where there is a bed; the bed lies `snr_db` below."""
    floor_level: float = -70.0
    """White noise under everything, since no microphone delivers digital silence."""
    lead_in: float = 1.0
    """Seconds before the first clip, in which a front end adapts."""
    rooms: int = 0
    """Which set of rooms; each clip is heard in one of them. 0: as recorded."""
    seed: int = 1


WORDS = StreamRecipe()
"""Words with time between them."""
TALK = StreamRecipe(gap=(0.3, 0.8))
"""Speech that hardly pauses."""


@dataclass(frozen=True)
class Recording:
    """One clip to be joined."""

    path: Path
    corpus: str = ""
    kind: str = ""
    holds_word: bool = False
    """Whether the word is said in it, once."""
    span: tuple[int, int] | None = None
    """First and last sample (exclusive) of the word, at 16 kHz, where known; else the energy says."""


@dataclass(frozen=True)
class Segment:
    """One clip in a stream; times in seconds."""

    start: float
    end: float
    corpus: str
    kind: str
    path: str
    """File name, to find the recording again."""
    word: Occurrence | None = None
    """Where the word is, if this clip holds it."""


@dataclass(frozen=True, eq=False)
class Part:
    """The next samples of a stream: a clip and the gap after it, or the lead-in."""

    samples: Samples
    segment: Segment | None = None


@dataclass(frozen=True)
class Layout:
    """What is where in a stream."""

    segments: tuple[Segment, ...]

    @property
    def occurrences(self) -> list[Occurrence]:
        """The words, in order."""
        return [segment.word for segment in self.segments if segment.word]

    @property
    def hours(self) -> float:
        """Of recordings, without the gaps between them."""
        return sum(segment.end - segment.start for segment in self.segments) / 3600

    def segment_at(self, time: float) -> Segment:
        """The clip that was heard last at this time."""
        starts = [segment.start for segment in self.segments]
        return self.segments[max(0, int(np.searchsorted(starts, time, side="right")) - 1)]


@dataclass(frozen=True, eq=False)
class Stream:
    """A whole stream as audio."""

    samples: Samples
    layout: Layout


@dataclass(frozen=True, eq=False)
class RowStream:
    """A whole stream as a front end hears it."""

    rows: Rows
    """int8, shape (t, channels)."""
    layout: Layout


def joined_stream(recordings: Iterable[Recording], recipe: StreamRecipe, **surroundings: Any) -> Stream:
    """Recordings in their order as one stream; see `stream_parts` for `surroundings`."""
    parts = list(stream_parts(recordings, recipe, **surroundings))
    return Stream(np.concatenate([part.samples for part in parts]), layout_of(parts))


def joined_rows(
    recordings: Iterable[Recording], recipe: StreamRecipe, *, front_end: str = MICRO, **surroundings: Any
) -> RowStream:
    """The same stream through one front end; the audio is never whole in memory."""
    rows_of, rows, heard = new_front_end(front_end), [], []
    for part in stream_parts(recordings, recipe, **surroundings):
        rows.append(rows_of.push(part.samples))
        heard.append(Part(part.samples[:0], part.segment))
    return RowStream(np.concatenate(rows), layout_of(heard))


def stream_parts(
    recordings: Iterable[Recording],
    recipe: StreamRecipe,
    *,
    noises: Sequence[Path] = (),
    responses: Sequence[Audio] = (),
) -> Iterator[Part]:
    """The stream, part by part.

    Args:
        recordings: in the order in which they are heard. A word whose place is not known is marked by the
            energy in the clip as it was recorded.
        recipe: spacing, levels, seed. Gaps are the same with and without noise.
        noises: files of the bed, needed when the recipe has an SNR.
        responses: impulse responses of the rooms, needed when the recipe has any.
    """
    spacing, hiss, places = (np.random.default_rng([recipe.seed, purpose]) for purpose in (0, 1, 4))
    bed = _bed(recipe, noises)
    position = round(recipe.lead_in * SAMPLE_RATE)
    yield Part(_mixed(np.zeros(position, np.float32), recipe, hiss, bed))
    for recording in recordings:
        samples = read_samples(recording.path)
        gap = np.zeros(round(spacing.uniform(*recipe.gap) * SAMPLE_RATE), np.float32)
        audio = np.concatenate([to_float(samples), gap])
        if recipe.rooms:
            audio = _in_room(audio, responses[int(places.integers(len(responses)))])
        if recipe.snr_db is not None:
            audio = to_level(audio, recipe.speech_level)
        segment = _segment(recording, samples, position)
        position += len(audio)
        yield Part(_mixed(audio, recipe, hiss, bed), segment)


def layout_of(parts: Iterable[Part]) -> Layout:
    """What is where in the stream of these parts."""
    return Layout(tuple(part.segment for part in parts if part.segment))


class NoiseBed:
    """Endless noise at an even level: excerpts of up to 20 s, each scaled to it, in shuffled rounds.

    Files that are silent are left out: scaled up they would be the codec's noise.
    """

    def __init__(self, paths: Sequence[Path], level: float, rng: np.random.Generator) -> None:
        self._paths, self._level, self._rng = list(paths), level, rng
        self._round: list[Path] = []
        self._held = np.empty(0, np.float32)

    def take(self, samples: int) -> Audio:
        """The next stretch, shape (samples,)."""
        while len(self._held) < samples:
            self._held = np.concatenate([self._held, self._excerpt()])
        taken, self._held = self._held[:samples], self._held[samples:]
        return taken

    def _excerpt(self) -> Audio:
        if not self._round:
            self._round = [self._paths[index] for index in self._rng.permutation(len(self._paths))]
        audio = to_float(read_samples(self._round.pop()))
        longest = _EXCERPT_SECONDS * SAMPLE_RATE
        first = int(self._rng.integers(max(1, len(audio) - longest)))
        audio = audio[first : first + longest]
        level = 10 * np.log10(np.mean(np.square(audio)) + 1e-12)
        return audio[:0] if level < _SILENT_DBFS else audio * np.float32(10 ** ((self._level - level) / 20))


def _bed(recipe: StreamRecipe, noises: Sequence[Path]) -> NoiseBed | None:
    if recipe.snr_db is None:
        return None
    if not noises:
        raise ValueError(f"a stream at {recipe.snr_db} dB SNR needs noise files")
    return NoiseBed(noises, recipe.speech_level - recipe.snr_db, np.random.default_rng([recipe.seed, 2]))


def _in_room(audio: Audio, response: Audio) -> Audio:
    """Heard in this room, its tail running into the gap; the word stays where it was."""
    size = 1 << (len(audio) + len(response) - 2).bit_length()
    spectrum = np.fft.rfft(audio, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(audio)].astype(np.float32)


def _mixed(audio: Audio, recipe: StreamRecipe, hiss: np.random.Generator, bed: NoiseBed | None) -> Samples:
    noise = hiss.standard_normal(len(audio), np.float32) * np.float32(10 ** (recipe.floor_level / 20))
    return to_int16(audio + noise if bed is None else audio + noise + bed.take(len(audio)))


def _segment(recording: Recording, samples: Samples, position: int) -> Segment:
    start = position / SAMPLE_RATE
    word = None
    if recording.holds_word:
        first, last = recording.span or speech_span(samples)
        word = Occurrence(start + first / SAMPLE_RATE, start + last / SAMPLE_RATE)
    end = start + len(samples) / SAMPLE_RATE
    return Segment(start, end, recording.corpus, recording.kind, recording.path.name, word)
