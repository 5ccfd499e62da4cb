"""Recordings of every common format, rate and channel count become the same 16 kHz mono audio."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kws.sources import open_source
from kws.types import SAMPLE_RATE, Samples

TONE = 440.0
LEVEL = 0.4

WAV = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW", "IMA_ADPCM"]
FORMATS = [
    *(("WAV", subtype) for subtype in WAV),
    ("RF64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
CODEC_RATES = {"OPUS": {8_000, 16_000, 48_000}, "MPEG_LAYER_III": set(range(8_000, 48_001))}
"""Rates that a codec has, hertz; the others take all."""
SHAPES = [
    (8_000, 1),
    (11_025, 2),
    (16_000, 1),
    (16_000, 6),
    (22_050, 1),
    (44_100, 2),
    (48_000, 6),
    (96_000, 2),
]
"""Rate in hertz, channels."""
STEREO_AT_MOST = {"VORBIS", "OPUS", "MPEG_LAYER_III", "IMA_ADPCM"}
"""MP3 and ADPCM have no six channels; the others make one a subwoofer's, without the tone."""
ENCODED = [
    (container, subtype, rate, channels)
    for container, subtype in FORMATS
    for rate, channels in SHAPES
    if rate in CODEC_RATES.get(subtype, {rate}) and (channels <= 2 or subtype not in STEREO_AT_MOST)
]


def read(path: Path) -> Samples:
    with open_source(path) as source:
        return np.concatenate([block.pcm for block in source])


def tone(seconds: float, rate: int) -> np.ndarray:
    return LEVEL * np.sin(2 * np.pi * TONE * np.arange(round(seconds * rate)) / rate)


def share_of_tone(samples: Samples) -> tuple[float, float]:
    """Amplitude of TONE in the middle half, full scale 1, and the rest's power relative to it."""
    middle = samples[len(samples) // 4 : -len(samples) // 4] / 32_768
    angle = 2 * np.pi * TONE * np.arange(len(middle)) / SAMPLE_RATE
    basis = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, middle, rcond=None)
    rest = middle - basis @ weights
    return float(np.hypot(*weights)), float(np.mean(rest**2) / np.mean(middle**2))


@pytest.mark.parametrize(("container", "subtype", "rate", "channels"), ENCODED)
def test_a_tone_comes_through(container: str, subtype: str, rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "tone"
    frames = np.repeat(tone(2, rate)[:, None], channels, axis=1)
    soundfile.write(path, frames, rate, format=container, subtype=subtype)
    out = read(path)
    amplitude, rest = share_of_tone(out)
    assert amplitude == pytest.approx(LEVEL, rel=0.02)
    assert rest < 0.01
    # ADPCM fills its last block with silence.
    assert len(out) == pytest.approx(2 * SAMPLE_RATE, abs=1 if subtype != "IMA_ADPCM" else 2_000)


def test_16_bit_pcm_is_untouched(tmp_path: Path) -> None:
    samples = np.random.default_rng(6).integers(-32_768, 32_767, 30_000, endpoint=True).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE)
    np.testing.assert_array_equal(read(tmp_path / "a.wav"), samples)


def test_reading_in_chunks_decodes_as_reading_the_whole(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).normal(0, 0.3, 10 * SAMPLE_RATE)
    noise[2 * SAMPLE_RATE : 5 * SAMPLE_RATE] = 0  # after silence an MP3 frame leans on its predecessors
    for container in ("MP3", "OGG", "FLAC"):
        soundfile.write(tmp_path / container, noise, SAMPLE_RATE, format=container)
        whole, _ = soundfile.read(tmp_path / container, dtype="float32")
        expected = np.clip(whole * 32_768, -32_768, 32_767)
        assert np.abs(read(tmp_path / container) - expected).max() <= 1, container


def test_float_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    values = np.array([0.5, 1.0, 1.5, -1.0, -7.0, 1e30], np.float32)
    soundfile.write(tmp_path / "a.wav", values, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_array_equal(
        read(tmp_path / "a.wav"), [16_384, 32_767, 32_767, -32_768, -32_768, 32_767]
    )


def test_source_is_the_path_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", tone(0.1, SAMPLE_RATE), SAMPLE_RATE)
    with open_source("./a.wav") as source:
        assert {block.source for block in source} == {"./a.wav"}


def test_blocks_are_about_half_a_second_at_any_rate(tmp_path: Path) -> None:
    for rate in (8_000, 44_100):
        soundfile.write(tmp_path / "a.wav", tone(10, rate), rate)
        with open_source(tmp_path / "a.wav") as source:
            assert len(list(source)) == pytest.approx(20, abs=2)


def test_a_wav_from_a_recorder_that_wrote_to_a_pipe_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1, SAMPLE_RATE), SAMPLE_RATE)
    data = bytearray(path.read_bytes())
    for unknown in (b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f", b"\x24\x00\xff\x7f"):
        data[4:8] = data[40:44] = unknown
        path.write_bytes(data)
        assert len(read(path)) == SAMPLE_RATE


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_hours_of_audio_take_constant_memory(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "day.wav"
    hours = 1
    soundfile.write(path, np.zeros(0, np.int16), rate)
    size = hours * 3_600 * rate * 2
    with path.open("r+b") as file:  # the samples are a hole in the file, which takes no space
        file.truncate(44 + size)
        file.seek(4)
        file.write((36 + size).to_bytes(4, "little"))
        file.seek(40)
        file.write(size.to_bytes(4, "little"))
    heard = 0
    tracemalloc.start()
    try:
        with open_source(path) as source:
            for block in source:
                heard += len(block.pcm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert heard == hours * 3_600 * SAMPLE_RATE
    assert peak < 3_000_000
