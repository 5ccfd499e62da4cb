"""Utterances as a microphone hears them, through what a network hears with: what the recognizer learns from.

A take is one sentence, or a string of single words, with something before and after it, since the front
end adapts and the network is to wait for what comes. Takes are made in parallel and cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.evaluation.activity import speech_span
from kws.evaluation.levels import Audio, active_level, to_float, to_int16, to_level
from kws.frontends import MICRO
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows
from training.kept import keep_arrays, key_of
from training.material.augment import coloured, in_room, narrow, room_responses, speed
from training.recognizer.corpus import Utterance
from training.recognizer.hearing import Hearing, hearing
from training.recognizer.labels import phones_of
from training.shards import WORKERS


@dataclass(frozen=True)
class TakeConfig:
    """How utterances become takes. Ranges are drawn from evenly, once a take."""

    level: tuple[float, float] | None = (-42.0, -14.0)
    """Active speech level, dB re full scale; None: as recorded."""
    speed: tuple[float, float] = (0.88, 1.14)
    colour_share: float = 0.8
    room_share: float = 0.5
    noise_share: float = 0.75
    snr: tuple[float, float] = (2.0, 30.0)
    """Decibels of active speech over the noise bed."""
    lead: tuple[float, float] = (0.15, 1.2)
    """Seconds before the speech."""
    tail: tuple[float, float] = (0.2, 0.8)
    """Seconds after it, in which the last sounds are written down."""
    gap: tuple[float, float] = (0.0, 0.5)
    """Seconds between the words of a string."""
    longest_string: int = 7
    """Words."""
    margin: tuple[float, float] = (0.03, 0.15)
    """Seconds kept on either side of speech that is cut out: the words of a string, and `tight_share`."""
    tight_share: float = 0.0
    """Of the utterances by themselves, how many are cut to their speech too."""
    telephone_share: float = 0.0
    """How many have nothing above 4 kHz."""
    sentence_share: float = 1.0
    """How many of the sentences are heard; words all are."""


AS_RECORDED = TakeConfig(
    level=None, speed=(1, 1), colour_share=0, room_share=0, noise_share=0, lead=(0, 0), tail=(0, 0),
    longest_string=1,
)  # fmt: skip
"""For measuring: the recording and nothing else, as `kws run` hears it."""
CLEAN = TakeConfig(speed=(0.97, 1.03), colour_share=0.5, room_share=0.1, noise_share=0.25, snr=(15, 35))
NOISY = TakeConfig()
ABRUPT = TakeConfig(
    speed=(0.9, 1.12), room_share=0.25, noise_share=0.4, snr=(8, 30), lead=(0, 0.08), tail=(0, 0.25),
    longest_string=1, margin=(0, 0.08), tight_share=0.7, telephone_share=0.3, sentence_share=0.4,
)  # fmt: skip
"""Speech that begins with the recording, which a front end that has not settled hears differently."""
VERSIONS = (
    CLEAN,
    NOISY,
    ABRUPT,
    replace(NOISY, speed=(0.84, 1.2), telephone_share=0.3, longest_string=4),
    replace(ABRUPT, snr=(4, 30), sentence_share=0.3),
)
"""Every utterance is heard once in each, but for the sentences that ABRUPT leaves out: clean first."""


@dataclass(frozen=True)
class Takes:
    """Rows of all takes one after the other, and what is said in each."""

    rows: Rows
    """int8, shape (t, channels)."""
    ends: npt.NDArray[np.int64]
    """Shape (takes,): the row after each take's last."""
    texts: tuple[str, ...]
    phones: tuple[str, ...]
    """How the texts are said, phones apart by spaces."""
    corpora: tuple[str, ...]
    """Where each comes from."""
    encoder: str = MICRO
    """What the rows were made by, see training.recognizer.hearing."""

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Rows:
        """Rows of one take."""
        return self.rows[self.ends[index - 1] if index else 0 : self.ends[index]]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Rows of each take."""
        return np.diff(self.ends, prepend=0)

    @property
    def hours(self) -> float:
        """Playing time."""
        return len(self.rows) * hearing(self.encoder).format.row_seconds / 3600


def make_takes(
    utterances: Sequence[Utterance],
    noises: Sequence[Path],
    config: TakeConfig,
    *,
    seed: int,
    workers: int = WORKERS,
    encoder: str = MICRO,
) -> Takes:
    """Every utterance once; the same seed gives the same takes whatever the number of workers."""
    strings = in_strings(utterances, config.longest_string, np.random.default_rng(seed))
    strings = strings if config.sentence_share == 1 else _thinned(strings, config.sentence_share, seed)
    tasks = [(string, config, (seed, number)) for number, string in enumerate(strings)]
    if config.room_share:
        room_responses()  # computed once, before the processes part
    with get_context("fork").Pool(workers, _adopt, (tuple(noises), hearing(encoder))) as processes:
        made = processes.starmap(_take, tasks, chunksize=16)
    rows, phones = zip(*made, strict=True)
    return Takes(
        np.concatenate(rows),
        np.cumsum([len(part) for part in rows]),
        tuple(_text(string) for string in strings),
        phones,
        tuple(string[0].corpus for string in strings),
        encoder,
    )


def cached_takes(
    folder: Path,
    utterances: Sequence[Utterance],
    noises: Sequence[Path],
    config: TakeConfig,
    *,
    seed: int,
    encoder: str = MICRO,
) -> Takes:
    """As `make_takes`, kept in `folder` until anything that they depend on changes.

    What lies in the folder itself is known by its place there, however the folder's path is written.
    """
    places = [u.path.relative_to(folder) if u.path.is_relative_to(folder) else u.path for u in utterances]
    sources = [[str(path), u.text, u.is_word] for path, u in zip(places, utterances, strict=True)]
    usual = asdict(TakeConfig())
    changed = {name: value for name, value in asdict(config).items() if value != usual[name]}
    marks = [sources, [str(p) for p in noises], changed, seed, hearing(encoder).format.digest]
    path = folder / f"takes-{key_of(marks)}.npz"
    if not path.is_file():
        _save(path, make_takes(utterances, noises, config, seed=seed, encoder=encoder))
    return _load(path)


def in_strings(
    utterances: Sequence[Utterance], longest: int, rng: np.random.Generator
) -> list[tuple[Utterance, ...]]:
    """Sentences by themselves; single words in strings of one to `longest`, in random order."""
    strings = [(utterance,) for utterance in utterances if not utterance.is_word]
    words = [utterance for utterance in utterances if utterance.is_word]
    order = [words[index] for index in rng.permutation(len(words))]
    while order:
        length = int(rng.integers(1, longest + 1))
        strings.append(tuple(order[:length]))
        order = order[length:]
    return strings


def _thinned(strings: list[tuple[Utterance, ...]], share: float, seed: int) -> list[tuple[Utterance, ...]]:
    """All words, and a share of the sentences."""
    lots = np.random.default_rng((seed, 1)).random(len(strings))
    return [string for string, lot in zip(strings, lots, strict=True) if string[0].is_word or lot < share]


_noises: tuple[Path, ...] = ()
_hearing: Hearing = hearing()


def _adopt(noises: tuple[Path, ...], ear: Hearing) -> None:
    global _noises, _hearing
    _noises, _hearing = noises, ear


def _text(string: tuple[Utterance, ...]) -> str:
    return " ".join(utterance.text for utterance in string)


def _take(string: tuple[Utterance, ...], config: TakeConfig, seed: tuple[int, int]) -> tuple[Rows, str]:
    rng = np.random.default_rng(seed)
    audio = _spoken(string, config, rng)
    if rng.random() < config.colour_share:
        audio = coloured(audio, rng, depth=6.0)
    if config.telephone_share and rng.random() < config.telephone_share:
        audio = narrow(audio)
    if rng.random() < config.room_share:
        audio = in_room(audio, rng)
    if _noises and rng.random() < config.noise_share:
        audio = audio + _bed(len(audio), active_level(audio) - rng.uniform(*config.snr), rng)
    hiss = rng.standard_normal(len(audio), np.float32) * np.float32(10 ** (rng.uniform(-80, -65) / 20))
    return _hearing.hear(to_int16(audio + hiss)), " ".join(phones_of(_text(string)))


def _spoken(string: tuple[Utterance, ...], config: TakeConfig, rng: np.random.Generator) -> Audio:
    """The words with silence before, between and after them."""
    level = rng.uniform(*config.level) if config.level else None
    parts = [_silence(config.lead, rng)]
    for number, utterance in enumerate(string):
        if number:
            parts.append(_silence(config.gap, rng))
        samples = read_samples(utterance.path)
        cut = len(string) > 1 or (config.tight_share and rng.random() < config.tight_share)
        audio = to_float(_trimmed(samples, config.margin, rng) if cut else samples)
        if config.speed != (1, 1):
            audio = speed(audio, rng.uniform(*config.speed))
        parts.append(audio if level is None else to_level(audio, level + rng.uniform(-3, 3)))
    return np.concatenate([*parts, _silence(config.tail, rng)])


def _trimmed(
    samples: npt.NDArray[np.int16], margin: tuple[float, float], rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Cut to the speech with short margins, since in a string words follow each other closely."""
    start, end = speech_span(samples)
    before, after = (int(rng.uniform(*margin) * SAMPLE_RATE) for _ in range(2))
    return samples[max(0, start - before) : end + after]


