"""WAV without soundfile: the same blocks as with it, and what it says of everything else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import bursts

from kws.errors import SourceError
from kws.sources import open_source
from kws.sources.wav import WavSource
from kws.sources.whole import read_samples


def samples(path: Path) -> np.ndarray:
    with WavSource(str(path)) as blocks:
        found = list(blocks)
    assert [block.start for block in found] == list(np.cumsum([0, *(len(b.pcm) for b in found)])[:-1])
    return np.concatenate([block.pcm for block in found])


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (16_000, 2), (44_100, 1), (8_000, 3)])
def test_it_hears_what_soundfile_hears(tmp_path, rate, channels):
    path = tmp_path / "some.wav"
    soundfile.write(path, np.stack([bursts(seed=seed) for seed in range(channels)], axis=1), rate)
    np.testing.assert_array_equal(samples(path), read_samples(path))


def test_it_stands_in_where_soundfile_is_not_installed(tmp_path, monkeypatch):
    path = tmp_path / "some.wav"
    soundfile.write(path, bursts(), 16_000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    monkeypatch.delitem(sys.modules, "kws.sources.file")
    assert isinstance(open_source(path), WavSource)
    monkeypatch.undo()
    importlib.import_module("kws.sources.file")
    assert not isinstance(open_source(path), WavSource)


def test_without_soxr_other_rates_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "some.wav"
    soundfile.write(path, bursts(), 44_100)
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(SourceError, match=r"44100 hertz: soxr is not installed, .* record at that rate"):
        samples(path)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("some.flac", {}, "no WAV of PCM .* need soundfile"),
        ("some.wav", {"subtype": "PCM_24"}, "24-bit PCM; convert it to 16 bits"),
        ("some.wav", {"subtype": "FLOAT"}, "no WAV of PCM"),
    ],
)
def test_what_needs_soundfile_is_named(tmp_path, name, options, said):
    soundfile.write(tmp_path / name, bursts(), 16_000, **options)
    with pytest.raises(SourceError, match=said):
        samples(tmp_path / name)


def test_no_such_file_is_one_line(tmp_path):
    with pytest.raises(SourceError, match="No such file or directory; check the path"):
        samples(tmp_path / "none.wav")


@pytest.mark.parametrize(("kept", "seconds"), [(44, "0.000"), (44 + 16_001, "0.500"), (20, None)])
def test_a_cut_file_is_heard_as_far_as_it_goes(tmp_path, kept, seconds):
    path = tmp_path / "cut.wav"
    soundfile.write(path, bursts(), 16_000)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceError, match=f"cut short after {seconds} s" if seconds else "no WAV of PCM"):
        samples(path)
