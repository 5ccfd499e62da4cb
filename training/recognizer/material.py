"""Everything that the recognizer learns from and is measured on, gathered and cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kws.errors import KwsError
from kws.frontends import MICRO
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.recognizer.corpus import Utterance, recorded, synthetic
from training.recognizer.recipe import MaterialRecipe
from training.recognizer.takes import (
    AS_RECORDED,
    VERSIONS,
    TakeConfig,
    Takes,
    cached_takes,
    in_strings,
    joined,
)

DEV_SETS = {
    "libri": ("libri-test-clean",),
    "speechocean": ("speechocean762",),
    "words": ("gsc-test-v0.02",),
    "digits": ("fsdd",),
}
"""Name -> corpora of the dev split; error rates are reported for each."""
LEARNT_SETS = {
    "libri": ("libri-train-clean-5", "libri-train100-sample"),
    "speechocean": ("speechocean762",),
    "words": ("gsc-test-v0.02", "gsc-extra"),
}
"""The like of them in the train split: what is read wrong of these, too, is no matter of new speakers."""
_DEV_SEED = 1
"""Of the drawing of dev utterances and of their order."""


@dataclass(frozen=True)
class Material:
    """The training set once in each of its versions, and what it was made of."""

    versions: tuple[Takes, ...]
    sources: Mapping[str, int]
    """Corpus or back end -> utterances, for the card."""


def gather(
    recipe: MaterialRecipe,
    *,
    seed: int,
    cache: Path,
    encoder: str = MICRO,
    say: Callable[[str], object] = print,
) -> Material:
    """The training material; real recordings come from KWS_DATA, and without them synthetic voices do."""
    clips = _clips()
    real = _chosen(recorded(clips), recipe.real_share, seed)
    noises = _noises(clips)
    texts = [utterance.text for utterance in real if not utterance.is_word]
    spoken = synthetic(recipe.synthetic, texts, cache / "voices", seed=seed) if recipe.synthetic else []
    if not real and not spoken:
        raise KwsError("nothing to learn from; set KWS_DATA to the data root, or material.synthetic above 0")
    versions = []
    for number, heard in enumerate(_versions(recipe)):
        parts = [
            cached_takes(cache, part, noises, heard, seed=seed + number, encoder=encoder)
            for part in (real, spoken)
            if part
        ]
        versions.append(joined(parts))
        say(f"version {number + 1}: {versions[-1].hours:.1f} h in {len(versions[-1])} takes")
    return Material(tuple(versions), Counter(utterance.corpus for utterance in (*real, *spoken)))


def dev_sets(
    cache: Path, *, most: int | None = None, lead: float = 0.0, encoder: str = MICRO
) -> dict[str, Takes]:
    """Each of DEV_SETS as it was recorded, at most so many utterances of it; none without recordings.

    `lead` is how many seconds of near silence the front end hears before each recording.
    """
    return _as_recorded(cache, _utterances("dev", DEV_SETS, most), lead=lead, encoder=encoder)


def learnt_sets(
    cache: Path, *, most: int | None = None, lead: float = 0.0, encoder: str = MICRO
) -> dict[str, Takes]:
    """The same of LEARNT_SETS."""
    return _as_recorded(cache, _utterances("train", LEARNT_SETS, most), lead=lead, encoder=encoder)


def _as_recorded(
    cache: Path, sets: Mapping[str, list[Utterance]], *, lead: float, encoder: str
) -> dict[str, Takes]:
    config = replace(AS_RECORDED, lead=(lead, lead))
    return {
        name: cached_takes(cache, utterances, (), config, seed=_DEV_SEED, encoder=encoder)
        for name, utterances in sets.items()
    }


def dev_speakers(most: int | None = None) -> dict[str, tuple[str, ...]]:
    """Who says each take of the `dev_sets` of so many utterances."""
    return _speakers(_utterances("dev", DEV_SETS, most))


def learnt_speakers(most: int | None = None) -> dict[str, tuple[str, ...]]:
    """The same of the `learnt_sets`."""
    return _speakers(_utterances("train", LEARNT_SETS, most))


def _speakers(sets: Mapping[str, list[Utterance]]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(utterance.speaker for (utterance,) in in_strings(utterances, 1, _rng()))
        for name, utterances in sets.items()
    }


def _utterances(
    split: str, sets: Mapping[str, Sequence[str]], most: int | None
) -> dict[str, list[Utterance]]:
    """Of the sets that there are recordings of."""
    utterances = recorded(_clips(), split)
    chosen = {name: [u for u in utterances if u.corpus in corpora] for name, corpora in sets.items()}
    return {name: _drawn(found, most) for name, found in chosen.items() if found}


def _drawn(utterances: list[Utterance], most: int | None) -> list[Utterance]:
    if most is None or most >= len(utterances):
        return utterances
    kept = _rng().permutation(len(utterances))[:most]
    return [utterances[index] for index in sorted(kept)]


def _rng() -> np.random.Generator:
    return np.random.default_rng(_DEV_SEED)


def _versions(recipe: MaterialRecipe) -> list[TakeConfig]:
    """As many as the recipe asks for; KwsError if there are not so many."""
    allowed = VERSIONS if recipe.abrupt else [version for version in VERSIONS if not version.tight_share]
    if recipe.versions > len(allowed):
        raise KwsError(f"material.versions is {recipe.versions}; there are {len(allowed)}")
    return [_heard(version, recipe) for version in allowed[: recipe.versions]]


def _heard(version: TakeConfig, recipe: MaterialRecipe) -> TakeConfig:
    """A version of the takes without what the recipe leaves out."""
    version = version if recipe.tempo else replace(version, speed=(1.0, 1.0))
    version = version if recipe.noise else replace(version, noise_share=0.0)
    return version if recipe.rooms else replace(version, room_share=0.0)


def _clips() -> list[Clip]:
    manifest = recordings_manifest()
    return read_manifest(manifest) if manifest.is_file() else []


def _noises(clips: Iterable[Clip]) -> list[Path]:
    return [c.path for c in clips if c.kind == "noise" and c.split == "train" and c.licence == "ship"]


def _chosen(utterances: list[Utterance], share: float, seed: int) -> list[Utterance]:
    """A share of them, for trials and tests."""
    kept = np.random.default_rng(seed).permutation(len(utterances))[: round(share * len(utterances))]
    return [utterances[index] for index in sorted(kept)]
