"""A wake word and a command without a pause between them: all of it reaches the recognizer."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")
pytest.importorskip("jiwer")

from signals import noise

from kws.frontend import Frontend
from training.synth import available_voices
from training.understanding.one_breath import Breath, Outcome, Trial, breaths, is_whole, report

SAMPLES = noise(3_000)
ROWS = Frontend().push(SAMPLES)


def test_a_command_is_whole_if_every_row_from_before_it_was_heard() -> None:
    start, detected = 24_000, 1.6  # samples; seconds
    assert is_whole(ROWS[110:], SAMPLES, start, detected)
    assert not is_whole(ROWS[111:], SAMPLES, start, detected)  # less than 0.5 s from before the detection
    assert is_whole(ROWS[150:], SAMPLES, start, 2.5)
    assert not is_whole(ROWS[151:], SAMPLES, start, 2.5)  # the command's first row is missing
    assert not is_whole(np.delete(ROWS[110:], 60, axis=0), SAMPLES, start, detected)
    assert not is_whole(ROWS[:0], SAMPLES, start, detected)


def outcome(together: str, alone: str) -> Outcome:
    return Outcome("lights on now", True, True, 0.1, together, alone)


def test_a_word_is_lost_if_it_is_there_alone_and_not_after_the_wake_word() -> None:
    assert outcome("on now", "lights on now").lost
    assert outcome("", "lights on now").lost
    assert not outcome("light on now", "lights on now").lost  # another word stands for it
    assert not outcome("on now", "on now").lost
    assert outcome("lights on now", "on now").won
    assert "1 of 2" in report([outcome("on now", "lights on now"), outcome("x on now", "")], 0.0)


@pytest.mark.debian("espeak-ng")
def test_nothing_is_lost_of_commands_in_one_breath() -> None:
    voices = [voice for voice in available_voices() if voice.backend in ("espeak", "flite")]
    trial, rng = Trial(["computer"]), np.random.default_rng(5)
    combinations = breaths(voices, ["computer"], seed=3)
    outcomes = [trial.judge(next(combinations), 0.0, rng) for _ in range(5)]
    woken = [one for one in outcomes if one.woke]
    assert len(woken) >= 3
    assert all(one.whole for one in woken)


def test_the_pause_between_wake_word_and_command_is_as_long_as_asked() -> None:
    breath = Breath("nobody", "computer", noise(500), noise(700, seed=1), "lights on")
    for gap in (0.0, 0.25):
        samples, start = breath.together(gap, np.random.default_rng(0))
        np.testing.assert_array_equal(samples[start : start + len(breath.command)], breath.command)
        end = start - round(gap * 16_000)
        np.testing.assert_array_equal(samples[end - len(breath.wake) : end], breath.wake)
