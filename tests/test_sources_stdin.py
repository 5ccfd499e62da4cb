"""Raw PCM on standard input: as it comes, at any rate, and what is no raw PCM."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from kws.errors import SourceError
from kws.sources.stdin import StdinSource
from kws.types import SAMPLE_RATE, Block

SAMPLES = np.random.default_rng(5).integers(-3_000, 3_000, 6_000).astype("<i2")


class Pipe:
    """A pipe with a source at its reading end; `send` writes at the other."""

    def __init__(self, rate: int = SAMPLE_RATE, channels: int = 1) -> None:
        self.reading, self._writing = os.pipe()
        self.source = StdinSource(rate, channels, self.reading)

    def send(self, data: bytes) -> None:
        os.write(self._writing, data)

    def end(self) -> None:
        os.close(self._writing)
        self._writing = -1

    def close(self) -> None:
        os.close(self.reading)
        if self._writing >= 0:
            os.close(self._writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def joined(blocks: list[Block]) -> np.ndarray:
    return np.concatenate([block.pcm for block in blocks])


def heard(pipe: Pipe) -> tuple[list[Block], str]:
    """All blocks, and the error they ended with."""
    blocks: list[Block] = []
    pipe.end()
    with pytest.raises(SourceError) as error, pipe.source as source:
        blocks.extend(source)
    return blocks, str(error.value)


def test_each_piece_is_heard_as_soon_as_it_is_there(pipe: Pipe) -> None:
    with pipe.source as source:
        blocks = iter(source)
        for piece in np.split(SAMPLES, 5):
            pipe.send(piece.tobytes())  # the next block would wait for ever if it took more than this piece
            np.testing.assert_array_equal(next(blocks).pcm, piece)


def test_a_sample_split_between_reads_is_joined(pipe: Pipe) -> None:
    data = SAMPLES.tobytes()
    with pipe.source as source:
        blocks, taken = iter(source), []
        for start, end in ((0, 1), (1, 4), (4, 7), (7, len(data))):
            pipe.send(data[start:end])
            taken.append(next(blocks))
        pipe.end()
        taken.extend(blocks)
    np.testing.assert_array_equal(joined(taken), SAMPLES)


def test_bytes_that_end_inside_a_sample_are_an_error_after_all_audio(pipe: Pipe) -> None:
    pipe.send(SAMPLES.tobytes() + b"\0")
    blocks, error = heard(pipe)
    np.testing.assert_array_equal(joined(blocks), SAMPLES)
    assert error.startswith("-: ends 1 bytes into a frame of 2; ")


def test_nothing_at_all_is_an_error(pipe: Pipe) -> None:
    assert heard(pipe) == ([], "-: no audio came; check the program before the pipe")


@pytest.mark.parametrize("header", [b"RIFF\x24\0\0\0WAVE", b"fLaC\0\0\0\x22", b"OggS\0\x02", b"ID3\x04\0"])
def test_a_recording_is_not_taken_for_raw_pcm(pipe: Pipe, header: bytes) -> None:
    pipe.send(header + bytes(1_000))
    blocks, error = heard(pipe)
    assert not blocks
    assert "raw PCM is expected; give its path instead of -" in error


def test_rate_and_channels() -> None:
    pipe = Pipe(rate=8_000, channels=2)
    pipe.send(np.repeat(SAMPLES // 2, 2).astype("<i2").tobytes())
    pipe.end()
    with pipe.source as source:
        out = joined(list(source))
    pipe.close()
    assert len(out) == pytest.approx(2 * len(SAMPLES), abs=1)


def test_a_closed_descriptor_is_named() -> None:
    pipe = Pipe()
    pipe.close()
    with pipe.source as source, pytest.raises(SourceError, match=r"^-: cannot be read \(Bad file descript"):
        list(source)


def test_a_terminal_is_refused() -> None:
    controller, terminal = os.openpty()
    try:
        with pytest.raises(SourceError, match=r"^-: standard input is a terminal; pipe"):
            StdinSource(SAMPLE_RATE, 1, terminal).__enter__()
    finally:
        os.close(controller)
        os.close(terminal)


def test_minus_is_standard_input() -> None:
    code = "import kws; print(sum(len(b.pcm) for b in kws.open_source('-', rate=32_000).__enter__()))"
    output = subprocess.check_output([sys.executable, "-c", code], input=SAMPLES.tobytes())
    assert int(output) == pytest.approx(len(SAMPLES) / 2, abs=1)


def test_a_process_without_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match=r"^-: there is no standard input"):
        StdinSource(SAMPLE_RATE, 1).__enter__()
