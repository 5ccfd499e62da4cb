"""Wake word, then command: what is heard, when it ends, and that no split of the audio matters.

Front end, wake word and acoustic model are stand-ins: each 10 ms of "audio" hold one number, which is a
column of the token set or the sign of a wake word. The session between them is the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("pocketsphinx")

from spoken import phones_of, steps_of

from kws.events import Detection, Event, NoSpeech, Partial, Transcript
from kws.frontend import FrontendConfig
from kws.frontends import MICRO
from kws.grammar.compile import compile_grammar
from kws.grammar.jsgf import parse_jsgf
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.recognizer import Recognizer
from kws.recognition.tokens import BLANK, PHONES, LogProbs
from kws.session import Dictation, Session
from kws.types import SAMPLE_RATE, Block, Rows, Samples

WAKE = 100
STRIDE = 3
STEP = 0.03
GRAMMAR = parse_jsgf(
    "#JSGF V1.0; grammar home; public <light> = lights (on | off) [now]; public <stop> = stop;"
)
ENDPOINT = EndpointConfig(silence=0.9, silence_after_sentence=0.45, longest=6.0, patience=2.4)


class NumbersFrontend:
    """Rows that repeat the first sample of each 10 ms, when the real front end would give them."""

    def __init__(self) -> None:
        self.reset()

    def push(self, samples: Samples) -> Rows:
        config = FrontendConfig()
        self._heard = np.concatenate([self._heard, samples])
        done = self._given
        while config.rows_end(self._given + 1) <= len(self._heard):
            self._given += 1
        values = self._heard[
            done * config.step_samples : self._given * config.step_samples : config.step_samples
        ]
        return np.repeat(values[:, None], config.channels, axis=1).astype(np.int8)

    def reset(self) -> None:
        self._heard = np.empty(0, np.int16)
        self._given = 0


class SignWakeWord:
    """Fires at every row that holds the sign."""

    front_ends: ClassVar[dict[str, str]] = {MICRO: ""}
    wait_seconds = 0.0

    def __init__(self) -> None:
        self.reset()

    def flush(self) -> list[Event]:
        return []

    def take(self, rows: Mapping[str, Rows], origin: int, source: str) -> bool:
        self._found: list[Event] = []
        for row in rows[MICRO]:
            self._rows += 1
            if row[0] == WAKE:
                end = (origin + FrontendConfig().rows_end(self._rows)) / SAMPLE_RATE
                self._found.append(Detection("computer", 0.9, 0.5, end - 0.5, end, source))
        return False

    def told(self) -> list[Event]:
        return self._found

    def reset(self) -> None:
        self._rows = 0


class NumbersAcoustic:
    """A step per three rows, which is certain of the number in the first of them."""

    step_seconds = STEP
    front_end = MICRO

    def __init__(self) -> None:
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        held = np.concatenate([self._held, rows[:, 0]])
        steps = len(held) // STRIDE
        self._held = held[steps * STRIDE :]
        columns = [int(c) if c != WAKE else BLANK for c in held[: steps * STRIDE : STRIDE]]
        return steps_of(columns) if columns else np.empty((0, len(PHONES)), np.float32)

    def flush(self) -> LogProbs:
        return np.empty((0, len(PHONES)), np.float32)

    def reset(self) -> None:
        self._held = np.empty(0, np.int8)


def recognizer(endpoint: EndpointConfig = ENDPOINT, **how: Any) -> Recognizer:
    decoder = GrammarDecoder(compile_grammar(GRAMMAR, PHONES, **how), STEP)
    return Recognizer(NumbersAcoustic(), decoder, endpoint)


def session(**how: Any) -> Session:
    made = Session([SignWakeWord()], recognizer(**how))  # type: ignore[list-item]
    made.front_ends[MICRO] = NumbersFrontend()  # type: ignore[assignment]
    return made


def audio(*parts: float | str) -> Samples:
    """Seconds of silence, "!" for a wake word that lasts 30 ms, or words."""
    columns: list[int] = []
    for part in parts:
        if part == "!":
            columns += [WAKE]
        else:
            columns += phones_of(part) if isinstance(part, str) else [BLANK] * round(part / STEP)
    ten_ms = np.repeat(np.array(columns, np.int16), STRIDE)
    for row in np.flatnonzero(ten_ms == WAKE)[1:]:  # one row of the three fires
        if ten_ms[row - 1] in (WAKE, BLANK) and row % STRIDE:
            ten_ms[row] = BLANK
    return np.repeat(ten_ms, FrontendConfig().step_samples)


def heard(engine: Session | Dictation, samples: Samples, cuts: list[int] | None = None) -> list[Event]:
    events: list[Event] = []
    for piece in np.split(samples, sorted(cuts or [])):
        events += engine.push(Block(piece, "day.wav"))
    return events + engine.flush()


def answers(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Partial)]


def test_a_command_after_the_wake_word_is_understood_and_nothing_else_is() -> None:
    events = heard(session(), audio(0.6, "stop", 0.6, "!", 0.3, "lights on", 1.5, "lights off", 1.5))
    detection, transcript = answers(events)
    assert isinstance(detection, Detection)
    assert isinstance(transcript, Transcript)
    assert (transcript.text, transcript.intent, transcript.in_grammar) == ("lights on", "light", True)
    assert detection.end < transcript.start < transcript.end
    assert transcript.source == "day.wav"


def test_words_have_the_times_of_the_stream() -> None:
    before = 1.2
    events = heard(session(), audio(before, "!", 0.6, "stop", 1.5))
    transcript = answers(events)[1]
    assert isinstance(transcript, Transcript)
    # The recognizer's steps begin at the row where the session opened, up to two rows beside the audio's.
    assert transcript.words[0].start == pytest.approx(before + STEP + 0.6, abs=STEP)
    assert transcript.words[0].end == pytest.approx(before + STEP + 0.6 + 11 * STEP, abs=STEP)


def test_a_command_in_one_breath_with_the_wake_word_loses_nothing_though_the_detection_is_late() -> None:
    late = audio(1.2, "lights", "!", "on", 1.5)
    transcript = answers(heard(session(), late))[1]
    assert isinstance(transcript, Transcript)
    assert transcript.text == "lights on"


def test_the_end_of_the_wake_word_is_not_taken_for_a_command() -> None:
    tail = tuple(PHONES.encode(("Y", "UW", "T", "ER")))
    samples = audio(1.0)
    spoken = np.repeat(np.repeat(np.array([c for p in tail for c in (p, p, BLANK)], np.int16), 3), 160)
    samples = np.concatenate([samples, spoken, audio("!", "stop", 1.5)])
    assert answers(heard(session(), samples))[1].text == ""  # type: ignore[attr-defined]
    with_lead_in = answers(heard(session(lead_in=[tail, tail[1:]]), samples))[1]
    assert isinstance(with_lead_in, Transcript)
    assert (with_lead_in.text, with_lead_in.in_grammar) == ("stop", True)


def test_nothing_said_is_no_speech() -> None:
    events = heard(session(), audio(0.6, "!", 4.0, "stop", 2.0))
    detection, silence = events
    assert isinstance(silence, NoSpeech)
    assert silence.end - silence.start == pytest.approx(ENDPOINT.patience or 0, abs=STEP)
    assert silence.start == pytest.approx(detection.end - 0.5, abs=2 * STEP)  # type: ignore[attr-defined]


@pytest.mark.parametrize("silence", [4.0, 1.0])
def test_what_is_left_of_the_wake_word_alone_is_no_command(silence: float) -> None:
    """It is heard late, and sounds like nothing in the grammar."""
    detection, nothing = answers(heard(session(), audio(0.6, "!", "ter", silence)))
    assert isinstance(nothing, NoSpeech)
    assert nothing.start < detection.end < nothing.end  # type: ignore[attr-defined]
    assert nothing.end - nothing.start == pytest.approx(min(0.5 + silence, 2.4), abs=0.3)


def test_a_command_may_follow_long_after_the_wake_word() -> None:
    """Though what is left of the word, and a pause that would end an utterance, were heard before."""
    transcript = answers(heard(session(), audio(0.6, "!", "ter", 1.2, "lights off", 2.0)))[1]
    assert isinstance(transcript, Transcript)
    assert transcript.text == "lights off"
    assert transcript.start == pytest.approx(0.63 + len(phones_of("ter")) * STEP + 1.2, abs=0.2)


def test_a_command_so_short_that_it_could_be_the_rest_of_the_wake_word_is_heard() -> None:
    assert answers(heard(session(), audio(0.6, "!", "stop", 3.0)))[1].text == "stop"  # type: ignore[attr-defined]


def test_other_words_are_not_in_the_grammar() -> None:
    transcript = answers(heard(session(), audio(0.6, "!", 0.3, "banana bread", 2.0)))[1]
    assert isinstance(transcript, Transcript)
    assert (transcript.text, transcript.in_grammar, transcript.intent) == ("", False, None)


def test_a_whole_sentence_ends_sooner_than_half_of_one() -> None:
    whole = audio(0.6, "!", 0.3, "lights on", 0.6, "stop", 2.0)
    half = audio(0.6, "!", 0.3, "lights", 0.6, "on", 2.0)
    assert answers(heard(session(), whole))[1].text == "lights on"  # type: ignore[attr-defined]
    assert answers(heard(session(), half))[1].text == "lights on"  # type: ignore[attr-defined]


def test_speech_without_end_is_cut_off() -> None:
    events = answers(heard(session(), audio(0.6, "!", 0.3, "banana " * 40)))
    assert [type(event) for event in events] == [Detection, Transcript]


def test_the_wake_word_again_starts_the_command_anew() -> None:
    events = answers(heard(session(), audio(0.6, "!", 0.3, "lights", 0.6, "!", 0.3, "stop", 1.5)))
    assert [type(event) for event in events] == [Detection, Detection, Transcript]
    assert events[2].text == "stop"  # type: ignore[attr-defined]


def test_a_whole_command_is_not_lost_when_a_wake_word_is_heard_right_after_it() -> None:
    events = answers(heard(session(), audio(0.6, "!", 0.3, "lights on", "!", 3.0)))
    assert [type(event) for event in events] == [Detection, Transcript, Detection, NoSpeech]
    assert events[1].text == "lights on"  # type: ignore[attr-defined]


def test_a_command_was_whole_before_the_wake_word_that_was_heard_as_a_part_of_it() -> None:
    samples = audio(0.6, "!", 0.3, "lights on", "tuna", "!", 3.0)
    events = answers(heard(session(), samples))
    assert [type(event) for event in events] == [Detection, Transcript, Detection, NoSpeech]
    assert events[1].text == "lights on"  # type: ignore[attr-defined]


def test_a_command_that_a_wake_word_seems_to_cut_in_two_is_heard_as_one() -> None:
    whole = audio(0.6, "!", 0.3, "lights", 0.1, "on", 1.5)
    amid = 6 * STRIDE * FrontendConfig().step_samples + len(audio(0.6, "!", 0.3, "lights"))
    cut = whole.copy()
    cut[amid : amid + FrontendConfig().step_samples] = WAKE  # for one row, within "on"
    events = answers(heard(session(), cut))
    assert [type(event) for event in events] == [Detection, Detection, Transcript]
    assert events[2].text == "lights on"  # type: ignore[attr-defined]
    assert events[2].start < events[1].end  # type: ignore[attr-defined]


def test_half_a_command_before_the_wake_word_is_forgotten() -> None:
    events = answers(heard(session(), audio(0.6, "!", 0.3, "lights", 0.6, "!", 0.9, "banana", 2.0)))
    assert [type(event) for event in events] == [Detection, Detection, Transcript]
    assert events[2].in_grammar is False  # type: ignore[attr-defined]


def test_the_end_of_the_stream_ends_a_command() -> None:
    assert answers(heard(session(), audio(0.6, "!", "stop")))[1].text == "stop"  # type: ignore[attr-defined]


def test_lost_audio_answers_the_command_and_the_session_waits_again() -> None:
    made = session()
    events = made.push(Block(audio(0.6, "!", 0.3, "stop")))
    events += made.push(Block(audio(3.0, "stop", 2.0), start=60 * SAMPLE_RATE))
    assert [type(event) for event in answers(events)] == [Detection, Transcript]
    after = heard(made, audio(1.0, "!", "stop", 1.0))
    assert answers(after)[0].end > 60  # type: ignore[attr-defined]


def test_dictation_needs_no_wake_word_and_hears_one_sentence_after_the_other() -> None:
    made = Dictation(recognizer(EndpointConfig(silence=0.9, silence_after_sentence=0.45)))
    made.front_ends[MICRO] = NumbersFrontend()  # type: ignore[assignment]
    events = heard(made, audio(12.0, "stop", 1.5, "lights off", 1.5, "lights on now"))
    texts = [event.text for event in events if isinstance(event, Transcript)]
    assert texts == ["stop", "lights off", "lights on now"]
    assert events[-1].start == pytest.approx(12 + 1.5 + 1.5, abs=3)  # type: ignore[attr-defined]


def test_words_marked_stable_are_never_taken_back() -> None:
    events = heard(session(), audio(0.6, "!", 0.3, "lights on now", 1.5))
    certain: list[str] = []
    for event in events:
        if isinstance(event, (Partial, Transcript)):
            words = [word.word for word in event.words]
            assert words[: len(certain)] == certain
            certain = words[: event.stable] if isinstance(event, Partial) else words
    assert certain == ["lights", "on", "now"]
    assert any(isinstance(event, Partial) and event.stable for event in events)


DAY = audio(
    *(0.6, "!", 0.3, "lights on", 0.9, "!", "lights", "!", "stop", 1.2, "!", 3.0, "!", "banana", 1.5),
    *("!", "lights", "!", "on", 1.5),
)
WHOLE = heard(session(), DAY)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(DAY)), max_size=30))
@example([40_480, 47_520])
def test_any_split_of_the_audio_gives_the_same_events(cuts: list[int]) -> None:
    assert heard(session(), DAY, cuts) == WHOLE


def test_a_session_after_its_end_is_as_new() -> None:
    made = session()
    assert heard(made, DAY) == heard(made, DAY) == WHOLE
    assert len([event for event in WHOLE if isinstance(event, Transcript)]) == 4
