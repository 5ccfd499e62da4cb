"""Word error rates on the dev recordings with several weights of a rescorer, and its cost a command."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.evaluation.transcripts import mistakes
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.free_text import free_decoder
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.priors import decoding_of
from kws.recognition.rescorers import RESCORERS
from kws.recognition.rescoring import Rescorer
from kws.recognition.tokens import PHONES
from training.data.manifest import read_manifest, recordings_manifest
from training.dev_speech import Heard, dev_sets, drawn, graph_of, hear

WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0)
SETS = {"digits": "digits", "commands": "commands", "ocean": None, "libri": None}
"""Dev set -> the grammar among the examples by which it is heard; None: freely."""


@dataclass(frozen=True)
class Judged:
    """The n-best of one recording: what the first pass says of each text, and what the rescorer does."""

    said: str
    texts: tuple[str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]

    def best(self, weight: float) -> str:
        """The text that both together choose."""
        if not self.texts:
            return ""
        return self.texts[int(np.argmax(np.array(self.first) + weight * np.array(self.second)))]

    @property
    def oracle(self) -> str:
        """The text with the fewest errors, as if somebody knew."""
        if not self.texts:
            return ""
        return min(self.texts, key=lambda text: mistakes([self.said], [text]).errors)


@dataclass(frozen=True)
class Measured:
    """One dev set."""

    name: str
    judged: tuple[Judged, ...]
    seconds: float
    """CPU time of the rescorer, on average a recording."""


def measured(bundle: RecognizerBundle, rescore: str, *, most: int, cache: Path) -> list[Measured]:
    """Each of SETS."""
    rescorer = RESCORERS[rescore](bundle)
    rescorer.weight = 1.0  # type: ignore[attr-defined]
    step = AcousticModel(bundle, "phones").step_seconds
    sets = dev_sets(read_manifest(recordings_manifest()))
    found = []
    for name, grammar in SETS.items():
        heard = drawn(hear(bundle, drawn(sets[name], most), cache / f"heard-some-{name}.npz"), most)
        nbest = list(_by_grammar(bundle, grammar, heard, step) if grammar else _freely(bundle, heard, step))
        began = time.process_time()
        judged = [_judged(rescorer, one, *best) for one, best in zip(heard, nbest, strict=True)]
        found.append(Measured(name, tuple(judged), (time.process_time() - began) / max(1, len(heard))))
    return found


NBest = tuple[list[str], list[float]]


def _by_grammar(bundle: RecognizerBundle, name: str, heard: Sequence[Heard], step: float) -> Iterator[NBest]:
    decoder = GrammarDecoder(graph_of(name), step, priors=decoding_of(bundle.card, PHONES).priors)
    for _, sound in heard:
        decoder.reset()
        decoder.push(sound)
        paths = [path for path, _ in decoder.paths()]
        yield [path.text for path in paths], [path.score for path in paths]


def _freely(bundle: RecognizerBundle, heard: Sequence[Heard], step: float) -> Iterator[NBest]:
    decoder = free_decoder(bundle, PHONES, step)
    for _, sound in heard:
        decoder.reset()
        decoder.push(sound)
        found = decoder.hypotheses()
        yield [decoder.text(one.prefix) for one in found], [one.score for one in found]


def _judged(rescorer: Rescorer, heard: Heard, texts: list[str], scores: list[float]) -> Judged:
    clip, sound = heard
    said = " ".join(clip.label.lower().split())
    second = rescorer.scores(sound, texts) if texts else []
    return Judged(said, tuple(texts), tuple(scores), tuple(second))


def report(found: Sequence[Measured]) -> str:
    """A row a set, a column a weight."""
    head = "".join(f"{f'weight {weight:g}':>12}" for weight in WEIGHTS)
    lines = [f"{'WER, %':10}{'clips':>6}{head}{'best of n':>12}{'ms a clip':>11}"]
    for one in found:
        said = [judged.said for judged in one.judged]
        rates = [mistakes(said, [judged.best(weight) for judged in one.judged]).rate for weight in WEIGHTS]
        rates.append(mistakes(said, [judged.oracle for judged in one.judged]).rate)
        cells = "".join(f"{100 * rate:12.1f}" for rate in rates)
        lines.append(f"{one.name:10}{len(one.judged):6}{cells}{1000 * one.seconds:11.1f}")
    return "\n".join(lines)
