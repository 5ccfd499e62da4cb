"""The selftest: its recordings, its comparison, and that this installation passes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pymicro_wakeword
import pytest
import soundfile

import kws
import kws.bundle
import kws.selftest
from kws import cli
from kws.evaluation import Occurrence, match_detections
from kws.events import Detection
from kws.selftest import (
    EXACT,
    OTHER_KERNELS,
    Recording,
    bundled_recordings,
    differences,
    largest_score_difference,
    tolerance_here,
    tolerated,
)

RECORDINGS = bundled_recordings()
STEP = 0.03
HEARD = [
    Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5),
    Detection(name="jarvis", score=0.8, threshold=0.5, start=2.0, end=2.5),
]
Run = Callable[..., tuple[int, str, str]]

by_name = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.audio.name)


def test_this_installation_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["selftest"]) == 0
    assert "all as expected" in capsys.readouterr().out


@by_name
def test_what_is_expected_is_what_is_said(recording: Recording) -> None:
    expected = recording.expected
    for name in kws.bundled_names():
        said = [Occurrence(word.start, word.end) for word in recording.words if word.name == name]
        matched = match_detections([event for event in expected if event.name == name], said)
        assert matched.misses.count == 0
        assert matched.false_alarms == ()


@by_name
def test_recordings_are_short_and_their_words_lie_within(recording: Recording) -> None:
    about = soundfile.info(recording.audio)
    assert (about.samplerate, about.channels, about.subtype) == (16_000, 1, "PCM_16")
    assert 5 <= about.duration <= 15
    ends = [0.0, *(time for word in recording.words for time in (word.start, word.end)), about.duration]
    assert ends == sorted(ends)


def test_recordings_hold_words_and_the_lack_of_them() -> None:
    said = [word.name for recording in RECORDINGS for word in recording.words]
    assert set(kws.bundled_names()) <= set(said)
    assert any(not recording.words for recording in RECORDINGS)


def test_equal_detections_do_not_differ() -> None:
    assert differences(HEARD, HEARD) == []
    assert differences(HEARD, [replace(event, score=event.score + 0.01, source="x") for event in HEARD]) == []


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (HEARD[1:], ["computer at 1.5 s was not heard"]),
        ([], ["computer at 1.5 s was not heard", "jarvis at 2.5 s was not heard"]),
        ([*HEARD, replace(HEARD[0], end=4.0)], ["computer at 4.0 s was heard and is not expected"]),
        (
            [replace(HEARD[0], end=1.5 + STEP), HEARD[1]],
            ["computer at 1.5 s was not heard", "computer at 1.53 s was heard and is not expected"],
        ),
    ],
)
def test_differences_are_told_to_the_step(heard: list[Detection], said: list[str]) -> None:
    assert differences(HEARD, heard) == said


def test_score_differences_are_those_of_detections_that_agree() -> None:
    other = [
        replace(HEARD[0], score=0.5),
        replace(HEARD[1], score=0.7),
        replace(HEARD[1], end=9.0, score=0.0),
    ]
    assert largest_score_difference(HEARD, other) == pytest.approx(0.25)
    assert largest_score_difference(HEARD, []) == 0


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one recording, and models that are not ours to retrain, in place of the bundled ones."""
    recordings, models = tmp_path / "recordings", tmp_path / "models"
    recordings.mkdir()
    for kind in ("flac", "words.jsonl"):
        shutil.copy(kws.selftest.RECORDINGS / f"calls.{kind}", recordings)
    theirs = kws.find_bundle(Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json")
    micro = {**theirs.manifest["micro"], "probability_cutoff": 0.3}
    kws.bundle.write_bundle(
        models, "alexa", theirs.model_path.read_bytes(), {**theirs.manifest, "micro": micro}
    )
    monkeypatch.setattr(kws.selftest, "RECORDINGS", recordings)
    monkeypatch.setattr(kws.bundle, "MODELS", models)
    return recordings


@pytest.fixture
def selftest(elsewhere: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """selftest(arguments) -> exit code, standard output, standard error, run elsewhere."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["selftest", *arguments])
        return (code, *capfd.readouterr())

    return run


def test_what_was_written_is_then_expected(selftest: Run, elsewhere: Path) -> None:
    assert selftest("--write")[0] == 0
    (event,) = [json.loads(line) for line in (elsewhere / "calls.events.jsonl").read_text().splitlines()]
    assert (event["name"], event["source"]) == ("alexa", "calls.flac")
    code, out, err = selftest()
    assert (code, err) == (0, "")
    assert "all as expected" in out


def test_a_difference_is_told_and_fails(selftest: Run, elsewhere: Path) -> None:
    selftest("--write")
    path = elsewhere / "calls.events.jsonl"
    event = json.loads(path.read_text())
    path.write_text(json.dumps({**event, "end": event["end"] + STEP}) + "\n")
    code, out, _ = selftest()
    assert code == 1
    assert f"calls.flac: alexa at {event['end']} s was heard and is not expected" in out


def test_without_expectations_it_says_how_to_make_them(selftest: Run, elsewhere: Path) -> None:
    code, _, err = selftest()
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "calls.events.jsonl" in err
    assert "--write" in err


def test_without_recordings_it_does_not_pass(selftest: Run, elsewhere: Path) -> None:
    (elsewhere / "calls.flac").unlink()
    assert selftest()[0] == 2


@pytest.mark.parametrize(
    ("heard", "same"),
    [
        ([replace(HEARD[0], end=1.6), replace(HEARD[1], end=2.4)], True),
        ([replace(HEARD[0], end=1.63), HEARD[1]], False),
        ([*HEARD, replace(HEARD[0], end=4.0, score=0.515)], True),
        ([*HEARD, replace(HEARD[0], end=4.0, score=0.525)], False),
        ([HEARD[0], replace(HEARD[1], name="alexa")], False),
    ],
)
def test_other_kernels_may_round_otherwise(heard: list[Detection], same: bool) -> None:
    assert (differences(HEARD, heard, OTHER_KERNELS) == []) is same


def test_a_detection_that_hardly_reached_its_threshold_may_be_missing_with_another_engine() -> None:
    expected = [*HEARD, replace(HEARD[0], end=4.0, score=0.51)]
    assert differences(expected, HEARD, OTHER_KERNELS) == []
    assert differences(expected, HEARD) == ["computer at 4.0 s was not heard"]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (HEARD, []),
        ([replace(HEARD[0], end=1.53), HEARD[1]], ["computer at 1.5 s heard 0.03 s apart"]),
        (
            [*HEARD, replace(HEARD[0], end=4.0, score=0.515)],
            ["computer at 4.0 s heard besides, score 0.5150 at a threshold of 0.5000"],
        ),
        ([*HEARD, replace(HEARD[0], end=4.0, score=0.525)], []),
    ],
)
def test_what_is_tolerated_is_told(heard: list[Detection], said: list[str]) -> None:
    assert tolerated(HEARD, heard, OTHER_KERNELS) == said
    assert tolerated(heard, HEARD, EXACT) == []


def test_a_tolerated_miss_is_told() -> None:
    expected = [*HEARD, replace(HEARD[0], end=4.0, score=0.51)]
    (said,) = tolerated(expected, HEARD, OTHER_KERNELS)
    assert said == "computer at 4.0 s not heard, score 0.5100 at a threshold of 0.5000"


@pytest.mark.parametrize(
    ("machine", "engine", "allowed"),
    [
        ("x86_64", "litert", EXACT),
        ("AMD64", "litert", EXACT),
        ("aarch64", "litert", OTHER_KERNELS),
        ("arm64", "litert", OTHER_KERNELS),
        ("x86_64", "c99", OTHER_KERNELS),
    ],
)
def test_only_the_kernels_that_wrote_the_expectations_must_hear_them_to_the_step(
    machine: str, engine: str, allowed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert tolerance_here(engine) == allowed
