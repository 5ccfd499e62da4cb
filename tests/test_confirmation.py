"""The second stage: which candidates it lets through, when, and that no split of the audio matters.

The wake word's model and the acoustic model are stand-ins: in each row, column 0 is a phone of the token set
and column 1 is the wake word's score. Spotter, timing and tables between them are the real ones.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pocketsphinx")

from spoken import phones_of, steps_of

from kws.bundle import Bundle, find_bundle
from kws.commands.budget import Budget
from kws.commands.options import load_engine
from kws.confirmation_table import ConfirmationPoint, fewest_misses, measured_points, pair
from kws.confirmed import ConfirmedWord
from kws.errors import BundleError, KwsError
from kws.evaluation import Proportion, Rate
from kws.events import Detection, Event
from kws.frontend import FrontendConfig
from kws.frontends import MICRO
from kws.recognition.bundle import write_recognizer
from kws.recognition.confirmation import LOOK_BACK_SECONDS, WAIT_SECONDS, SecondLook
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import BLANK, PHONES, LogProbs
from kws.rehearing import Rehearing
from kws.stage_pool import StagePool
from kws.types import SAMPLE_RATE, Outputs, Rows

STRIDE = 4
STEP = STRIDE / 100
HELD_BACK = 1
"""Steps that the acoustic stand-in is late."""


class Column:
    """A model that reads its output off one column of the rows, a step per row."""

    stride = 1
    output_quantization = (1 / 256, 0)

    def __init__(self, column: int) -> None:
        self._column = column

    def push(self, rows: Rows) -> Outputs:
        return rows[:, self._column : self._column + 1].astype(np.uint8)

    def reset(self) -> None:
        pass


class FirstColumn:
    """A step per four rows, certain of the phone in the first of them, one step late."""

    step_seconds = STEP
    front_end = MICRO

    def __init__(self) -> None:
        self.starts = 0
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        self._rows = np.concatenate([self._rows, rows[:, 0]])
        ready = max(0, len(self._rows) // STRIDE - HELD_BACK)
        return self._until(ready)

    def flush(self) -> LogProbs:
        return self._until(len(self._rows) // STRIDE)

    def reset(self) -> None:
        self.starts += 1
        self._rows = np.empty(0, np.int8)
        self._told = 0

    def _until(self, steps: int) -> LogProbs:
        columns = [int(column) for column in self._rows[: steps * STRIDE : STRIDE][self._told :]]
        self._told = steps
        return steps_of(columns) if columns else np.empty((0, len(PHONES)), np.float32)


def bundle(name: str = "computer") -> Bundle:
    """One step is judged at a time, and 127 of 256 is enough."""
    return dataclasses.replace(find_bundle(name), window=1, warmup_rows=0)


def ears(stage: FirstColumn | None = None) -> Rehearing:
    pool = StagePool(lambda: stage or FirstColumn())
    return Rehearing(pool, MICRO, LOOK_BACK_SECONDS + WAIT_SECONDS)


def word(name: str = "computer", column: int = 1, rehearing: Rehearing | None = None) -> ConfirmedWord:
    look = SecondLook(rehearing or ears(), phrase_spellings(name, PHONES))
    made = ConfirmedWord(bundle(name), look, threshold=0.4, least=SURE)
    made.model = Column(column)  # type: ignore[assignment]
    return made


COMPUTER = phones_of("computer")
SAID = STRIDE * (len(COMPUTER) - 4)
"""Rows from the word's first phone to the end of the last one's first step."""
SURE = 0.9
"""A score that no path reaches without the last phone."""


def rows(length: int, said_at: int | None, candidate: int) -> Rows:
    """Blanks, the word's phones from a row on, and the model's candidate at another."""
    made = np.zeros((length, FrontendConfig().channels), np.int8)
    made[:, 0] = BLANK
    if said_at is not None:
        phones = np.repeat(np.array(COMPUTER, np.int8), STRIDE)[: length - said_at]
        made[said_at : said_at + len(phones), 0] = phones
    made[candidate, 1] = 127
    return made


def heard(engine: ConfirmedWord, audio: Rows, cuts: list[int] | None = None) -> list[Event]:
    events: list[Event] = []
    for piece in np.split(audio, sorted(cuts or [])):
        engine.take({MICRO: piece}, 0, "day.wav")
        events += engine.told()
    return events


def moment(row: int) -> float:
    return FrontendConfig().rows_end(row + 1) / SAMPLE_RATE


def test_a_candidate_counts_at_once_where_the_word_was_heard() -> None:
    candidate = 100 + SAID + 3 * STRIDE
    (event,) = heard(word(), rows(600, 100, candidate))
    assert isinstance(event, Detection)
    assert event.end == moment(candidate)
    assert (event.name, event.threshold, event.source) == ("computer", 0.4, "day.wav")


def test_a_candidate_does_not_count_where_it_was_not() -> None:
    assert heard(word(), rows(600, None, 300)) == []


def test_a_word_that_ended_long_before_does_not_count() -> None:
    assert heard(word(), rows(600, 100, 100 + SAID + 130)) == []
    assert heard(word(), rows(600, 100, 100 + SAID + 90)) != []


def test_the_look_waits_for_a_recognizer_that_is_late_but_not_for_long() -> None:
    candidate = 100 + SAID - STRIDE
    (event,) = heard(word(), rows(600, 100, candidate))
    assert moment(candidate) < event.end <= moment(candidate) + WAIT_SECONDS  # type: ignore[attr-defined]
    assert heard(word(), rows(600, 100, 100 + SAID - 30)) == []


def test_what_the_recognizer_holds_back_when_time_is_up_counts_too() -> None:
    last_of_it = round(WAIT_SECONDS / STEP) * STRIDE
    candidate = 100 + SAID - 1 - last_of_it
    (event,) = heard(word(), rows(600, 100, candidate))
    assert event.end == pytest.approx(moment(candidate) + WAIT_SECONDS)  # type: ignore[attr-defined]


def test_at_the_end_of_the_stream_it_is_judged_by_what_there_was() -> None:
    audio = rows(100 + SAID, 100, 100 + SAID - 1)
    made = word()
    assert heard(made, audio) == []
    (event,) = made.flush()
    assert event.end == moment(len(audio) - 1)  # type: ignore[attr-defined]
    assert made.flush() == []


def staying(length: int, said_at: int | None, first: int, last: int) -> Rows:
    """The same with the model's score at its threshold from a row up to another."""
    made = rows(length, said_at, first)
    made[first : last + 1, 1] = 127
    return made


