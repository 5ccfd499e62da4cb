"""What every engine hears: words with speech and noise between them, and speech without them, as WAV files.

Files are kept, with their layouts, under the digest of all that they are made of but the code: of recordings
the names and lengths.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from kws.bench import write_wav
from kws.evaluation.matching import Occurrence
from kws.evaluation.streams import TALK, WORDS, Layout, Segment, Stream, StreamRecipe
from training.accuracy.dev_recordings import bed_files, dev_clips, group_of, mentions
from training.accuracy.interleaved import interleaved, others_among
from training.accuracy.streams import is_word, joined_stream
from training.data.manifest import Clip

CACHE = Path(__file__).parents[1] / ".cache" / "benchmarks"
SPOKEN = ("computer", "alexa", "jarvis")
"""Words of which there are recordings that nobody trained on here."""

SPACINGS = {"5 s apart": 5.0, "alone": 0.0, "10 s apart": 10.0}
"""Seconds of other sounds between one word and the next; alone, there is only silence of 1.2 to 2 s."""
LEVELS = {"10 dB": 10.0, "5 dB": 5.0}
"""Signal over noise, with words 5 s apart."""
CLEAN = "5 s apart"
CONDITIONS = (CLEAN, *LEVELS, *(spacing for spacing in SPACINGS if spacing != CLEAN))

PIECE_SECONDS = 900
"""Speech comes in pieces of this length, so that an engine can be judged by those that it has heard."""
_MEAN_GAP = sum(TALK.gap) / 2
_VERSION = 1
"""Raise it when a change of code changes the samples."""


@dataclass(frozen=True)
class Planned:
    """A stream that is made when it is first asked for."""

    path: Path
    """A WAV; its layout lies beside it."""
    make: Callable[[], Stream]

    @property
    def audio(self) -> Path:
        """The file, made by now."""
        self._prepare()
        return self.path

    @property
    def seconds(self) -> float:
        """Of audio."""
        return (self.audio.stat().st_size - 44) / 32_000

    @property
    def layout(self) -> Layout:
        """What is where in it."""
        self._prepare()
        return Layout(tuple(_segment(**fields) for fields in json.loads(self._beside.read_text())))

    @property
    def _beside(self) -> Path:
        return self.path.with_suffix(".json")

    def _prepare(self) -> None:
        if not self._beside.is_file():
            stream = self.make()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(self.path, stream.samples)
            segments = [dataclasses.asdict(segment) for segment in stream.layout.segments]
            partial = self._beside.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(json.dumps(segments))
            partial.replace(self._beside)  # last and whole: the stream is there as soon as this is


def word_stream(word: str, condition: str) -> Planned:
    """The word by everybody who said it, in one of CONDITIONS."""
    clips = dev_clips()
    recipe = dataclasses.replace(WORDS if condition == "alone" else TALK, snr_db=LEVELS.get(condition))
    between = SPACINGS.get(condition, SPACINGS[CLEAN])
    said = [clip for clip in clips if is_word(clip, word)]
    order = list(interleaved(said, clips, between, SPOKEN))
    noises = bed_files(clips) if condition in LEVELS else []
    return _kept(order, recipe, word, noises)


def rules_stream(word: str, condition: str, most: int, seconds: float) -> Planned:
    """So many words at most, spread evenly over this time, give or take the clip in which it ends."""
    clips = dev_clips()
    said = [clip for clip in clips if is_word(clip, word)][:most]
    recipe = dataclasses.replace(TALK, snr_db=LEVELS.get(condition))
    order = list(_scheduled(said, clips, seconds / len(said)))
    noises = bed_files(clips) if condition in LEVELS else []
    return _kept(order, recipe, word, noises)


@cache
def speech_pieces() -> list[list[Clip]]:
    """All that is spoken in the dev recordings, shuffled, in pieces."""
    spoken = [clip for clip in dev_clips() if group_of(clip.corpus, clip.kind) != "noise"]
    pieces: list[list[Clip]] = [[]]
    seconds = 0.0
    for index in np.random.default_rng(8).permutation(len(spoken)):
        if seconds > PIECE_SECONDS:
            pieces.append([])
            seconds = 0.0
        pieces[-1].append(spoken[index])
        seconds += spoken[index].seconds + sum(TALK.gap) / 2
    return pieces


def speech_stream(piece: int) -> Planned:
    """One piece of it."""
    return _kept(speech_pieces()[piece], TALK)


@cache
def saying(word: str) -> frozenset[str]:
    """Names of recordings in which the word is said, so that hearing it there is no false alarm."""
    return frozenset(clip.path.name for clip in dev_clips() if mentions(clip, word))


def _scheduled(words: Sequence[Clip], clips: Sequence[Clip], every: float) -> Iterator[Clip]:
    """The words in an order of chance, one in so many seconds, speech and noise in turn between them."""
    others, elapsed = others_among(clips, SPOKEN), 0.0
    for number, index in enumerate(np.random.default_rng(5).permutation(len(words))):
        elapsed += words[index].seconds + _MEAN_GAP
        yield words[index]
        while elapsed < (number + 1) * every:
            clip = next(others)
            elapsed += clip.seconds + _MEAN_GAP
            yield clip


def _kept(
    clips: Sequence[Clip], recipe: StreamRecipe, word: str = "", noises: Sequence[Path] = ()
) -> Planned:
    names = [[clip.path.name, clip.corpus, clip.seconds] for clip in clips]
    beneath = [[noise.name for noise in noises]] if noises else []
    made_of = json.dumps([_VERSION, dataclasses.asdict(recipe), word, names, *beneath])
    path = CACHE / f"stream-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.wav"
    return Planned(path, lambda: joined_stream(clips, recipe, word=word, noises=noises))


def _segment(*, word: dict[str, float] | None, **fields: object) -> Segment:
    return Segment(word=Occurrence(**word) if word else None, **fields)  # type: ignore[arg-type]
