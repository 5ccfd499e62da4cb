"""Measure wake-word models on the dev recordings: `python -m training.evaluate [MODEL ...]`.

Writes one small JSON of figures per model, from which training.report makes docs/accuracy.md; `--fill`
also puts the calibration table and the figures into the model's own manifest.
"""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import numpy as np

from kws.bundle import Bundle, bundled_names, find_bundle
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.evaluation import CalibrationRow, Matched, match_detections, operating_point
from kws.evaluation.streams import Layout
from kws.events import Detection
from kws.manifest_keys import read_json, write_json
from kws.scoring import ScoreTrack
from kws.types import SAMPLE_RATE, Outputs, Rows
from training.accuracy.dev_recordings import dev_clips
from training.accuracy.dev_streams import CACHE, CLEAN, CONDITIONS, NOISE, SPEECH, STREAMS, dev_stream
from training.accuracy.figures import Events, Figures, VoiceCount, write_figures
from training.accuracy.measure import DevTracks, Scored, calibration, measure, speech_curve
from training.accuracy.streams import is_word
from training.shards import on_ray, spread

FIGURES = Path(__file__).parents[1] / "docs" / "figures"


def dev_tracks(word: str, score: Callable[[Rows], ScoreTrack], *, cache: Path = CACHE) -> DevTracks:
    """All dev streams of a word through `score`, which must hear each from a fresh state."""
    streams = {name: dev_stream(word, name, cache=cache) for name in STREAMS}
    return _arranged({name: Scored(score(stream.rows), stream.layout) for name, stream in streams.items()})


def evaluate(
    bundle: Bundle, *, false_alarms_per_hour: float | None = None, jobs: int = 2, cache: Path = CACHE
) -> tuple[Figures, list[CalibrationRow]]:
    """Figures and calibration table of one bundle.

    Args:
        bundle: of one wake word.
        false_alarms_per_hour: measure at the lowest threshold that keeps to this on the dev speech, instead
            of the bundle's own.
        jobs: processes; each stream is one task. 1: no other process than this.
        cache: where the streams' rows are kept.

    Raises:
        KwsError: nobody says this wake word in the dev recordings.
    """
    word = bundle.wake_word.lower()
    _check_recorded(word)
    wake_word = WakeWord(bundle)
    heard = _run(bundle, word, jobs, cache)
    tracks = _arranged(
        {name: Scored(track_of(wake_word, outputs), layout) for name, (outputs, layout) in heard.items()}
    )
    threshold = bundle.threshold
    if false_alarms_per_hour is not None:
        threshold = operating_point(speech_curve(tracks), false_alarms_per_hour).threshold
    figures = measure(
        tracks,
        threshold,
        model=bundle.name,
        word=word,
        file=bundle.model_path,
        events=_events(WakeWord(bundle, threshold=threshold), heard),
    )
    return dataclasses.replace(figures, voices=_voices(word, figures.missed)), calibration(tracks)


def _voices(word: str, missed: Sequence[str]) -> tuple[VoiceCount, ...]:
    """Words and misses of each speaker of the word, by the names of the files missed."""
    clips = [clip for clip in dev_clips() if is_word(clip, word)]
    said = Counter(clip.speaker for clip in clips)
    lost = Counter(clip.speaker for clip in clips if clip.path.name in missed)
    return tuple(VoiceCount(speaker, count, lost[speaker]) for speaker, count in said.most_common())


def track_of(wake_word: WakeWord, outputs: Outputs) -> ScoreTrack:
    """The score track of a model of one label from its outputs since a reset."""
    wake_word.reset()
    return ScoreTrack(_step_ends(wake_word, len(outputs)), wake_word.detectors[0].smooth(outputs[:, 0]))


def detections_of(wake_word: WakeWord, outputs: Outputs) -> list[Detection]:
    """What the detector makes of the same outputs."""
    wake_word.reset()
    detector = wake_word.detectors[0]
    ends = [(c, wake_word.step_end(c.step) / SAMPLE_RATE) for c in detector.push(outputs[:, 0])]
    return [Detection(wake_word.bundle.name, c.score, detector.config.threshold, end, end) for c, end in ends]


def fill_bundle(manifest: Path, figures: Figures, table: list[CalibrationRow]) -> None:
    """Write threshold, calibration and figures into a bundle's JSON; its model file is not touched.

    Raises:
        KwsError: the manifest is not one of ours, so nothing in it says what a calibration would belong to.
    """
    bundle = read_json(manifest)
    if "kws" not in bundle:
        raise KwsError(f'{manifest}: has no "kws" part to fill; measure it without --fill')
    bundle["micro"]["probability_cutoff"] = figures.default.threshold
    ours = bundle["kws"]
    ours["calibration"] = [row.to_json() for row in table]
    ours.setdefault("card", {})["figures"] = card_figures(figures)
    write_json(manifest, bundle)