def test_a_score_that_stays_is_looked_at_again_until_the_word_has_ended() -> None:
    too_early = 100 + SAID - 60
    assert heard(word(), rows(600, 100, too_early)) == []
    (event,) = heard(word(), staying(600, 100, too_early, 100 + SAID + 20))
    assert moment(100 + SAID - STRIDE) < event.end < moment(100 + SAID + 20)  # type: ignore[attr-defined]


def test_an_utterance_is_told_once_however_long_the_score_stays() -> None:
    assert len(heard(word(), staying(900, 100, 100 + SAID, 800))) == 1


def test_a_score_that_rises_within_the_refractory_time_is_not_told() -> None:
    candidate = 100 + SAID + 5
    audio = rows(600, 100, candidate)
    audio[candidate + 20 : candidate + 300, 1] = 127
    assert len(heard(word(), audio)) == 1


def test_what_was_refused_costs_no_refractory_time() -> None:
    audio = rows(600, 100, 100 + SAID - 60)
    audio[100 + SAID + 5, 1] = 127
    assert len(heard(word(), audio)) == 1


DAY = np.concatenate(
    [
        *(rows(400, 100, 100 + SAID + 5), rows(300, None, 120), rows(400, 100, 100 + SAID - 3)),
        *(rows(400, 0, 300), staying(400, 100, 60, 380), staying(500, 20, 100, 480)),
    ]
)
WHOLE = heard(word(), DAY)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(DAY)), max_size=20))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    assert heard(word(), DAY, cuts) == WHOLE


def test_a_reset_word_is_as_new() -> None:
    made = word()
    heard(made, DAY[: 100 + SAID - 3])
    made.reset()
    assert heard(made, DAY) == WHOLE
    assert len(WHOLE) == 4


NAMES = ("computer", "alexa", "jarvis")


def crowded() -> Rows:
    """Three words said one after the other, with candidates of all of them wherever it is worst: at one row,
    some rows apart while another one waits, before a word is over, and at the very end."""
    made = np.zeros((1500, FrontendConfig().channels), np.int8)
    made[:, 0] = BLANK
    ends = []
    for name, at in zip(NAMES, (100, 330, 560), strict=True):
        phones = np.repeat(np.array(phones_of(name), np.int8), STRIDE)
        made[at : at + len(phones), 0] = phones
        ends.append(at + len(phones) - 3 * STRIDE)
    for end in ends:
        made[end, 1:4] = 127
    for column, shift in ((1, -7), (2, 0), (3, 3)):
        made[ends[2] + 120 + shift, column] = 127
    again = np.repeat(np.array(phones_of("alexa"), np.int8), STRIDE)
    made[1000 : 1000 + len(again), 0] = again
    for column, shift in ((1, -1), (2, -5), (3, -9)):
        made[1000 + len(again) - 4 * STRIDE + shift, column] = 127
    made[-3, 1:4] = 127
    return made


CROWDED = crowded()


