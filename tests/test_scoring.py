"""Score tracks: the same however the audio is cut, in one piece, a column for each label."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from listened import MODEL, RECORDING

import kws
from kws.bundle import find_bundle
from kws.scoring import ScoreTrack, score_track
from kws.sources.memory import from_samples
from kws.types import Block, Samples


@pytest.fixture(scope="module")
def samples() -> Samples:
    return soundfile.read(RECORDING, dtype="int16")[0]


@pytest.mark.parametrize("block", [1, 333, 8_000])
def test_a_score_track_does_not_depend_on_blocks(samples: Samples, block: int) -> None:
    short = samples[: 16_000 if block == 1 else None]
    wake_word = kws.load(MODEL, confirm="none").wake_words[0]
    whole = score_track([Block(short)], wake_word)
    split = score_track(from_samples(short, block=block), wake_word)
    np.testing.assert_array_equal(whole.score, split.score)
    np.testing.assert_array_equal(whole.time, split.time)


def test_a_score_track_refuses_a_gap(samples: Samples) -> None:
    blocks = [Block(samples[:8_000], start=0), Block(samples[:8_000], start=9_000)]
    with pytest.raises(ValueError, match=r"0\.50 s"):
        score_track(blocks, kws.load(MODEL, confirm="none").wake_words[0])


def test_a_score_track_of_several_labels_has_columns(samples: Samples) -> None:
    class TwoLabels:
        detectors = (None, None)
        bundle = find_bundle("alexa")

        def reset(self) -> None: ...

        def scores(self, rows: np.ndarray) -> np.ndarray:
            return np.arange(2 * len(rows), dtype=np.float32).reshape(-1, 2)

        def step_end(self, step: int) -> int:
            return 480 + 160 * step

    track = score_track([Block(samples[:4_800])], TwoLabels())  # type: ignore[arg-type]
    assert track.score.shape == (len(track.time), 2)
    assert track.time[0] == 480 / 16_000
    assert isinstance(track, ScoreTrack)
