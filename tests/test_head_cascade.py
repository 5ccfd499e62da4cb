"""The second stage of new heads: a threshold for each stage by its own rate, or one for all together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pocketsphinx")

from click.testing import CliRunner
from heads import head_bundle

import training.heads.trial
from kws.bundle import Bundle, find_bundle, read_bundle
from kws.cascade import default_second
from kws.commands.budget import Budget
from kws.commands.options import load_engine
from kws.confirmation_table import is_measured, measured_points
from kws.confirmed import ConfirmedWord
from kws.errors import KwsError
from kws.evaluation import CalibrationRow, Matched, Proportion, Rate
from kws.frontends import MICRO_EMBEDDING
from kws.fusion import Fusion
from kws.loading import AUTO, Wanted, wake_words
from kws.recognition.alarm_rate import alarm_rate_of
from kws.recognition.bundle import find_recognizer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.heads import fused_alarms
from training.heads.bundling import SECOND
from training.heads.cascade import (
    FUSED_PER_HOUR,
    HEAD_PER_HOUR,
    SPELLING_PER_HOUR,
    WEIGHTS,
    add_second_stage,
    main,
    proposing,
)
from training.heads.fused_alarms import LEASTS, FusedAlarms, read_fused_alarms
from training.heads.trial import PROPOSED_PER_HOUR

WORD = "blue lagoon"


def row(threshold: float, per_hour: float) -> dict[str, Any]:
    alarms = Rate(round(10 * per_hour), 10.0)
    return CalibrationRow(threshold, Proportion(1, 50), Proportion(2, 50), alarms).to_json()


TABLE = [row(0.1, 2.5 * PROPOSED_PER_HOUR), row(0.2, 0.9 * PROPOSED_PER_HOUR), row(0.3, 0.9 * HEAD_PER_HOUR)]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Heads of random weights, with a table."""
    path = head_bundle(tmp_path, "word", calibration=TABLE)
    return renamed(path)


def renamed(path: Path, word: str = WORD) -> Path:
    manifest = json.loads(path.read_text("utf-8")) | {"wake_word": word}
    path.write_text(json.dumps(manifest), "utf-8")
    return path


def judge(folder: Path) -> Path:
    return renamed(head_bundle(folder / SECOND, "word", seed=1, encoder=MICRO_EMBEDDING))


def default_of(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text("utf-8"))["kws"]["confirmation"]["default"]
    assert isinstance(found, dict)
    return found


def test_each_stage_keeps_to_its_own_rate(made: Path, tmp_path: Path) -> None:
    told = add_second_stage(made, None, seed=1, cache=tmp_path)
    assert told == "estimated: false alarms an hour: 20 of the head alone, 2 of the spelling alone"
    found = default_of(made)
    assert found["threshold"] == 0.3
    rate = alarm_rate_of(find_recognizer("english"))
    ways = phrase_spellings(WORD, PHONES)
    assert found["least"] == pytest.approx(rate.threshold(ways, SPELLING_PER_HOUR), abs=1e-4)
    assert found["spellings"] == ["B L UW L AH G UW N"]
    (word,) = wake_words([Wanted(find_bundle(made))])
    assert isinstance(word, ConfirmedWord)
    assert word.detectors[0].config.threshold == 0.3
    assert not is_measured(read_bundle(made))


def test_what_cannot_be_said_or_fires_too_often_has_none(made: Path, tmp_path: Path) -> None:
    assert add_second_stage(renamed(made, "123"), None, seed=1, cache=tmp_path) == ""
    assert "confirmation" not in read_bundle(made).manifest["kws"]
    loud = head_bundle(tmp_path / "loud", calibration=TABLE[:1])
    add_second_stage(loud, None, seed=1, cache=tmp_path)
    assert "confirmation" not in read_bundle(loud).manifest["kws"]
    with pytest.raises(KwsError, match="more than 200 false alarms an hour at any threshold"):
        proposing(read_bundle(loud), PROPOSED_PER_HOUR)


