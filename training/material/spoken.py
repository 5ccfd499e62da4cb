"""What synthetic voices say for a wake word: the phrase itself, phrases near it, and everything else.

Those of synthesizers, and those of people that the generator learned (training.generator), where it is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from kws.types import Samples
from training.material.voice_change import VoiceChange, change_voice, random_change
from training.recipe import MaterialRecipe
from training.shards import spread
from training.synth import synthesize
from training.synth.kept import KeptSpeech
from training.words.confusion import near_misses

CARRIERS = ("{}", "{}", "{}", "{}!", "{}?", "hey {}", "{}.", "okay {}")
"""In which the phrase stands, at its end."""


@dataclass(frozen=True)
class Spoken:
    """int16 clips, 16 kHz, some of them by changed voices."""

    words: list[Samples]
    """The phrase, at the end of each."""
    others: list[Samples]
    generated: tuple[int, int] = (0, 0)
    """How many of both, the last of them, are the generator's."""

    def counts(self) -> dict[str, int]:
        """Of each kind, for a card."""
        words, speech = self.generated
        found = {"synthetic words": len(self.words) - words, "synthetic speech": len(self.others) - speech}
        return found | ({"generated words": words, "generated speech": speech} if words or speech else {})


def spoken(
    phrase: str, recipe: MaterialRecipe, sentences: Sequence[str], *, seed: int, cache: Path | None
) -> Spoken:
    """As much as the recipe says, half of it by the voices as they are where `changed_voices` is 1.

    Args:
        phrase: lower case, single spaces.
        recipe: how much of what.
        sentences: texts without the phrase, for what is no near miss; digits where there are none.
        seed: of everything random.
        cache: where synthesized speech is kept.
    """
    rng = np.random.default_rng(seed)
    words = synthesize(_carried(phrase, recipe.synthetic_words, rng), rng, cache=cache)
    texts = _other_texts(phrase, sentences, recipe.synthetic_speech, recipe, rng)
    others = synthesize(texts, rng, cache=cache)
    words += changed_voices(words, recipe.changed_voices, seed=seed, cache=cache)
    others += changed_voices(others, recipe.changed_voices, seed=seed + 1, cache=cache)
    rng = np.random.default_rng([seed, 11])  # the same whatever the synthesizers say
    texts = _other_texts(phrase, sentences, recipe.generated_speech, recipe, rng)
    more = _generated(_carried(phrase, recipe.generated_words, rng), seed, cache)
    speech = _generated(texts, seed + 1, cache)
    return Spoken(words + more, others + speech, (len(more), len(speech)))


def _carried(phrase: str, count: int, rng: np.random.Generator) -> list[str]:
    return [CARRIERS[rng.integers(len(CARRIERS))].format(phrase) for _ in range(count)]


def _generated(texts: Sequence[str], seed: int, cache: Path | None) -> list[Samples]:
    from training.generator import say

    return say.say(texts, say.FILE, seed=seed, cache=cache)


def changed_voices(
    clips: Sequence[Samples], copies: int, *, seed: int, cache: Path | None = None
) -> list[Samples]:
    """Each clip by `copies` other speakers (voice_change.py); kept under `cache` for the next time."""
    rng = np.random.default_rng([seed, 7])
    tasks = [(clip, random_change(rng)) for clip in clips for _ in range(copies)]
    if not tasks:
        return []
    kept = KeptSpeech(cache / "speech") if cache else None
    changed = list(spread(_changed, kept, tasks, f"changing {len(tasks)} voices"))
    if kept:
        kept.trim()
    return changed


def _changed(kept: KeptSpeech | None, task: tuple[Samples, VoiceChange]) -> Samples:
    """From the folder, or else changed and put there."""
    if kept is None:
        return change_voice(*task)
    clip, change = task
    place = kept.place("changed", hashlib.sha256(clip.tobytes()).hexdigest(), *astuple(change))
    samples = kept.read(place)
    if samples is None:
        samples = change_voice(clip, change)
        kept.write(place, samples)
    return samples


def _other_texts(
    phrase: str, sentences: Sequence[str], count: int, recipe: MaterialRecipe, rng: np.random.Generator
) -> list[str]:
    """Near misses in the share that the recipe says, the rest from the sentences."""
    if not count:  # the lexicon is not searched for nothing
        return []
    sentences = sentences or list("0123456789")
    misses = near_misses(phrase) or [word for word in phrase.split() if word != phrase]
    pick = rng.random(count) < (recipe.near_miss_share if misses else 0)
    texts = (misses if near else sentences for near in pick)
    return [choice[int(rng.integers(len(choice)))] for choice in texts]
