"""`kws eval`: how well a model hears, on the user's own recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.cli import report as complain
from kws.commands.options import confirm_options, delegate_option, load_engine, threshold_option
from kws.commands.table import print_table
from kws.delegates import Delegate
from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.evaluation.as_run import AsRun
    from kws.evaluation.trial import Trial

PLACES = click.Path(path_type=Path)


@click.command()
@click.argument("model")
@click.option("--positives", type=PLACES, multiple=True, help="Clips that hold the word once.")
@click.option("--negatives", type=PLACES, multiple=True, help="Recordings without the word.")
@click.option("--noise", type=PLACES, multiple=True, help="Noise to lay under the clips.")
@click.option("--snr", type=float, multiple=True, help="Decibels of clips over noise.  [default: 10]")
@click.option("--manifest", type=PLACES, help="Of a recognizer: table of recordings, columns path and text.")
@click.option("--grammar", "-g", metavar="FILE", help="Of a recognizer: sentences to listen for.")
@click.option(
    "--language-model", metavar="FILE", help="Of a recognizer, without a grammar: .arpa or .arpa.gz."
)
@threshold_option
@confirm_options
@delegate_option
@click.option("--report", type=click.Path(path_type=Path), help="Write an HTML page with curves and sounds.")
def eval(
    model: str,
    positives: tuple[Path, ...],
    negatives: tuple[Path, ...],
    noise: tuple[Path, ...],
    snr: tuple[float, ...],
    manifest: Path | None,
    grammar: str | None,
    language_model: str | None,
    threshold: float | None,
    confirm: str,
    confirm_threshold: float | None,
    delegate: Delegate | None,
    report: Path | None,
) -> None:
    """Measure misses and false alarms on recordings.

    MODEL hears the clips as one stream with pauses, again with ten seconds of the other recordings before
    each, and these as another. A word counts as heard from its start to 0.75 s past its end. Each option
    takes a file or a folder, and may be given several times. Files that cannot be read are named and left
    out.

    The figures for thresholds are those of MODEL alone. Where a second stage confirms what it hears, both
    together hear all recordings as well, as `kws run` would.

    A recognizer hears the recordings of a table instead: word and character error rate, latency, the most
    frequent mistakes, whether search or model is at fault, and in the report whether its confidence is true;
    with a grammar also how often it is understood in --negatives, where nothing of it is said.
    """
    if manifest:
        from kws.commands.eval_speech import eval_speech

        if negatives and not grammar:
            raise KwsError("--negatives: without a grammar there is nothing to accept; give --grammar")
        sources = _files(negatives)
        return eval_speech(model, manifest, grammar, threshold, delegate, report, sources, language_model)
    for name, places in (("--positives", positives), ("--negatives", negatives)):
        if not places:
            raise click.UsageError(f"Missing option '{name}'.")
    from kws.evaluation.as_run import as_run
    from kws.evaluation.page import trial_page
    from kws.evaluation.trial import try_model, word_streams
    from kws.evaluation.trial_streams import TalkStream

    engine = load_engine((model,), threshold, delegate, confirm, confirm_threshold)
    wake_word = load_engine((model,), threshold, delegate).wake_words[0]  # by itself
    if len(wake_word.bundle.labels) > 1:
        raise KwsError(f"{model}: has {len(wake_word.bundle.labels)} labels; measure a model of one word")
    files = [_files(places) for places in (positives, negatives, noise)]
    levels = (snr or (10.0,)) if noise else ()
    trial = try_model(wake_word, files[0], files[1], noises=files[2], snr_db=levels)
    used = wake_word.bundle.threshold if threshold is None else threshold
    _print_figures(trial, used)
    both = None
    if engine.wake_words[0].second_stage:
        streams = word_streams(files[0], files[1], files[2], levels)
        both = as_run(engine, streams, files[0], TalkStream(files[1]))
        _print_both(both)
    if report:
        write_page(report, trial_page(f"{model}: {wake_word.bundle.wake_word}", trial, used, both))


def _files(places: tuple[Path, ...]) -> list[Path]:
    from kws.evaluation.trial import readable, recordings_in

    good, faults = readable(recordings_in(places))
    for fault in faults:
        complain(fault)
    if places and not good:
        raise KwsError(f"{places[0]}: none of its recordings can be read; see the lines above")
    return good


def _print_figures(trial: Trial, threshold: float) -> None:
    from kws.evaluation.page import points

    for name in trial.words:
        click.echo(f"{'' if name == next(iter(trial.words)) else chr(10)}words {name}")
        rows = [
            (title, f"{p.threshold:.4f}", str(p.misses), str(p.false_alarms))
            for title, p in points(trial.det(name), threshold).items()
        ]
        print_table(("", "threshold", "missed", "false alarms per hour"), rows)


def _print_both(both: AsRun) -> None:
    click.echo(f"\n{both.title}")
    rows = [(f"words {name}", str(both.misses(name)), str(both.false_alarms)) for name in both.words]
    print_table(("", "missed", "false alarms per hour"), rows)


def write_page(path: Path, text: str) -> None:
    """Write a report; raises KwsError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KwsError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    click.echo(f"\nwrote {path}")
