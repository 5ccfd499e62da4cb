"""Word error rates on the dev recordings with several weights of a rescorer, and its cost a command.

The weight that is best on some clips flatters on them. So for every speaker that weight is taken which is
best on all the others, and what it gains comes with an interval over the speakers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kws.evaluation.transcripts import WordErrors, mistakes
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.rescorers import RESCORERS
from kws.recognition.rescoring import Rescorer
from training.data.manifest import read_manifest, recordings_manifest
from training.understanding.dev_speech import dev_sets, drawn, hear, said, word_errors
from training.understanding.nbest import NBest, nbest_of

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
SETS = {"digits": "digits", "commands": "commands", "ocean": None, "libri": None}
"""Dev set -> the grammar among the examples by which it is heard; None: freely."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The n-best of one recording, and what the rescorer says of each text."""

    nbest: NBest
    nats: tuple[float, ...]

    def best(self, weight: float) -> str:
        """The text that both together choose."""
        if not self.nats:
            return ""
        return self.nbest.texts[int(np.argmax(np.array(self.nbest.scores) + weight * np.array(self.nats)))]

    @property
    def oracle(self) -> str:
        """The text with the fewest errors, as if somebody knew."""
        right = said(self.nbest.clip)
        return min(self.nbest.texts, key=lambda text: mistakes([right], [text]).errors, default="")


@dataclass(frozen=True, eq=False)
class Measured:
    """One dev set."""

    name: str
    judged: tuple[Judged, ...]
    seconds: float
    """CPU time of the rescorer, on average a recording."""

    @cached_property
    def by_weight(self) -> tuple[WordErrors, ...]:
        """For each of WEIGHTS."""
        return tuple(self._errors([one.best(weight) for one in self.judged]) for weight in WEIGHTS)

    @cached_property
    def oracle(self) -> WordErrors:
        """What no weight can do better."""
        return self._errors([one.oracle for one in self.judged])

    @property
    def unjudged(self) -> int:
        """Recordings with several texts of which the rescorer says nothing, for instance too long ones."""
        return sum(len(one.nats) > 1 and not any(one.nats) for one in self.judged)

    def _errors(self, texts: Sequence[str]) -> WordErrors:
        return word_errors([one.nbest.clip for one in self.judged], texts)


def by_others(by_weight: Sequence[WordErrors]) -> WordErrors:
    """Errors of each speaker with the weight that is best on all the others; the first of the best ones."""
    errors = np.array([one.errors for one in by_weight])
    others = errors.sum(axis=1, keepdims=True) - errors
    chosen = others.argmin(axis=0)
    first = by_weight[0]
    return WordErrors(first.groups, tuple(errors[chosen, np.arange(errors.shape[1])].tolist()), first.words)


def measured(bundle: RecognizerBundle, rescore: str, *, most: int | None, cache: Path) -> Iterator[Measured]:
    """Each of SETS."""
    rescorer = RESCORERS[rescore](bundle)
    rescorer.weight = 1.0  # type: ignore[attr-defined]
    sets = dev_sets(read_manifest(recordings_manifest()))
    for name, grammar in SETS.items():
        heard = drawn(hear(bundle, sets[name], cache / f"heard-{name}.npz"), most)
        yield judged(name, rescorer, nbest_of(bundle, heard, grammar, cache / f"nbest-{name}.json"))


def judged(name: str, rescorer: Rescorer, found: Sequence[NBest]) -> Measured:
    """What a rescorer says of a set."""
    began = time.process_time()
    nats = [tuple(rescorer.scores(one.heard, one.texts)) if one.texts else () for one in found]
    seconds = (time.process_time() - began) / max(1, len(found))
    return Measured(name, tuple(map(Judged, found, nats)), seconds)


def report(found: Sequence[Measured]) -> str:
    """Two tables of Markdown: a row a set."""
    weights = " | ".join(f"weight {weight:g}" for weight in WEIGHTS[1:])
    lines = [
        f"| word errors, % | clips | none judged | without | {weights} | best of n | ms a clip |",
        "|---" * (len(WEIGHTS) + 5) + "|",
        *map(_row, found),
        "",
        "| the weight by the other speakers | without | with | fewer |",
        "|---|---|---|---|",
        *map(_gain_row, found),
    ]
    return "\n".join(lines)


def _row(one: Measured) -> str:
    rates = " | ".join(f"{100 * errors.value:.1f}" for errors in (*one.by_weight, one.oracle))
    return f"| {one.name} | {len(one.judged)} | {one.unjudged} | {rates} | {1000 * one.seconds:.1f} |"


def _gain_row(one: Measured) -> str:
    before, after = one.by_weight[0], by_others(one.by_weight)
    return f"| {one.name} | {before} | {after} | {after.fewer_than(before)} |"