def card_figures(figures: Figures) -> dict[str, object]:
    """What a model's card says about its accuracy: counts at the default threshold, and on what."""
    point = figures.default
    return {
        "recordings": "dev split, none of it trained on; the threshold was chosen on it",
        "words": figures.words,
        "voices": len(figures.voices),
        "speech_hours": figures.speech_hours,
        "threshold": point.threshold,
        "misses": point.misses,
        "false_alarms": point.false_alarms,
        "false_alarms_per_hour_interval": [round(limit, 3) for limit in figures.rate(point).interval],
        "latency_p50_p95": point.latency,
        **figures.measured,
    }


def _run(bundle: Bundle, word: str, jobs: int, cache: Path) -> dict[str, tuple[Outputs, Layout]]:
    """The outputs of the model on every stream, the longest first."""
    names = sorted(STREAMS, key=lambda name: name != SPEECH)
    found = spread(_outputs, (bundle, word, cache), names, "listening", workers=jobs, fork=False)
    return dict(zip(names, found, strict=True))


def _outputs(known: tuple[Bundle, str, Path], name: str) -> tuple[Outputs, Layout]:
    bundle, word, cache = known
    stream = dev_stream(word, name, cache=cache, front_end=bundle.front_end)
    return bundle.open_model().push(stream.rows), stream.layout


def _events(wake_word: WakeWord, heard: Mapping[str, tuple[Outputs, Layout]]) -> Events:
    def matched(name: str) -> Matched:
        outputs, layout = heard[name]
        return match_detections(detections_of(wake_word, outputs), layout.occurrences)

    return Events(matched(CLEAN).misses.count, len(matched(SPEECH).false_alarms))


def _arranged(heard: Mapping[str, Scored]) -> DevTracks:
    return DevTracks({name: heard[name] for name in CONDITIONS}, heard[SPEECH], heard[NOISE])


def _step_ends(wake_word: WakeWord, steps: int) -> np.ndarray:
    first, second = wake_word.step_end(0), wake_word.step_end(1)
    return (first + (second - first) * np.arange(steps)) / SAMPLE_RATE


def _check_recorded(word: str) -> None:
    if not any(is_word(clip, word) for clip in dev_clips()):
        raise KwsError(f"{word}: nobody says it in the dev recordings, so its misses cannot be measured")


@click.command()
@click.argument("models", nargs=-1)
@click.option("--fill", is_flag=True, help="Write threshold, calibration and figures into the manifests too.")
@click.option("--false-alarms-per-hour", type=float, help="Set the threshold by this rate on the dev speech.")
@click.option(
    "--figures", type=click.Path(path_type=Path), default=FIGURES, help="Directory for the JSON of figures."
)
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--ray", metavar="ADDRESS", help="Listen on this Ray cluster instead.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(
    models: tuple[str, ...],
    fill: bool,
    false_alarms_per_hour: float | None,
    figures: Path,
    jobs: int,
    ray: str | None,
    cache: Path,
) -> None:
    """Measure MODELS, bundled names or paths, by default all that are bundled."""
    command = f"python -m training.evaluate {shlex.join(sys.argv[1:])}".strip()
    measured = {"command": command, "date": datetime.date.today().isoformat()}
    try:
        for name in models or bundled_names():
            bundle = find_bundle(name)
            with on_ray(ray):
                result, table = evaluate(
                    bundle, false_alarms_per_hour=false_alarms_per_hour, jobs=jobs, cache=cache
                )
            result = dataclasses.replace(result, measured=measured)
            write_figures(figures / f"{bundle.name}.json", result)
            if fill:
                fill_bundle(bundle.manifest_path, result, table)
            click.echo(summary(result))
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def summary(figures: Figures) -> str:
    """A few lines for the terminal."""
    lines = [f"{figures.model}: {figures.words} words, {figures.speech_hours:.2f} h of speech"]
    for name, point in {"default": figures.default, **figures.points}.items():
        missed = ", ".join(f"{100 * figures.missed_at(point, c).value:.1f} % {c}" for c in point.misses)
        lines.append(
            f"  {name:>7}: threshold {point.threshold:.4f}, missed {missed}, "
            f"{figures.rate(point).per_hour:.2f} false alarms an hour"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
