"""How PortAudio is used, on a stand-in for the package sounddevice."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kws import cli
from kws.errors import SourceError
from kws.sources.capture import PIECE_SECONDS, Capture
from kws.sources.devices import Device
from kws.sources.portaudio import PortAudio

MICROPHONE = Device(1, "USB", 2, 48_000, is_default=True, api="ALSA")


class PortAudioError(Exception):
    """The package's own."""


class StandIn:
    """As much of sounddevice as is used."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.default: int | None = 1
        self.starts: list[str] = []
        self.streams: list[StandInStream] = []
        self.start_error: Exception | None = None
        self.list_error: Exception | None = None
        self.failing: set[str] = set()
        """Of "terminate" and "initialize"."""

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "ALSA"}]

    def query_devices(self, kind: str | None = None) -> Any:
        if kind:
            if self.default is None:
                raise PortAudioError("no default")
            return {"index": self.default}
        if self.list_error:
            raise self.list_error
        speaker = {"name": "HDMI", "max_input_channels": 0, "default_samplerate": 44_100.0, "hostapi": 0}
        return [speaker, {**speaker, "name": "USB", "max_input_channels": 2, "default_samplerate": 48_000.0}]

    def _terminate(self) -> None:
        self._step("terminate")

    def _initialize(self) -> None:
        self._step("initialize")

    def _step(self, name: str) -> None:
        self.starts.append(name)
        if name in self.failing:
            raise PortAudioError(f"{name} failed [PaErrorCode -10000]")

    def RawInputStream(self, **settings: Any) -> StandInStream:
        self.streams.append(StandInStream(settings, self.start_error))
        return self.streams[-1]


class StandInStream:
    def __init__(self, settings: dict[str, Any], error: Exception | None) -> None:
        self.settings = settings
        self.is_open = True
        self._error = error

    def start(self) -> None:
        if self._error:
            raise self._error

    def abort(self) -> None:
        pass

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    package = StandIn()
    monkeypatch.setitem(sys.modules, "sounddevice", package)
    return package


def open_one(library: PortAudio, capture: Capture | None = None) -> Any:
    return library.open(MICROPHONE, 48_000, 2, capture or Capture(48_000))


def test_lists_what_can_be_recorded_from(sounddevice: StandIn) -> None:
    assert PortAudio().devices() == [MICROPHONE]


def test_lists_without_a_default(sounddevice: StandIn) -> None:
    sounddevice.default = None
    assert [device.is_default for device in PortAudio().devices()] == [False]


def test_streams_int16_in_small_pieces_of_the_devices_rate(sounddevice: StandIn) -> None:
    open_one(PortAudio())
    settings = sounddevice.streams[0].settings
    assert settings["device"] == 1
    assert (settings["samplerate"], settings["channels"], settings["dtype"]) == (48_000, 2, "int16")
    assert settings["blocksize"] == 48_000 * PIECE_SECONDS


def test_what_the_driver_says_reaches_the_capture(sounddevice: StandIn) -> None:
    capture = Capture(48_000)
    open_one(PortAudio(), capture)
    settings = sounddevice.streams[0].settings
    for captured, overflow in ((10.0, False), (11.0, True)):
        settings["callback"](
            memoryview(b"abcd"),
            1,
            SimpleNamespace(inputBufferAdcTime=captured),
            SimpleNamespace(input_overflow=overflow),
        )
    settings["finished_callback"]()
    first, second = capture.take(0), capture.take(0)
    assert first
    assert (first.pcm, first.lost) == (b"abcd", None)
    assert second
    assert second.lost == 48_000 - 1
    assert capture.take(0) is None
    assert capture.ended


def test_a_stream_that_does_not_start_is_closed_and_named(sounddevice: StandIn) -> None:
    sounddevice.start_error = PortAudioError("Device unavailable [PaErrorCode -9985]")
    with pytest.raises(SourceError, match=r"^mic:USB: cannot be opened \(Device unavailable.*; see that it"):
        open_one(PortAudio())
    assert not sounddevice.streams[0].is_open


def test_a_rescan_starts_portaudio_anew_but_never_under_an_open_stream(sounddevice: StandIn) -> None:
    library = PortAudio()
    stream = open_one(library)
    library.rescan()
    assert not sounddevice.starts
    stream.close()
    library.rescan()
    assert sounddevice.starts == ["terminate", "initialize"]


def test_a_rescan_survives_that_portaudio_was_not_running(sounddevice: StandIn) -> None:
    sounddevice.failing = {"terminate"}
    PortAudio().rescan()
    assert sounddevice.starts == ["terminate", "initialize"]


def test_a_rescan_that_fails_is_a_source_error_and_may_be_tried_again(sounddevice: StandIn) -> None:
    library = PortAudio()
    sounddevice.failing = {"initialize"}
    with pytest.raises(SourceError, match=r"^mic: PortAudio cannot list .*initialize failed.*; see that"):
        library.rescan()
    sounddevice.failing = set()
    library.rescan()
    assert library.devices() == [MICROPHONE]


def test_a_list_that_cannot_be_had_is_one_line(
    sounddevice: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    sounddevice.list_error = PortAudioError("Error querying device 0")
    assert cli.main(["devices"]) == cli.BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kws: mic: PortAudio cannot list the microphones (Error querying device 0); ")
