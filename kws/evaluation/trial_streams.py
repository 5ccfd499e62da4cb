"""Somebody's own recordings as streams to be heard: clips of a word with pauses or talk between, and talk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Protocol

import numpy as np

from kws.evaluation.levels import to_int16
from kws.evaluation.matching import Occurrence
from kws.evaluation.streams import (
    WORDS,
    Layout,
    Part,
    Recording,
    Segment,
    StreamRecipe,
    layout_of,
    stream_parts,
)
from kws.sources.file import FileSource
from kws.types import SAMPLE_RATE, Block, Samples

_PAUSE_SECONDS = 1.0
_BETWEEN_SECONDS = 10.0
_FLOOR = 10 ** (WORDS.floor_level / 20)


class Stream(Protocol):
    """Recordings one after another."""

    def blocks(self) -> Iterator[Block]:
        """Their audio, the same each time."""

    @property
    def layout(self) -> Layout:
        """What lay where in the blocks, once they have been heard."""


class WordStream:
    """Clips that hold a word each, composed by a recipe."""

    def __init__(self, clips: Sequence[Path], recipe: StreamRecipe, noises: Sequence[Path] = ()) -> None:
        self._recordings = [Recording(path, holds_word=True) for path in clips]
        self._recipe, self._noises = recipe, noises
        self._heard: list[Part] = []

    def blocks(self) -> Iterator[Block]:
        """A block a clip or pause."""
        self._heard = []
        for part in stream_parts(self._recordings, self._recipe, noises=self._noises):
            self._heard.append(Part(part.samples[:0], part.segment))
            yield Block(part.samples)

    @property
    def layout(self) -> Layout:
        """With the words' occurrences."""
        return layout_of(self._heard)


class AmidStream:
    """Clips that hold a word each, ten seconds of talk before every one of them.

    At work a word stands alone; a network that remembers may find it more easily where another one was just
    before, as in a stream of words alone.
    """

    def __init__(self, clips: Sequence[Path], recipe: StreamRecipe, talk: Sequence[Path]) -> None:
        self._recordings = [Recording(path, holds_word=True) for path in clips]
        self._recipe, self._talk = recipe, talk
        self._segments: list[Segment] = []

    def blocks(self) -> Iterator[Block]:
        """A block a clip or pause, and those of the talk."""
        self._segments = []
        between, stretches = 0.0, _stretches(self._talk)
        for part in stream_parts(self._recordings, self._recipe):
            if part.segment:
                stretch = next(stretches)
                between += len(stretch) / SAMPLE_RATE
                self._segments.append(_later(part.segment, between))
                yield Block(stretch)
            yield Block(part.samples)

    @property
    def layout(self) -> Layout:
        """With the words' occurrences; the talk is in no segment."""
        return Layout(tuple(self._segments))


class TalkStream:
    """Recordings without the word, read block by block: they may last a day."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._segments: list[Segment] = []

    def blocks(self) -> Iterator[Block]:
        """Each after a second of hiss."""
        self._segments = []
        hiss, position = np.random.default_rng(1), 0
        for path in self._paths:
            pause = hiss.standard_normal(round(_PAUSE_SECONDS * SAMPLE_RATE), np.float32) * np.float32(_FLOOR)
            yield Block(to_int16(pause))
            position = start = position + len(pause)
            with FileSource(str(path)) as source:
                for block in source:
                    position += len(block.pcm)
                    yield Block(block.pcm)
            self._segments.append(Segment(start / SAMPLE_RATE, position / SAMPLE_RATE, "", "", path.name))

    @property
    def layout(self) -> Layout:
        """A segment a recording."""
        return Layout(tuple(self._segments))


def _stretches(paths: Sequence[Path]) -> Iterator[Samples]:
    """What is in these recordings, ten seconds at a time, beginning anew after the last."""
    held: list[Samples] = []
    wanted = round(_BETWEEN_SECONDS * SAMPLE_RATE)
    for path in cycle(paths):
        with FileSource(str(path)) as source:
            for block in source:
                held.append(block.pcm)
                if sum(map(len, held)) >= wanted:
                    yield np.concatenate(held)
                    held = []


def _later(segment: Segment, seconds: float) -> Segment:
    word = segment.word
    moved = Occurrence(word.start + seconds, word.end + seconds) if word else None
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, word=moved)
