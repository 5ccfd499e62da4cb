"""Clips to learn from that are made in a moment: sound like speech, and a recording of words."""

from __future__ import annotations

from pathlib import Path

import soundfile
from signals import bursts

from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE


def speechlike_clips(folder: Path) -> list[Path]:
    """Eight files of sound like speech and one of words, written there."""
    for number in range(8):
        soundfile.write(folder / f"{number}.wav", bursts(number), SAMPLE_RATE)
    soundfile.write(folder / "words.wav", read_samples(RECORDINGS / "calls.flac"), SAMPLE_RATE)
    return sorted(folder.iterdir())
