"""Every stage: any split of the input joins to the same output, and a reset stage equals a new one.

A stage joins by one entry in STAGES. The recurrent state of some models starts at values that only a fresh
interpreter holds, so "reset equals new" is checked on models whose first outputs show the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import community
import numpy as np
import pytest
import speech_stages
from heads import head_bundle
from heads import random_rows as embedding_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import bursts

from kws.bundle import find_bundle
from kws.detector import Detector, DetectorConfig
from kws.encoders.logmel import LogMel
from kws.encoders.rows import EmbeddingRows
from kws.encoders.speech_embedding import SpeechEmbedding
from kws.engine import Engine, WakeWord
from kws.frontend import Frontend
from kws.model import StreamingModel
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.types import Block


@cache
def speech() -> np.ndarray:
    """Three words called one after the other, the last of them "alexa"; int16 (n,)."""
    return read_samples(RECORDINGS / "calls.flac")


@cache
def rows() -> np.ndarray:
    return Frontend().push(speech())


def frames(samples: np.ndarray) -> np.ndarray:
    """As what needs no front end hears them; int16 (t, 160)."""
    return samples[: len(samples) // 160 * 160].reshape(-1, 160)


def random_rows() -> np.ndarray:
    return np.random.default_rng(0).integers(-128, 128, (300, 40)).astype(np.int8)


def random_outputs(seed: int = 0) -> np.ndarray:
    """Outputs that hover about the threshold, in runs as a model gives them; uint8 (n,)."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, 256, 200), rng.integers(1, 12, 200)).astype(np.uint8)


class RowsOf:
    """A WakeWord alone, which an engine tells where its rows stand in the stream."""

    def __init__(self) -> None:
        self.word = WakeWord(find_bundle(community.manifest("alexa")))
        self.reset = self.word.reset

    def push(self, items: np.ndarray) -> list[Any]:
        return self.word.push(items, origin=0, source="")

    def flush(self) -> list[Any]:
        return []


@cache
def head() -> Path:
    """A model on the speech embedding, of random weights."""
    return head_bundle(Path(mkdtemp()))


class BlocksOf:
    """An Engine of several words, fed plain samples."""

    def __init__(self, *models: Path) -> None:
        self.engine = Engine([WakeWord(find_bundle(model)) for model in models])
        self.flush, self.reset = self.engine.flush, self.engine.reset

    def push(self, samples: np.ndarray) -> list[Any]:
        return self.engine.push(Block(samples))


@dataclass(frozen=True)
class Case:
    """One stage with an input that makes it say something."""

    new: Callable[[], Any]
    items: Callable[[], np.ndarray]
    other: Callable[[], np.ndarray]
    """Input of another kind, heard before a reset."""
    at_end: int = 0
    """What a flush adds, where a stage has to wait for the end."""


def model(name: str, *, reference_kernels: bool = False) -> Callable[[], StreamingModel]:
    return lambda: StreamingModel(community.tflite(name), reference_kernels=reference_kernels)


STAGES = {
    "Frontend": Case(Frontend, lambda: bursts()[:16_000], speech),
    "LogMel": Case(LogMel, lambda: bursts()[:16_000], speech),
    "SpeechEmbedding": Case(SpeechEmbedding, lambda: bursts()[:16_000], speech),
    "StreamingModel alexa": Case(model("alexa"), rows, random_rows),
    "StreamingModel alexa, reference kernels": Case(
        model("alexa", reference_kernels=True), rows, random_rows
    ),
    "StreamingModel hey_mycroft": Case(model("hey_mycroft"), random_rows, rows),
    "Detector": Case(lambda: Detector(DetectorConfig(0.5)), random_outputs, lambda: random_outputs(1)),
    "Detector, one step, warm-up": Case(
        lambda: Detector(DetectorConfig(0.7, window=1, refractory=0, warmup=7)),
        random_outputs,
        lambda: random_outputs(1),
    ),
    "WakeWord": Case(RowsOf, rows, random_rows),
    "Engine": Case(
        lambda: BlocksOf(community.manifest("alexa"), community.manifest("hey_mycroft")), speech, bursts
    ),
    "EmbeddingRows": Case(EmbeddingRows, lambda: bursts()[:16_000], speech),
    "StreamingModel, head": Case(
        lambda: StreamingModel(head().with_suffix(".tflite")), embedding_rows, lambda: embedding_rows(1)
    ),
    "Engine, both front ends": Case(
        lambda: BlocksOf(head(), community.manifest("alexa")), lambda: speech()[-32_000:], bursts
    ),
    "AcousticModel english": Case(
        lambda: AcousticModel(find_recognizer("english"), "phones"),
        lambda: frames(speech()[-24_000:]),
        lambda: frames(bursts()[:16_000]),
        at_end=6,
    ),
    **{
        name: Case(new, speech_stages.said, speech_stages.other, speech_stages.AT_END.get(name, 0))
        for name, new in speech_stages.STAGES.items()
    },
}


