"""Texts -> clips, each by a voice drawn from those that the generator learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kws.errors import KwsError
from kws.evaluation.levels import to_int16
from kws.types import Samples
from training.generator.energies import CONFIG, Floats
from training.generator.score import NOTHING, SILENCE, Segment, score_of
from training.generator.sound import sound_of
from training.kept import keep_arrays, key_of
from training.shards import WORKERS, spread
from training.words.lexicon import Phones, readings, words_of

if TYPE_CHECKING:
    from training.generator.kept import Kept

FILE = Path(__file__).parent / "generator.npz"
"""The one that `python -m training.generator` makes and recipes use."""
BEFORE, AFTER = 8, 12
"""Frames of silence around what is said."""
_WORDS = 6
"""Of a longer text a stretch of so many is said."""
_TOGETHER = 32
"""Clips computed at once, of similar length."""
KEPT = 12
"""Files with clips, 50 MB each: a training needs two."""
_VERSION = 1
"""Part of the cache's key; counts up when clips change."""


@dataclass(frozen=True)
class SayingConfig:
    """How points are drawn from noise."""

    steps: int = 8
    """Of Euler's method."""
    guidance: float = 2.0
    """How far to go where the phones point, against where speech without known phones goes; above 1 clearer,
    and less varied."""


SAID = SayingConfig()


class Utterance(NamedTuple):
    """One to be said."""

    segments: list[Segment]
    voice: int
    seed: tuple[int, int]


def say(
    texts: Sequence[str],
    path: Path,
    *,
    seed: int,
    cache: Path | None,
    config: SayingConfig = SAID,
    workers: int = WORKERS,
) -> list[Samples]:
    """Each text once, 16 kHz int16, by voices drawn at random.

    Args:
        texts: what is said; of long ones a stretch.
        path: of a generator's file.
        seed: of everything random.
        cache: where clips are kept for the next time.
        config: how they are drawn.
        workers: processes.

    Raises:
        KwsError: no generator at `path`, or a text without letters.
    """
    if not texts:
        return []
    from training.generator.kept import digest_of

    depends = [_VERSION, digest_of(path), list(texts), seed, asdict(config)]
    kept = cache / "generator" / f"said-{key_of(depends)}.npz" if cache else None
    if kept and kept.is_file():
        with np.load(kept) as stored:
            return np.split(stored["samples"], stored["ends"][:-1])
    made = _made(texts, path, seed, config, workers)
    if kept:
        keep_arrays(kept, samples=np.concatenate(made), ends=np.cumsum([len(clip) for clip in made]))
        _trim(kept.parent)
    return made


def _trim(folder: Path) -> None:
    """Leave what was made last."""
    kept = sorted(folder.glob("said-*.npz"), key=lambda path: path.stat().st_mtime)
    for path in kept[:-KEPT]:
        path.unlink(missing_ok=True)


def _made(texts: Sequence[str], path: Path, seed: int, config: SayingConfig, workers: int) -> list[Samples]:
    phones = [phones_of(text, np.random.default_rng([seed, n, 0])) for n, text in enumerate(texts)]
    order = sorted(range(len(texts)), key=lambda n: len(phones[n]))
    tasks = [
        [(phones[n], (seed, n)) for n in order[first : first + _TOGETHER]]
        for first in range(0, len(order), _TOGETHER)
    ]
    # In processes of their own: TensorFlow's threads would not outlive a fork for what comes after.
    parts = spread(
        _said, (str(path), config), tasks, f"saying {len(texts)} texts", workers=workers, fork=False
    )
    clips = dict(zip(order, (clip for part in parts for clip in part), strict=True))
    return [clips[n] for n in range(len(texts))]


def phones_of(text: str, rng: np.random.Generator) -> Phones:
    """One way to say a text, or a stretch of it where it is long; KwsError where it has no letters."""
    words = words_of(text)
    first = int(rng.integers(max(1, len(words) - _WORDS + 1)))
    ways = readings(" ".join(words[first : first + _WORDS]))
    if not ways:
        raise KwsError(f"{text!r} cannot be said: it has no letters")
    return ways[rng.integers(len(ways))]


def _said(known: tuple[str, SayingConfig], task: Sequence[tuple[Phones, tuple[int, int]]]) -> list[Samples]:
    path, config = known
    kept = _generator(path)
    utterances = []
    for phones, seed in task:
        rng = np.random.default_rng([*seed, 1])
        silence = Segment(SILENCE, BEFORE), Segment(SILENCE, AFTER)
        segments = [silence[0], *kept.durations.draw(phones, rng), silence[1]]
        utterances.append(Utterance(segments, int(rng.integers(len(kept.voices))), seed))
    energies = energies_of(utterances, kept, config)
    rngs = [np.random.default_rng([*one.seed, 3]) for one in utterances]
    return [to_int16(sound_of(rows, rng)) for rows, rng in zip(energies, rngs, strict=True)]


@lru_cache(maxsize=1)
def _generator(path: str) -> Kept:
    from training.generator.kept import read_generator

    return read_generator(Path(path))


def energies_of(utterances: Sequence[Utterance], kept: Kept, config: SayingConfig = SAID) -> list[Floats]:
    """Log energies of each, shape (t, 40); what one is does not depend on the others."""
    import tensorflow as tf

    scores = [score_of(one.segments) for one in utterances]
    lengths = [len(score.phones) for score in scores]
    most = -(-max(lengths) // 16) * 16  # few different shapes
    phones = np.full((len(scores), most, 3), NOTHING, np.int32)
    place = np.zeros((len(scores), most, 2), np.float32)
    point = np.zeros((len(scores), most, CONFIG.channels), np.float32)
    for n, (score, length, one) in enumerate(zip(scores, lengths, utterances, strict=True)):
        phones[n, :length], place[n, :length] = score.phones, score.place
        rng = np.random.default_rng([*one.seed, 2])
        point[n, :length] = rng.standard_normal((length, CONFIG.channels), np.float32)
    there = np.arange(most) < np.array(lengths)[:, None]
    voices = kept.voices[[one.voice for one in utterances]]
    arrays = (point, phones, place, voices, there.astype(np.float32))
    found = _way(kept, config)(*map(tf.constant, arrays)).numpy()
    return [kept.scaling.plain(rows[:length]) for rows, length in zip(found, lengths, strict=True)]


@cache
def _way(kept: Kept, config: SayingConfig):  # type: ignore[no-untyped-def]
    """From noise to standardised energies, compiled once."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def way(point, phones, place, voices, there):  # type: ignore[no-untyped-def]
        for step in tf.range(config.steps):
            when = tf.fill(tf.shape(point)[:1], tf.cast(step, tf.float32) / config.steps)
            go = kept.generator.direction(point, when, phones, place, voices)
            if config.guidance != 1:
                nothing, nowhere = tf.fill(tf.shape(phones), NOTHING), tf.zeros_like(place)
                plain = kept.generator.direction(point, when, nothing, nowhere, voices)
                go = plain + config.guidance * (go - plain)
            point = tf.ensure_shape(point + go * there[..., None] / config.steps, point.shape)
        return point

    return way
