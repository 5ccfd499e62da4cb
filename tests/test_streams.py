"""Joined test streams: where the words are, how loud everything is, and that nothing depends on chance."""

import itertools

import numpy as np
import pytest
import soundfile

from kws.evaluation.levels import active_level, to_float
from kws.evaluation.streams import NoiseBed, StreamRecipe
from kws.frontend import Frontend, FrontendConfig
from kws.types import SAMPLE_RATE
from training.accuracy import dev_recordings, dev_streams
from training.accuracy.streams import joined_rows, joined_stream
from training.data.manifest import Clip

CLIP_SECONDS = 1.5


def tone_clip(folder, name, *, label="computer", kind="wakeword", start=0.4, end=1.0, volume=0.2):
    """A file that is silent but for a 440 Hz tone from start to end."""
    time = np.arange(round(CLIP_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    audio = np.where((time >= start) & (time < end), volume * np.sin(2 * np.pi * 440 * time), 0)
    soundfile.write(folder / name, audio, SAMPLE_RATE, subtype="PCM_16")
    return Clip(folder / name, "tones", "dev", kind, label, "nobody", CLIP_SECONDS, "ship")


@pytest.fixture
def clips(tmp_path):
    """Two of the word and one other."""
    return [
        tone_clip(tmp_path, "a.wav"),
        tone_clip(tmp_path, "b.wav", label="jarvis"),
        tone_clip(tmp_path, "c.wav", start=0.2, end=1.3, volume=0.02),
    ]


@pytest.fixture
def noise(tmp_path):
    """Three seconds of white noise, too loud, and three of silence."""
    rng = np.random.default_rng(5)
    soundfile.write(tmp_path / "hiss.wav", rng.normal(scale=0.1, size=3 * SAMPLE_RATE), SAMPLE_RATE)
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * SAMPLE_RATE), SAMPLE_RATE)
    return [tmp_path / "silence.wav", tmp_path / "hiss.wav"]


def level(samples):
    """RMS, dB re full scale."""
    return 10 * np.log10(np.mean(np.square(to_float(samples))))


def cut(stream, start, end):
    return stream.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def test_words_are_marked_where_they_sound(clips):
    stream = joined_stream(clips, StreamRecipe(), word="computer")
    assert [s.word is not None for s in stream.layout.segments] == [True, False, True]
    first, _, third = stream.layout.segments
    for segment, start, end in ((first, 0.4, 1.0), (third, 0.2, 1.3)):
        assert segment.word.start - segment.start == pytest.approx(start, abs=0.021)
        assert segment.word.end - segment.start == pytest.approx(end, abs=0.021)


def test_gaps_and_lead_in_follow_the_recipe(clips):
    recipe = StreamRecipe(gap=(0.3, 0.8), lead_in=2.0)
    segments = joined_stream(clips * 20, recipe).layout.segments
    gaps = [after.start - before.end for before, after in itertools.pairwise(segments)]
    assert segments[0].start == 2.0
    assert 0.3 <= min(gaps) < 0.4
    assert 0.7 < max(gaps) <= 0.8


def test_hours_count_recordings_not_gaps(clips):
    assert joined_stream(clips, StreamRecipe()).layout.hours == pytest.approx(3 * CLIP_SECONDS / 3600)


def test_there_is_no_digital_silence(clips):
    stream = joined_stream(clips, StreamRecipe(floor_level=-70.0))
    assert level(cut(stream, 0, 1.0)) == pytest.approx(-70, abs=0.5)
    assert level(cut(stream, stream.layout.segments[0].end, stream.layout.segments[1].start)) < -69


def test_clips_as_recorded_keep_their_level(clips):
    stream = joined_stream(clips, StreamRecipe(), word="computer")
    loud, _, quiet = stream.layout.segments
    for word, volume in ((loud.word, 0.2), (quiet.word, 0.02)):
        tone = 20 * np.log10(volume / np.sqrt(2))
        assert level(cut(stream, word.start, word.end)) == pytest.approx(tone, abs=0.5)


@pytest.mark.parametrize("snr", [20.0, 10.0, 5.0])
def test_in_noise_every_clip_lies_the_snr_above_the_bed(clips, noise, snr):
    stream = joined_stream(clips, StreamRecipe(snr_db=snr), word="computer", noises=noise)
    clean = joined_stream(clips, StreamRecipe(), word="computer")
    assert stream.layout == clean.layout
    for segment in stream.layout.segments:
        if segment.word:
            word = to_float(cut(stream, segment.word.start, segment.word.end))
            tone_and_noise = 10 * np.log10(10**-2.6 + 10 ** (-2.6 - snr / 10))
            assert active_level(word) == pytest.approx(tone_and_noise, abs=0.6)
    assert level(cut(stream, 0, 1.0)) == pytest.approx(-26 - snr, abs=0.5)


def test_the_bed_is_even_and_leaves_silent_files_out(noise):
    bed = NoiseBed(noise, -36.0, np.random.default_rng(0)).take(20 * SAMPLE_RATE)
    seconds = np.square(bed).reshape(20, -1).mean(axis=1)
    assert 10 * np.log10(seconds) == pytest.approx(np.full(20, -36), abs=0.3)


