"""Figures of all measured models -> docs/accuracy.md and its drawings: `python -m training.report`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from kws.bundle import bundled_names
from kws.evaluation import Rate
from training.accuracy.cascade_table import cascade_section
from training.accuracy.det_svg import det_svg
from training.accuracy.dev_streams import CLEAN, CONDITIONS, NOISY
from training.accuracy.figures import CorpusCount, Figures, Point, read_figures
from training.evaluate import FIGURES

DOCS = Path(__file__).parents[1] / "docs"
COMMAND = "python -m training.report"
PARITY_RATES = ("0.5", "1")
"""False alarms per hour at which int8 and float are compared."""

_INTRODUCTION = """\
# Accuracy

Made by `{command}` from the counts in `docs/figures/`; edit neither by hand. To measure again: set
`KWS_DATA`, run `python -m training.evaluate`, then that command.

## How it is measured

* **Recordings.** The `dev` split only. No model was trained on any of it, and as far as voices can be told
  apart its speakers are not those of the `train` split (except kathleen-en: one speaker, other
  sentences). Thresholds, default ones too, were chosen on these same recordings, so expect somewhat worse
  on yours. Three or four people say each word, many times over: an interval says how sure the figure is for
  these voices, not for people at large. What each voice contributes stands below each table.
* **Streams.** The model hears long streams and is never reset within one. Words: all clips, 1.2 to 2.0 s
  apart, with white noise at -70 dBFS under everything. Amid talk: 10 s of other speech and of noises from one
  word to the next, all as recorded, which is nearer to a day on which the word is said twice: a network that
  remembers may wait for a word where another one was. In noise: every clip at -26 dBFS active level over a
  bed of recorded noise (rooms, streets, machines, kitchens) the stated number of decibels below. Room: every
  clip as recorded, then heard in one of 120 simulated rooms (0.15 to 0.7 s of reverberation, none of them
  used in training). Speech: everything spoken in which the word is not said, 0.3 to 0.8 s apart, as recorded.
* **Missed**: the score reaches the threshold nowhere from the word's start to 0.75 s past its end. Start and
  end are found by forced alignment (`training/words/word_ends.py`).
* **False alarm**: the score rises to the threshold where no word is; a rise less than 2 s after the last one
  counted is the same one. Hours are hours of recordings, without the gaps between them, and without the
  recordings that hold no speech: those are counted apart.
* **Intervals** are at 95 %: Clopper-Pearson for misses, exact Poisson for false alarms (none in T hours: at
  most 3/T).
* **At most N per hour** is the lowest threshold which, with every higher one, keeps to that rate.
* **Latency** runs from the word's end to the end of the audio that the first step at the threshold had heard.
"""


def accuracy_page(figures: Sequence[Figures], drift: str = "", cascade: str = "") -> str:
    """The whole page.

    Args:
        figures: of int8 models and, where measured, of their float forms.
        drift: one sentence about the second hour of a stream, if that was measured.
        cascade: the section about two stages, see training.accuracy.cascade_table.
    """
    shipped = [model for model in figures if model.arithmetic == "int8"]
    sections = [
        _INTRODUCTION.format(command=COMMAND),
        cascade,
        *(_model_section(model) for model in shipped),
        _parity_section(figures),
        _drift_section(drift),
    ]
    return "\n".join(section for section in sections if section)


def drawing_name(model: Figures) -> str:
    """File of a model's curve, beside the page."""
    return f"det-{model.model}.svg"


def _model_section(model: Figures) -> str:
    lines = [
        f"## {model.model}",
        "",
        f'"{model.word}", {model.bytes / 1000:.1f} kB, {model.words} words in each condition, '
        f"{model.speech_hours:.2f} h of speech. {_measured(model)}",
        "",
        *_points_table(model),
        "",
        f"![Misses over false alarms per hour of {model.model}]({drawing_name(model)})",
        "",
        *_default_notes(model),
        "",
        *_corpus_table(model.corpora),
        "",
    ]
    return "\n".join(lines)


def _measured(model: Figures) -> str:
    return f"Measured {model.measured['date']} with `{model.measured['command']}`." if model.measured else ""


def _points_table(model: Figures) -> Iterator[str]:
    missed = " | ".join(f"missed, {name}" for name in CONDITIONS)
    yield f"| | threshold | false alarms per hour | {missed} |"
    yield "|---|---|---|" + "---|" * len(CONDITIONS)
    yield _point_row(model, "default", model.default)
    for rate, point in model.points.items():
        yield _point_row(model, f"at most {rate} per hour", point)


