"""--max-false-alarms-per-day: the calibration table of each model decides, and says what supports it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from community import manifest

from kws import cli
from kws.bundle import find_bundle
from kws.evaluation import threshold_for

CALLS = str(Path(__file__).parents[1] / "kws" / "selftest" / "calls.flac")


def run(*options: str) -> int:
    return cli.main(["run", CALLS, *options])


def test_each_model_listens_at_its_own_calibrated_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "computer", "--model", "alexa"]
    assert run(*words, "--confirm", "none", "--max-false-alarms-per-day", "12") == 0
    printed = capsys.readouterr()
    heard = {event["name"]: event["threshold"] for event in map(json.loads, printed.out.splitlines())}
    for name in ("computer", "alexa"):
        choice = threshold_for(find_bundle(name).calibration, 12)
        assert heard[name] == pytest.approx(choice.threshold, abs=1e-3)
        assert f"{name}: threshold {choice.threshold:g}, false alarms {choice}" in printed.err


def test_fewer_false_alarms_need_a_higher_threshold() -> None:
    table = find_bundle("computer").calibration
    chosen = [threshold_for(table, most).threshold for most in (6, 24, 96)]
    assert chosen == sorted(chosen, reverse=True)
    assert chosen[0] > chosen[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--max-false-alarms-per-day", "1", "--strict", "--confirm", "none"],
            ["computer", "can promise", "--strict"],
        ),
        (["--max-false-alarms-per-day", "1", "--strict"], ["computer", "no measured pair", "allow more"]),
        (["--max-false-alarms-per-day", "5", "--threshold", "0.5"], ["--threshold", "give one"]),
        (["--strict"], ["--max-false-alarms-per-day"]),
        (["--max-false-alarms-per-day", "0"], ["--max-false-alarms-per-day"]),
    ],
)
def test_what_cannot_be_kept_is_refused(
    options: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--model", "computer", *options) == cli.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(word in printed.err for word in words)


def test_a_model_without_a_table_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--model", str(manifest("alexa")), "--max-false-alarms-per-day", "5") == cli.BAD_INPUT
    assert "alexa: the model has no calibration table" in capsys.readouterr().err
