"""PortAudio, loaded with the first microphone: the devices there are, and streams from them."""

from __future__ import annotations

import contextlib
from typing import Any

from kws.errors import SourceError
from kws.sources.capture import PIECE_SECONDS, Capture
from kws.sources.devices import Device
from kws.standard_error import silenced


class PortAudio:
    """The `Backend` of real microphones."""

    def __init__(self) -> None:
        self._streams = 0  # open ones

    def devices(self) -> list[Device]:
        """All that can be recorded from; raises SourceError when PortAudio is missing or fails."""
        sounddevice = _sounddevice()
        try:
            apis, entries = sounddevice.query_hostapis(), sounddevice.query_devices()
        except sounddevice.PortAudioError as error:
            raise _no_list(error) from error
        default = _default_input(sounddevice)
        return [
            Device(
                index=index,
                name=entry["name"],
                channels=entry["max_input_channels"],
                rate=round(entry["default_samplerate"]),
                is_default=index == default,
                api=apis[entry["hostapi"]]["name"],
            )
            for index, entry in enumerate(entries)
            if entry["max_input_channels"] > 0
        ]

    def rescan(self) -> None:
        """See devices that were plugged in since.

        PortAudio lists them once, when it starts, and starting it anew would end every stream of
        this process: while one is open, the old list stays. Raises SourceError when it does not start.
        """
        if self._streams:
            return
        sounddevice = _sounddevice()
        with silenced():
            with contextlib.suppress(sounddevice.PortAudioError):  # an earlier start failed
                sounddevice._terminate()
            try:
                sounddevice._initialize()
            except sounddevice.PortAudioError as error:
                raise _no_list(error) from error

    def open(self, device: Device, rate: int, channels: int, capture: Capture) -> PortAudioStream:
        """A running stream of int16 frames into `capture`; raises SourceError with the driver's words."""
        sounddevice = _sounddevice()

        def deliver(pcm: Any, frames: int, time: Any, status: Any) -> None:
            capture.put(bytes(pcm), frames, time.inputBufferAdcTime, status.input_overflow)

        try:
            with silenced(), contextlib.ExitStack() as undo:
                stream = sounddevice.RawInputStream(
                    device=device.index,
                    samplerate=rate,
                    channels=channels,
                    dtype="int16",
                    blocksize=round(rate * PIECE_SECONDS),
                    latency="high",
                    callback=deliver,
                    finished_callback=capture.end,
                )
                undo.callback(stream.close)
                stream.start()
                undo.pop_all()
        except sounddevice.PortAudioError as error:
            raise SourceError(
                f"mic:{device.name}: cannot be opened ({error}); "
                "see that it is connected and no other program holds it"
            ) from error
        self._streams += 1
        return PortAudioStream(self, stream)

    def closed(self) -> None:
        """One stream less is open."""
        self._streams -= 1


class PortAudioStream:
    """An open stream."""

    def __init__(self, owner: PortAudio, stream: Any) -> None:
        self._owner = owner
        self._stream = stream

    def close(self) -> None:
        """Stop it at once; a stream whose device has gone makes no fuss."""
        with silenced():
            self._stream.abort()
            self._stream.close()
        self._owner.closed()


PORTAUDIO = PortAudio()
"""PortAudio is one per process."""


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise SourceError(
            f"mic: microphones need sounddevice ({error}); pip install sounddevice (on Debian it needs "
            "python3-cffi-backend where pip has no cffi)"
        ) from error
    except OSError as error:
        raise SourceError(
            f"mic: microphones need PortAudio ({error}); install it, on Debian: apt install libportaudio2"
        ) from error
    return sounddevice


def _no_list(error: Exception) -> SourceError:
    return SourceError(
        f"mic: PortAudio cannot list the microphones ({error}); see that the system's sound service runs"
    )


def _default_input(sounddevice: Any) -> int:
    try:
        return int(sounddevice.query_devices(kind="input")["index"])
    except sounddevice.PortAudioError:
        return -1
