"""Fit how often a recognizer's spotter gives false alarms, and check that on other phrases.

python -m training.understanding.spotting english [--fit]

Random phrases of one to three words, none of which anybody says, are sought in the dev sentences. On half of
them the rate is fitted (kws.recognition.alarm_rate); of the others each gets the threshold that the fit gives
for some rates, and what really happened is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from kws.bundle import MODELS
from kws.errors import KwsError
from kws.recognition.alarm_rate import DEAD_HOURS, FEATURES, AlarmRate, features
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.lexicon import Spelling
from kws.recognition.ngram import read_arpa
from kws.recognition.priors import decoding_of
from kws.recognition.spelling import phrase_spellings
from kws.recognition.spotter import Spotter
from kws.recognition.tokens import PHONES, LogProbs
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.recognizer.labels import phones_of, spoken_words
from training.understanding.dev_speech import dev_sets, drawn, hear

THRESHOLDS = np.array([0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
RATES = (0.5, 1.0, 2.0, 5.0)
"""False alarms per hour at which the fit is checked."""
STEP_SECONDS = 0.04
_STEPS = 100
_RIDGE = 1e-6

Track = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sought:
    """A phrase that nobody said, and its scores all the time."""

    spelling: Spelling
    track: Track

    def alarms(self, threshold: float) -> int:
        """Times that it would have been reported."""
        times = np.flatnonzero(self.track >= threshold)
        count, last = 0, -np.inf
        for time in times.tolist():
            if time - last > 3600 * DEAD_HOURS / STEP_SECONDS:
                count, last = count + 1, time
        return count


def unsaid_phrases(
    words: Sequence[str], said: Sequence[str], count: int, rng: np.random.Generator
) -> list[Spelling]:
    """Spellings of random phrases, none of them part of what is said (phones apart by spaces)."""
    everything = " | ".join(said)
    found: list[Spelling] = []
    while len(found) < count:
        phrase = " ".join(rng.choice(words, rng.integers(1, 4)))
        spelling = phrase_spellings(phrase, PHONES)[0]
        if len(spelling) >= 3 and PHONES.decode(spelling) not in everything:
            found.append(spelling)
    return found


def seek(spellings: Sequence[Spelling], log_probs: LogProbs) -> list[Sought]:
    """The scores of every phrase."""
    named = {str(number): [spelling] for number, spelling in enumerate(spellings)}
    tracks = Spotter(named, STEP_SECONDS).scores(log_probs).astype(np.float32)
    return [Sought(spelling, tracks[:, number]) for number, spelling in enumerate(spellings)]


def fit(sought: Sequence[Sought], log_priors: npt.NDArray[np.float64], hours: float) -> AlarmRate:
    """Weights by Fisher scoring on a negative binomial's log-likelihood, dispersion 1, with a small ridge.

    Counts of phrases alike in every feature differ far more than Poisson counts would.
    """
    x = np.concatenate([features(one.spelling, THRESHOLDS, log_priors) for one in sought])
    y = np.array([one.alarms(threshold) for one in sought for threshold in THRESHOLDS], np.float64)
    scale = np.maximum(x.std(axis=0), 1e-9)
    scale[0] = 1.0
    x = x / scale
    weights = np.zeros(FEATURES)
    for _ in range(_STEPS):
        rate = np.exp(np.clip(x @ weights, -30, 30))
        mean = hours * rate / (1 + rate * DEAD_HOURS)
        slope = mean / (1 + rate * DEAD_HOURS)  # d mean / d (x . weights)
        variance = mean * (1 + mean)
        gradient = x.T @ ((y - mean) * slope / variance) - _RIDGE * weights
        curvature = (x * (slope**2 / variance)[:, None]).T @ x + _RIDGE * np.eye(FEATURES)
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step * min(1.0, 1 / np.abs(x @ step).max())  # no rate by more than a factor e
    return AlarmRate(weights / scale, log_priors)


def check(rate: AlarmRate, sought: Sequence[Sought], hours: float) -> dict[float, dict[str, float]]:
    """For each of RATES, what phrases at their fitted thresholds really did, per hour."""
    found = {}
    for asked in RATES:
        real = [one.alarms(rate.threshold([one.spelling], asked)) / hours for one in sought]
        low, middle, high = np.quantile(real, [0.1, 0.5, 0.9])
        found[asked] = {
            "mean": round(float(np.mean(real)), 2),
            "10 %": round(float(low), 2),
            "median": round(float(middle), 2),
            "90 %": round(float(high), 2),
        }
    return found


def measured(bundle: RecognizerBundle, cache: Path, *, most: int, phrases: int, seed: int) -> dict[str, Any]:
    """What goes into the card as `spotting`."""
    log_priors = bundle.card.get("decoding", {}).get("log_priors", {}).get("phones")
    if not log_priors:
        raise KwsError(
            f"{bundle.name}: run python -m training.understanding.speech_tasks {bundle.name} --fit first"
        )
    sets = dev_sets(read_manifest(recordings_manifest()))
    heard = [
        one
        for name in ("libri", "ocean")
        for one in drawn(hear(bundle, sets[name], cache / f"heard-{name}.npz"), most)
    ]
    sound = decoding_of(bundle.card, PHONES).priors.scaled(np.concatenate([sound for _, sound in heard]))
    said = [" ".join(phones_of(spoken_words(clip.label))) for clip, _ in heard]
    words = [word for word in read_arpa(MODELS / "english.arpa.gz").words if word.isalpha()]
    spellings = unsaid_phrases(words, said, phrases, np.random.default_rng(seed))
    sought, hours = seek(spellings, sound), len(sound) * STEP_SECONDS / 3600
    rate = fit(sought[::2], np.array(log_priors), hours)
    return {
        "weights": [float(f"{weight:.6g}") for weight in rate.weights],
        "hours": round(hours, 3),
        "phrases": len(sought[::2]),
        "checked_on": len(sought[1::2]),
        "false_alarms_per_hour": {str(a): row for a, row in check(rate, sought[1::2], hours).items()},
    }


@click.command()
@click.argument("model", default="english")
@click.option("--most", default=300, show_default=True, help="Clips of each dev set.")
@click.option("--phrases", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--fit", "fits", is_flag=True, help="Write the weights into the recognizer's card.")
@recognizer_cache_option
def main(model: str, most: int, phrases: int, seed: int, fits: bool, cache: Path) -> None:
    """Print the false alarms of unsaid phrases at the thresholds that the fit gives them."""
    bundle = find_recognizer(model)
    found = measured(bundle, cache, most=most, phrases=phrases, seed=seed)
    click.echo(
        f"{found['hours']} h of speech, {found['phrases']} phrases fitted, {found['checked_on']} checked"
    )
    for asked, row in found["false_alarms_per_hour"].items():
        click.echo(f"{asked:>4} an hour asked for: " + ", ".join(f"{k} {v}" for k, v in row.items()))
    if fits:
        from training.recognizer.publish import add_to_card

        add_to_card(bundle.manifest_path, {"spotting": found})
        click.echo(f"wrote {bundle.manifest_path}")


if __name__ == "__main__":
    main()
