"""Sinks: every scheme of the table takes events, and what cannot be opened says so."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.events import Detection, Gap, from_json
from kws.sinks import MODULES, open_sink, options_of
from kws.sinks.jsonl import JsonLines
from kws.sinks.memory import Collector
from kws.sinks.notice import Stamped

EVENTS = [
    Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día.wav"),
    Gap(start=2.0, end=2.25, reason="overflow", source="mic"),
]
LOCAL = {"jsonl", "memory", "stdout", "unix", "command"}
"""Schemes that need no server."""


def address(scheme: str, folder: Path) -> str:
    """A usable URI of each scheme."""
    return {
        "command": f"command:{sys.executable} -c pass",
        "jsonl": f"jsonl:{folder / 'events.jsonl'}",
        "memory": "memory:",
        "stdout": "stdout:",
        "unix": f"unix:{folder / 'events'}",
    }.get(scheme, f"{scheme}://127.0.0.1:9/somewhere")


class Pipe(io.StringIO):
    """A text stream that remembers what a reader had at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.handed_over: list[str] = []

    def flush(self) -> None:
        self.handed_over.append(self.getvalue())


@pytest.mark.parametrize("scheme", MODULES)
def test_every_scheme_opens_takes_events_and_closes(scheme: str, tmp_path: Path) -> None:
    sink = open_sink(address(scheme, tmp_path))
    if scheme in LOCAL:
        for event in EVENTS:
            sink.emit(event)
    sink.close()
    with pytest.raises(ValueError, match="closed"):
        sink.emit(EVENTS[0])


@pytest.mark.parametrize("scheme", MODULES)
def test_every_scheme_says_which_keys_it_has(scheme: str) -> None:
    assert options_of(f"{scheme}:").__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_a_file_gets_one_event_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for event in EVENTS:  # opened twice: what is there stays
        sink = open_sink(f"jsonl:{path}")
        sink.emit(event)
        sink.close()
    assert [from_json(line) for line in path.read_text(encoding="utf-8").splitlines()] == EVENTS


def test_each_event_is_flushed_at_once() -> None:
    pipe = Pipe()
    sink = JsonLines(pipe)
    for event in EVENTS:
        sink.emit(event)
    first, second = (event.to_json() + "\n" for event in EVENTS)
    assert pipe.handed_over == [first, first + second]


def test_standard_output_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    sink = open_sink("-")
    sink.emit(EVENTS[0])
    sink.close()
    print("after")
    assert capsys.readouterr().out == EVENTS[0].to_json() + "\nafter\n"


def test_the_collector_keeps_events_in_order() -> None:
    collector = open_sink("memory:")
    assert isinstance(collector, Collector)
    for event in EVENTS:
        collector.emit(event)
    assert collector.events == EVENTS


def test_the_daemon_adds_how_loud_it_was_and_the_time_of_day() -> None:
    stamped = Stamped(EVENTS[0], at=1_700_000_000.5, more=(("snr", 21.5),))
    assert stamped.type == "detection"
    assert json.loads(stamped.to_json()) == {
        **json.loads(EVENTS[0].to_json()),
        "snr": 21.5,
        "at": "2023-11-14T22:13:20.500Z",
    }


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "stdout",
        "stdout:here",
        "carrier-pigeon:",
        "memory:here",
        "jsonl:",
        "jsonl:/no/such/place/e",
        "unix:",
        "unix:/no/such/place/e",
        "unix:/" + 200 * "x",
        "command:",
        "command:/no/such/program now",
        "command:'unclosed",
        "http:",
        "http:///path",
        "https://host:99999999/",
        "mqtt:",
        "mqtt://host:port/",
        "mqtt://host/a/+/b",
        "wyoming:",
        "wyoming://host",
        "wyoming://host:port",
    ],
)
def test_what_cannot_be_opened_is_named(uri: str) -> None:
    with pytest.raises(KwsError) as error:
        open_sink(uri)
    text = str(error.value)
    assert text.startswith((f"{uri}:", f"{uri.partition(':')[2]}:"))
    assert ";" in text, "cause; remedy"


def test_letters_that_the_stream_has_no_code_for_are_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    word = Detection("Küche", 0.9, 0.5, 1.0, 2.0)
    JsonLines(stream).emit(word)
    stream.seek(0)
    assert from_json(stream.read()) == word
