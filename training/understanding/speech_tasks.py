"""What a recognizer understands of the dev recordings, by grammar and freely.

python -m training.understanding.speech_tasks english [--task commands] [--most 200] [--sentences 150] [--fit]
       [--json]

Every clip goes through the recognizer as `kws run` has it, end-points included. The acoustic model runs once
a clip; what it says is kept under --cache, so that grammars and beams are compared in seconds. Every share,
rate and word error rate comes with its 95 % interval and the counts behind it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.transcripts import WordErrors
from kws.events import Event, Transcript
from kws.frontends import WAVEFORM
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.decoder import Decoder
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.letters import beside, letters_of
from kws.recognition.priors import decoding_of
from kws.recognition.recognizer import Recognizer
from kws.recognition.rescorers import rescorer_of
from kws.recognition.rival import rival_of
from kws.recognition.tokens import PHONES, LogProbs
from kws.types import Rows
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.decoding_fit import fitted, write_decoding
from training.understanding.dev_speech import (
    FREE,
    Heard,
    dev_sets,
    drawn,
    graph_of,
    hear,
    path_of,
    slots,
    word_errors,
)

Figure = Proportion | Rate | WordErrors | float
"""Counted, or measured by the clock."""
Figures = dict[str, Figure]

TASKS = ("commands", "digits", "coffee", "free")
"""The grammars among the examples, and free sentences."""


class Replay:
    """An acoustic stage that has heard the clip before; rows are numbers of steps, whatever they hold."""

    front_end = WAVEFORM

    def __init__(self, step_seconds: float) -> None:
        self.step_seconds = step_seconds
        self.log_probs: LogProbs = np.zeros((0, 0), np.float32)

    def push(self, rows: Rows) -> LogProbs:
        """Everything at once."""
        return self.log_probs

    def flush(self) -> LogProbs:
        """Nothing is left."""
        return self.log_probs[:0]

    def reset(self) -> None:
        """Nothing to forget."""


@dataclass
class Listener:
    """A decoder behind the end-points, fed with clips, and what its beam costs."""

    decoder: Decoder
    step_seconds: float
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    cpu: float = 0.0
    audio: float = 0.0

    def transcripts(self, log_probs: LogProbs) -> list[Transcript]:
        """All final transcripts of one clip."""
        acoustic = Replay(self.step_seconds)
        recognizer = Recognizer(acoustic, self.decoder, self.endpoint)
        acoustic.log_probs = log_probs
        began = time.process_time()
        events: list[Event] = recognizer.push(np.zeros((0, 40), np.int8)) + recognizer.flush()
        self.cpu += time.process_time() - began
        self.audio += len(log_probs) * self.step_seconds
        return [event for event in events if isinstance(event, Transcript)]

    def text(self, log_probs: LogProbs) -> str:
        """All that was said in one clip."""
        return " ".join(filter(None, (transcript.text for transcript in self.transcripts(log_probs))))


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
        write_decoding(bundle, fitted(bundle, heard, say=click.echo))
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


def grammar_listener(name: str, step_seconds: float, bundle: RecognizerBundle) -> Listener:
    """For a grammar among the examples, with its own threshold where it has one."""
    known = decoding_of(bundle.card, PHONES)
    rival = rival_of(bundle, PHONES) if known.calibration.rival else None
    calibration = known.calibration.with_threshold(read_grammar(path_of(name)).threshold)
    decoder = GrammarDecoder(
        graph_of(name),
        step_seconds,
        calibration=calibration,
        priors=known.priors,
        rival=rival,
        letters=letters_of(bundle),
    )
    return Listener(decoder, step_seconds)


def free_listener(bundle: RecognizerBundle, step_seconds: float) -> Listener:
    """For anything that may be said."""
    rescorer = rescorer_of(bundle, [], free=True)
    return Listener(free_decoder(bundle, PHONES, step_seconds, rescorer=rescorer), step_seconds)


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