def _silence(seconds: tuple[float, float], rng: np.random.Generator) -> Audio:
    return np.zeros(int(rng.uniform(*seconds) * SAMPLE_RATE), np.float32)


def _bed(length: int, level: float, rng: np.random.Generator) -> Audio:
    """Noise of this length at this RMS level, from one recording after another."""
    parts: list[Audio] = []
    while sum(map(len, parts)) < length:
        noise = _noise(_noises[rng.integers(len(_noises))])
        first = int(rng.integers(max(1, len(noise) - length)))
        parts.append(to_float(noise[first : first + length]))
    bed = np.concatenate(parts)[:length]
    return (bed * (10 ** (level / 20) / (np.std(bed) + 1e-4))).astype(np.float32)


@lru_cache(maxsize=1000)
def _noise(path: Path) -> npt.NDArray[np.int16]:
    samples = read_samples(path)
    return samples if len(samples) else np.zeros(SAMPLE_RATE, np.int16)


_LISTS = ("texts", "phones", "corpora")


def _save(path: Path, takes: Takes) -> None:
    lists = {name: getattr(takes, name) for name in _LISTS}
    keep_arrays(path, rows=takes.rows, ends=takes.ends, encoder=takes.encoder, **lists)


def _load(path: Path) -> Takes:
    with np.load(path) as stored:
        lists = {name: tuple(map(str, stored[name])) for name in _LISTS}
        encoder = str(stored["encoder"]) if "encoder" in stored else MICRO
        return Takes(stored["rows"], stored["ends"], **lists, encoder=encoder or MICRO)


def joined(parts: Sequence[Takes]) -> Takes:
    """All takes of several sets."""
    offsets = np.cumsum([0, *(len(part.rows) for part in parts)])
    return Takes(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.ends + offset for part, offset in zip(parts, offsets, strict=False)]),
        **{name: sum((getattr(part, name) for part in parts), ()) for name in _LISTS},
        encoder=parts[0].encoder,
    )
