"""Letting every engine hear every stream, the most telling streams first.

Whoever is interrupted has lost one stream; what was heard is kept.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

import kws
from benchmarks.peers import FIRST_STAGE, LISTENERS, TWO_STAGES, Engine, NotInstalledError, python_of
from benchmarks.streams import (
    CACHE,
    CONDITIONS,
    SPOKEN,
    Planned,
    speech_pieces,
    speech_stream,
    word_stream,
)
from kws import cascade
from kws.bench.process import Plan, run
from kws.bundle import Bundle, find_bundle
from kws.confirmation_table import Second, measured_points, second_stage_of
from kws.errors import KwsError
from kws.fusion import Member, members_of

SENSITIVITIES = (0.5, 0.7, 0.9, 0.3, 0.6, 0.8)
"""Of Porcupine, its default first."""
SOONER = 0.1
"""So much below what both stages must come to together by default, a word is told sooner, and more is."""
PHRASES = (*SPOKEN, "hey jarvis")
"""What is listened for; nobody says "hey jarvis" in the recordings, so of it only false alarms count."""
SAME_MODELS = {"pyopen-wakeword": "openwakeword"}
"""Who runs another's model files, compared with it on one stream instead of heard again."""

SLOW = ("openwakeword", "pocketsphinx", "wakeforge")
"""They take ten and more times as long as the others, the last thirty times."""

Setting = float | list[float]
"""A sensitivity, or the thresholds of both stages."""


@cache
def pairs_of(word: str) -> list[list[float]]:
    """Thresholds of both stages that are worth knowing: the default ones, some that tell the word sooner, and
    those of its manifest; no more than Porcupine has sensitivities."""
    first, second = stages_of(word)
    stage = second_stage_of(first, second)
    assert stage, f"{word} was measured with another {second.name}"
    default = [stage.threshold, stage.least]
    pairs = [default, [stage.threshold, round(stage.least - SOONER, 4)]]
    pairs += [[point.threshold, point.least] for point in measured_points(first, second)]
    return [pair for n, pair in enumerate(pairs) if pair not in pairs[:n]][: len(SENSITIVITIES)]


def stages_of(word: str) -> tuple[Bundle, Second]:
    """What hears a bundled word by default."""
    first, second = cascade.stages_of(find_bundle(word))
    assert second, f"{word} was never measured with a second stage"
    return first, second


def settings_of(engine: Engine, phrase: str) -> Sequence[Setting]:
    """Of an engine that reports words, so that a curve needs a run for each; the default one first. Of one
    that reports scores none."""
    if engine is TWO_STAGES:
        return pairs_of(engine.words[phrase])
    return SENSITIVITIES if engine.name == "pvporcupine" else ()


@dataclass(frozen=True)
class Task:
    """One stream heard by one engine."""

    engine: Engine
    phrases: tuple[str, ...]
    stream: str
    """A word in a condition, "alexa, 5 dB", or a piece of the speech, "speech 3"."""
    settings: tuple[Setting, ...] = ()
    """For each phrase, where the engine has any."""

    @property
    def path(self) -> Path:
        """Of the track, named after all that it depends on but the adapter's code."""
        models = [self.engine.words[phrase] for phrase in self.phrases]
        made_of = [_version(self.engine, models), models, self.stream, self.settings]
        text = json.dumps([*made_of, stream_of(self.stream).path.name])
        return CACHE / self.engine.name / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.f64"

    def hear(self) -> float:
        """Fill the track; CPU seconds that it took."""
        stream = stream_of(self.stream)
        seconds = stream.seconds - self.engine.chunk / 16_000
        partial = self.path.with_suffix(f".{os.getpid()}.partial")  # another process may hear the same
        partial.parent.mkdir(parents=True, exist_ok=True)
        models = tuple(self.engine.words[phrase] for phrase in self.phrases)
        plan = Plan(
            stream.audio,
            seconds,
            self.engine.adapter,
            models,
            self._options,
            self.engine.chunk,
            warm=0.0,
            scores=partial,
        )
        try:
            took = run(plan, python_of(self.engine))
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)
        return took.cpu * plan.seconds + took.loading

    @property
    def _options(self) -> dict[str, Any]:
        options = {**self.engine.options, **self.engine.scored}
        if self.engine is TWO_STAGES:
            return {**options, "pairs": self.settings}
        return {**options, "sensitivity": self.settings[0]} if self.settings else options

    def track(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]] | None:
        """Times, shape (steps,), and scores, shape (steps, phrases); None where it was not heard yet."""
        if not self.path.is_file():
            return None
        columns = np.fromfile(self.path).reshape(-1, 1 + len(self.phrases))
        return columns[:, 0], columns[:, 1:].astype(np.float32)


