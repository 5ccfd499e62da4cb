"""`kws eval` on recordings made here: what is counted, what is left out, and what the page holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from community import manifest

from kws import cli
from kws.bundle import read_bundle
from kws.engine import Engine, WakeWord
from kws.errors import SourceError
from kws.evaluation import Occurrence
from kws.evaluation.as_run import as_run
from kws.evaluation.page import at, points, trial_page
from kws.evaluation.plot import RATES, Axis, Cross, bar_plot, line_plot
from kws.evaluation.streams import Layout, Segment, StreamRecipe
from kws.evaluation.trial import AMID, CLEAN, Heard, Trial, readable, recordings_in, try_model, word_streams
from kws.evaluation.trial_streams import AmidStream, TalkStream
from kws.scoring import ScoreTrack
from kws.sources.whole import read_excerpt, read_samples
from kws.types import SAMPLE_RATE, Samples


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, say: Callable[..., Samples]) -> Path:
    """words/: "alexa" by three voices; talk/: three sentences, one file in them text; hum.wav: noise."""
    root = tmp_path_factory.mktemp("trial")
    (root / "words").mkdir()
    (root / "talk" / "evening").mkdir(parents=True)
    for voice in ("en-us", "en-gb", "en-gb-scotland"):
        soundfile.write(root / "words" / f"{voice}.wav", say("alexa", voice), SAMPLE_RATE)
    for number, text in enumerate(
        ("a letter for the lady", "open the window please", "it rains in the west")
    ):
        soundfile.write(root / "talk" / "evening" / f"{number}.flac", say(text), SAMPLE_RATE)
    (root / "talk" / "notes.wav").write_text("not audio")
    hum = np.random.default_rng(3).normal(scale=1000, size=3 * SAMPLE_RATE).astype(np.int16)
    soundfile.write(root / "hum.wav", hum, SAMPLE_RATE)
    return root


@pytest.fixture
def made_up() -> Trial:
    """Two words scoring 0.9 and 0.4; an hour of talk in two files, reaching 0.5 in the second."""
    time = np.arange(1, 3601, dtype=np.float64)
    talk = np.where(time == 2000, 0.5, 0.1).astype(np.float32)
    halves = tuple(
        Segment(start, start + 1800.0, "", "", name) for start, name in ((0.0, "a"), (1800.0, "b"))
    )
    spans = (Occurrence(0.9, 1.2), Occurrence(2.9, 3.2))
    words = tuple(Segment(w.start, w.end, "", "", "w", w) for w in spans)
    heard = Heard(ScoreTrack(time[:4], np.array([0.9, 0.0, 0.4, 0.0], np.float32)), Layout(words))
    talked = Heard(ScoreTrack(time, talk), Layout(halves))
    return Trial({CLEAN: heard}, (Path("one"), Path("two")), talked, (Path("a"), Path("b")))


def test_misses_and_false_alarms_name_their_recordings(made_up: Trial) -> None:
    assert [(path.name, round(score, 3)) for path, score in made_up.misses(0.45)] == [("two", 0.4)]
    (alarm,) = made_up.false_alarms(0.45)
    assert (alarm.path.name, alarm.time, alarm.score) == ("b", 200.0, 0.5)
    assert made_up.false_alarms(0.6) == []


def test_the_table_counts_at_the_threshold_and_at_each_rate(made_up: Trial) -> None:
    det = made_up.det()
    counts = {name: (p.misses.count, p.false_alarms.count) for name, p in points(det, 0.45).items()}
    assert counts["threshold 0.45"] == (1, 1)
    assert counts["at most 0.1 per hour"] == (1, 0)
    assert counts["at most 1 per hour"] == (0, 1)
    assert at(det, 0.95).misses.count == 2


@pytest.mark.debian("espeak-ng")
def test_what_cannot_be_read_is_named_and_left_out(folders: Path) -> None:
    good, faults = readable(recordings_in([folders / "talk"]))
    assert [path.name for path in good] == ["0.flac", "1.flac", "2.flac"]
    assert [str(folders / "talk" / "notes.wav") in str(fault) for fault in faults] == [True]


def test_places_without_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no recording in it"):
        recordings_in([tmp_path])
    with pytest.raises(SourceError, match="no such file or folder"):
        recordings_in([tmp_path / "gone"])


@pytest.mark.debian("espeak-ng")
def test_the_trial_hears_every_recording_once_and_in_order(folders: Path) -> None:
    words, talk = recordings_in([folders / "words"]), recordings_in([folders / "talk" / "evening"])
    trial = try_model(
        WakeWord(read_bundle(manifest("alexa"))), words, talk, noises=[folders / "hum.wav"], snr_db=[5]
    )
    assert list(trial.words) == [CLEAN, AMID, "5 dB"]
    assert [segment.path for segment in trial.words[CLEAN].layout.segments] == [path.name for path in words]
    seconds = [segment.end - segment.start for segment in trial.talk.layout.segments]
    assert seconds == pytest.approx([len(read_samples(path)) / SAMPLE_RATE for path in talk])
    assert trial.words[CLEAN].best.max() > 0.9  # alexa by rule-based voices is heard at least once
    assert trial.talk.track.time[-1] == pytest.approx(trial.talk.layout.segments[-1].end, abs=0.1)


@pytest.mark.debian("espeak-ng")
def test_the_command_prints_the_table_and_writes_the_page(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    options = [
        "--positives",
        str(folders / "words"),
        "--negatives",
        str(folders / "talk"),
        "--report",
        str(page),
    ]
    assert cli.main(["eval", str(manifest("alexa")), *options, "--threshold", "1"]) == 0
    printed = capsys.readouterr()
    assert "notes.wav" in printed.err
    assert re.search(r"threshold 1 .* of 3", printed.out)
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 2
    assert html.count("data:audio/wav;base64,") >= 1  # at threshold 1 something is missed
    assert "http://" not in html.replace("http://www.w3.org", "")


@pytest.mark.debian("espeak-ng")
def test_both_stages_are_tried_where_both_would_run(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--positives", str(folders / "words"), "--negatives", str(folders / "talk" / "evening")]
    page = tmp_path / "report.html"
    assert cli.main(["eval", "alexa", *places, "--report", str(page)]) == 0
    printed = capsys.readouterr().out
    title = re.search(r"as it runs, at [0-9.]+ and confirmed by alexa at [0-9.]+", printed)
    assert title
    assert title[0].capitalize() in page.read_text(encoding="utf-8")
    assert re.search(r"words as recorded +[0-9.]+ % .* of 3 ", printed.split(title[0])[1])
    for alone in (["--confirm", "none"], ["--threshold", "0.5"]):
        assert cli.main(["eval", "alexa", *places, *alone]) == 0
        assert "as it runs" not in capsys.readouterr().out
    asked = ["--confirm", "english", "--confirm-threshold", "0.5", "--threshold", "1"]
    assert cli.main(["eval", "alexa", *places, *asked]) == 0
    assert "as it runs, at 1 and confirmed by english at 0.5" in capsys.readouterr().out


def test_talk_stands_before_every_word(tmp_path: Path) -> None:
    """Ten seconds of it at least, in order, from recording to recording and round again."""
    words = [tmp_path / f"word{n}.wav" for n in range(3)]
    for number, path in enumerate(words):
        clip = np.concatenate([np.zeros(4000), np.full(8000, 3000 * (number + 1)), np.zeros(4000)])
        soundfile.write(path, clip.astype(np.int16), SAMPLE_RATE)
    talk = [tmp_path / f"talk{n}.wav" for n in range(2)]
    for number, path in enumerate(talk):
        soundfile.write(path, np.full(13 * SAMPLE_RATE, 100 + number, np.int16), SAMPLE_RATE)
    stream = AmidStream(words, StreamRecipe(gap=(1, 1), floor_level=-120), talk)
    for _ in range(2):  # the same each time
        samples = np.concatenate([block.pcm for block in stream.blocks()])
        assert [segment.path for segment in stream.layout.segments] == [path.name for path in words]
    before = 1.0
    for number, word in enumerate(stream.layout.occurrences):
        start, end = (round(time * SAMPLE_RATE) for time in (word.start, word.end))
        assert np.mean(samples[start:end]) == pytest.approx(3000 * (number + 1), rel=0.1)
        stretch = samples[
            round(before * SAMPLE_RATE) : round(stream.layout.segments[number].start * SAMPLE_RATE)
        ]
        assert 10 * SAMPLE_RATE <= len(stretch) < 11 * SAMPLE_RATE
        assert set(stretch) == ({100}, {100, 101}, {100, 101})[number]
        before = stream.layout.segments[number].end + 1


def test_an_engine_hears_the_stream_that_its_score_track_was_made_of(folders: Path) -> None:
    """Without a second stage a word is detected where the track reaches the threshold, and only there."""
    words, talk = recordings_in([folders / "words"]), recordings_in([folders / "talk" / "evening"])
    wake_word = WakeWord(read_bundle(manifest("alexa")), threshold=0.5)
    trial = try_model(wake_word, words, talk)
    run = as_run(Engine([wake_word]), word_streams(words, talk), words, TalkStream(talk))
    assert run.words[CLEAN].heard == tuple(trial.words[CLEAN].best >= 0.5)
    assert sorted(run.missed(CLEAN)) == sorted(path for path, _ in trial.misses(0.5))
    assert run.false_alarms.count == len(trial.false_alarms(0.5))
    assert run.title == "as it runs, at 0.5"


def test_the_page_of_a_perfect_trial_lists_nothing(made_up: Trial) -> None:
    still = ScoreTrack(made_up.talk.track.time, np.zeros(3600, np.float32))
    page = trial_page("alexa & co", replace(made_up, talk=Heard(still, made_up.talk.layout)), 0.4)
    assert "alexa &amp; co" in page
    assert "<h2>Missed at 0.4</h2><ol>\n</ol>" in page


def test_an_excerpt_is_that_part_of_the_recording(tmp_path: Path) -> None:
    samples = np.arange(40_000, dtype=np.int16)
    soundfile.write(tmp_path / "ramp.wav", samples, SAMPLE_RATE)
    assert np.array_equal(read_excerpt(tmp_path / "ramp.wav", 0.9, 1.6), samples[14_400:25_600])
    assert np.array_equal(read_excerpt(tmp_path / "ramp.wav", -1, 99), samples)


def test_points_are_drawn_where_the_axes_say() -> None:
    up = Axis("share", {0.0: "0", 1.0: "1"})
    drawn = line_plot("t", RATES, up, {"curve": [(0.1, 0.0), (20, 1.0), (500, 2.0)]})
    (path,) = re.findall(r'polyline points="([^"]*)"', drawn)
    first, last, beyond = path.split()
    assert first != last
    assert last == beyond  # what lies beyond an axis is put at its end
    assert bar_plot("t", up, up, {"a": [0.5, 1.0]}).count("<rect") == 3


def test_a_cross_reaches_as_far_as_its_ends() -> None:
    up = Axis("share", {0.0: "0", 1.0: "1"})
    cross = Cross(0.5, 0.5, across=(0.1, 20.0), up=(0.0, 1.0))
    drawn = line_plot("t", RATES, up, {"a": [(0.1, 0.0), (20, 1.0)], "b": [(1, 1)]}, {"a": cross})
    corners, _ = re.findall(r'polyline points="([^"]*)"', drawn)
    (left, low), (right, high) = (corner.split(",") for corner in corners.split())
    (path,) = re.findall(r'path d="([^"]*)"', drawn)
    numbers = re.fullmatch(r"M(\S+) \S+H(\S+)M\S+ (\S+)V(\S+)", path)
    assert numbers
    assert numbers.groups() == (left, right, low, high)


def test_a_drawing_is_wide_enough_for_its_names() -> None:
    up = Axis("share", {0.0: "0", 1.0: "1"})
    widths = [
        int(re.findall(r'svg .*width="(\d+)"', line_plot("t", RATES, up, {name: [(1, 0.5)]}))[0])
        for name in ("as recorded", "talk, each second, of the last of all evenings")
    ]
    assert widths[0] == 560
    assert widths[1] > 450 + 6 * 46
