"""False alarms per hour by a phrase's spelling: the rate, thresholds by it, and the fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("jiwer")
pytest.importorskip("hassil")

from test_speech_commands import Says

import kws.recognition.build
from kws.cli import main
from kws.errors import KwsError
from kws.recognition.alarm_rate import AlarmRate, alarm_rate_of, features
from kws.recognition.bundle import RecognizerBundle, read_recognizer, write_recognizer
from kws.recognition.tokens import PHONES
from training.understanding.spotting import THRESHOLDS, Sought, check, fit, unsaid_phrases

LOG_PRIORS = np.log(np.full(len(PHONES), 1 / len(PHONES)))
WEIGHTS = np.array([1.0, -0.6, 0.3, 0.0, 1.5])
RATE = AlarmRate(WEIGHTS, LOG_PRIORS)
SHORT, LONG = (5, 6, 7), tuple(range(1, 13))


def test_a_threshold_keeps_to_the_rate_and_the_next_lower_does_not() -> None:
    threshold = RATE.threshold([SHORT], 2.0)
    at, below = RATE.per_hour([SHORT], np.array([threshold, threshold - 0.01]))
    assert at <= 2.0 < below


def test_long_phrases_need_lower_thresholds_and_several_spellings_higher_ones() -> None:
    assert RATE.threshold([LONG], 2.0) < RATE.threshold([SHORT], 2.0)
    assert RATE.threshold([SHORT, SHORT], 2.0) > RATE.threshold([SHORT], 2.0)
    assert RATE.threshold([SHORT], 1e-9) == 1.0


def test_alarms_a_second_apart_are_counted() -> None:
    track = np.zeros(200, np.float32)
    track[[10, 12, 30, 60, 61]] = 0.5
    assert Sought(SHORT, track).alarms(0.4) == 2  # 12 and 30 are within a second of 10
    assert Sought(SHORT, track).alarms(0.6) == 0


def drawn_at(rate: AlarmRate, hours: float) -> list[Sought]:
    """Phrases whose alarms are Poisson draws at a known rate: one step a second apart for each of them."""
    rng = np.random.default_rng(3)
    made = []
    for length in np.repeat(np.arange(3, 15), 8):
        spelling = tuple(int(token) for token in rng.integers(1, len(PHONES), length))
        per_hour = rate.per_hour([spelling], THRESHOLDS)  # falls as the threshold grows
        counts = rng.poisson(hours * -np.diff(per_hour, append=0))
        scores = np.repeat(THRESHOLDS, counts)
        track = np.zeros(30 * (len(scores) + 1), np.float32)
        track[30 * np.arange(len(scores))] = scores + 1e-3
        made.append(Sought(spelling, track))
    return made


def test_the_fit_finds_a_known_rate_again() -> None:
    hours = 5.0
    sought = drawn_at(RATE, hours)
    fitted = fit(sought[::2], LOG_PRIORS, hours)
    for asked, row in check(fitted, sought[1::2], hours).items():
        assert row["mean"] == pytest.approx(asked, rel=0.5)
    found = [fitted.per_hour([one.spelling], np.array([0.1]))[0] for one in sought]
    expected = [RATE.per_hour([one.spelling], np.array([0.1]))[0] for one in sought]
    assert np.median(np.abs(np.log(found) - np.log(expected))) < 0.3


def test_features_are_those_of_the_formula() -> None:
    (row,) = features((1, 2), np.array([np.exp(-2.0)]), LOG_PRIORS)
    np.testing.assert_allclose(row, [1, 2, 4, 2 * LOG_PRIORS[0], 2])


def test_phrases_that_are_said_are_not_used() -> None:
    said = ["HH AH L OW W ER L D"]
    found = unsaid_phrases(["hello", "world", "zebra"], said, 20, np.random.default_rng(0))
    assert len(found) == 20
    assert not any(PHONES.decode(spelling) in said[0] for spelling in found)


def recognizer(folder: Path, card: dict[str, object]) -> RecognizerBundle:
    tokens = {"phones": (0, len(PHONES))}
    return read_recognizer(
        write_recognizer(folder, "tiny", b"", language="en", tokens=tokens, flush_rows=0, card=card)
    )


CARD = {
    "decoding": {"log_priors": {"phones": LOG_PRIORS.tolist()}},
    "spotting": {"weights": WEIGHTS.tolist()},
}


def test_a_recognizer_that_was_not_measured_says_what_to_do(tmp_path: Path) -> None:
    assert alarm_rate_of(recognizer(tmp_path, CARD)).threshold([SHORT], 2.0) == RATE.threshold([SHORT], 2.0)
    with pytest.raises(KwsError, match=r"run python -m training\.understanding\.spotting tiny --fit"):
        alarm_rate_of(recognizer(tmp_path, {}))


def test_a_budget_gives_each_phrase_a_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import soundfile

    monkeypatch.setattr(kws.recognition.build, "AcousticModel", Says)
    recognizer(tmp_path, CARD)
    recording = str(tmp_path / "quiet.wav")
    soundfile.write(recording, np.zeros(8 * 16_000, np.int16), 16_000)
    spot = ["--model", str(tmp_path), "--spot", "lights on in the kitchen", "--spot", "stop"]
    assert main(["run", recording, *spot, "--max-false-alarms-per-day", "24"]) == 0
    out, err = capsys.readouterr()
    assert {json.loads(line)["name"] for line in out.splitlines()} == {"lights on in the kitchen"}
    first, second = (float(line.rpartition(" ")[2]) for line in err.splitlines())
    assert first < second
    assert main(["run", recording, *spot, "--max-false-alarms-per-day", "24", "--strict"]) == 2
    assert "--strict" in capsys.readouterr().err
