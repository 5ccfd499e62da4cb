"""Aligned recordings -> log energies, what is said in every frame, and who says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from kws.evaluation.levels import to_float, to_level
from kws.sources.whole import read_samples
from training.data.manifest import Clip
from training.generator.durations import Durations, fitted
from training.generator.energies import FLOOR_DB, log_energies
from training.generator.score import Score, Segment, score_of, segments_of
from training.kept import keep_arrays, key_of
from training.material.ingredients import holds
from training.shards import spread
from training.words.align import align_file
from training.words.word_ends import shared_aligner

LEVEL_DB = -24.0
"""Active level to which every recording is brought."""
WORD_SECONDS = 2.5
"""Of each speaker of single words, about; those who said more count no more."""
SENTENCE_SECONDS = (45.0, 180.0)
"""A third of what each reader read, but within these."""
_VERSION = 1
"""Part of the cache's key; counts up when the arrays change."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """Recordings joined end to end, frames of 10 ms."""

    energies: npt.NDArray[np.float16]
    """Log energies, shape (t, 40)."""
    score: Score
    starts: npt.NDArray[np.int64]
    """First frame of each recording, and the end of the last, shape (n + 1,)."""
    speaker: npt.NDArray[np.int32]
    """Of each recording, counted from 0, shape (n,)."""
    is_word: npt.NDArray[np.bool_]
    """Whether a word alone is said in it, shape (n,)."""
    durations: Durations

    @property
    def hours(self) -> float:
        """Of all recordings."""
        return len(self.energies) / 360_000

    def span(self, number: int) -> tuple[int, int]:
        """First frame of a recording and the one after its last."""
        return int(self.starts[number]), int(self.starts[number + 1])


def usable(clips: Sequence[Clip], without: Sequence[str], *, seed: int) -> list[Clip]:
    """Of each speaker some words and sentences; none that hold one of the phrases `without`."""
    kept = [
        clip
        for clip in clips
        if clip.kind in ("word", "sentence")
        and clip.label.strip()
        and not any(holds(clip, phrase) or phrase in clip.label.lower() for phrase in without)
    ]
    had: dict[tuple[str, str, str], float] = defaultdict(float)
    total: dict[tuple[str, str, str], float] = defaultdict(float)
    for clip in kept:
        total[_who(clip)] += clip.seconds
    chosen = []
    for number in np.random.default_rng(seed).permutation(len(kept)):
        clip = kept[number]
        least, most = (WORD_SECONDS, WORD_SECONDS) if clip.kind == "word" else SENTENCE_SECONDS
        if had[_who(clip)] < min(most, max(least, total[_who(clip)] / 3)):
            had[_who(clip)] += clip.seconds
            chosen.append(clip)
    return chosen


def _who(clip: Clip) -> tuple[str, str, str]:
    return clip.kind, clip.corpus, clip.speaker


def read(clips: Sequence[Clip], cache: Path) -> Spoken:
    """All of them, aligned; kept under `cache`. Those that do not fit their transcript are left out.

    Raises:
        KwsError: nothing is left.
    """
    path = cache / "generator" / f"spoken-{_digest(clips)}.npz"
    if not path.is_file():
        _keep(path, clips, [*spread(_one, cache, clips, f"aligning {len(clips)} recordings")])
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files}
    durations = Durations(*(kept.pop(name) for name in ("means", "spread", "tempo")))
    return Spoken(score=Score(kept.pop("phones"), kept.pop("place")), durations=durations, **kept)


_Found = tuple[npt.NDArray[np.float16], list[Segment]]


def _one(cache: Path, clip: Clip) -> _Found | None:
    try:
        words = align_file(clip.path, clip.label, cache / "align", shared_aligner())
    except KwsError:
        return None
    energies = log_energies(to_level(to_float(read_samples(clip.path)), LEVEL_DB))
    return energies.astype(np.float16), segments_of(words, len(energies))


def _keep(path: Path, clips: Sequence[Clip], found: Sequence[_Found | None]) -> None:
    pairs = [(clip, *one) for clip, one in zip(clips, found, strict=True) if one]
    if not pairs:
        raise KwsError(
            f"none of {len(clips)} recordings can be aligned to what is said in them; set KWS_DATA to "
            "recordings with transcripts"
        )
    speakers = {name: number for number, name in enumerate(sorted({_voice(clip) for clip, _, _ in pairs}))}
    scores = [score_of(segments) for _, _, segments in pairs]
    durations = fitted(segments for _, _, segments in pairs)
    keep_arrays(
        path,
        energies=np.concatenate([energies for _, energies, _ in pairs]),
        phones=np.concatenate([score.phones for score in scores]),
        place=np.concatenate([score.place for score in scores]),
        starts=np.cumsum([0, *(len(energies) for _, energies, _ in pairs)]),
        speaker=np.array([speakers[_voice(clip)] for clip, _, _ in pairs], np.int32),
        is_word=np.array([clip.kind == "word" for clip, _, _ in pairs]),
        **vars(durations),
    )


def _voice(clip: Clip) -> str:
    return f"{clip.corpus}/{clip.speaker}"


def _digest(clips: Sequence[Clip]) -> str:
    return key_of([_VERSION, LEVEL_DB, FLOOR_DB, [[str(clip.path), clip.label] for clip in clips]])
