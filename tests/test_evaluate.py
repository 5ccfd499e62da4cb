"""From a model to its figures: counts on small streams, the bundle's manifest, the engine's events."""

import dataclasses

import numpy as np
import pytest
from community import manifest, tflite

import kws
from kws.bundle import read_bundle
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.evaluation import Occurrence, best_scores, false_alarm_times, latencies, match_detections, misses
from kws.evaluation.streams import WORDS, Layout, Segment
from kws.frontend import Frontend
from kws.scoring import ScoreTrack, score_track
from kws.types import Block
from training.accuracy import dev_streams
from training.accuracy.dev_streams import CONDITIONS
from training.accuracy.figures import read_figures, write_figures
from training.accuracy.measure import DevTracks, Scored, calibration, measure
from training.accuracy.streams import is_word, joined_stream
from training.data.manifest import Clip
from training.drift import detections
from training.evaluate import detections_of, evaluate, fill_bundle, summary, track_of
from training.words.word_ends import phrase_spans

STEP = 0.03


def scored(segments, peaks):
    """A stream of these clips on which a model's score is zero but at some times."""
    steps = round((segments[-1].end + 2) / STEP)
    time = np.arange(1, steps + 1) * STEP
    score = np.zeros(steps, np.float32)
    for at, value in peaks.items():
        score[np.searchsorted(time, at - 1e-9)] = value
    return Scored(ScoreTrack(time, score), Layout(tuple(segments)))


def words(peaks):
    """Four words of half a second, 10 s apart, with the model's score 0.1 s after the end of each."""
    starts = range(10, 50, 10)
    segments = [Segment(s, s + 2.0, "w", "wakeword", f"w{s}", Occurrence(s + 0.5, s + 1.0)) for s in starts]
    return scored(segments, {s + 1.1: peak for s, peak in zip(starts, peaks, strict=True)})


@pytest.fixture
def tracks():
    speech = [
        Segment(0.0, 1800.0, "libri", "sentence", "a"),
        Segment(1801.0, 3601.0, "kerstin-de", "sentence", "b"),
        Segment(3602.0, 5402.0, "libri", "sentence", "c"),
    ]
    return DevTracks(
        words={
            "clean": words([0.9, 0.8, 0.7, 0.3]),
            "amid talk": words([0.8, 0.7, 0.5, 0.3]),
            "room": words([0.8, 0.7, 0.5, 0.3]),
            "20 dB": words([0.9, 0.7, 0.6, 0.3]),
            "10 dB": words([0.8, 0.5, 0.4, 0.2]),
            "5 dB": words([0.5, 0.4, 0.3, 0.1]),
        },
        speech=scored(speech, {100.0: 0.75, 2000.0: 0.65, 4000.0: 0.55, 4010.0: 0.35}),
        noise=scored([Segment(0.0, 900.0, "esc10", "noise", "n")], {50.0: 0.85}),
    )


@pytest.fixture
def figures(tracks):
    return measure(tracks, 0.6, model="m", word="computer")


def test_the_default_point_counts_misses_and_false_alarms(figures):
    assert figures.default.misses == {
        "clean": 1,
        "amid talk": 2,
        "room": 2,
        "20 dB": 1,
        "10 dB": 3,
        "5 dB": 4,
    }
    assert figures.default.false_alarms == 2
    assert figures.default.false_alarms_in_noise == 1
    assert figures.speech_hours == 1.5
    assert figures.noise_hours == 0.25
    assert figures.missed == ("w40",)
    assert figures.alarming == ("a", "b", "n")


def test_false_alarms_are_attributed_to_corpora(figures):
    counts = {(c.group, c.corpus): (c.hours, c.false_alarms) for c in figures.corpora}
    assert counts == {
        ("english", "libri"): (1.0, 1),
        ("german", "kerstin-de"): (0.5, 1),
        ("noise", "esc10"): (0.25, 1),
    }


def test_latency_runs_from_the_words_end(figures):
    assert figures.default.latency == pytest.approx((0.11, 0.11), abs=STEP / 2)


def test_points_keep_to_their_rates(figures):
    """1.5 h of speech: 0.25 an hour allows none, 0.5 none, 1 one and 2 three."""
    assert {rate: point.false_alarms for rate, point in figures.points.items()} == {
        "0.25": 0,
        "0.5": 0,
        "1": 1,
        "2": 3,
    }
    assert [figures.points[rate].misses["clean"] for rate in figures.points] == [2, 2, 1, 1]


def test_the_curve_holds_every_change_of_a_count(figures, tracks):
    curve = figures.curve
    for index, threshold in enumerate(curve["threshold"]):
        assert curve["false_alarms"][index] == len(false_alarm_times(tracks.speech.track, threshold))
        for name in CONDITIONS:
            stream = tracks.words[name]
            best = best_scores(stream.track, stream.layout.occurrences)
            assert curve[name][index] == misses(best, threshold).count
    assert curve["false_alarms"][-1] == 4
    assert curve["clean"][-1] == 0


