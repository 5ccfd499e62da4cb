"""The microphone's own logic on a fake audio library: losses, unplugging, stalls, back-off, times."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from kws.errors import SourceError
from kws.events import Gap, SourceLost, SourceRestored
from kws.sources import open_source
from kws.sources.capture import Capture
from kws.sources.devices import Device
from kws.sources.microphone import Microphone
from kws.types import SAMPLE_RATE, Block

DEVICE = Device(3, "Fake USB", 1, SAMPLE_RATE, is_default=True, api="ALSA")
PIECE = 640


class FakeStream:
    def __init__(self, library: FakeLibrary) -> None:
        self._library = library

    def close(self) -> None:
        self._library.capture = None


class FakeLibrary:
    """A `Backend` whose driver is the test."""

    def __init__(self, device: Device = DEVICE) -> None:
        self.present = [device]
        self.opens: list[tuple[Device, int, int]] = []
        self.rescans = 0
        self.refuses = False
        self.failed_rescans = 0
        """How many are still to fail."""
        self.silent = False
        self.capture: Capture | None = None
        self._captured = 1_000.0

    def devices(self) -> list[Device]:
        return self.present

    def rescan(self) -> None:
        assert self.capture is None, "the lost stream must be closed before"
        self.rescans += 1
        if self.failed_rescans:
            self.failed_rescans -= 1
            raise SourceError("mic: no list")

    def open(self, device: Device, rate: int, channels: int, capture: Capture) -> FakeStream:
        if self.refuses:
            raise SourceError("mic: refused")
        self.opens.append((device, rate, channels))
        self.capture = capture
        if self.rescans and not self.silent:
            self.deliver(np.full(PIECE * channels, 7, np.int16))
        return FakeStream(self)

    def deliver(self, frames: np.ndarray, lost_seconds: float = 0.0, overflow: bool = False) -> None:
        """Bring frames, shape (n,) or (n, channels)."""
        assert self.capture
        _, rate, channels = self.opens[-1]
        count = frames.size // channels
        self._captured += lost_seconds
        self.capture.put(frames.astype(np.int16).tobytes(), count, self._captured, overflow)
        self._captured += count / rate

    def unplug(self) -> None:
        self.present = []
        assert self.capture
        self.capture.end()


class Bench:
    """A microphone on a fake library, with the pauses it made."""

    def __init__(self, device: Device = DEVICE, wanted: str = "", stall_seconds: float = 60.0) -> None:
        self.portaudio = FakeLibrary(device)
        self.pauses: list[float] = []
        self.now = 50.0
        self.returns_after = 0
        """Pauses after which the device is back."""
        self.microphone = Microphone(
            wanted,
            backend=self.portaudio,
            stall_seconds=stall_seconds,
            clock=lambda: self.now,
            sleep=self._pause,
        )

    def __enter__(self) -> Iterator[Block]:
        return iter(self.microphone.__enter__())

    def __exit__(self, *exception: object) -> None:
        self.microphone.__exit__(None, None, None)
        assert self.portaudio.capture is None

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if len(self.pauses) == self.returns_after:
            self.portaudio.present = [DEVICE]
            self.portaudio.refuses = False


def ramp(start: int, count: int = PIECE) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.int16)


def until_restored(blocks: Iterator[Block]) -> list[Block]:
    """Blocks up to and with the one that says the device is back."""
    taken = []
    for block in blocks:
        taken.append(block)
        if any(isinstance(event, SourceRestored) for event in block.events):
            return taken
    raise AssertionError("a microphone has no end")


def test_blocks_join_to_the_samples_and_starts_count_them() -> None:
    bench = Bench()
    with bench as blocks:
        for start in (0, PIECE, 2 * PIECE):
            bench.portaudio.deliver(ramp(start))
            block = next(blocks)
            np.testing.assert_array_equal(block.pcm, ramp(start))
            assert (block.start, block.source, block.events) == (start, "Fake USB", ())


def test_captures_at_the_devices_rate_in_two_channels_at_most() -> None:
    bench = Bench(Device(0, "Array", 8, 48_000))
    with bench as blocks:
        assert bench.portaudio.opens == [(bench.portaudio.present[0], 48_000, 2)]
        for _ in range(50):
            bench.portaudio.deliver(np.tile(np.array([[3_000, 1_000]]), (1_920, 1)))
        pcm = np.concatenate([next(blocks).pcm for _ in range(50)])
    assert len(pcm) == pytest.approx(2 * SAMPLE_RATE, rel=0.02)
    assert set(pcm[1_000:-1_000]) == {2_000}


def test_rate_and_channels_can_be_named() -> None:
    library = FakeLibrary(Device(0, "Array", 8, 48_000))
    with Microphone("array", rate=32_000, channels=6, backend=library):
        assert library.opens[0][1:] == (32_000, 6)


def test_lost_audio_is_a_gap_and_never_silence() -> None:
    bench = Bench()
    with bench as blocks:
        bench.portaudio.deliver(ramp(0))
        bench.portaudio.deliver(ramp(0), lost_seconds=0.5, overflow=True)
        bench.portaudio.deliver(ramp(0))
        taken = list(itertools.islice(blocks, 4))
    heard = [block for block in taken if len(block.pcm)]
    assert [block.start for block in heard] == [0, PIECE + 8_000, 2 * PIECE + 8_000]
    assert [event for block in taken for event in block.events] == [
        Gap(PIECE / SAMPLE_RATE, PIECE / SAMPLE_RATE + 0.5, "overflow", "Fake USB")
    ]
    assert heard[1].events


def test_a_gap_at_another_rate_keeps_all_audio_before_it() -> None:
    bench = Bench(Device(0, "Fake USB", 1, 48_000))
    with bench as blocks:
        bench.portaudio.deliver(ramp(0, 1_920))
        bench.portaudio.deliver(ramp(0, 1_920), lost_seconds=0.25, overflow=True)
        before, tail, after = itertools.islice(blocks, 3)
    assert len(before.pcm) + len(tail.pcm) == 640
    assert after.start == 640 + 4_000


def test_unplugged_and_plugged_in_again() -> None:
    bench = Bench()
    bench.returns_after = 7
    with bench as blocks:
        bench.portaudio.deliver(ramp(0))
        next(blocks)
        bench.portaudio.unplug()
        taken = until_restored(blocks)
    events = [event for block in taken for event in block.events]
    lost, gap, restored = events
    assert lost == SourceLost(PIECE / SAMPLE_RATE, "the driver stopped", "Fake USB")
    assert isinstance(gap, Gap)
    assert (gap.start, gap.reason, gap.source) == (lost.time, "device lost", "Fake USB")
    assert restored == SourceRestored(gap.end, "Fake USB")
    assert taken[-1].start == round(gap.end * SAMPLE_RATE)
    np.testing.assert_array_equal(taken[-1].pcm, np.full(PIECE, 7))
    assert bench.pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert gap.end - gap.start == pytest.approx(sum(bench.pauses) - PIECE / SAMPLE_RATE)
    assert bench.portaudio.rescans == 8


def test_each_failed_try_hands_control_to_the_caller() -> None:
    bench = Bench()
    bench.returns_after = 5
    with bench as blocks:
        bench.portaudio.unplug()
        taken = until_restored(blocks)
    assert sum(not len(block.pcm) and not block.events for block in taken) >= 5


def test_a_device_that_falls_silent_counts_as_lost() -> None:
    bench = Bench(stall_seconds=0.02)
    with bench as blocks:
        bench.portaudio.deliver(ramp(0))
        next(blocks)
        taken = until_restored(blocks)
    lost = next(event for block in taken for event in block.events)
    assert lost == SourceLost(PIECE / SAMPLE_RATE, "no audio for 0.02 s", "Fake USB")


def test_a_device_that_runs_and_is_no_use_can_be_opened_again() -> None:
    bench = Bench()
    with bench as blocks:
        bench.portaudio.deliver(ramp(0))
        next(blocks)
        bench.microphone.reopen("nothing but zeros")
        taken = until_restored(blocks)
        lost = next(event for block in taken for event in block.events)
        assert lost == SourceLost(PIECE / SAMPLE_RATE, "nothing but zeros", "Fake USB")
        assert len(bench.portaudio.opens) == 2
        bench.portaudio.deliver(ramp(0))
        assert next(blocks).events == (), "once is enough"


def test_a_device_that_opens_but_brings_nothing_is_not_restored() -> None:
    bench = Bench(stall_seconds=0.02)
    bench.portaudio.silent = True
    with bench as blocks:
        assert isinstance(next(b for b in blocks if b.events).events[0], SourceLost)
        for _ in range(3):
            assert next(blocks).events == ()
        bench.portaudio.silent = False
        assert until_restored(blocks)
    assert len(bench.portaudio.opens) >= 3


def test_a_device_that_is_back_but_refuses_is_tried_again() -> None:
    bench = Bench()
    bench.returns_after = 2
    bench.portaudio.refuses = False
    with bench as blocks:
        bench.portaudio.refuses = True
        assert bench.portaudio.capture
        bench.portaudio.capture.end()
        until_restored(blocks)
    assert bench.pauses == [0.25, 0.5]


def test_a_rescan_that_fails_is_tried_again() -> None:
    bench = Bench()
    with bench as blocks:
        bench.portaudio.failed_rescans = 2
        assert bench.portaudio.capture
        bench.portaudio.capture.end()
        until_restored(blocks)
    assert bench.pauses == [0.25, 0.5]


def test_back_with_another_rate() -> None:
    bench = Bench(Device(3, "Fake USB", 1, 48_000, api="ALSA"), wanted="usb")
    with bench as blocks:
        bench.portaudio.deliver(ramp(0, 1_920))
        next(blocks)
        assert bench.portaudio.capture
        bench.portaudio.capture.end()
        bench.portaudio.present = [DEVICE]  # now at 16 kHz
        restored = until_restored(blocks)[-1]
    np.testing.assert_array_equal(restored.pcm, np.full(PIECE, 7))


def test_unknown_devices_are_refused_at_the_start() -> None:
    with pytest.raises(SourceError, match=r"mic:webcam: no such microphone; choose one of 3 \(Fake USB\)"):
        Bench(wanted="webcam").microphone.__enter__()


def test_a_device_that_cannot_be_opened_is_refused_at_the_start() -> None:
    bench = Bench()
    bench.portaudio.refuses = True
    with pytest.raises(SourceError, match="refused"):
        bench.microphone.__enter__()


def test_without_portaudio_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(SourceError, match=r"^mic: .*PortAudio library not found.*apt install libportaudio2"):
        open_source("mic:").__enter__()