@pytest.fixture(params=STAGES)
def case(request: pytest.FixtureRequest) -> Case:
    return STAGES[request.param]


def in_pieces(items: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(items, sorted(cuts))


def joined(stage: Any, pieces: list[np.ndarray]) -> Any:
    """All that the stage says to these pieces and at their end, as one list or array."""
    return in_one([stage.push(piece) for piece in pieces] + [stage.flush()])


def in_one(said: list[Any]) -> Any:
    return np.concatenate(said) if isinstance(said[0], np.ndarray) else list(chain.from_iterable(said))


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, strict=True)
    else:
        assert one == other


def test_the_input_makes_the_stage_speak(case):
    """Otherwise equality below would mean nothing."""
    said = joined(case.new(), [case.items()])
    assert len(np.unique(said)) > 1 if isinstance(said, np.ndarray) else len(said) > 0


def test_one_item_at_a_time(case):
    items = case.items()
    pieces = in_pieces(items, list(range(1, len(items))))
    assert_same(joined(case.new(), pieces), joined(case.new(), [items]))


def test_empty_pushes_change_nothing(case):
    items = case.items()
    middle = len(items) // 2
    pieces = [items[:0], items[:middle], items[:0], items[:0], items[middle:], items[:0]]
    assert_same(joined(case.new(), pieces), joined(case.new(), [items]))


def test_an_empty_push_says_nothing(case):
    assert len(case.new().push(case.items()[:0])) == 0


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=15, deadline=None)
@given(fractions=st.lists(st.floats(0, 1), max_size=12))
def test_any_split(name, fractions):
    case = STAGES[name]
    items = case.items()
    cuts = [round(fraction * len(items)) for fraction in fractions]
    assert_same(joined(case.new(), in_pieces(items, cuts)), joined(case.new(), [items]))


@pytest.mark.parametrize("kind", ["same", "other", "short", "nothing"])
def test_reset_equals_new(case, kind):
    before = {
        "same": case.items(),
        "other": case.other(),
        "short": case.other()[:1],  # leaves something held back in every stage that holds back
        "nothing": case.items()[:0],
    }
    stage = case.new()
    stage.push(before[kind])
    stage.reset()
    assert_same(joined(stage, [case.items()]), joined(case.new(), [case.items()]))


def test_reset_in_the_middle_of_the_input(case):
    items = case.items()
    stage = case.new()
    stage.push(items[: len(items) * 2 // 3 + 1])
    stage.reset()
    assert_same(joined(stage, [items]), joined(case.new(), [items]))


def test_stages_do_not_share_state(case):
    items = case.items()
    one, other = case.new(), case.new()
    said = []
    for piece in in_pieces(items, [len(items) // 3, len(items) // 2]):
        said.append(one.push(piece))
        other.push(case.other()[: len(piece)])
    assert_same(in_one([*said, one.flush()]), joined(case.new(), [items]))


def test_flush_holds_nothing_back(case):
    """Each stage answers as soon as it can, and what a flush adds is of the type that push returns."""
    stage = case.new()
    pushed = stage.push(case.items())
    flushed = stage.flush()
    assert len(flushed) == case.at_end
    if isinstance(pushed, np.ndarray):
        assert (flushed.dtype, flushed.shape[1:]) == (pushed.dtype, pushed.shape[1:])
