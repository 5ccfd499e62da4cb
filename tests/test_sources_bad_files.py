"""What is wrong with a recording is said in one line: path, cause, remedy. What can be heard of it is."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kws.errors import SourceError
from kws.sources import open_source
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE

NOISE = np.random.default_rng(8).normal(0, 0.1, 20 * SAMPLE_RATE).astype(np.float32)
HEADER = 44
"""Bytes before the samples of a plain WAV."""


def read(path: Path) -> tuple[int, str]:
    """Samples heard, and the error after them without the path."""
    heard, error = attempt(path)
    place, _, cause_and_remedy = error.partition(": ")
    assert place == str(path)
    assert "; " in cause_and_remedy
    return heard, cause_and_remedy


def attempt(path: Path) -> tuple[int, str]:
    """Samples heard, and the error after them, or ""; nothing but SourceError may be raised."""
    heard = 0
    try:
        with open_source(path) as source:
            for block in source:
                heard += len(block.pcm)
    except SourceError as error:
        return heard, str(error)
    return heard, ""


def wav(bits: int = 16, rate: int = SAMPLE_RATE, channels: int = 1, block: int | None = None) -> bytes:
    """A WAV of 2000 bytes of samples whose header says what it is told to."""
    block = channels * ((bits + 7) // 8) if block is None else block
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block % 2**32, block % 2**16, bits)
    data = bytes(range(200)) * 10
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


UNREADABLE = {
    "zero bytes": (b"", "is empty (0 bytes); "),
    "one byte": (b"R", "not a readable recording ("),
    "text": (b"Dear diary,\n" * 100, "not a readable recording (Format not recognised); "),
    "header cut in fmt": (wav()[:20], "not a readable recording ("),
    "header cut before data": (wav()[:36], "not a readable recording ("),
    "header only": (wav()[:HEADER], "holds no audio; "),
    "no samples": (wav()[:40] + bytes(4), "holds no audio; "),
    "3-bit PCM": (wav(bits=3), "3-bit PCM, "),
    "rate 0": (wav(rate=0), "not a readable recording (its header states a sample rate below 1 hertz); "),
    "rate 1": (wav(rate=1), "its header states 1 hertz, "),
    "rate beyond 2 ** 31": (wav(rate=2**32 - 16), "not a readable recording ("),
    "rate 2 GHz": (wav(rate=2_000_000_000), "its header states 2000000000 hertz, "),
    "no channel": (wav(channels=0), "not a readable recording (Channel count is zero); "),
    "65535 channels": (wav(channels=65_535), "not a readable recording (Too many channels specified); "),
}


def test_the_header_maker_makes_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "good.wav"
    path.write_bytes(wav())
    with open_source(path) as source:
        assert sum(len(block.pcm) for block in source) == 1_000


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(case: str, tmp_path: Path) -> None:
    content, start = UNREADABLE[case]
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    heard, error = read(path)
    assert heard == 0
    assert error.startswith(start)


def test_raw_pcm_is_sent_to_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "a.RAW"
    path.write_bytes(bytes(1_000))
    heard, error = read(path)
    assert heard == 0
    assert error.startswith("raw PCM has no header; ")


def test_missing(tmp_path: Path) -> None:
    assert read(tmp_path / "a.wav") == (0, "No such file or directory; check the path and its permissions")


def test_directory(tmp_path: Path) -> None:
    assert read(tmp_path) == (0, "is a directory; name the recordings in it")


def test_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    _, error = read(tmp_path / "pipe.wav")
    assert error.startswith("is a pipe or device, not a file; ")


def test_a_path_that_none_can_be() -> None:
    with pytest.raises(SourceError, match=r"^'a\\x00b': no path \(embedded null byte\); check it"):
        open_source("a\0b").__enter__()


def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(wav())
    path.chmod(0)
    as_nobody = os.geteuid() == 0  # permissions do not bind root
    if as_nobody:
        os.seteuid(65_534)
    try:
        assert read(path) == (0, "Permission denied; check the path and its permissions")
    finally:
        if as_nobody:
            os.seteuid(0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_not_a_number_ends_the_audio_where_it_stands(value: float, subtype: str, tmp_path: Path) -> None:
    frames = np.stack([NOISE, NOISE], axis=1)
    frames[100_000, 1] = value
    soundfile.write(tmp_path / "a.wav", frames, SAMPLE_RATE, subtype=subtype)
    assert read(tmp_path / "a.wav") == (100_000, "NaN or infinity at 6.250 s; convert it anew")


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF"])
def test_what_is_there_of_a_cut_recording_is_heard(container: str, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    soundfile.write(path, NOISE, SAMPLE_RATE, format=container, subtype="PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    samples_start = len(data) - 2 * len(NOISE)
    there = (len(data) * 2 // 3 - samples_start) // 2
    heard, error = read(path)
    assert heard == pytest.approx(there, abs=8)
    assert error.startswith(f"cut short after {heard / SAMPLE_RATE:.3f} s; ")


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("FLAC", None)]
)
def test_what_can_be_decoded_of_a_cut_recording_is_heard(
    container: str, subtype: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "cut"
    soundfile.write(path, NOISE, SAMPLE_RATE, format=container, subtype=subtype)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    heard, error = read(path)
    assert heard == pytest.approx(len(NOISE) * 2 / 3, rel=0.1)
    assert error.startswith((f"cut short after {heard / SAMPLE_RATE:.3f} s; ", "damaged at "))


def spoil(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    start = round(len(data) * at)
    data[start : start + 3_000] = bytes(3_000)
    path.write_bytes(data)


@pytest.mark.parametrize("container", ["FLAC", "OGG"])
def test_damage_in_the_middle_is_said(container: str, tmp_path: Path) -> None:
    path = tmp_path / "spoilt"
    soundfile.write(path, NOISE, SAMPLE_RATE, format=container)
    spoil(path, 0.5)
    heard, error = read(path)
    assert heard > 0.4 * len(NOISE)
    assert error.startswith(("damaged at ", "parts of it are damaged and were skipped; "))


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_random_damage_never_gives_another_error(container: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    soundfile.write(path, NOISE[: 2 * SAMPLE_RATE], SAMPLE_RATE, format=container)
    good = path.read_bytes()
    random = np.random.default_rng(9)
    for _ in range(60):
        data = bytearray(good)
        for position in random.integers(0, min(len(data), 400), 3):
            data[position] = random.integers(256)
        path.write_bytes(data)
        assert "\n" not in attempt(path)[1]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere names are text")
def test_a_name_that_is_no_valid_text_is_read(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    Path(path).write_bytes(wav())
    with open_source(path) as source:
        assert [(block.source, len(block.pcm)) for block in source] == [(path, 1_000)]
    assert len(read_samples(Path(path))) == 1_000