@pytest.fixture
def fused(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setattr(training.heads.trial, "SPOKEN_WORDS", 3)
    add_second_stage(made, judge(tmp_path), seed=1, cache=tmp_path / "cache")
    return read_bundle(made)


def test_heads_on_two_encoders_and_the_spelling_judge_together(fused: Bundle) -> None:
    found = default_of(fused.manifest_path)
    assert (found["model"], found["recognizer"]) == ("second/word.json", "english")
    assert tuple(found["weights"].values()) == WEIGHTS
    assert found["threshold"] == 0.2
    assert found["estimated"] == read_fused_alarms().told
    second = default_second(fused)
    assert isinstance(second, Fusion)
    points = measured_points(fused, second)
    assert [point.least for point in points] == list(LEASTS)
    assert {(point.misses.total, point.noisy_misses.total) for point in points} == {(3, 3)}
    rates = {point.least: point.false_alarms.per_hour for point in points}
    assert rates[found["least"]] <= FUSED_PER_HOUR < rates[LEASTS[LEASTS.index(found["least"]) - 1]]
    misses = [point.misses.count for point in points]
    assert min(misses) < misses[-1]  # random weights, which no word convinces
    (word,) = wake_words([Wanted(fused)])
    assert isinstance(word, ConfirmedWord)


def test_a_budget_is_kept_by_all_together_and_said_to_be_estimated(
    fused: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    (word,) = load_engine((str(fused.manifest_path),), Budget(4.0), confirm=AUTO).wake_words
    assert isinstance(word, ConfirmedWord)
    told = capsys.readouterr().err
    assert f"estimated: {read_fused_alarms().told}" in told
    (alone,) = load_engine(
        (str(fused.manifest_path),), Budget(24 * 60.0, strict=True), confirm=AUTO
    ).wake_words
    assert not isinstance(alone, ConfirmedWord)
    assert "estimated" not in capsys.readouterr().err


def test_what_the_package_knows_of_other_words_is_in_order() -> None:
    known = read_fused_alarms()
    assert known.counts == sorted(known.counts, reverse=True)
    assert known.hours > 10
    assert known.at(LEASTS[-1]).per_hour < FUSED_PER_HOUR < known.at(LEASTS[0]).per_hour


def test_counts_that_are_damaged_or_of_other_thresholds_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "alarms.json"
    file.write_text("{", "utf-8")
    with pytest.raises(KwsError, match="not readable"):
        read_fused_alarms(file)
    file.write_text(json.dumps({"words": [], "hours": 1.0, "counts": [1], "command": ""}), "utf-8")
    with pytest.raises(KwsError, match="1 counts, expected 39; measure it again"):
        read_fused_alarms(file)


def test_what_is_damaged_is_never_passed_over_in_silence(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "training.heads.cascade.read_fused_alarms", lambda: read_fused_alarms(tmp_path / "none.json")
    )
    with pytest.raises(KwsError, match=r"none\.json: not readable"):
        add_second_stage(made, judge(tmp_path), seed=1, cache=tmp_path)


def test_counts_of_all_words_are_added_up(monkeypatch: pytest.MonkeyPatch, fused: Bundle) -> None:
    class Looked:
        def __init__(self) -> None:
            self.layouts = {"speech": type("Layout", (), {"hours": 2.5})}

        def matched(self, name: str, least: float) -> Matched:
            if name == "speech":
                return Matched((), (), tuple([0.0] * round(10 * (1 - least))))
            return Matched((least < 0.3, name == "clean"), (), ())

    asked = []
    monkeypatch.setattr(
        fused_alarms, "looked", lambda bundle, *how: asked.append((bundle.name, how[2])) or [Looked()]
    )
    path = fused.manifest_path
    heard = [fused_alarms.hear(path, path.parent)] * 2
    found = fused_alarms.together(heard, "")
    assert found == FusedAlarms([WORD, WORD], 5.0, [2 * round(10 * (1 - least)) for least in LEASTS], "")
    assert asked == [("word", [0.2])]
    assert fused_alarms.table(heard).splitlines()[1 + LEASTS.index(0.4)] == (
        "0.40 | 50.0 % (6.8 to 93.2), 2 of 4 | 100.0 % (39.8 to 100.0), 4 of 4 "
        "| 6, 6 | 2.40 (1.24 to 4.19), 12 in 5.00 h"
    )
    with pytest.raises(KwsError, match="has no second stage"):
        fused_alarms.hear(path.parent / SECOND / "word.json", path.parent)


def after_another_recognizer(path: Path) -> None:
    """As if the recognizer that it was trained beside had been replaced since."""
    manifest = json.loads(path.read_text("utf-8"))
    models = manifest["kws"]["confirmation"]["models"]
    manifest["kws"]["confirmation"]["models"] = [*models[:-1], "0" * 64]
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize("heads", [1, 2])
def test_a_second_stage_comes_back_after_another_recognizer(
    heads: int, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training.heads.trial, "SPOKEN_WORDS", 3)
    cache = tmp_path / "cache"
    add_second_stage(made, judge(tmp_path) if heads == 2 else None, seed=1, cache=cache)
    before = json.loads(made.read_text("utf-8"))
    after_another_recognizer(made)
    assert default_second(read_bundle(made)) is None
    command = f"python -m training.heads.cascade {made}"
    assert f"no second stage: it was not measured with this {'english' if heads == 1 else ''}" in caplog.text
    assert f"run {command}" in caplog.text
    done = CliRunner().invoke(main, [str(made), "--cache", str(cache)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "estimated: " in done.output
    assert json.loads(made.read_text("utf-8")) == before
    assert default_second(read_bundle(made)) is not None


def test_only_what_was_estimated_is_estimated_again(made: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(made), "--cache", str(tmp_path)])
    assert done.exit_code == 1
    assert f"measure it on recordings: python -m training.second_stage {made} --fill" in done.output
