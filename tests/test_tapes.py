"""Tapes: words where the marks say, the same for the same seed, and clips handled as their names promise."""

import numpy as np
import pytest

scipy = pytest.importorskip("scipy")

from kws.evaluation import levels  # noqa: E402
from kws.evaluation.activity import speech_span  # noqa: E402
from kws.types import SAMPLE_RATE  # noqa: E402
from training.material import augment  # noqa: E402
from training.material.tapes import IGNORED, NEGATIVE, POSITIVE, Pool, TapeConfig, make_tapes  # noqa: E402


def tone(seconds: float, hertz: float = 440.0, amplitude: float = 8000) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def hiss(seconds: float, amplitude: float = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=amplitude, size=int(seconds * SAMPLE_RATE)).astype(np.int16)


QUIET = TapeConfig(seconds=8, noise_share=0, room_share=0, speed=(1, 1), level=(-20, -20))


def pool(words: bool = True) -> Pool:
    return Pool((((tone(0.5),), 1.0),) if words else (), (tone(0.7, 3000),), (hiss(9, 300),))


class TestActivity:
    def test_finds_a_tone_between_silence(self) -> None:
        start, end = speech_span(np.concatenate([hiss(0.6), tone(0.5), hiss(1.0)]))
        assert start / SAMPLE_RATE == pytest.approx(0.6, abs=0.03)
        assert end / SAMPLE_RATE == pytest.approx(1.1, abs=0.03)

    def test_bridges_a_stop_and_ignores_a_click(self) -> None:
        clip = np.concatenate([tone(0.01), hiss(0.6), tone(0.3), hiss(0.15), tone(0.3), hiss(0.5)])
        start, end = speech_span(clip)
        assert start / SAMPLE_RATE == pytest.approx(0.61, abs=0.03)
        assert end / SAMPLE_RATE == pytest.approx(1.36, abs=0.03)

    @pytest.mark.parametrize("length", [0, 100, 16000])
    def test_silence_is_the_whole_clip(self, length: int) -> None:
        assert speech_span(np.zeros(length, np.int16)) == (0, length)


class TestAugment:
    def test_level_is_what_was_asked_for(self) -> None:
        assert levels.active_level(levels.to_level(levels.to_float(tone(1)), -30)) == pytest.approx(
            -30, abs=0.1
        )

    def test_speed_shortens_and_raises(self) -> None:
        faster = augment.speed(levels.to_float(tone(1)), 1.25)
        assert len(faster) == pytest.approx(SAMPLE_RATE / 1.25, abs=2)
        peak = np.argmax(np.abs(np.fft.rfft(faster))) * SAMPLE_RATE / len(faster)
        assert peak == pytest.approx(440 * 1.25, abs=3)

    def test_a_room_keeps_the_time_of_a_click_and_adds_a_tail(self) -> None:
        click = np.zeros(SAMPLE_RATE, np.float32)
        click[1000] = 0.5
        heard = augment.in_room(click, np.random.default_rng(2))
        assert np.argmax(np.abs(heard)) == 1000
        assert np.abs(heard[:1000]).max() < 0.05
        assert np.square(heard[1200:]).sum() > 0

    def test_clips_instead_of_wrapping(self) -> None:
        assert levels.to_int16(np.array([2.0, -2.0], np.float32)).tolist() == [32767, -32768]


class TestTapes:
    def test_positive_rows_follow_the_word_and_nothing_else(self) -> None:
        tapes = make_tapes(pool(), 4, QUIET, seed=1)
        low, high = tapes.rows[:, :, 3:8].mean(axis=2), tapes.rows[:, :, 28:33].mean(axis=2)
        begins = np.argwhere(np.diff((tapes.marks == POSITIVE).astype(int), axis=1) == 1)
        assert len(begins) >= 4
        for lane, row in begins:  # the word is the low tone, other speech the high one
            assert low[lane, max(0, row - 20) : row].max() > high[lane, row - 8 : row].max()

    def test_marks_last_as_long_as_configured(self) -> None:
        tapes = make_tapes(
            pool(), 4, TapeConfig(seconds=8, word_share=1.0, noise_share=0, room_share=0), seed=1
        )
        run = np.diff(np.flatnonzero(np.diff(np.pad(tapes.marks[0] == POSITIVE, 1).astype(int))))[::2]
        assert set(run) <= {29, 30, 31}  # 0.30 s of rows
        assert np.count_nonzero(tapes.marks == IGNORED) > np.count_nonzero(tapes.marks == POSITIVE)

    def test_without_words_nothing_is_positive(self) -> None:
        assert set(np.unique(make_tapes(pool(words=False), 2, QUIET, seed=1).marks)) == {NEGATIVE}

    def test_the_seed_decides_not_the_number_of_workers(self) -> None:
        one, two = (make_tapes(pool(), 3, TapeConfig(seconds=3), seed=4, workers=n) for n in (1, 2))
        np.testing.assert_array_equal(one.rows, two.rows)
        other = make_tapes(pool(), 3, TapeConfig(seconds=3), seed=5)
        assert np.any(other.rows != one.rows)
