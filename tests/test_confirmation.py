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
from kws.commands.confirm import confirmed_engine
from kws.errors import BundleError, KwsError
from kws.evaluation import Proportion, Rate
from kws.events import Detection, Event
from kws.frontend import FrontendConfig
from kws.frontends import MICRO
from kws.recognition.build import phrase_spellings
from kws.recognition.bundle import write_recognizer
from kws.recognition.confirmation import WAIT_SECONDS, ConfirmedWord, SecondLook
from kws.recognition.confirmation_table import ConfirmationPoint, fewest_misses, measured_points, pair
from kws.recognition.recognizer import PhraseSpotting
from kws.recognition.spotter import Spotter
from kws.recognition.tokens import BLANK, PHONES, LogProbs
from kws.types import SAMPLE_RATE, Outputs, Rows

STRIDE = 4
STEP = STRIDE / 100
HELD_BACK = 1
"""Steps that the acoustic stand-in is late."""


class SecondColumn:
    """A model that reads its output off the rows, a step per row."""

    stride = 1
    output_quantization = (1 / 256, 0)

    def push(self, rows: Rows) -> Outputs:
        return rows[:, 1:2].astype(np.uint8)

    def reset(self) -> None:
        pass


class FirstColumn:
    """A step per four rows, certain of the phone in the first of them, one step late."""

    step_seconds = STEP
    front_end = MICRO

    def __init__(self) -> None:
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        self._rows = np.concatenate([self._rows, rows[:, 0]])
        ready = max(0, len(self._rows) // STRIDE - HELD_BACK)
        return self._until(ready)

    def flush(self) -> LogProbs:
        return self._until(len(self._rows) // STRIDE)

    def reset(self) -> None:
        self._rows = np.empty(0, np.int8)
        self._told = 0

    def _until(self, steps: int) -> LogProbs:
        columns = [int(column) for column in self._rows[: steps * STRIDE : STRIDE][self._told :]]
        self._told = steps
        return steps_of(columns) if columns else np.empty((0, len(PHONES)), np.float32)


def bundle() -> Bundle:
    """One step is judged at a time, and 127 of 256 is enough."""
    return dataclasses.replace(find_bundle("computer"), window=1, warmup_rows=0)


def word() -> ConfirmedWord:
    spotter = Spotter({"computer": phrase_spellings("computer", PHONES)}, STEP)
    made = ConfirmedWord(
        bundle(), SecondLook(lambda: PhraseSpotting(FirstColumn(), spotter), MICRO), threshold=0.4, least=SURE
    )
    made.model = SecondColumn()  # type: ignore[assignment]
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
        events += engine.hear({MICRO: piece}, 0, "day.wav")
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


DAY = np.concatenate(
    [rows(400, 100, 100 + SAID + 5), rows(300, None, 120), rows(400, 100, 100 + SAID - 3), rows(400, 0, 300)]
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
    assert len(WHOLE) == 2


def test_a_model_of_several_words_is_refused() -> None:
    look = SecondLook(lambda: PhraseSpotting(FirstColumn(), Spotter({"x": [(1,)]}, STEP)), MICRO)
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
        confirmed_engine(("computer",), Budget(1.0), str(tmp_path), None)
    with pytest.raises(KwsError, match="give one of them"):
        confirmed_engine(("computer",), Budget(1.0), str(tmp_path), 0.3)