def test_figures_survive_their_file(figures, tmp_path):
    figures = dataclasses.replace(figures, measured={"command": "c", "date": "d"})
    write_figures(tmp_path / "docs" / "m.json", figures)
    assert read_figures(tmp_path / "docs" / "m.json") == figures


def test_a_bundle_is_filled_and_still_reads(figures, tracks, tmp_path):
    theirs = read_bundle(manifest("alexa"))
    ours = {**theirs.manifest, "wake_word": "computer", "kws": {"labels": ["computer"], "card": {"seed": 7}}}
    path = kws.bundle.write_bundle(tmp_path, "computer", tflite("alexa").read_bytes(), ours)
    fill_bundle(path, figures, calibration(tracks))
    filled = read_bundle(path)
    filled.open_model()
    assert filled.threshold == 0.6
    assert filled.card["seed"] == 7
    assert filled.card["figures"]["misses"] == figures.default.misses
    row = next(row for row in filled.calibration if row["threshold"] == 0.6)
    assert (row["misses"], row["misses_10db"], row["false_alarms"], row["hours"]) == (1, 3, 2, 1.5)


def test_a_manifest_by_other_hands_is_not_filled(figures, tmp_path):
    path = tmp_path / "alexa.json"
    path.write_bytes(manifest("alexa").read_bytes())
    with pytest.raises(KwsError, match="without --fill"):
        fill_bundle(path, figures, [])
    assert path.read_bytes() == manifest("alexa").read_bytes()


def test_the_summary_names_every_rate(figures):
    assert "default: threshold 0.6000, missed 25.0 % clean" in summary(figures)
    assert summary(figures).count("\n") == 5


@pytest.mark.recordings
def test_a_word_that_nobody_says_is_refused(tmp_path):
    with pytest.raises(KwsError, match="okay nabu: nobody says it"):
        evaluate(read_bundle(manifest("okay_nabu")), cache=tmp_path)


@pytest.mark.recordings
def test_a_whole_evaluation_on_a_few_clips(clips, monkeypatch, tmp_path):
    """On eight words and some talk: every figure at the threshold asked for is what an engine shows there."""
    dev = [c for c in clips if c.split == "dev"]
    few = [c for c in dev if is_word(c, "alexa")][:8] + [c for c in dev if c.corpus == "kerstin-de"][:30]
    few += [c for c in dev if c.corpus == "noise-moodist"][:2]
    monkeypatch.setattr(dev_streams, "dev_clips", lambda: few)
    bundle = read_bundle(manifest("alexa"))
    figures, rows = evaluate(bundle, false_alarms_per_hour=2.0, jobs=1, cache=tmp_path)
    assert figures.default == figures.points["2"]
    assert figures.words == 8
    assert {c.corpus for c in figures.corpora} == {"kerstin-de", "noise-moodist"}
    assert figures.default.false_alarms == 0
    spans = phrase_spans(few[:8], "alexa", cache=tmp_path / "align", workers=1)
    stream = joined_stream(dev_streams.shuffled(few[:8], WORDS), WORDS, word="alexa", spans=spans)
    engine = kws.load(bundle.manifest_path, threshold=figures.default.threshold)
    heard = match_detections(detections(engine, stream.samples), stream.layout.occurrences)
    assert figures.default.misses["clean"] == figures.events.misses == heard.misses.count
    assert figures.default.latency[0] == pytest.approx(np.median(heard.latencies), abs=1e-3)
    assert rows
    assert all(row.false_alarms.hours == pytest.approx(figures.speech_hours, abs=1e-4) for row in rows)


@pytest.mark.recordings
def test_track_detector_and_engine_agree_on_real_words(clips):
    """The first dev clips of one word, as audio through an engine and as rows through its parts."""
    chosen: list[Clip] = [c for c in clips if c.split == "dev" and is_word(c, "alexa")][:25]
    stream = joined_stream(chosen, WORDS, word="alexa")
    occurrences = stream.layout.occurrences
    engine = kws.load(manifest("alexa"), threshold=0.7)
    heard = match_detections(detections(engine, stream.samples), occurrences)
    wake_word = WakeWord(read_bundle(manifest("alexa")), threshold=0.7)
    outputs = wake_word.model.push(Frontend().push(stream.samples))
    track = track_of(wake_word, outputs)
    assert heard.misses == misses(best_scores(track, occurrences), 0.7)
    assert list(heard.false_alarms) == false_alarm_times(track, 0.7, occurrences)
    assert heard.latencies == pytest.approx(latencies(track, occurrences, 0.7).tolist())
    assert match_detections(detections_of(wake_word, outputs), occurrences) == heard
    assert heard.misses.value < 0.2
    whole = score_track([Block(stream.samples)], wake_word)
    assert np.array_equal(whole.time, track.time)
    assert np.array_equal(whole.score, track.score)
