"""What is transcribed: real recordings that may be published on, and synthetic voices beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from kws.errors import KwsError
from kws.evaluation.levels import to_float, to_int16
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip
from training.recognizer import sentences
from training.recognizer.labels import spoken_words
from training.shards import WORKERS
from training.synth import Voice, available_voices
from training.words.lexicon import dictionary

BACKEND_SHARES = {"flite": 0.36, "espeak": 0.32, "pico": 0.32}
"""Who speaks how much, where installed. festival's voices need seconds a sentence, so they stay silent here;
its two speakers are also among flite's."""

TEXT_SHARES = (
    (sentences.order, 0.2),
    (sentences.command, 0.25),
    (sentences.digits, 0.14),
    (sentences.short_words, 0.06),
    (sentences.plain_words, 0.15),
)
"""Of what they say; the rest are excerpts of the real sentences."""

_JOINED = {"heycomputer": "hey computer", "heychatterbox": "hey chatterbox", "goodnight": "good night"}
_KINDS = ("sentence", "word", "wakeword")


@dataclass(frozen=True)
class Utterance:
    """One recording and what is said in it."""

    path: Path
    text: str
    """Lower case, single spaces."""
    corpus: str
    """Or voice, as back end and name."""
    speaker: str
    is_word: bool = False
    """A word or short phrase by itself, which is heard in strings of several."""


def recorded(clips: Iterable[Clip], split: str = "train") -> list[Utterance]:
    """Transcribed clips of a split: to learn from, those under licence `ship`; to measure on, all."""
    found = []
    for clip in clips:
        usable = clip.licence == "ship" or split != "train"
        if clip.split == split and clip.kind in _KINDS and usable and _is_english(clip):
            text = spoken_words(_JOINED.get(clip.label, clip.label))
            if text and (clip.kind == "sentence" or _is_in_dictionary(text)):
                found.append(Utterance(clip.path, text, clip.corpus, clip.speaker, clip.kind != "sentence"))
    return found


def synthetic(
    count: int, texts: Iterable[str], folder: Path, *, seed: int, workers: int = WORKERS
) -> list[Utterance]:
    """`count` utterances by the voices installed here that may be published, kept in `folder` as FLAC.

    Args:
        texts: sentences that excerpts are taken from.
    """
    rng = np.random.default_rng(seed)
    groups = _voices()
    material = list(texts)
    jobs = [_job(groups, material, rng) for _ in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        made = list(pool.map(partial(_spoken, folder), jobs))
    return [utterance for utterance in made if utterance is not None]


@dataclass(frozen=True)
class _Job:
    """One text for one voice."""

    voice: Voice
    text: str
    speed: float
    pitch: float


def _is_english(clip: Clip) -> bool:
    return clip.corpus != "kerstin-de"


def _is_in_dictionary(text: str) -> bool:
    """Names made up for wake words are said in too many ways for a rule."""
    return all(word in dictionary() for word in text.split())


def _voices() -> dict[str, list[Voice]]:
    groups: dict[str, list[Voice]] = {}
    for voice in available_voices():
        if voice.backend in BACKEND_SHARES:
            groups.setdefault(voice.backend, []).append(voice)
    if not groups:
        raise KwsError("no synthesizer for the recognizer's texts; install flite or espeak-ng")
    return groups


def _job(groups: dict[str, list[Voice]], texts: list[str], rng: np.random.Generator) -> _Job:
    shares = np.array([BACKEND_SHARES[name] for name in groups])
    group = list(groups.values())[rng.choice(len(groups), p=shares / shares.sum())]
    voice = group[rng.integers(len(group))]
    text = spoken_words(_text(texts, rng))
    # An own speed for strings of digits and words: synthesizers race through them.
    return _Job(voice, text, float(rng.uniform(0.75, 1.25)), float(rng.uniform(0.75, 1.3)))


def _text(texts: list[str], rng: np.random.Generator) -> str:
    point = rng.random()
    for draw, share in TEXT_SHARES:
        if point < share:
            return draw(rng)
        point -= share
    return sentences.excerpt(texts[rng.integers(len(texts))], rng) if texts else sentences.plain_words(rng)


def _spoken(folder: Path, job: _Job) -> Utterance | None:
    """The utterance on disk, spoken first where it is not there; None for a voice that says nothing."""
    marks = json.dumps([job.voice.name, job.text, job.speed, job.pitch])
    path = folder / f"{hashlib.sha256(marks.encode()).hexdigest()[:20]}.flac"
    if not path.is_file():
        samples, rate = job.voice.speak(job.text, job.speed, job.pitch)
        if len(samples) < rate // 10:
            return None
        part = path.with_suffix(".part")
        soundfile.write(part, _at_our_rate(samples, rate), SAMPLE_RATE, format="FLAC")
        part.replace(path)
    return Utterance(path, job.text, job.voice.backend, job.voice.name)


def _at_our_rate(samples: Samples, rate: int) -> Samples:
    if rate == SAMPLE_RATE:
        return samples
    return to_int16(np.asarray(soxr.resample(to_float(samples), rate, SAMPLE_RATE), np.float32))
