"""The published figures of the bundled models are what a user's engine hears on the dev recordings."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import kws
from kws.bundle import bundled_names, find_bundle
from kws.evaluation import match_detections
from kws.evaluation.streams import WORDS
from training.accuracy.figures import read_figures
from training.accuracy.streams import is_word, joined_stream
from training.data.manifest import Clip
from training.drift import detections

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
BORDERLINE = 1
"""Words that another processor's kernels may lift over the threshold, or not (tier 3 of the contract)."""


@pytest.mark.parametrize("name", bundled_names())
def test_figures_are_of_the_bundled_file(name: str) -> None:
    bundle, figures = find_bundle(name), read_figures(FIGURES / f"{name}.json")
    assert hashlib.sha256(bundle.model_path.read_bytes()).hexdigest() == figures.sha256
    assert bundle.threshold == figures.default.threshold


@pytest.mark.recordings
@pytest.mark.parametrize("name", bundled_names())
def test_an_engine_misses_what_the_figures_say(name: str, clips: list[Clip]) -> None:
    figures = read_figures(FIGURES / f"{name}.json")
    said = [clip for clip in clips if clip.split == "dev" and is_word(clip, figures.word)]
    order = np.random.default_rng([WORDS.seed, 3]).permutation(len(said))
    stream = joined_stream([said[index] for index in order], WORDS, word=figures.word)
    heard = match_detections(
        detections(kws.load(name, confirm="none"), stream.samples), stream.layout.occurrences
    )
    assert heard.misses.total == figures.words == len(said)
    assert figures.events is not None
    assert abs(heard.misses.count - figures.events.misses) <= BORDERLINE
