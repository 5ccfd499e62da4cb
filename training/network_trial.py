"""What to expect of a new network: its calibration table, and what its report shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.bundle import Bundle
from kws.evaluation import calibrate, det_curve
from kws.evaluation.calibration import calibration_thresholds
from kws.manifest_keys import read_json, write_json
from training.learning.selection import Listening, held_out_scores
from training.models import Network
from training.spoken_anew import NOISY, heard
from training.synth import synthesize
from training.training_page import Evidence

SPOKEN_WORDS = 100
_TOLD = (
    "Measured on words by synthetic voices, spoken anew and heard by the finished model, clean and at 10 dB; "
    "on held-out words, in rooms and noise; and on held-out speech, on which the epoch was chosen too."
)
_MAX_PER_HOUR = 20.0


def examine(
    network: Network, listening: Listening | None, bundle: Bundle, phrase: str, *, seed: int, cache: Path
) -> Evidence:
    """Words spoken anew through the bundle, held-out tapes through its float form.

    Args:
        network: as the bundle was made from it.
        listening: what was held out, if anything.
        bundle: finished.
        phrase: as it is spelled.
        seed: of the training.
        cache: where synthesized speech is kept.
    """
    spoken = synthesize([phrase] * SPOKEN_WORDS, np.random.default_rng([seed, 99]), cache=cache)
    clean, noisy = heard(bundle, spoken, seed=seed), heard(bundle, spoken, NOISY, seed=seed)
    words = {"by synthetic voices": clean, "at 10 dB": noisy}
    if listening is None:
        return Evidence("", words, spoken, clean, None, 0.0)
    held = held_out_scores(network, listening)
    words["held out"] = held.best
    return Evidence(_TOLD, words, spoken, clean, held.speech, held.hours)


def fill_table(manifest: Path, evidence: Evidence) -> None:
    """Put the calibration table into a bundle's manifest; nothing where no speech was held out."""
    if evidence.speech is None or not evidence.hours:
        return
    clean, noisy = list(evidence.words.values())[:2]
    curve = det_curve(clean, evidence.speech, evidence.hours, max_per_hour=_MAX_PER_HOUR)
    rows = calibrate(calibration_thresholds(curve), clean, noisy, evidence.speech, evidence.hours)
    content = read_json(manifest)
    content["kws"]["calibration"] = [row.to_json() for row in rows]
    write_json(manifest, content)
