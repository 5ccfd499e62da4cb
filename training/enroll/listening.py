"""What a bundle makes of its user's takes, and the threshold at which it hears them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.bundle import Bundle
from kws.cascade import files_beside
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.evaluation import ThresholdChoice, threshold_for
from kws.frontends import new_front_end
from kws.manifest_keys import write_json
from kws.types import SAMPLE_RATE, Samples

_HUSH = 20.0
"""Standard deviation of the noise before and after a take, of 32768."""
_MARGIN = 0.9
"""Of the weakest take's score: another day it will be a little lower still."""


def best_scores(bundle: Bundle, takes: Sequence[Samples]) -> list[float]:
    """The highest smoothed score of each take, heard after two seconds of near silence."""
    wake_word, rng = WakeWord(bundle), np.random.default_rng(0)
    found = []
    for take in takes:
        before, after = (rng.normal(scale=_HUSH, size=s * SAMPLE_RATE).astype(np.int16) for s in (2, 1))
        wake_word.reset()
        rows = new_front_end(bundle.front_end).push(np.concatenate([before, take, after]))
        found.append(float(wake_word.scores(rows).max(initial=0.0)))
    return found


@dataclass(frozen=True)
class Chosen:
    """A threshold for one user."""

    threshold: float
    cost: ThresholdChoice
    """What is known about the false alarms of the lowest threshold allowed."""


def personal_threshold(bundle: Bundle, takes: Sequence[Samples], most_per_day: float) -> Chosen:
    """The highest threshold, not above the bundle's, at which all takes are heard with a margin.

    It does not go below the one that the calibration table gives for `most_per_day` false alarms.

    Raises:
        KwsError: without a table nobody knows what a lower threshold costs.
    """
    lowest = threshold_for(bundle.calibration, most_per_day)
    wanted = _MARGIN * min(best_scores(bundle, takes))
    return Chosen(round(min(bundle.threshold, max(wanted, lowest.threshold)), 4), lowest)


def with_threshold(bundle: Bundle, threshold: float, folder: Path) -> Path:
    """A copy of the bundle with another threshold; returns the path of its manifest.

    Raises:
        KwsError: the folder is the one that the bundle lies in.
    """
    if folder.resolve() == bundle.manifest_path.parent.resolve():
        raise KwsError(f"{folder}: the model itself lies there; give another folder with -o")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = json.loads(json.dumps(bundle.manifest))
    manifest["micro"]["probability_cutoff"] = threshold
    # Before a second stage a model stands lower anyway; where not, it must let this voice through too.
    stage = manifest.get("kws", {}).get("confirmation", {}).get("default")
    if stage:
        stage["threshold"] = min(stage["threshold"], threshold)
    files = {bundle.model_path.name: bundle.model_path, **files_beside(bundle)}
    for name, file in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(file, folder / name)
    path = folder / bundle.manifest_path.name
    write_json(path, manifest)
    return path
