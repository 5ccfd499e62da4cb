"""A second look by another model: what it hears, from where on, and that no split of the audio matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws import second_opinion
from kws.bundle import find_bundle
from kws.engine import Engine, WakeWord
from kws.events import Event
from kws.frontend import Frontend
from kws.frontends import new_front_end
from kws.loading import Wanted, wake_words
from kws.second_opinion import LOOK_BACK_SECONDS, Ears, KeptAudio, SecondOpinion
from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.stage_pool import Steps
from kws.types import SAMPLE_RATE, Block, Rows, Samples

CALLS = read_samples(RECORDINGS / "calls.flac")
"""The three bundled words."""
ROW = SAMPLE_RATE // 100


def rows_of(samples: Samples) -> Rows:
    return samples[: len(samples) // ROW * ROW].reshape(-1, ROW)


def opinion(samples: Samples, first: int, last: int, *more: int) -> float:
    """What the model for devices makes of a part of a recording, told in one piece or in several."""
    look = SecondOpinion(find_bundle("computer"), KeptAudio())
    look.rehearing.rows.extend(0, rows_of(samples))
    look.begin(first, last)
    for row in more:
        look.push(row)
    return look.score


def by_hand(samples: Samples, first: int, last: int, recent: int) -> float:
    """The same by front end and model: the highest score of the last `recent` rows' steps."""
    bundle = find_bundle("computer")
    word = WakeWord(bundle)
    scores = word.scores(new_front_end(bundle.front_end).push(samples[first * ROW : last * ROW]))
    return float(scores[-round(recent / word.model.stride) :].max())


@pytest.mark.parametrize(("first", "last"), [(0, 150), (0, 175), (20, 190), (60, 260)])
def test_it_hears_a_part_from_a_fresh_start(first: int, last: int) -> None:
    assert opinion(CALLS, first, last) == by_hand(CALLS, first, last, recent=100)


def test_a_word_long_ago_is_none_of_its_business() -> None:
    said = opinion(CALLS, 0, 170)
    assert said > 0.5
    assert opinion(np.concatenate([CALLS[: 170 * ROW], np.zeros(200 * ROW, np.int16)]), 0, 370) < said / 2


def test_what_comes_after_the_candidate_counts_too() -> None:
    assert opinion(CALLS, 0, 110, *range(111, 175)) == pytest.approx(
        max(opinion(CALLS, 0, 110), by_hand(CALLS, 0, 174, recent=64))
    )
    assert opinion(CALLS, 0, 110, *range(111, 175)) == opinion(CALLS, 0, 110, 174)


def test_what_was_heard_before_changes_nothing() -> None:
    """The part's own rows alone count, whatever stream they stand in."""
    noise = np.random.default_rng(2).normal(0, 2000, 500 * ROW).astype(np.int16)
    assert opinion(np.concatenate([noise, CALLS]), 500, 670) == opinion(CALLS, 0, 170)


def test_the_model_is_opened_at_the_first_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(second_opinion, "Ears", lambda bundle, _: opened.append(bundle.name) or ears)
    ears = Ears(find_bundle("computer"))
    look = SecondOpinion(find_bundle("computer"), KeptAudio())
    look.rehearing.rows.extend(0, rows_of(CALLS))
    look.reset()
    assert opened == []
    look.open()
    assert opened == ["computer"]


class Counted(Ears):
    """Knows how many rows it was given."""

    rows = 0

    def push(self, rows: Rows) -> Steps:
        self.rows += len(rows)
        return super().push(rows)


def test_looks_by_one_model_hear_a_part_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same word at several thresholds, or told to several sinks, costs one look."""
    bundle, made = find_bundle("computer"), []
    monkeypatch.setattr(second_opinion, "Ears", lambda *known: made.append(Counted(*known)) or made[-1])
    kept = KeptAudio()
    looks = [SecondOpinion(bundle, kept) for _ in range(3)]
    looks[0].rehearing.rows.extend(0, rows_of(CALLS))
    for look in looks:
        look.begin(0, 110)
    for last in range(111, 140):
        for look in looks:
            look.push(last)
    for look in looks:
        look.finish(139)
    (ears,) = made
    assert ears.rows == len(Frontend().push(CALLS[: 139 * ROW]))
    assert {look.score for look in looks} == {opinion(CALLS, 0, 110, 139)}


def heard(pieces: list[Samples]) -> list[Event]:
    engine = Engine(wake_words(Wanted(find_bundle(name)) for name in ("computer", "jarvis", "alexa")))
    return [event for piece in pieces for event in engine.push(Block(piece))] + engine.flush()


WHOLE = heard([CALLS])


def test_the_bundled_words_are_heard_in_the_selftests_recording() -> None:
    assert {getattr(event, "name", "") for event in WHOLE} == {"computer", "jarvis", "alexa"}


@given(st.lists(st.integers(0, len(CALLS)), max_size=12))
@settings(deadline=None, max_examples=15)
def test_any_split_of_the_audio_gives_the_same_events(cuts: list[int]) -> None:
    assert heard(np.split(CALLS, sorted(cuts))) == WHOLE


def test_more_is_kept_than_a_look_needs() -> None:
    audio = KeptAudio().audio
    rows = np.zeros((4, ROW), np.int16)
    for first in range(0, 3000, 4):
        audio.extend(first, rows)
    assert len(audio.between(0, 3000)) >= LOOK_BACK_SECONDS * 100
