"""Accuracy beside the peers: what is made of the tracks that engines have left, here or elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables_of import row_of

from benchmarks import (
    accuracy,
    accuracy_page,
    listening,
)
from benchmarks.accuracy import Tracks
from benchmarks.heard_before import mark
from kws.evaluation import Occurrence
from kws.evaluation.streams import Layout, Segment
from kws.scoring import ScoreTrack


def track_of(peaks: dict[float, float], seconds: float = 100.0) -> ScoreTrack:
    """A step every 0.1 s, 0 but at some times."""
    time = np.arange(round(10 * seconds)) / 10
    score = np.zeros(len(time), np.float32)
    for at, value in peaks.items():
        score[round(10 * at)] = value
    return ScoreTrack(time, score)


def test_misses_and_false_alarms_of_a_threshold() -> None:
    words = [Occurrence(10, 11), Occurrence(20, 21), Occurrence(30, 31)]
    heard = track_of({11.5: 0.9, 20.5: 0.6, 33.0: 0.9})
    speech = track_of({5.0: 0.9, 40.0: 0.9, 60.0: 0.6})
    tracks = Tracks({accuracy.CLEAN: (heard, words)}, speech, [Occurrence(39, 41)], hours=2.0)
    point = accuracy.point_at(tracks, 0.8)
    # The second word stays below; the third is answered too late. At 40 s the word is really said.
    assert point["misses"] == {accuracy.CLEAN: [2, 3]}
    assert (point["false_alarms"], point["hours"]) == (1, 2.0)
    assert accuracy.point_at(tracks, 0.5)["false_alarms"] == 2


def test_who_misses_fewest_comes_first() -> None:
    engines = {
        name: {"chosen": {"misses": {accuracy.CLEAN: [missed, 10]}} if missed is not None else None}
        for name, missed in (("many", 5), ("few", 1), ("never so few false alarms", None))
    }
    names = accuracy_page.fewest(engines).partition("fewest first: ")[2].split("; ")
    assert [name.split()[0] for name in names] == ["few", "many"]


def word_at(start: float, end: float) -> Segment:
    return Segment(start - 0.5, end + 0.5, "corpus", "wakeword", "said.ogg", Occurrence(start, end))


def speech_at(start: float, end: float, path: str) -> Segment:
    return Segment(start, end, "corpus", "sentence", path)


@dataclass(frozen=True)
class FakeStream:
    layout: Layout
    seconds: float = 100.0


@dataclass(frozen=True)
class FakeTask:
    """A stream that an engine has heard, with its scores at some times."""

    stream: str
    peaks: dict[float, float]
    settings: tuple[Any, ...] = ()
    phrases: tuple[str, ...] = ("computer",)
    path: Path = Path(__file__)

    def track(self) -> tuple[np.ndarray, np.ndarray]:
        track = track_of(self.peaks)
        return track.time, track.score[:, None]


STREAMS = {
    f"computer, {accuracy.CLEAN}": Layout((word_at(10, 11), word_at(30, 31))),
    "speech 0": Layout((speech_at(0, 60, "talk.ogg"),)),
    "speech 1": Layout((speech_at(0, 30, "talk.ogg"), speech_at(30, 66, "computer.ogg"))),
}
HEARD = {
    "kws": [
        FakeTask(f"computer, {accuracy.CLEAN}", {10.5: 1.0, 30.5: 1.0}, ([0.3, 0.1],)),
        FakeTask("speech 0", {20.0: 1.0}, ([0.3, 0.1],)),
        FakeTask(f"computer, {accuracy.CLEAN}", {10.5: 1.0}, ([0.8, 0.1],)),
        FakeTask("speech 0", {}, ([0.8, 0.1],)),
    ],
    "kws, first stage alone": [
        FakeTask(f"computer, {accuracy.CLEAN}", {10.5: 0.99, 31.5: 0.4}),
        FakeTask("speech 0", {20.0: 0.6}),
        FakeTask("speech 1", {40.0: 0.99, 10.0: 0.3}),
    ],
    "wakeforge": [FakeTask(f"computer, {accuracy.CLEAN}", {10.5: 0.99})],
    "pvporcupine": [
        FakeTask(f"computer, {accuracy.CLEAN}", {10.5: 1.0}, (0.5,)),
        FakeTask("speech 0", {20.0: 1.0, 50.0: 1.0}, (0.5,)),
        FakeTask(f"computer, {accuracy.CLEAN}", {}, (0.3,)),
        FakeTask("speech 0", {}, (0.3,)),
    ],
}
PAIRS = {"computer": [[0.3, 0.1], [0.8, 0.1]]}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(accuracy, "stream_of", lambda name: FakeStream(STREAMS[name]))
    monkeypatch.setattr(accuracy, "tasks_of", lambda engine: HEARD.get(engine.name, []))
    monkeypatch.setattr(listening, "pairs_of", lambda word: PAIRS.get(word, [[0.5, 0.1]]))
    monkeypatch.setattr(accuracy, "saying", lambda word: {"computer.ogg"})
    monkeypatch.setattr(accuracy, "speech_pieces", lambda: [[]])
    return accuracy.measure()


def test_engines_are_judged_by_what_they_have_heard(heard: dict[str, Any]) -> None:
    assert heard["found"]["alexa"] == {}
    kws = heard["found"]["computer"]["kws, first stage alone"]
    # Pieces follow one another, and the sentence in which the word is said does not count.
    assert kws["default"]["hours"] == pytest.approx(90 / 3600)
    assert kws["default"]["misses"] == {accuracy.CLEAN: [1, 2]}
    # No false alarm at all in so little speech: above 0.6 only the first word is heard.
    assert kws["chosen"]["threshold"] > 0.6
    assert (kws["chosen"]["false_alarms"], kws["chosen"]["misses"]) == (0, {accuracy.CLEAN: [1, 2]})
    assert kws["chosen"]["latency"] == pytest.approx(-0.5)


def test_an_engine_without_scores_has_a_point_for_each_run(heard: dict[str, Any]) -> None:
    cascade = heard["found"]["computer"]["kws"]
    assert (cascade["default"]["threshold"], cascade["default"]["false_alarms"]) == ([0.3, 0.1], 1)
    assert (cascade["chosen"]["threshold"], cascade["chosen"]["false_alarms"]) == ([0.8, 0.1], 0)
    porcupine = heard["found"]["computer"]["pvporcupine"]
    assert (porcupine["default"]["threshold"], porcupine["default"]["false_alarms"]) == (0.5, 2)
    assert (porcupine["chosen"]["threshold"], porcupine["chosen"]["misses"]) == (
        0.3,
        {accuracy.CLEAN: [2, 2]},
    )
    assert porcupine["curve"] == [(0.0, 1.0), (120.0, 1.0), (120.0, 0.5)]


def test_what_was_heard_elsewhere_stays_until_more_was_heard_here(
    heard: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads(json.dumps(heard))
    monkeypatch.setattr(accuracy, "_measured", lambda engine, phrase: None)
    assert accuracy.measure() == {**heard, "found": {phrase: {} for phrase in heard["found"]}}
    assert accuracy.measure(before) == before

    def little(engine: Any, phrase: str) -> dict[str, Any] | None:
        point = {"hours": 0.001, "misses": {}}
        return {"default": None, "chosen": point, "curve": []} if phrase == "computer" else None

    monkeypatch.setattr(accuracy, "_measured", little)
    found = accuracy.measure(before)["found"]["computer"]
    for name in ("kws", "kws, first stage alone", "pvporcupine"):
        assert found[name] == before["found"]["computer"][name]
    assert found["wakeforge"]["chosen"]["hours"] == 0.001  # it had heard no speech at all
    for measured in before["found"]["computer"].values():
        measured["made_of"] = "other models"
    found = accuracy.measure(before)["found"]["computer"]
    assert {name: measured["chosen"]["hours"] for name, measured in found.items()} == dict.fromkeys(
        found, 0.001
    )


def test_a_mark_is_of_the_names_of_tracks_alone() -> None:
    one, other = Path("a/1.f64"), Path("b/2.f64")
    assert mark([one, other]) == mark([other, Path("elsewhere/1.f64")]) != mark([one])


def test_the_chapter_tells_counts_and_what_was_not_heard(heard: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(heard))
    text = accuracy_page.section(stored)
    (default,) = row_of(text, "pvporcupine, default")
    assert default[1:3] == ["0.5", "120.00 (14.53 to 433.48), 2 in 0.02 h"]
    assert default[4] == "50.0 % (1.3 to 98.7), 1 of 2"
    assert set(default[5:]) == {"not heard"}
    (chosen,) = row_of(text, "kws, at most 0.5 an hour")
    assert (chosen[1], chosen[4]) == ("0.8 and 0.1", "50.0 % (1.3 to 98.7), 1 of 2")
    assert "fewest first: kws 50.0 %" in text
    (words_alone,) = row_of(text, "wakeforge, default")
    assert words_alone[2] == "not heard"
    assert words_alone[4] == "50.0 % (1.3 to 98.7), 1 of 2"
    assert "have not heard enough yet: pocketsphinx." in text
    assert "Runs of which a curve is drawn: kws 2, pvporcupine 2." in text
    assert "by default it takes -0.50 s for computer." in " ".join(text.split())
    drawing = accuracy_page.drawings(stored)["det-computer.svg"]
    assert drawing.count("<polyline") == 3
    assert drawing.count("<path") == 3  # a cross for each that keeps to the rate


def test_a_cross_is_as_long_as_its_intervals() -> None:
    point = {"misses": {accuracy.CLEAN: [2, 84]}, "false_alarms": 2, "hours": 4.71}
    cross = accuracy_page._cross(point)
    assert cross
    assert (cross.x, cross.y) == (2 / 4.71, 2 / 84)
    # The intervals that the tables show for these counts: 0.05 to 1.53 (1.54) and 0.3 to 8.3 %.
    assert cross.across == pytest.approx((0.0514, 1.5339), abs=1e-3)
    assert cross.up == pytest.approx((0.0029, 0.0834), abs=1e-4)
    assert accuracy_page._cross({**point, "hours": 0.0}) is None
    assert accuracy_page._cross({**point, "misses": {}}) is None
    assert accuracy_page._cross(None) is None


def test_who_runs_the_models_of_another_is_not_said_to_have_heard_too_little(heard: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(heard))
    alexa = accuracy_page._of_word("alexa", {}, {})
    assert "have not heard enough yet: kws," in alexa
    assert "pyopen-wakeword" in alexa
    assert "pyopen-wakeword" not in accuracy_page._of_word("alexa", {}, {"pyopen-wakeword": {}})
    assert stored["same"] == {}


def test_what_stands_in_the_way_of_a_late_word_is_said(heard: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(heard))

    def text() -> str:
        return " ".join(accuracy_page.section(stored).split())

    assert "in the way" not in text().lower()
    cascade = stored["found"]["computer"]["kws"]
    cascade["default"]["latency"] = 0.18
    assert "What stands in the way of computer was not measured." in text()
    (other,) = cascade["others"]
    other |= {"latency": 0.15, "threshold": [0.3, 0.05], "hours": 2.0}
    assert (
        "In the way of computer stands that both models together must come to 0.1. At 0.05 it takes" in text()
    )
    assert "0.15 s; missed are 50.0 % (1.3 to 98.7), 1 of 2 5 s apart; " in text()
    assert "; false alarms an hour: 0.00 (0.00 to 1.50), 0 in 2.00 h." in text()
    other["hours"] = 0.001  # less than at the default thresholds
    assert "; false alarms an hour: not counted, for want of speech heard." in text()
    other["latency"] = 0.16
    assert "was not measured" in text()


def test_a_curve_never_rises_again() -> None:
    assert accuracy.corners([(0.0, 0.5), (1.0, 0.2), (2.0, 0.3), (3.0, 0.1)]) == [
        (0.0, 0.5),
        (1.0, 0.5),
        (1.0, 0.2),
        (3.0, 0.2),
        (3.0, 0.1),
    ]
