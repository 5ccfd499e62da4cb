"""Everything that the recognizer learns from and is measured on, gathered and cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kws.errors import KwsError
from kws.frontends import MICRO
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.recognizer.corpus import Utterance, recorded, synthetic
from training.recognizer.recipe import MaterialRecipe
from training.recognizer.takes import AS_RECORDED, VERSIONS, TakeConfig, Takes, cached_takes, joined

DEV_SETS = {
    "libri": ("libri-test-clean",),
    "speechocean": ("speechocean762",),
    "words": ("gsc-test-v0.02",),
    "digits": ("fsdd",),
}
"""Name -> corpora of the dev split; error rates are reported for each."""


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
    for number in range(recipe.versions):
        parts = [
            cached_takes(cache, part, noises, VERSIONS[number], seed=seed + number, encoder=encoder)
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
    config = replace(AS_RECORDED, lead=(lead, lead))
    utterances = recorded(_clips(), "dev")
    chosen = {name: [u for u in utterances if u.corpus in corpora] for name, corpora in DEV_SETS.items()}
    return {name: _heard(found, cache, most, config, encoder) for name, found in chosen.items() if found}


def _heard(
    utterances: list[Utterance],
    cache: Path,
    most: int | None,
    config: TakeConfig,
    encoder: str,
    seed: int = 1,
) -> Takes:
    if most is not None and most < len(utterances):
        kept = np.random.default_rng(seed).permutation(len(utterances))[:most]
        utterances = [utterances[index] for index in sorted(kept)]
    return cached_takes(cache, utterances, (), config, seed=seed, encoder=encoder)


def _clips() -> list[Clip]:
    manifest = recordings_manifest()
    return read_manifest(manifest) if manifest.is_file() else []


def _noises(clips: Iterable[Clip]) -> list[Path]:
    return [c.path for c in clips if c.kind == "noise" and c.split == "train" and c.licence == "ship"]


def _chosen(utterances: list[Utterance], share: float, seed: int) -> list[Utterance]:
    """A share of them, for trials and tests."""
    kept = np.random.default_rng(seed).permutation(len(utterances))[: round(share * len(utterances))]
    return [utterances[index] for index in sorted(kept)]