_HEARING = (
    *("confirmed", "detector", "engine", "frontend", "look_again", "model", "recent_rows", "recent_scores"),
    *("rehearing", "rows_again", "second_opinion", "several_looks"),
    *(f"encoders/{name}" for name in ("graph", "logmel", "network", "quantized", "rows", "speech_embedding")),
    "encoders/stage",
)
"""Modules of kws in which a change may change what is heard with the same models."""


@cache
def code_digest() -> str:
    """Of what these modules do: comments and their form do not count, doc strings do."""
    sources = [(Path(kws.__file__).parent / f"{name}.py").read_text(encoding="utf-8") for name in _HEARING]
    return hashlib.sha256("".join(ast.dump(ast.parse(source)) for source in sources).encode()).hexdigest()


def _version(engine: Engine, models: Sequence[str]) -> list[str]:
    """Of a peer its release, of ours the models and what runs them."""
    if engine not in (TWO_STAGES, FIRST_STAGE):
        return [package for package in engine.pip if "==" in package]
    if engine is TWO_STAGES:
        used = [part for model in models for part in _parts(*stages_of(model))]
    else:
        used = [find_bundle(model) for model in models]
    return [code_digest(), *(str(model.model_sha256) for model in used)]


def _parts(first: Bundle, second: Second) -> list[Member]:
    return [first, *members_of(second)]


@cache
def stream_of(name: str) -> Planned:
    """A stream by its name in tasks."""
    if name.startswith("speech "):
        return speech_stream(int(name.removeprefix("speech ")))
    return word_stream(*name.split(", ", 1))


def tasks_of(engine: Engine) -> Iterator[Task]:
    """Every stream that says its phrases, and all of the speech, once for each setting."""
    phrases = tuple(phrase for phrase in PHRASES if phrase in engine.words)
    if engine.name in SAME_MODELS:
        yield Task(engine, ("alexa",), "alexa, alone")
        return
    known = {phrase: settings_of(engine, phrase) for phrase in phrases}
    for number in range(max(1, *map(len, known.values()))):
        yield from _with_setting(engine, {p: s for p, s in known.items() if not s or number < len(s)}, number)


def _with_setting(engine: Engine, known: Mapping[str, Sequence[Setting]], number: int) -> Iterator[Task]:
    """All streams for the phrases that have so many settings."""
    spoken = [word for word in known if word in SPOKEN]
    words = [((word,), f"{word}, {condition}") for condition in CONDITIONS for word in spoken]
    speech = [(tuple(known), f"speech {piece}") for piece in range(len(speech_pieces()))]
    for heard, stream in (*words, *speech):
        settings = tuple(known[phrase][number] for phrase in heard if known[phrase])
        yield Task(engine, heard, stream, settings)


def listen(seconds: float) -> None:
    """Hear what was not heard yet, for so long at most."""
    until = time.monotonic() + seconds
    missing: set[Engine] = set()
    for task in sorted(_unheard(), key=urgency):
        if time.monotonic() > until:
            return
        if task.engine in missing:
            continue
        try:
            took = task.hear()
        except (NotInstalledError, KwsError) as error:
            click.echo(f"{task.engine.name}: {error}; hears nothing more", err=True)
            missing.add(task.engine)
        else:
            click.echo(f"{task.engine.name} {task.stream} {[*task.settings]}: {took:.0f} s", err=True)


def _unheard() -> list[Task]:
    return [task for engine in LISTENERS for task in tasks_of(engine) if not task.path.is_file()]


def urgency(task: Task) -> tuple[int, int, int]:
    """What is heard first has the lowest.

    The words in every condition by the fast engines, by the slow ones, then all of the speech by the fast
    ones: so far by default. Then their other settings, one after the other; then, piece after piece, the
    speech for the slow ones. The slowest has its words as recorded and at 10 dB with the slow ones, and all
    else last.
    """
    number = _setting_number(task)
    is_slow, is_last = task.engine.name in SLOW, task.engine.name == SLOW[-1]
    piece = task.stream.removeprefix("speech ")
    if piece != task.stream:
        return (5 + is_last if is_slow else 4 if number else 2), number, 10 + int(piece)
    place = CONDITIONS.index(task.stream.split(", ")[1])
    if number:
        return 3, number, place
    return (6 if is_last and place > 1 else int(is_slow)), 0, place


def _setting_number(task: Task) -> int:
    """Which of its engine's settings it has, 0 for the default or where there are none."""
    known = settings_of(task.engine, task.phrases[0])
    return list(known).index(task.settings[0]) if known else 0


if __name__ == "__main__":
    listen(24 * 3600)
