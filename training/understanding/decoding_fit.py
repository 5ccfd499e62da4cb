"""Priors and confidence of a recognizer, from what it heard in the dev recordings, into its card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kws.evaluation.intervals import Proportion
from kws.manifest_keys import read_json, write_json
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import TOKEN_SETS, RecognizerBundle
from kws.recognition.confidence import Calibration, Features, fit, path_features
from kws.recognition.grammar_decoder import GrammarDecoder, meaning
from kws.recognition.graph_beam import Path as GraphPath
from kws.recognition.letters import Letters
from kws.recognition.priors import WEIGHT as PRIOR_WEIGHT
from kws.recognition.priors import Priors
from kws.recognition.rival import Rival, rival_of
from kws.recognition.tokens import PHONES
from training.data.manifest import Clip
from training.understanding.dev_speech import COMMANDS, FREE, Heard, graph_of, said, slots


def fitted(
    bundle: RecognizerBundle, heard: dict[str, list[Heard]], say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """What goes into the card as `decoding`: priors of the tokens, confidence of paths, its threshold."""
    step = AcousticModel(bundle, "phones").step_seconds
    steps = np.concatenate([sound for name in FREE for _, sound in heard[name]])
    log_priors = np.log(np.exp(steps).mean(axis=0))
    priors, rival = Priors.of(log_priors[: len(PHONES)]), rival_of(bundle, PHONES)
    letters = Letters(Priors.of(log_priors[len(PHONES) :])) if len(log_priors) > len(PHONES) else None
    paths = {
        name: [found for one in sets for found in paths_of(name, heard[one], step, priors, rival, letters)]
        for name, sets in FITTED_ON.items()
    }
    every = [path for found in paths.values() for path in found]
    calibration = fit([path.features for path in every], [path.right for path in every])
    threshold = _threshold(calibration, paths["commands"])
    for name, found in paths.items():
        for line in trade_off(calibration, found):
            say(f"{name} {line}")
    return {
        "log_priors": {
            kind: [round(float(value), 3) for value in part]
            for kind, part in zip(TOKEN_SETS, np.split(log_priors, [len(PHONES)]), strict=True)
            if len(part)
        },
        "prior_weight": PRIOR_WEIGHT,
        "confidence": {**asdict(calibration), "threshold": round(threshold, 4)},
    }


FITTED_ON = {
    "commands": ("commands", "others", "silence"),
    "digits": ("digit", "digits", "ocean"),
    "coffee": ("coffee", "libri", "ocean"),
}
"""Grammar -> the dev sets that are heard by it."""


@dataclass(frozen=True)
class Judged:
    """A grammar's best path through one clip."""

    features: Features
    right: bool
    clip: Clip


def paths_of(
    name: str,
    clips: Sequence[Heard],
    step_seconds: float,
    priors: Priors,
    rival: Rival | None,
    letters: Letters | None,
) -> Iterator[Judged]:
    """Of each clip by a grammar among the examples; none where no word was found."""
    decoder = GrammarDecoder(graph_of(name), step_seconds, priors=priors, rival=rival, letters=letters)
    for clip, sound in clips:
        decoder.reset()
        decoder.push(sound)
        for path, evidence in decoder.ranked()[:1]:
            features = path_features(path.score, path.words, evidence)
            if features:
                yield Judged(features, _is_right(path, clip), clip)


def _is_right(path: GraphPath, clip: Clip) -> bool:
    """By its slots where the label has slots, else by its text."""
    if clip.kind != "speech-slots":
        return path.text == said(clip)
    return meaning(path)[1] == slots(clip)


def _threshold(calibration: Calibration, commands: Sequence[Judged]) -> float:
    """The lowest that at most 8 % of the other words and 1.5 % of the silences reach."""
    found = [0.02]
    for kind, share in (("word", 0.92), ("noise", 0.985)):
        others = [
            calibration.of_features(path.features)
            for path in commands
            if path.clip.kind == kind and path.clip.label not in COMMANDS
        ]
        if others:
            found.append(float(np.quantile(others, share)))
    return max(found)


def trade_off(calibration: Calibration, judged: Sequence[Judged]) -> Iterator[str]:
    """What each of some thresholds lets through."""
    for threshold in (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8):
        passes = [calibration.of_features(path.features) >= threshold for path in judged]
        right, wrong = (
            [p for p, path in zip(passes, judged, strict=True) if path.right == is_right]
            for is_right in (True, False)
        )
        yield f"at {threshold:.2f}: of what is right {_share(right)}, of all else {_share(wrong)}"


def write_decoding(bundle: RecognizerBundle, decoding: dict[str, Any]) -> None:
    """Put it into the card of the bundle on disk."""
    manifest = read_json(bundle.manifest_path)
    manifest["kws"].setdefault("card", {})["decoding"] = decoding
    write_json(bundle.manifest_path, manifest)


def _share(passes: Sequence[bool]) -> Proportion:
    return Proportion(sum(passes), len(passes))
