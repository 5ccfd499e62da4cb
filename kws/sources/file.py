"""Recordings: WAV, FLAC, Ogg Vorbis, Opus, MP3 and what else libsndfile reads, in chunks of half a second.

One limit of libsndfile stays: an MP3 of variable bit rate without a Xing header, which no common
encoder writes, ends where its length was guessed to be.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from types import TracebackType

import numpy as np
import soundfile

from kws.errors import SourceError
from kws.sources.conversion import RATES, Converter, Pcm
from kws.types import Block, Samples

BLOCK_SECONDS = 0.5

_MAX_CHUNK_VALUES = 1 << 20
"""Frames times channels held at a time."""
_INT16_SUBTYPES = {"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW"}
"""Encodings that int16 holds exactly; all others are read as float32."""
_UNKNOWN_LENGTH = 0x7FFF_0000
"""A recorder that writes to a pipe cannot know the length and states this or more, in bytes."""
_STATED_LENGTH = re.compile(r"^ *(?:data|SSND|riff) : (\d+) \(should be (\d+)\)", re.MULTILINE)
"""libsndfile's log of WAV, AIFF and W64: bytes of audio that the header states and that are there."""
_SF_INFO_INCOMPLETE = 24
"""libsndfile's error number for a rate below 1."""


class FileSource:
    """A Source over one recording, read once from its start; `Block.source` is the path as given."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: _ForwardFile | None = None

    def __enter__(self) -> FileSource:
        _check_path(self._path)
        self._file = _open(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[Block]:
        """All audio that is there; then raises SourceError if the rest is damaged or missing."""
        position = 0
        for pcm in self._converted():
            if len(pcm):
                yield Block(pcm, self._path, position)
            position += len(pcm)

    def _converted(self) -> Iterator[Samples]:
        assert self._file is not None, "iterate inside a with statement"
        converter = Converter(self._file.samplerate)
        fault = None
        try:
            for frames in self._chunks(self._file):
                yield converter.push(frames)
        except SourceError as error:
            fault = error
        yield converter.flush()
        if fault:
            raise fault

    def _chunks(self, file: _ForwardFile) -> Iterator[Pcm]:
        """Frames, shape (n, channels), as far as they can be trusted."""
        size = max(1, min(int(file.samplerate * BLOCK_SECONDS), _MAX_CHUNK_VALUES // file.channels))
        dtype = "int16" if file.subtype in _INT16_SUBTYPES else "float32"
        heard = 0
        while True:
            frames, damage = _read(file, heard, np.empty((size, file.channels), dtype))
            good = _finite_frames(frames)
            yield frames[:good]
            heard += good
            seconds = heard / file.samplerate
            if good < len(frames):
                raise SourceError(f"{self._path}: NaN or infinity at {seconds:.3f} s; convert it anew")
            if damage:
                raise SourceError(f"{self._path}: damaged at {seconds:.3f} s ({damage}); copy it again")
            if not len(frames):
                break
        if fault := _incomplete(file, heard):
            raise SourceError(f"{self._path}: {fault}")


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Read from start to end only.

    soundfile seeks to where it is after every read of a seekable file. On MP3 that drops the decoder's
    bit reservoir and garbles the start of each chunk.
    """

    def __init__(self, path: str) -> None:
        super().__init__(native_path(path))
        self.opening_log: str = self.extra_info
        """What libsndfile said of headers and ends; reading adds to its log, not all of it true."""

    def seekable(self) -> bool:
        return False


def open_address(address: str, *, rate: int | None, channels: int | None) -> FileSource:
    """The recording at a path; its header tells rate and channels, so the two given are for others."""
    return FileSource(address)


def native_path(path: str | os.PathLike[str]) -> str | bytes:
    """The path as soundfile takes it, which encodes text strictly; not every name on a disk is valid text."""
    return os.fspath(path) if sys.platform == "win32" else os.fsencode(path)


def _check_path(path: str) -> None:
    """Raise SourceError for what libsndfile would not name, or wait for."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{path}: is a directory; name the recordings in it")
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{path}: is a pipe or device, not a file; send raw PCM to standard input (-)")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path and its permissions") from error
    except ValueError as error:
        raise SourceError(f"{path!r}: no path ({error}); check it") from error
    if status.st_size == 0:
        raise SourceError(f"{path}: is empty (0 bytes); record or copy it again")
    if os.path.splitext(path)[1].lower() == ".raw":
        raise SourceError(
            f"{path}: raw PCM has no header; send it to standard input (-) with its --rate and --channels"
        )


def _open(path: str) -> _ForwardFile:
    try:
        file = _ForwardFile(path)
    except soundfile.LibsndfileError as error:
        cause = error.error_string.rstrip(".")
        if error.code == _SF_INFO_INCOMPLETE:
            cause = "its header states a sample rate below 1 hertz"
        raise SourceError(f"{path}: not a readable recording ({cause}); convert or copy it anew") from error
    if fault := _unusable(file):
        file.close()
        raise SourceError(f"{path}: {fault}")
    return file


def _unusable(file: _ForwardFile) -> str | None:
    lowest, highest = RATES
    if not lowest <= file.samplerate <= highest:
        return f"its header states {file.samplerate} hertz, allowed are {lowest} to {highest}; correct it"
    # libsndfile reads PCM of fewer than 8 bits as if it were 8.
    width = re.search(r"Bit Width +: (\d+)", file.opening_log)
    if file.subtype == "PCM_U8" and width and int(width[1]) < 8:
        return f"{width[1]}-bit PCM, read are 8 to 32; convert it to 16 bits"
    return None


def _read(file: _ForwardFile, heard: int, frames: Pcm) -> tuple[Pcm, str | None]:
    """The next frames and what the decoder complained of, if it did, after `heard` frames."""
    try:
        return frames[: file.buffer_read_into(frames, frames.dtype.name)], None
    except soundfile.LibsndfileError as error:
        decoded = file.tell() - heard  # the position counts what came out before the damage
        return frames[:decoded], error.error_string.removeprefix("Error : ").rstrip(".")


def _finite_frames(frames: Pcm) -> int:
    """How many frames come before the first NaN or infinity."""
    if frames.dtype == np.int16 or np.isfinite(frames).all():
        return len(frames)
    return int(np.argmin(np.isfinite(frames).all(axis=1)))


def _incomplete(file: _ForwardFile, heard: int) -> str | None:
    """What is wrong with a recording of which `heard` frames were there to read, if anything."""
    if not heard:
        return "holds no audio; its recorder may not have finished it (sox --ignore-length repairs a WAV)"
    if _is_cut(file, heard):
        seconds = heard / file.samplerate
        return f"cut short after {seconds:.3f} s; what is there was heard, copy it again for the rest"
    if re.search(r"Corrupted bitstream|reports a hole", file.extra_info):
        return "parts of it are damaged and were skipped; copy it again"
    return None


def _is_cut(file: _ForwardFile, heard: int) -> bool:
    """Whether audio that the header promised is missing; libsndfile says so in its log, and only there."""
    log = file.opening_log
    for stated, present in _STATED_LENGTH.findall(log):
        if int(present) < int(stated) < _UNKNOWN_LENGTH:
            return True
    # Only in a variable-rate MP3 does the length come from its header; otherwise it is a guess.
    if "bitrate mode   : variable" in log and heard < file.frames:
        return True
    return "does not match value from 'ds64' chunk" in log or "Last page lacks an end-of-stream bit" in log
