"""Letting every engine hear every stream: next is always the one that has had the least CPU time so far.

Whoever is interrupted has lost one stream; what was heard is kept. An engine that needs more time than there
is has then heard fewer pieces of the speech, and its figures say how many hours.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from benchmarks.peers import ENGINES, OURSELVES, Engine, NotInstalledError, python_of
from benchmarks.streams import CACHE, CONDITIONS, SPOKEN, Planned, speech_pieces, speech_stream, word_stream
from kws.bench.process import Plan, run
from kws.bundle import find_bundle

SENSITIVITIES = (0.5, 0.7, 0.3)
"""Of Porcupine, its default first."""
PHRASES = (*SPOKEN, "hey jarvis")
"""What is listened for; nobody says "hey jarvis" in the recordings, so of it only false alarms count."""
SAME_MODELS = {"pyopen-wakeword": "openwakeword"}
"""Who runs another's model files, compared with it on one stream instead of heard again."""

LAST = ("openwakeword", "pocketsphinx", "wakeforge")
"""They take ten and more times as long as the others, and wait until those are through."""

_Stream = tuple[tuple[str, ...], str]
"""Phrases to listen for, and the stream."""


@dataclass(frozen=True)
class Task:
    """One stream heard by one engine."""

    engine: Engine
    phrases: tuple[str, ...]
    stream: str
    """A word in a condition, "alexa, 5 dB", or a piece of the speech, "speech 3"."""
    sensitivity: float | None = None

    @property
    def path(self) -> Path:
        """Of the track, named after all that it depends on but the adapter's code."""
        models = [self.engine.words[phrase] for phrase in self.phrases]
        made_of = [
            self.engine.pip[:-1],
            models,
            self.stream,
            str(self.sensitivity),
            stream_of(self.stream).path.name,
        ]
        if self.engine is OURSELVES:
            made_of = [[find_bundle(model).model_sha256 for model in models], *made_of[1:]]
        digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]
        return CACHE / self.engine.name / f"{digest}.f64"

    def hear(self) -> float:
        """Fill the track; CPU seconds that it took."""
        stream = stream_of(self.stream)
        seconds = stream.seconds - self.engine.chunk / 16_000
        partial = self.path.with_suffix(".partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        options = {**self.engine.options, **self.engine.scored}
        if self.sensitivity is not None:
            options["sensitivity"] = self.sensitivity
        models = tuple(self.engine.words[phrase] for phrase in self.phrases)
        plan = Plan(
            stream.audio,
            seconds,
            self.engine.adapter,
            models,
            options,
            self.engine.chunk,
            warm=0.0,
            scores=partial,
        )
        took = run(plan, python_of(self.engine))
        partial.replace(self.path)
        return took.cpu * plan.seconds + took.loading

    def track(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]] | None:
        """Times, shape (steps,), and scores, shape (steps, phrases); None where it was not heard yet."""
        if not self.path.is_file():
            return None
        columns = np.fromfile(self.path).reshape(-1, 1 + len(self.phrases))
        return columns[:, 0], columns[:, 1:].astype(np.float32)


@cache
def stream_of(name: str) -> Planned:
    """A stream by its name in tasks."""
    if name.startswith("speech "):
        return speech_stream(int(name.removeprefix("speech ")))
    return word_stream(*name.split(", ", 1))


def tasks_of(engine: Engine) -> Iterator[Task]:
    """Words with other sounds between them first, then speech and what else there is in turn."""
    phrases = tuple(phrase for phrase in PHRASES if phrase in engine.words)
    if engine.name in SAME_MODELS:
        yield Task(engine, ("alexa",), "alexa, alone")
        return
    spoken = [word for word in phrases if word in SPOKEN]
    words = [((word,), f"{word}, {condition}") for condition in CONDITIONS for word in spoken]
    speech = [(phrases, f"speech {piece}") for piece in range(len(speech_pieces()))]
    first = len(spoken)
    for sensitivity in SENSITIVITIES if engine.name == "pvporcupine" else (None,):
        for heard, stream in [*words[:first], *_in_turn(speech, words[first:])]:
            yield Task(engine, heard, stream, sensitivity)


def _in_turn(first: Sequence[_Stream], second: Sequence[_Stream]) -> Iterator[_Stream]:
    for pair in zip_longest(first, second):
        yield from filter(None, pair)


def listen(seconds: float) -> None:
    """Hear what was not heard yet, for so long at most."""
    until = time.monotonic() + seconds
    waiting = {engine: [task for task in tasks_of(engine) if not task.path.is_file()] for engine in ENGINES}
    spent = dict.fromkeys(ENGINES, 0.0)
    while time.monotonic() < until and any(waiting.values()):
        engine = min((e for e, tasks in waiting.items() if tasks), key=lambda e: (e.name in LAST, spent[e]))
        task = waiting[engine].pop(0)
        try:
            spent[engine] += task.hear()
        except NotInstalledError as error:
            click.echo(f"{engine.name}: {error}", err=True)
            waiting[engine] = []
        else:
            click.echo(
                f"{engine.name} {task.stream} {task.sensitivity or ''}: {spent[engine]:.0f} s", err=True
            )


if __name__ == "__main__":
    listen(24 * 3600)
