"""What a recognizer understands of the dev recordings, by grammar and freely.

python -m training.understanding.speech_tasks english [--task commands] [--most 200] [--sentences 150] [--fit]
       [--json]

Every clip goes through the recognizer as `kws run` has it, end-points included. The acoustic model runs once
a clip; what it says is kept under --cache, so that grammars and beams are compared in seconds. Every share,
rate and word error rate comes with its 95 % interval and the counts behind it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.transcripts import WordErrors
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.letters import beside
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.decoding_fit import fitted, write_decoding
from training.understanding.dev_speech import (
    FREE,
    Heard,
    dev_sets,
    drawn,
    hear,
    slots,
    word_errors,
)
from training.understanding.listener import Listener, free_listener, grammar_listener
from training.understanding.text_confidence_fit import fitted_text_confidence

Figure = Proportion | Rate | WordErrors | float
"""Counted, or measured by the clock."""
Figures = dict[str, Figure]

TASKS = ("commands", "digits", "coffee", "free")
"""The grammars among the examples, and free sentences."""


@click.command()
@click.argument("model")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice(TASKS),
    default=TASKS,
    help="What to measure; may be given several times. By default all.",
)
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@click.option("--sentences", type=click.IntRange(1), help="Of the sets of free sentences, so many at most.")
@click.option(
    "--fit",
    "fits",
    is_flag=True,
    help="Fit priors and confidence, write them into the card, and show what thresholds would do.",
)
@recognizer_cache_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def speech_tasks(
    model: str,
    tasks: Sequence[str],
    most: int | None,
    sentences: int | None,
    fits: bool,
    cache: Path,
    as_json: bool,
) -> None:
    """Measure commands, digits, coffee orders and free sentences on the dev recordings."""
    bundle = find_recognizer(model)
    sets = {
        name: drawn(clips, sentences or most if name in FREE else most)
        for name, clips in dev_sets(read_manifest(recordings_manifest())).items()
    }
    heard = {
        name: hear(bundle, clips, cache / f"heard-{name}.npz", beside(bundle, "phones"))
        for name, clips in sets.items()
    }
    if fits:
        decoding = fitted(bundle, heard, say=click.echo)
        write_decoding(bundle, decoding)
        with_priors = find_recognizer(model)
        curves = fitted_text_confidence(with_priors, heard, say=click.echo)
        write_decoding(bundle, {**decoding, "text_confidence": curves})
        click.echo(f"wrote {bundle.manifest_path}")
        return
    figures = measured(bundle, heard, tasks)
    if as_json:
        click.echo(json.dumps({name: _as_dict(figure) for name, figure in figures.items()}, indent=1))
    else:
        for name, figure in figures.items():
            click.echo(f"{name:32} {f'{figure:.4f}' if isinstance(figure, float) else figure}")


def _as_dict(figure: Figure) -> Any:
    if isinstance(figure, float):
        return figure
    return {**asdict(figure), "interval": figure.interval}


def measured(
    bundle: RecognizerBundle, heard: dict[str, list[Heard]], tasks: Sequence[str] = TASKS
) -> Figures:
    """The figures of these tasks; costs are CPU seconds a second of audio."""
    step = AcousticModel(bundle, "phones").step_seconds
    figures: Figures = {}
    for name, measure in _BY_GRAMMAR.items():
        if name not in tasks:
            continue
        listener = grammar_listener(name, step, bundle)
        figures |= measure(listener, heard)
        free = [one for name in FREE for one in heard[name]]
        figures[f"{name} false accepts an hour"] = _accepted_per_hour(listener, free)
        figures[f"{name} beam, CPU s a second"] = listener.cpu / max(listener.audio, 1e-9)
    if "free" in tasks:
        figures |= _free(bundle, heard, step)
    return figures


def _commands(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    return {
        "commands right": _share(listener.text(sound) == clip.label for clip, sound in heard["commands"]),
        "commands, other words accepted": _share(listener.text(sound) for _, sound in heard["others"]),
        "commands, silences accepted": _share(listener.text(sound) for _, sound in heard["silence"]),
    }


def _digits(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    return {
        f"{title}, word error rate": _word_errors(listener, heard[name])
        for name, title in (("digit", "single digits"), ("digits", "digit strings"))
        if heard[name]
    }


def _coffee(listener: Listener, heard: dict[str, list[Heard]]) -> Figures:
    right, accepted = [], []
    for clip, sound in heard["coffee"]:
        orders = [transcript for transcript in listener.transcripts(sound) if transcript.in_grammar]
        right.append((dict(orders[-1].slots) if orders else {}) == slots(clip))
        accepted.append(bool(orders))
    return {"coffee, all slots right": _share(right), "coffee accepted": _share(accepted)}


_BY_GRAMMAR: dict[str, Callable[[Listener, dict[str, list[Heard]]], Figures]] = {
    "commands": _commands,
    "digits": _digits,
    "coffee": _coffee,
}


def _free(bundle: RecognizerBundle, heard: dict[str, list[Heard]], step: float) -> Figures:
    listener = free_listener(bundle, step)
    figures: Figures = {
        f"{name}, word error rate": _word_errors(listener, heard[name]) for name in FREE if heard[name]
    }
    figures["free beam, CPU s a second"] = listener.cpu / max(listener.audio, 1e-9)
    return figures


def _word_errors(listener: Listener, clips: Sequence[Heard]) -> WordErrors:
    return word_errors([clip for clip, _ in clips], [listener.text(sound) for _, sound in clips])


def _accepted_per_hour(listener: Listener, clips: Sequence[Heard]) -> Rate:
    accepted = sum(bool(t.in_grammar) for _, sound in clips for t in listener.transcripts(sound))
    return Rate(accepted, sum(clip.seconds for clip, _ in clips) / 3600)


def _share(which: Iterable[Any]) -> Proportion:
    values = [bool(value) for value in which]
    return Proportion(sum(values), len(values))


if __name__ == "__main__":
    speech_tasks()
