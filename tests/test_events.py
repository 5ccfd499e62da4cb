"""Events survive JSON, all of them: an event class without a sample here fails."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.events import (
    EVENT_TYPES,
    Detection,
    Event,
    Gap,
    Guess,
    HeardWord,
    NoSpeech,
    Partial,
    Slots,
    SourceLost,
    SourceRestored,
    Transcript,
    from_json,
)

SAMPLES = [
    Detection("computer", score=0.9375, threshold=0.5, start=1.2, end=2.0, source="day.wav"),
    Detection("größer", score=1.0, threshold=1.0, start=0.0, end=0.03),
    Gap(start=1.5, end=2.25, reason="overflow", source="USB mic"),
    Gap(start=0.0, end=0.01, reason='a "quoted" reason\nin two lines'),
    SourceLost(time=3.0, reason="device lost", source="USB mic"),
    SourceRestored(time=7.5, source="USB mic"),
    NoSpeech(start=1.5, end=6.5, source="day.wav"),
    Partial("turn", 0.5, 1.0, 1.5, words=(HeardWord("turn", 1.0, 1.25, 0.75),), stable=1, source="day.wav"),
    Partial("", confidence=0.0, start=0.0, end=0.5),
    Transcript(
        "large latte",
        confidence=0.9375,
        start=1.0,
        end=2.5,
        words=(HeardWord("large", 1.0, 1.5, 0.875), HeardWord("latte", 1.75, 2.5, 1.0)),
        nbest=(Guess("large latte", 0.9375), Guess("a large latte", 0.5)),
        in_grammar=True,
        intent="order",
        slots=Slots(size="large", coffeeDrink="latte"),
        source="day.wav",
    ),
    Transcript("", confidence=0.25, start=1.0, end=2.0, nbest=(Guess("yes", 0.25),), in_grammar=False),
]


def subclasses(base: type) -> set[type]:
    return {found for child in base.__subclasses__() for found in {child} | subclasses(child)}


def test_every_event_has_a_sample_and_a_type_of_its_own():
    assert subclasses(Event) == {type(sample) for sample in SAMPLES} == set(EVENT_TYPES.values())
    assert {event.type: event for event in subclasses(Event)} == EVENT_TYPES


@pytest.mark.parametrize("event", SAMPLES, ids=repr)
def test_json_round_trip(event):
    assert from_json(event.to_json()) == event


@pytest.mark.parametrize("event", SAMPLES, ids=repr)
def test_json_is_one_line_that_begins_with_the_type_and_keeps_the_order(event):
    line = event.to_json()
    assert "\n" not in line
    fields = [field.name for field in dataclasses.fields(event)]
    assert list(json.loads(line)) == ["type", *fields]
    assert json.loads(line)["type"] == event.type


@pytest.mark.parametrize("event", SAMPLES, ids=repr)
def test_events_are_frozen_and_comparable(event):
    assert event == dataclasses.replace(event)
    assert hash(event) == hash(dataclasses.replace(event))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.source = "other"


@pytest.mark.parametrize("event", sorted(subclasses(Event), key=repr))
def test_every_event_documents_itself_and_each_field(event):
    """A string under each field, as the module has it: readers and tools find it in the source."""
    source = inspect.getsource(sys.modules[event.__module__])
    body = source.split(f"class {event.__name__}(Event):")[1].split("\n@dataclass")[0]
    assert event.__doc__
    for field in dataclasses.fields(event):
        following = body.split(f"\n    {field.name}: ")[1].split("\n")[1]
        assert following.strip().startswith('"""'), field.name


times = st.floats(0, 1e6, allow_nan=False)


@given(st.text(), st.floats(0, 1), st.floats(0, 1), times, times, st.text())
def test_numbers_survive_to_four_decimals_and_text_entirely(name, score, threshold, start, end, source):
    event = Detection(name, score, threshold, start, end, source)
    again = from_json(event.to_json())
    assert (again.name, again.source) == (name, source)
    for field in ("score", "threshold", "start", "end"):
        assert math.isclose(getattr(again, field), getattr(event, field), abs_tol=0.5001e-4)


NO_EVENT = [
    "",
    "nothing",
    "3",
    "null",
    "[]",
    "{}",
    '{"type": "unheard-of"}',
    '{"type": ["gap"]}',
    '{"type": "gap"}',
    '{"type": "gap", "start": 1, "end": 2, "reason": "", "more": 1}',
    '{"type": "partial", "text": "", "confidence": 1, "start": 0, "end": 1, "words": [{"word": "a"}]}',
    '{"type": "partial", "text": "", "confidence": 1, "start": 0, "end": 1, "words": 3}',
    '{"type": "transcript", "text": "", "confidence": 1, "start": 0, "end": 1, "slots": 3}',
]


def test_slots_are_an_object_and_words_a_list_of_objects():
    order = next(sample for sample in SAMPLES if isinstance(sample, Transcript))
    fields = json.loads(order.to_json())
    assert fields["slots"] == {"size": "large", "coffeeDrink": "latte"}
    assert fields["words"][0] == {"word": "large", "start": 1.0, "end": 1.5, "confidence": 0.875}


@pytest.mark.parametrize("line", NO_EVENT)
def test_a_line_that_is_no_event_raises_value_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 the kind matters, json words some of the texts
        from_json(line)


field_names = st.sampled_from(["start", "end", "reason", "time", "source", "name", "more"])
json_values = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})


@given(st.sampled_from([*EVENT_TYPES, "?"]), st.dictionaries(field_names, json_values))
def test_any_json_gives_an_event_or_value_error(kind, fields):
    line = json.dumps({**fields, "type": kind})
    with contextlib.suppress(ValueError):
        assert isinstance(from_json(line), Event)


def test_a_name_that_is_no_valid_text_stays_itself() -> None:
    event = Gap(1.0, 2.0, "x", source=b"caf\xe9.flac".decode("utf-8", "surrogateescape"))
    assert from_json(event.to_json().encode().decode()) == event