def test_in_a_room_a_word_rings_into_the_gap_and_stays_in_its_place(clips):
    dry = joined_stream(clips, StreamRecipe(), word="computer")
    wet = joined_stream(clips, StreamRecipe(rooms=20), word="computer")
    assert wet.layout == dry.layout
    for segment in wet.layout.segments:
        if segment.word:
            start, end = segment.word.start, segment.word.end
            assert level(cut(wet, start, end)) > level(cut(dry, start, end)) - 1
            assert level(cut(wet, end + 0.03, end + 0.1)) > level(cut(dry, end + 0.03, end + 0.1)) + 6
            assert level(cut(wet, start - 0.15, start - 0.03)) < -69


def test_noise_without_files_is_refused(clips):
    with pytest.raises(ValueError, match="10 dB SNR needs noise files"):
        joined_stream(clips, StreamRecipe(snr_db=10))


def test_the_seed_decides_everything(clips, noise):
    def samples(seed):
        return joined_stream(clips, StreamRecipe(snr_db=10, seed=seed), noises=noise).samples

    assert np.array_equal(samples(1), samples(1))
    assert not np.array_equal(samples(1)[:100], samples(2)[:100])


def test_rows_are_what_one_front_end_makes_of_the_whole_stream(clips):
    rows = joined_rows(clips, StreamRecipe(), word="computer")
    stream = joined_stream(clips, StreamRecipe(), word="computer")
    assert np.array_equal(rows.rows, Frontend().push(stream.samples))
    assert rows.layout == stream.layout


def test_a_time_in_the_gap_belongs_to_the_clip_before(clips):
    layout = joined_stream(clips, StreamRecipe()).layout
    assert layout.segment_at(layout.segments[1].end + 0.1) == layout.segments[1]
    assert layout.segment_at(0.0) == layout.segments[0]
    assert layout.segment_at(layout.segments[2].start + 0.1) == layout.segments[2]


def test_cached_rows_are_those_made_first(clips, tmp_path, monkeypatch):
    made = dev_streams.cached_rows(clips, StreamRecipe(), word="computer", cache=tmp_path / "cache")
    monkeypatch.setattr(dev_streams, "joined_rows", None)
    again = dev_streams.cached_rows(clips, StreamRecipe(), word="computer", cache=tmp_path / "cache")
    assert np.array_equal(made.rows, again.rows)
    assert made.layout == again.layout
    assert len(made.layout.occurrences) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": StreamRecipe(seed=2)},
        {"recipe": StreamRecipe(gap=(1.2, 2.1))},
        {"word": "jarvis"},
        {"clips": slice(2)},
        {"frontend": FrontendConfig(pcan_strength=0.9)},
    ],
)
def test_the_cache_is_not_shared_between_different_streams(clips, tmp_path, monkeypatch, change):
    def cached(recipe=None, word="computer", clips=clips):
        dev_streams.cached_rows(clips, recipe or StreamRecipe(), word=word, cache=tmp_path / "cache")
        return len(list((tmp_path / "cache").iterdir()))

    assert cached() == cached() == 1
    if "frontend" in change:
        config = change.pop("frontend")
        monkeypatch.setattr(dev_streams, "row_format", lambda name: config)
    if "clips" in change:
        change["clips"] = clips[change["clips"]]
    assert cached(**change) == 2


def sentence(text, kind="sentence", corpus="libri-test-clean"):
    return Clip(None, corpus, "dev", kind, text, "s", 1.0, "ship")


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (sentence("TIM WAS WALKING TO COMPUTER ROOM"), True),
        (sentence("Computers, he said"), True),
        (sentence("an eine computergesteuerte Fräsmaschine", corpus="kerstin-de"), True),
        (sentence("minicomputer"), False),
        (sentence("heycomputer", kind="wakeword"), True),
        (sentence("jarvis", kind="wakeword"), False),
        (sentence("commuter", kind="near-miss"), False),
    ],
)
def test_speech_in_which_the_word_is_said_is_left_out(clip, expected):
    assert dev_recordings.mentions(clip, "computer") is expected
    assert (clip not in dev_recordings.speech_without([clip], "computer")) is expected


def test_groups_keep_languages_and_noise_apart():
    rows = [("kerstin-de", "sentence"), ("ovos-ww", "noise"), ("esc10", "noise"), ("fsdd", "word")]
    assert [dev_recordings.group_of(*row) for row in rows] == ["german", "household", "noise", "english"]


@pytest.mark.recordings
def test_dev_recordings_fall_into_words_speech_and_noise():
    clips = dev_recordings.dev_clips()
    speech = set(dev_recordings.speech_without(clips, "computer"))
    noise = set(dev_recordings.noise_clips(clips))
    words = {clip for clip in clips if dev_streams.is_word(clip, "computer")}
    left_out = set(clips) - speech - noise - words
    assert {clip.split for clip in clips} == {"dev"}
    assert words
    assert left_out
    assert all("computer" in clip.label.lower() for clip in left_out)
    assert not speech & (noise | words)
    assert sum(clip.seconds for clip in speech) / 3600 > 4
