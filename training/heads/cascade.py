"""The second stage that new heads get, at thresholds estimated, not measured.

    python -m training.heads.cascade MODEL...

estimates it anew for words that `kws train` made beside another recognizer than is installed now. A training
does the same by itself.

Heads are judged on embeddings of other speech; the recognizer needs the audio, which is not there. So what
all of them let through together is taken from words that were trained alike and measured on recordings
(training.heads.fused_alarms). Without heads on a second encoder the recognizer confirms alone, and each
stage gets a threshold by its own rate: the heads' from their table, the spelling's from what the recognizer
knows of phrases that nobody said (kws.recognition.alarm_rate). How well that does on people's speech stands
in docs/experiments/embedding-heads.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kws.bundle import Bundle, find_bundle, read_bundle
from kws.confirmation_table import ConfirmationPoint, Second, estimate_of
from kws.errors import KwsError
from kws.evaluation import Proportion, match_detections
from kws.frontends import WAVEFORM
from kws.fusion import Fusion
from kws.manifest_keys import read_json, write_json
from kws.recognition.alarm_rate import alarm_rate_of
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.lexicon import Spelling
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.accuracy.confirmation import confirmation
from training.accuracy.looked import Scorer, told_once
from training.heads.bundling import SECOND
from training.heads.fused_alarms import LEASTS, read_fused_alarms
from training.heads.trial import CONDITIONS, PROPOSED_PER_HOUR, say_anew, spoken_stream
from training.options import cache_option

RECOGNIZER = "english"
HEAD_PER_HOUR = 20.0
"""False alarms of heads by themselves, where the spelling alone confirms."""
SPELLING_PER_HOUR = 2.0
"""And of the spelling by itself, everywhere in ordinary speech."""
FUSED_PER_HOUR = 0.5
"""And of all together, as far as other words tell."""
WEIGHTS = (0.75, 0.75)
"""Of the heads on the second encoder and of the spelling; the logits of the first weigh 1."""


def add_second_stage(path: Path, second: Path | None, *, seed: int, cache: Path) -> str:
    """Write `kws.confirmation` into the manifest of new heads, if it is known how the phrase is said.

    Args:
        path: of the manifest.
        second: that of the heads on the second encoder, in a folder beside it.
        seed: of the training.
        cache: where synthesized speech is kept.

    Returns:
        What to expect of both stages, for people; "" where there is no second one.

    Raises:
        KwsError: something that training brings along is damaged.
    """
    bundle, recognizer = read_bundle(path), find_recognizer(RECOGNIZER)
    try:
        ways = phrase_spellings(bundle.wake_word, PHONES)
        threshold = proposing(bundle, HEAD_PER_HOUR if second is None else PROPOSED_PER_HOUR)
    except KwsError:  # nobody knows how it is said, or the heads have learned next to nothing
        return ""
    if second is None:
        entry = spelling_alone(bundle, recognizer, ways, threshold)
    else:
        both = Fusion((read_bundle(second), recognizer), WEIGHTS)
        entry = fused(bundle, both, ways, threshold, seed=seed, cache=cache)
    manifest = read_json(path)
    manifest["kws"] |= {"confirmation": entry}
    write_json(path, manifest)
    return told(entry)


def told(entry: Mapping[str, Any]) -> str:
    """What `kws.confirmation` says of its default, for people."""
    chosen = entry["default"]
    points = [ConfirmationPoint.from_json(row) for row in entry["points"] if row["least"] == chosen["least"]]
    counts = [
        f"{point.misses.count} of {point.misses.total} words missed, {point.noisy_misses.count} at 10 dB, "
        f"{point.false_alarms.per_hour:.2f} false alarms an hour"
        for point in points
    ]
    return "; ".join([*counts, f"estimated: {chosen['estimated']}"])


def spelling_alone(
    bundle: Bundle, recognizer: RecognizerBundle, ways: Sequence[Spelling], threshold: float
) -> dict[str, Any]:
    """The recognizer alone confirms what the heads propose at that threshold."""
    least = alarm_rate_of(recognizer).threshold(ways, SPELLING_PER_HOUR)
    rates = f"{HEAD_PER_HOUR:g} of the head alone, {SPELLING_PER_HOUR:g} of the spelling alone"
    thresholds = (threshold, round(least, 4))
    return confirmation(
        str(bundle.model_sha256), recognizer, thresholds, ways, estimated=f"false alarms an hour: {rates}"
    )


def fused(
    bundle: Bundle, second: Fusion, ways: Sequence[Spelling], threshold: float, *, seed: int, cache: Path
) -> dict[str, Any]:
    """Heads on the second encoder and the spelling judge together what the first propose at that threshold.

    Misses are counted on synthetic voices that say the phrase anew, false alarms are other words'.
    """
    known = read_fused_alarms()
    clean, noisy = _missed(bundle, second, threshold, seed=seed, cache=cache)
    points = [
        ConfirmationPoint(threshold, least, clean[least], noisy[least], known.at(least)) for least in LEASTS
    ]
    chosen = min(point.least for point in points if point.false_alarms.per_hour <= FUSED_PER_HOUR)
    return confirmation(
        str(bundle.model_sha256), second, (threshold, chosen), ways, points, estimated=known.told
    )


def proposing(bundle: Bundle, per_hour: float) -> float:
    """The lowest threshold with so many false alarms by its table; raises KwsError where there is none."""
    fitting = [
        row["threshold"] for row in bundle.calibration if row["false_alarms"] <= per_hour * row["hours"]
    ]
    if not fitting:
        raise KwsError(f"{bundle.name}: has more than {per_hour:g} false alarms an hour at any threshold")
    return float(min(fitting))


def _missed(
    bundle: Bundle, second: Second, threshold: float, *, seed: int, cache: Path
) -> list[dict[float, Proportion]]:
    """Of the phrase spoken anew, in each condition: by threshold of all together."""
    spoken = say_anew(bundle.wake_word, seed=seed, cache=cache)
    scorer, model, found = Scorer(bundle, second), bundle.open_model(), []
    for recipe in CONDITIONS:
        heard = spoken_stream(spoken, recipe, front_end=bundle.front_end, seed=seed)
        audio = spoken_stream(spoken, recipe, front_end=WAVEFORM, seed=seed)
        model.reset()
        candidates = scorer.candidates(audio, model.push(heard.rows), threshold)
        words = audio.layout.occurrences
        told = {least: told_once(candidates, least, scorer.refractory) for least in LEASTS}
        found.append({least: match_detections(events, words).misses for least, events in told.items()})
    return found


def estimate_again(path: Path, cache: Path) -> str:
    """The second stage of trained heads, estimated with the recognizer of now; what to expect, for people.

    Raises:
        KwsError: these are no heads of `kws train`, or nobody knows how the phrase is said.
    """
    bundle = read_bundle(path)
    if not estimate_of(bundle):
        raise KwsError(
            f"{path}: has no second stage that `kws train` estimated; measure it on recordings: "
            f"python -m training.second_stage {path} --fill"
        )
    second = path.parent / SECOND / path.name
    seed = int(bundle.card.get("seed", 1))
    found = add_second_stage(path, second if second.is_file() else None, seed=seed, cache=cache)
    if not found:
        raise KwsError(f"{path}: nothing to estimate by; train it again: kws train {bundle.wake_word!r}")
    return found


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@cache_option
def main(models: Sequence[str], cache: Path) -> None:
    """Estimate the second stage of each trained word anew; writes its manifest."""
    for model in models:
        try:
            path = find_bundle(model).manifest_path
            click.echo(f"{path}: {estimate_again(path, cache)}")
        except KwsError as error:
            raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
