"""Audio kept on disk where the configuration asks for it: around a wake word, or at a user's word."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kws.config_keys import RecordingSettings
from kws.errors import KwsError
from kws.events import Detection, Event, NoSpeech, Transcript
from kws.ring import RecentAudio
from kws.types import SAMPLE_RATE, Block, Samples

FALSE_ALARM, MISSED = "false-alarm", "missed"
"""What a user may say of the last seconds; the names of the folders."""
MARKED_SECONDS = 10.0
"""Kept when a user says that something was missed, or was none: it takes a while to reach for the button."""
LONGEST_COMMAND_SECONDS = 30.0
"""A recognizer has told by then what was said after a wake word."""
WAITING_FILES = 16
"""Files that may wait for a slow disk; more are dropped and counted."""
STOP_SECONDS, END_SECONDS = 0.15, 30.0
"""For what waits to be written: where the daemon is told to stop, and where the audio has ended."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A stretch of audio that is still being heard."""

    kind: str
    start: int
    """Sample index in the stream."""
    least: int
    """It goes on to this sample in any case."""
    end: int
    """And up to this one at most."""


class Recorder:
    """A tap and a Sink of the daemon. A thread writes; neither audio nor events ever wait for the disk.

    Args:
        commands: whether commands are recognized now; then what is kept of a wake word goes on to the end of
            the command after it.
    """

    def __init__(self, settings: RecordingSettings, *, commands: Callable[[], bool] = lambda: False) -> None:
        self.dropped = 0
        """Files not written, for the disk was slow or full."""
        self._settings = settings
        self._commands = commands
        longest = max(settings.after_seconds, LONGEST_COMMAND_SECONDS) if settings.each_detection else 0.0
        self._recent = RecentAudio(max(MARKED_SECONDS, settings.before_seconds + longest + 1))
        self._wanted: deque[Wanted] = deque()
        self._naming = threading.Lock()
        self._named = 0  # milliseconds since 1970 of the last file's name
        self._files: queue.Queue[tuple[Path, Samples] | None] = queue.Queue(WAITING_FILES)
        self._thread = threading.Thread(target=self._write_all, name="recorder", daemon=True)
        if settings.folder:
            self._thread.start()

    def tap(self, block: Block) -> None:
        """Take a block of audio."""
        if not self._settings.folder:
            return
        self._recent.push(block)
        while self._wanted and self._wanted[0].end <= self._recent.position:
            self._keep(self._wanted.popleft())

    def emit(self, event: Event, /) -> None:
        """Keep what is around a detection, once it has been heard."""
        settings = self._settings
        if not (settings.folder and settings.each_detection):
            return
        if isinstance(event, (Detection, Transcript, NoSpeech)) and self._wanted:
            last = self._wanted[-1]  # nothing more is said that belongs to it
            self._wanted[-1] = replace(last, end=max(last.least, min(last.end, self._recent.position)))
        if isinstance(event, Detection):
            self._wanted.append(self._around(event))

    def mark(self, kind: str) -> str:
        """Keep the last seconds as of that kind; the file's path.

        Raises:
            KwsError: recording is off, or the disk does not keep up.
        """
        if not self._settings.folder:
            raise KwsError("recording is off; set recording.folder in the configuration")
        end = self._recent.position
        path = self._path(kind)
        if not self._queue(path, self._recent.cut(end - round(MARKED_SECONDS * SAMPLE_RATE), end)):
            raise KwsError(f"{path}: the disk does not keep up; try again")
        return str(path)

    def close(self, seconds: float = END_SECONDS) -> None:
        """Keep what is being heard as far as it was heard, and wait so long for the disk."""
        while self._wanted:
            self._keep(self._wanted.popleft())
        if self._thread.is_alive():
            latest = time.monotonic() + seconds
            with contextlib.suppress(queue.Full):
                self._files.put(None, timeout=seconds)
            self._thread.join(max(0.0, latest - time.monotonic()))
            if self._thread.is_alive():
                _log.warning("%s: the disk hangs; the last recordings are lost", self._settings.folder)

    def _around(self, word: Detection) -> Wanted:
        settings = self._settings
        longest = max(settings.after_seconds, LONGEST_COMMAND_SECONDS if self._commands() else 0)
        end = round(word.end * SAMPLE_RATE)
        before, after, most = (
            round(seconds * SAMPLE_RATE)
            for seconds in (settings.before_seconds, settings.after_seconds, longest)
        )
        return Wanted(word.name, max(0, end - before), end + after, end + most)

    def _keep(self, wanted: Wanted) -> None:
        self._queue(self._path(wanted.kind), self._recent.cut(wanted.start, wanted.end))

    def _queue(self, path: Path, samples: Samples) -> bool:
        try:
            self._files.put_nowait((path, samples))
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def _path(self, kind: str) -> Path:
        with self._naming:  # two files of one millisecond must not have one name
            self._named = max(self._named + 1, int(1000 * time.time()))
            seconds, milliseconds = divmod(self._named, 1000)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds)) + f".{milliseconds:03}Z"
        return Path(self._settings.folder) / re.sub(r"[^\w-]", "_", kind) / f"{stamp}.wav"

    def _write_all(self) -> None:
        while (file := self._files.get()) is not None:
            path, samples = file
            try:
                write_wav(path, samples)
                _remove_oldest(path.parent, self._settings.keep)
            except OSError as error:
                self.dropped += 1
                _log.warning("%s: not recorded (%s)", path, error.strerror or error)


def write_wav(path: Path, samples: Samples) -> None:
    """16 kHz mono, readable by its user alone, under its name only once it is whole; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, wave.open(file, "wb") as audio:
            audio.setnchannels(1)
            audio.setsampwidth(2)
            audio.setframerate(SAMPLE_RATE)
            audio.writeframes(samples.astype("<i2").tobytes())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _remove_oldest(folder: Path, keep: int) -> None:
    for path in sorted(folder.glob("*.wav"))[:-keep]:
        path.unlink(missing_ok=True)
