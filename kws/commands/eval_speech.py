"""`kws eval` for a recognizer: transcripts against what was said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.commands.options import quiet_runtime
from kws.commands.table import print_table

if TYPE_CHECKING:
    from kws.delegates import Delegate
    from kws.evaluation.speech_trial import SpeechTrial


def eval_speech(
    model: str,
    table: Path,
    grammar: str | None,
    threshold: float | None,
    delegate: Delegate | None = None,
    report: Path | None = None,
    negatives: Sequence[Path] = (),
    language_model: str | None = None,
) -> None:
    """Print word and character error rates, latency and error analysis of the table's recordings.

    With `report` they are written as a page as well, with the reliability of the confidence. Of `negatives`,
    recordings in which no sentence of the grammar is said, the false accepts are counted.
    """
    from kws.commands.eval import write_page
    from kws.evaluation.speech_page import speech_page
    from kws.evaluation.speech_trial import false_accepts, read_spoken, try_recognizer
    from kws.recognition.build import build_recognizer, grammar_score
    from kws.recognition.bundle import find_recognizer
    from kws.recognition.free_text import text_score
    from kws.recognition.rescorers import rescorer_of

    spoken = read_spoken(table)
    with quiet_runtime():
        recognizer = build_recognizer(
            model, grammar=grammar, threshold=threshold, delegate=delegate, language_model=language_model
        )
    if grammar:
        score = grammar_score(model, grammar)
    else:
        rescorer = rescorer_of(find_recognizer(model), [], free=True)
        score = text_score(model, recognizer.decoder.tokens, language_model, rescorer)
    trial = try_recognizer(recognizer, spoken, score)
    figures = _figures(trial)
    if negatives:
        figures.append(("false accepts per hour", str(false_accepts(recognizer, negatives))))
    print_table(("", ""), figures)
    _print_mistakes(trial)
    if report:
        write_page(report, speech_page(f"{model}: {table}", trial, figures))


def _figures(trial: SpeechTrial) -> list[tuple[str, str]]:
    words = trial.mistakes
    right = sum(one.text == one.spoken.text for one in trial.heard)
    rows = [
        ("recordings", str(len(trial.heard))),
        ("all words right", f"{100 * right / len(trial.heard):.1f} %"),
        ("word error rate", f"{100 * words.rate:.1f} %"),
        ("character error rate", f"{100 * trial.character_error_rate:.1f} %"),
    ]
    judged = [one.accepted for one in trial.heard if one.accepted is not None]
    if judged:
        rows.append(("in the grammar", f"{100 * sum(judged) / len(trial.heard):.1f} %"))
    if trial.latencies:
        latencies = sorted(trial.latencies)
        for title, place in (("p50", 0.5), ("p95", 0.95)):
            value = latencies[min(len(latencies) - 1, int(place * len(latencies)))]
            rows.append((f"latency from word end to transcript, {title}", f"{value:.2f} s"))
    return rows


def _print_mistakes(trial: SpeechTrial) -> None:
    if trial.mistakes.errors:
        click.echo(f"\nmost frequent mistakes\n{trial.mistakes.table()}")
    if trial.blame and trial.blame.wrong:
        click.echo(f"\nwhose fault\n{trial.blame.table()}")
