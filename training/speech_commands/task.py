"""What is learned from and what is tested on: of the whole data set its own lists, of a part what is there.

Ten words, "unknown" for every other and "silence" (Warden 2018, section 7). Of the whole, unknown and silence
are each a tenth as many as the words, as in the test sets that come with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.manifest import Clip

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE = "unknown", "silence"
CLASSES = (*WORDS, UNKNOWN, SILENCE)
WHOLE = "speech-commands"
"""Corpus of a table that `kws data speech-commands` has written."""
PARTS = ("gsc-bed-cat-happy", "gsc-extra", "gsc-test-v0.02", "gsc-vinsis-300")
"""Corpora among the recordings at KWS_DATA that are parts of it."""
TESTED_PART = "gsc-test-v0.02"
_SHARE = 0.1


@dataclass(frozen=True)
class Task:
    """Clips to learn from and to be tested on; of noise, pieces are cut."""

    learned: tuple[Clip, ...]
    tested: tuple[Clip, ...]
    noise: tuple[Clip, ...]
    """To learn silence from, and to be mixed in."""
    tested_noise: tuple[Clip, ...]
    silences: int
    """Pieces of it in the test."""
    is_whole: bool


def class_of(clip: Clip) -> str:
    """Of a clip of speech."""
    return clip.label if clip.label in WORDS else UNKNOWN


def task_of(clips: Sequence[Clip], seed: int = 1) -> Task:
    """By the official lists where the whole data set is there, else the parts; nobody is in both halves."""
    whole = [clip for clip in clips if clip.corpus == WHOLE]
    return _whole(whole, seed) if whole else _parts(clips)


def _whole(clips: Sequence[Clip], seed: int) -> Task:
    words = [clip for clip in clips if clip.kind == "word"]
    tested = [clip for clip in words if clip.split == "test"]
    wanted = [clip for clip in tested if class_of(clip) != UNKNOWN]
    others = [clip for clip in tested if class_of(clip) == UNKNOWN]
    count = round(_SHARE * len(wanted))
    chosen = np.random.default_rng(seed).permutation(len(others))[:count]
    noise = tuple(clip for clip in clips if clip.kind == "noise")
    learned = tuple(clip for clip in words if clip.split == "train")
    return Task(learned, (*wanted, *(others[n] for n in sorted(chosen))), noise, noise, count, True)


def _parts(clips: Sequence[Clip]) -> Task:
    tested = [c for c in clips if c.corpus == TESTED_PART and c.split == "dev" and c.kind == "word"]
    speakers = {clip.speaker for clip in tested}
    learned = [
        clip
        for clip in clips
        if clip.corpus in PARTS and clip.split == "train" and clip.speaker not in speakers
    ]
    silence = [c for c in clips if c.corpus == TESTED_PART and c.split == "dev" and c.kind == "noise"]
    noise = [clip for clip in clips if clip.split == "train" and clip.kind == "noise"]
    return Task(tuple(learned), tuple(tested), tuple(noise), tuple(silence), len(silence), False)


def drawn(clips: Iterable[Clip], most: int, seed: int) -> list[Clip]:
    """At most so many of each class, by chance."""
    by_class: dict[str, list[Clip]] = {}
    for clip in clips:
        by_class.setdefault(class_of(clip), []).append(clip)
    rng = np.random.default_rng(seed)
    return [of[n] for of in by_class.values() for n in sorted(rng.permutation(len(of))[:most])]