def _point_row(model: Figures, title: str, point: Point) -> str:
    missed = " | ".join(str(model.missed_at(point, name)) for name in CONDITIONS)
    return f"| {title} | {point.threshold:.4f} | {model.rate(point)} | {missed} |"


def _default_notes(model: Figures) -> Iterator[str]:
    point = model.default
    yield "At the default threshold:"
    yield ""
    if point.latency:
        median, late = (1000 * seconds for seconds in point.latency)
        yield f"* latency: median {median:.0f} ms, 95th percentile {late:.0f} ms"
    yield (
        f"* recordings without speech: {point.false_alarms_in_noise} false alarms in "
        f"{model.noise_hours:.2f} h; speech and noise together {_total(model)}"
    )
    yield from _voices_note(model)
    if model.events:
        yield (
            f"* as events of the running detector, refractory time and all: {model.events.misses} of "
            f"{model.words} missed, false alarms: {model.events.false_alarms}"
        )
    yield ""
    yield "False alarms at the default threshold, by where they were heard:"


def _voices_note(model: Figures) -> Iterator[str]:
    if model.voices:
        each = ", ".join(f"{voice.misses} of {voice.words}" for voice in model.voices)
        yield f"* words missed as recorded, voice by voice (told apart by ear and by guess): {each}"


def _total(model: Figures) -> Rate:
    point = model.default
    return Rate(point.false_alarms + point.false_alarms_in_noise, model.speech_hours + model.noise_hours)


def _corpus_table(corpora: Sequence[CorpusCount]) -> Iterator[str]:
    yield "| | corpus | hours | false alarms |"
    yield "|---|---|---|---|"
    for group, counts in groupby(corpora, lambda count: count.group):
        members = list(counts)
        hours, alarms = sum(c.hours for c in members), sum(c.false_alarms for c in members)
        yield f"| **{group}** | | **{hours:.2f}** | **{alarms}** |"
        for count in members:
            yield f"| | {count.corpus} | {count.hours:.2f} | {count.false_alarms} |"


def _parity_section(figures: Sequence[Figures]) -> str:
    """int8 beside float, for the words where both were measured."""
    by_form = {(model.word, model.arithmetic): model for model in figures}
    pairs = [(model, by_form.get((model.word, "int8"))) for model in figures if model.arithmetic != "int8"]
    rows = [row for real, whole in pairs if whole for row in _parity_rows(real, whole)]
    if not rows:
        return ""
    heading = [
        "## What int8 costs",
        "",
        "The same network on the same streams, before and after quantization, each at its own threshold. The "
        "float columns were measured with word ends by energy instead of alignment.",
        "",
        f"| word | false alarms per hour | {CLEAN}: float32 | int8 | {NOISY}: float32 | int8 |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*heading, *rows, ""])


def _parity_rows(real: Figures, whole: Figures) -> Iterator[str]:
    for rate in PARITY_RATES:
        cells = [
            f"{100 * model.missed_at(model.points[rate], condition).value:.1f} %"
            for condition in (CLEAN, NOISY)
            for model in (real, whole)
        ]
        yield f"| {whole.word} | at most {rate} | " + " | ".join(cells) + " |"


def _drift_section(drift: str) -> str:
    if not drift:
        return ""
    return f"## Over hours\n\n{drift} Details: [verification/drift.txt](verification/drift.txt).\n"


@click.command()
@click.option("--figures", type=click.Path(path_type=Path), default=FIGURES, help="Directory of figures.")
@click.option("--docs", type=click.Path(path_type=Path), default=DOCS, help="Where accuracy.md goes.")
def main(figures: Path, docs: Path) -> None:
    """Write docs/accuracy.md and a drawing for every model."""
    measured = [read_figures(path) for path in sorted(figures.glob("*.json"))]
    docs.mkdir(parents=True, exist_ok=True)
    page = accuracy_page(measured, read_drift(docs), cascade_section(bundled_names()))
    (docs / "accuracy.md").write_text(page, encoding="utf-8")
    for model in measured:
        if model.arithmetic == "int8":
            (docs / drawing_name(model)).write_text(det_svg(model), encoding="utf-8")


def read_drift(docs: Path) -> str:
    """The last line of what tests/verification/drift.py found; empty if it was not run."""
    path = docs / "verification" / "drift.txt"
    return path.read_text(encoding="utf-8").splitlines()[-1] if path.is_file() else ""


if __name__ == "__main__":
    main()
