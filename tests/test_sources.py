"""Sources are found by URI, and all keep the same contract."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile

import kws
from kws.sources import MODULES, from_samples, open_source, split_uri
from kws.sources.stdin import StdinSource
from kws.types import SAMPLE_RATE, Source

SAMPLES = np.random.default_rng(4).integers(-3_000, 3_000, 20_001).astype(np.int16)


@contextmanager
def from_file(directory: Path) -> Iterator[Source]:
    soundfile.write(directory / "a.wav", SAMPLES, SAMPLE_RATE)
    with open_source(directory / "a.wav") as source:
        yield source


@contextmanager
def from_stdin(directory: Path) -> Iterator[Source]:
    path = directory / "a.pcm"
    path.write_bytes(SAMPLES.astype("<i2").tobytes())
    with path.open("rb") as file, StdinSource(SAMPLE_RATE, 1, file.fileno()) as source:
        yield source


@contextmanager
def from_memory(directory: Path) -> Iterator[Source]:
    with from_samples(SAMPLES) as source:
        yield source


# A microphone has no end, so tests/test_sources_microphone.py holds it to the same contract.
FINITE = {"file": from_file, "stdin": from_stdin, "memory": from_memory}


@pytest.fixture(params=FINITE)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    with FINITE[request.param](tmp_path) as source:
        yield source


def test_blocks_join_to_the_samples(source: Source) -> None:
    blocks = list(source)
    np.testing.assert_array_equal(np.concatenate([block.pcm for block in blocks]), SAMPLES)
    for block in blocks:
        assert block.pcm.dtype == np.int16
        assert block.source
        assert block.events == ()


def test_starts_count_from_zero_without_loss(source: Source) -> None:
    position = 0
    for block in source:
        assert block.start == position
        position += len(block.pcm)
    assert position == len(SAMPLES)


def test_blocks_stay_as_they_were(source: Source) -> None:
    kept = [(block.pcm, block.pcm.copy()) for block in source]
    assert len(kept) > 1
    for pcm, copy in kept:
        np.testing.assert_array_equal(pcm, copy)


def test_every_scheme_is_tested() -> None:
    assert set(MODULES) <= {*FINITE, "mic"}


@pytest.mark.parametrize("scheme", MODULES)
def test_every_scheme_has_a_module_that_opens_an_address(scheme: str) -> None:
    assert callable(import_module(MODULES[scheme]).open_address)


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("-", ("stdin", "")),
        ("mic:", ("mic", "")),
        ("mic:USB: Audio", ("mic", "USB: Audio")),
        ("a.wav", ("file", "a.wav")),
        ("file:mic:", ("file", "mic:")),
        ("C:\\a.wav", ("file", "C:\\a.wav")),
        ("10:30 today.wav", ("file", "10:30 today.wav")),
        ("mic", ("file", "mic")),
    ],
)
def test_uri(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


@pytest.mark.parametrize(("name", "value"), [("rate", 0), ("rate", -8_000), ("rate", 10**9), ("channels", 0)])
def test_impossible_rate_and_channels(name: str, value: int) -> None:
    with pytest.raises(kws.SourceError, match=f"^{name}: {value}.* is not possible; give"):
        open_source("-", **{name: value})


def test_nothing_is_opened_before_the_with_statement(tmp_path: Path) -> None:
    source = open_source(tmp_path / "missing.wav")
    with pytest.raises(kws.SourceError), source:
        pass


def test_import_loads_no_audio_library() -> None:
    heavy = {"sounddevice", "soundfile", "soxr"}
    code = f"import kws, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_memory_source_names_what_it_cannot_take() -> None:
    with pytest.raises(ValueError, match="int16"):
        from_samples(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="block is 0"):
        from_samples(SAMPLES, block=0)