def together(made: list[ConfirmedWord], audio: Rows, cuts: list[int] | None = None) -> list[Event]:
    """As an engine hears them: piece by piece, one word after the other; sorted, as each orders its own."""
    pieces = np.split(audio, sorted(cuts or []))
    events: list[Event] = []
    for piece in pieces:
        for one in made:
            one.take({MICRO: piece}, 0, "day.wav")
        events += [event for one in made for event in one.told()]
    events += [event for one in made for event in one.flush()]
    return sorted(events, key=lambda event: (event.end, event.name))  # type: ignore[attr-defined]


def sharing(stage: FirstColumn | None = None) -> list[ConfirmedWord]:
    rehearing = ears(stage)
    return [word(name, column, rehearing) for column, name in enumerate(NAMES, 1)]


APART = together([word(name, column) for column, name in enumerate(NAMES, 1)], CROWDED)


def test_words_with_a_recognizer_each_hear_what_was_said() -> None:
    assert [event.name for event in APART] == ["computer", "alexa", "jarvis", "alexa"]  # type: ignore[attr-defined]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(CROWDED)), max_size=40))
def test_words_that_share_a_recognizer_hear_the_same_whatever_the_split(cuts: list[int]) -> None:
    assert together(sharing(), CROWDED, cuts) == APART


@pytest.mark.parametrize("size", [1, STRIDE, 64])
def test_they_do_in_equal_blocks_too(size: int) -> None:
    assert together(sharing(), CROWDED, list(range(size, len(CROWDED), size))) == APART


def test_words_that_share_a_recognizer_are_as_new_after_a_reset() -> None:
    made = sharing()
    together(made, CROWDED[:1020], [700])
    for one in made:
        one.reset()
    assert together(made, CROWDED) == APART


def test_candidates_at_the_same_row_are_heard_once() -> None:
    audio = rows(600, None, 300)
    audio[300, 2:4] = 127
    blocks = list(range(STRIDE, len(audio), STRIDE))
    shared = FirstColumn()
    fresh = shared.starts
    assert together(sharing(shared), audio, blocks) == []
    assert shared.starts == fresh + 1


def test_a_model_of_several_words_is_refused() -> None:
    look = SecondLook(ears(), [(1,)])
    with pytest.raises(BundleError, match="2 labels"):
        ConfirmedWord(dataclasses.replace(bundle(), labels=("yes", "no")), look)


def point(threshold: float, least: float, missed: int, alarms: int) -> ConfirmationPoint:
    return ConfirmationPoint(
        threshold, least, Proportion(missed, 50), Proportion(2 * missed, 50), Rate(alarms, 4.0)
    )


POINTS = [point(0.8, 0.1, 5, 0), point(0.5, 0.1, 2, 4), point(0.4, 0.2, 2, 2), point(0.2, 0.0, 0, 40)]


def test_the_pair_within_a_budget_that_misses_least_is_chosen() -> None:
    assert fewest_misses(POINTS, 1.0) == POINTS[2]
    assert fewest_misses(POINTS, 0.25) == POINTS[0]
    assert fewest_misses(POINTS[1:], 0.25) is None
    assert [ConfirmationPoint.from_json(one.to_json()) for one in POINTS] == POINTS
    with pytest.raises(KwsError, match="without 'least'"):
        ConfirmationPoint.from_json({"threshold": 0.5})


def test_a_table_is_for_one_pair_of_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from kws.recognition.bundle import read_recognizer

    tokens = {"phones": (0, len(PHONES))}
    recognizer = read_recognizer(
        write_recognizer(tmp_path, "english", b"", language="en", tokens=tokens, flush_rows=0, card={})
    )
    table = {"models": pair(bundle(), recognizer), "points": [one.to_json() for one in POINTS]}
    measured = dataclasses.replace(bundle(), manifest={"kws": {"confirmation": table}})
    assert measured_points(measured, recognizer) == POINTS
    with pytest.raises(KwsError, match=r"never measured .* run python -m training\.second_stage computer"):
        measured_points(dataclasses.replace(bundle(), manifest={}), recognizer)
    with pytest.raises(KwsError, match="other models"):
        measured_points(dataclasses.replace(measured, model_sha256="0"), recognizer)


def test_a_budget_needs_a_table_and_excludes_a_threshold(tmp_path: Path) -> None:
    tokens = {"phones": (0, len(PHONES))}
    write_recognizer(tmp_path, "tiny", b"", language="en", tokens=tokens, flush_rows=0, card={})
    with pytest.raises(KwsError, match="second_stage computer --fill"):
        load_engine(("computer",), Budget(1.0), confirm=str(tmp_path))
    with pytest.raises(KwsError, match="give one of them"):
        load_engine(("computer",), Budget(1.0), confirm=str(tmp_path), least=0.3)
