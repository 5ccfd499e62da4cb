"""What the generator learns from and how it is heard: energies, what is said when, lengths of phones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from micro_frontend_reference import magnitudes_of
from signals import bursts, noise, tone

from kws.errors import KwsError
from kws.evaluation.levels import to_float
from kws.types import SAMPLE_RATE
from training.data.manifest import Clip
from training.generator.durations import fitted
from training.generator.energies import CONFIG, floor, log_energies
from training.generator.material import read, usable
from training.generator.score import PHONES, Segment, score_of, segments_of
from training.generator.sound import sound_of
from training.words.align import PhoneTime, WordTime

_SECOND = slice(0, SAMPLE_RATE)


@pytest.mark.parametrize("samples", [noise(3_000), bursts(), tone(440)], ids=["noise", "bursts", "tone"])
def test_energies_are_those_of_the_front_end(samples: np.ndarray) -> None:
    """The front end's magnitudes are their roots, but for a factor, in what is not far below the loudest."""
    ours = log_energies(to_float(samples[_SECOND]))
    theirs = magnitudes_of(samples[_SECOND], CONFIG)
    assert ours.shape == theirs.shape
    loud = (ours > ours.max(axis=1, keepdims=True) - 5) & (ours > np.log(floor()) + 5)
    off = np.abs(2 * np.log(theirs[loud]) - ours[loud] - 16.62)
    assert loud.mean() > 0.02
    assert np.median(off) < 0.02
    assert np.quantile(off, 0.99) < 0.1


def test_less_audio_than_a_window_has_no_energies() -> None:
    assert log_energies(np.zeros(CONFIG.window_samples - 1, np.float32)).shape == (0, CONFIG.channels)


def test_sound_has_the_energies_that_it_was_made_from() -> None:
    """Noise that glides upwards, with a pause: the error is a fifth of that before the rounds."""
    frame = np.arange(120)[:, None]
    wanted = (3 - np.square((np.arange(CONFIG.channels) - frame / 4) / 6)).astype(np.float32)
    wanted[50:60] = -9.0
    wanted = np.maximum(wanted, np.log(floor()))
    heard = wanted > np.log(floor()) + 3

    def error(rounds: int) -> float:
        audio = sound_of(wanted, np.random.default_rng(1), rounds=rounds)
        assert len(audio) == CONFIG.rows_end(len(wanted))
        found = log_energies(audio)
        return float(10 / np.log(10) * np.sqrt(np.square(found - wanted)[heard].mean()))

    assert error(24) < 2.5
    assert error(0) > 2 * error(24)


def test_frames_belong_to_the_phone_in_their_middle() -> None:
    words = [WordTime("see", 0.1, 0.3, (PhoneTime("S", 0.1, 0.2), PhoneTime("IY", 0.2, 0.3)))]
    assert segments_of(words, 40) == [
        Segment("SIL", 9), Segment("S", 10), Segment("IY", 10), Segment("SIL", 11)
    ]  # fmt: skip
    assert segments_of([], 5) == [Segment("SIL", 5)]
    assert sum(segment.frames for segment in segments_of(words, 15)) == 15  # the recording ends in the word


def test_a_score_tells_each_frame_its_phones_and_place() -> None:
    score = score_of([Segment("S", 2), Segment("IY", 4)])
    silence, s, iy = (PHONES.index(phone) for phone in ("SIL", "S", "IY"))
    assert score.phones.tolist() == [[s, silence, iy]] * 2 + [[iy, s, silence]] * 4
    assert score.place[:, 0].tolist() == [0.25, 0.75, 0.125, 0.375, 0.625, 0.875]
    with pytest.raises(KwsError, match="no phone 'Q'; give those of CMU's dictionary"):
        score_of([Segment("Q", 2)])


def test_lengths_drawn_are_like_those_seen() -> None:
    """S twice as long as T, both longer by half before a pause; a breath of two phones slower than of 8."""
    rng = np.random.default_rng(0)

    def seen(phones: list[str]) -> list[Segment]:
        slow = {2: 1.6, 8: 1.0}[len(phones)] * np.exp(rng.normal(scale=0.1))
        lengths = [{"S": 20, "T": 10}[phone] * slow * np.exp(rng.normal(scale=0.1)) for phone in phones]
        lengths[-1] *= 1.5
        said = [Segment(phone, round(n)) for phone, n in zip(phones, lengths, strict=True)]
        return [Segment("SIL", 30), *said, Segment("SIL", 10)]

    durations = fitted(seen(list(rng.permutation(["S", "T"] * n))) for n in (1, 4) for _ in range(300))
    drawn = [durations.draw(["S", "T", "S", "T"] * 2, rng) for _ in range(300)]
    means = np.exp(np.log([[segment.frames for segment in one] for one in drawn]).mean(axis=0))
    assert means[:6] == pytest.approx([20, 10] * 3, rel=0.15)
    assert means[7] == pytest.approx(15, rel=0.15)
    short = [durations.draw(["S", "T"], rng) for _ in range(300)]
    assert np.mean([one[0].frames for one in short]) == pytest.approx(32, rel=0.15)
    totals = np.log([sum(segment.frames for segment in one) for one in drawn])
    assert 0.07 < totals.std() < 0.2  # the tempo's, and a little of chance


def test_recordings_that_hold_a_phrase_are_left_out(tmp_path: Path) -> None:
    labels = ["computer", "my Computer is on", "yes", "heycomputer", "no"]
    clips = [
        Clip(tmp_path / f"{n}.wav", "some", "train", "word", label, f"speaker {n}", 1.0, "ship")
        for n, label in enumerate(labels)
    ]
    assert sorted(clip.label for clip in usable(clips, ["computer"], seed=1)) == ["no", "yes"]
    assert len(usable(clips, [], seed=1)) == 5
    many = [Clip(c.path, "some", "train", "word", "yes", "one", 1.0, "ship") for c in 20 * clips]
    assert len(usable(many, [], seed=1)) == 3  # of one speaker


def test_recordings_that_do_not_fit_are_an_error_when_none_is_left(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(800, np.int16), SAMPLE_RATE)
    clips = [Clip(tmp_path / "short.wav", "some", "train", "word", "yes", "one", 0.05, "ship")]
    with pytest.raises(KwsError, match="none of 1 recordings can be aligned"):
        read(clips, tmp_path)
