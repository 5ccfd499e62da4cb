"""Recordings in the order of a stream in which words stand among other speech and sounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np

from training.accuracy.dev_recordings import group_of, mentions
from training.data.manifest import Clip

_LONGEST_BETWEEN = 6.0


def interleaved(
    words: Sequence[Clip], clips: Sequence[Clip], between: float, without: Sequence[str]
) -> Iterator[Clip]:
    """The words in an order of chance, after each of them speech and noise in turn for so many seconds.

    Args:
        words: recordings of the word.
        clips: what stands between them is taken from these.
        between: seconds of it; the last clip may end later.
        without: words that are said nowhere in it.
    """
    others = others_among(clips, without)
    for index in np.random.default_rng(5).permutation(len(words)):
        yield words[index]
        left = between
        while left > 0 and (clip := next(others, None)):
            left -= clip.seconds
            yield clip


def others_among(clips: Sequence[Clip], without: Sequence[str]) -> Iterator[Clip]:
    """Speech and noise in turn, without any of the words, without end; nothing where there is none."""
    short = [
        clip
        for clip in clips
        if 0.5 < clip.seconds <= _LONGEST_BETWEEN and not any(mentions(clip, word) for word in without)
    ]
    kinds = [
        [clip for clip in short if (group_of(clip.corpus, clip.kind) == "noise") is is_noise]
        for is_noise in (False, True)
    ]
    rng = np.random.default_rng(6)
    orders = [[kind[index] for index in rng.permutation(len(kind))] for kind in kinds]
    for turn in cycle([cycle(order) for order in orders if order]):
        yield next(turn)
