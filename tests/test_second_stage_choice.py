"""Who judges a pair of thresholds had no say in it: words and alarms fall to the half of their speaker."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kws.detector import Candidate as Proposed
from kws.evaluation import Occurrence, Proportion, Rate
from kws.evaluation.streams import Layout, Segment
from kws.events import Detection
from training import second_stage_choice
from training.accuracy.dev_streams import CLEAN, NOISY, SPEECH
from training.accuracy.looked import Candidate, Looked
from training.data.manifest import Clip
from training.second_stage_choice import halves, together

SPEAKERS = {"a1": "ann", "a2": "ann", "b1": "bob", "talk-c": "cid", "talk-d": "dee"}


def segment(path: str, start: float, end: float, *, said: bool = False) -> Segment:
    return Segment(start, end, "corpus", "kind", path, Occurrence(start, end) if said else None)


WORDS = Layout(
    (segment("a1", 0, 1, said=True), segment("b1", 3, 4, said=True), segment("a2", 6, 7, said=True))
)
TALK = Layout((segment("talk-c", 0, 3600), segment("talk-d", 3601, 5401)))


def candidate(end: float, score: float) -> Candidate:
    step = round(end / 0.08)
    return Candidate(Detection("word", 0.5, 0.2, end - 0.5, end), score, Proposed(step, 0.5, step))


LOOKED = Looked(
    0.2,
    {
        CLEAN: [candidate(0.9, 0.8), candidate(3.9, 0.4), candidate(6.9, 0.9)],
        NOISY: [candidate(0.9, 0.3), candidate(6.9, 0.9)],
        SPEECH: [candidate(100.0, 0.6), candidate(3600.5, 0.7), candidate(4000.0, 0.2)],
    },
    {CLEAN: WORDS, NOISY: WORDS, SPEECH: TALK},
    refractory=12,
)


@pytest.fixture(autouse=True)
def recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(Path(), "corpus", "dev", "kind", "", "", 1.0, "ship")
    clips = [
        dataclasses.replace(clip, path=Path(name), speaker=speaker) for name, speaker in SPEAKERS.items()
    ]
    monkeypatch.setattr(second_stage_choice, "dev_clips", lambda: clips)


def test_each_half_has_its_own_speakers_words_and_alarms() -> None:
    ann_and_cid, bob_and_dee = (half.point(LOOKED, 0.5) for half in halves(LOOKED))
    assert (ann_and_cid.misses, ann_and_cid.noisy_misses) == (Proportion(0, 2), Proportion(1, 2))
    assert (bob_and_dee.misses, bob_and_dee.noisy_misses) == (Proportion(1, 1), Proportion(1, 1))
    assert ann_and_cid.false_alarms == Rate(2, 1.0)  # the one in the gap is of what came before
    assert bob_and_dee.false_alarms == Rate(0, 0.5)


def test_both_halves_make_the_whole() -> None:
    points = [half.point(LOOKED, 0.25) for half in halves(LOOKED)]
    assert together(points).startswith(f"{Proportion(0, 3)}; {Proportion(1, 3)}; {Rate(2, 1.5)} ")
