"""The audio of a command: from before the wake word on, to a pause, a word of others, or the longest time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.command_audio import CommandAudio, Extent, Piece
from kws.pause import PATIENCE_SECONDS
from kws.types import SAMPLE_RATE, Block, Samples

LONG = Extent(before=1.0, pause=0.0, longest=4.0)
PAUSING = Extent(before=1.0, pause=0.5, longest=8.0)
QUIET_DB, LOUD_DB = -70.0, -20.0


def noise(seconds: float, level: float, seed: int = 0) -> Samples:
    """White, at that level below full scale."""
    random = np.random.default_rng(seed).normal(size=round(seconds * SAMPLE_RATE))
    return np.clip(random * 32_768 * 10 ** (level / 20), -32_768, 32_767).astype(np.int16)


def room(seconds: float, *spoken: tuple[float, float]) -> Samples:
    """A quiet room in which something loud is said from one time to another, whenever."""
    samples = noise(seconds, QUIET_DB)
    for start, end in spoken:
        first = round(start * SAMPLE_RATE)
        samples[first : first + round((end - start) * SAMPLE_RATE)] = noise(end - start, LOUD_DB, 1)
    return samples


def taken(audio: CommandAudio, samples: Samples, at: float, step: int = 640, ended: float = 99) -> Samples:
    """What a consumer gets that takes after each block: of a wake word ending at `at`, up to `ended`."""
    pieces: list[Piece] = []
    begun = False
    for start in range(0, len(samples), step):
        audio.tap(Block(samples[start : start + step]))
        if not begun and start + step >= at * SAMPLE_RATE:
            audio.begin(at)
            begun = True
        if start + step >= ended * SAMPLE_RATE:
            audio.end()
        pieces += audio.take()
    assert all(before.end == after.start for before, after in pairwise(pieces))
    return np.concatenate([piece.samples for piece in pieces])


def test_from_before_the_wake_word_to_the_longest_time() -> None:
    samples = noise(10, -30)
    audio = CommandAudio(LONG)
    assert np.array_equal(taken(audio, samples, at=3.0), samples[2 * SAMPLE_RATE : 7 * SAMPLE_RATE])
    assert not audio.runs


def test_what_comes_while_pieces_are_taken_is_not_lost() -> None:
    samples = noise(10, -30)
    audio = CommandAudio(LONG)
    audio.tap(Block(samples[: 4 * SAMPLE_RATE]))
    audio.begin(3.0)
    pieces = []
    for piece in audio.take():
        pieces.append(piece)
        audio.tap(Block(samples[4 * SAMPLE_RATE :]))
    assert audio.runs
    pieces += audio.take()
    found = np.concatenate([piece.samples for piece in pieces])
    assert np.array_equal(found, samples[2 * SAMPLE_RATE : 7 * SAMPLE_RATE])
    assert not audio.runs


def test_it_ends_when_others_say_so() -> None:
    samples = noise(10, -30)
    assert np.array_equal(
        taken(CommandAudio(LONG), samples, at=3.0, step=1_600, ended=4.5),
        samples[2 * SAMPLE_RATE : round(4.5 * SAMPLE_RATE)],
    )


def test_before_a_wake_word_nothing_is_given() -> None:
    audio = CommandAudio(LONG)
    audio.tap(Block(noise(3, -30)))
    assert not audio.runs
    assert list(audio.take()) == []


def test_at_the_start_of_a_stream_there_is_no_more_than_was_heard() -> None:
    samples = noise(2, -30)
    assert np.array_equal(taken(CommandAudio(LONG), samples, at=0.5), samples)


@pytest.mark.parametrize(
    ("spoken", "end"),
    [
        ([(2.5, 3.0), (3.3, 4.5)], 5.0),  # the pause after the last word
        ([(2.5, 3.0), (3.3, 3.6), (4.0, 5.0)], 5.5),  # a shorter one before it
        ([(2.5, 3.0), (5.5, 6.0)], 6.5),  # a late beginning
        ([(2.5, 3.0)], 3.0 + PATIENCE_SECONDS),  # nothing is said
    ],
)
def test_a_pause_ends_it(spoken: list[tuple[float, float]], end: float) -> None:
    samples = room(12, *spoken)
    heard = taken(CommandAudio(PAUSING), samples, at=3.0)
    assert 2.0 + len(heard) / SAMPLE_RATE == pytest.approx(end, abs=0.03)


def test_who_never_pauses_is_cut_off() -> None:
    heard = taken(CommandAudio(PAUSING), room(14, (2.5, 14)), at=3.0)
    assert len(heard) == round((PAUSING.before + PAUSING.longest) * SAMPLE_RATE)


@settings(max_examples=8, deadline=None)
@given(st.integers(400, 5_000))
def test_however_the_stream_is_cut_into_blocks_the_audio_is_the_same(step: int) -> None:
    samples = room(8, (2.5, 4.0))
    whole = taken(CommandAudio(PAUSING), samples, at=3.0, step=800)
    again = taken(CommandAudio(PAUSING), samples, at=3.0, step=step)
    assert np.array_equal(whole, again)


def test_a_second_wake_word_begins_anew() -> None:
    samples = noise(10, -30)
    audio = CommandAudio(LONG)
    audio.tap(Block(samples[: 4 * SAMPLE_RATE]))
    audio.begin(3.0)
    assert sum(len(piece.samples) for piece in audio.take()) == 2 * SAMPLE_RATE
    audio.begin(4.0)
    (piece, *_) = audio.take()
    assert piece.start == 3 * SAMPLE_RATE


def test_lost_audio_is_a_place_where_pieces_do_not_meet() -> None:
    audio = CommandAudio(LONG)
    audio.tap(Block(noise(3, -30), start=0))
    audio.begin(3.0)
    audio.tap(Block(noise(1, -30), start=5 * SAMPLE_RATE))
    pieces = list(audio.take())
    assert [(piece.start, piece.end) for piece in pieces] == [
        (2 * SAMPLE_RATE, 3 * SAMPLE_RATE),
        (5 * SAMPLE_RATE, 6 * SAMPLE_RATE),
    ]


def test_who_takes_too_late_gets_the_newest() -> None:
    samples = noise(60, -30)
    audio = CommandAudio(LONG)
    audio.tap(Block(samples[: 3 * SAMPLE_RATE]))
    audio.begin(3.0)
    for start in range(3 * SAMPLE_RATE, len(samples), 640):
        audio.tap(Block(samples[start : start + 640]))
    assert list(audio.take()) == []
    assert not audio.runs


def test_what_is_dropped_is_over() -> None:
    audio = CommandAudio(LONG)
    audio.tap(Block(noise(3, -30)))
    audio.begin(3.0)
    audio.drop()
    assert not audio.runs
    assert list(audio.take()) == []
