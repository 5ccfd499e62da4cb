"""Make the recordings of `kws selftest` by text-to-speech, with the places of the wake words in them.

    python scripts/make_recordings.py           # writes kws/selftest/*.flac and *.words.jsonl
    kws selftest --write                        # then writes what the bundled models hear in them

Needs the Debian packages espeak-ng and flite. Words in [brackets] are wake words: each is spoken by itself
and joined to its neighbours, so its start and end are known.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from kws.evaluation.activity import speech_span
from kws.selftest import RECORDINGS
from kws.types import SAMPLE_RATE

SPEECH_RMS = 0.06
FLOOR_RMS = 0.0006
PAUSE = SAMPLE_RATE * 6 // 10
MARGIN = SAMPLE_RATE * 4 // 100
"""Kept around every piece of speech, so that soft beginnings and ends are not cut."""
COMMANDS = {
    "espeak-ng": ("espeak-ng", "-v", "{0}", "-w", "{1}", "{2}"),
    "flite": ("flite", "-voice", "{0}", "-o", "{1}", "-t", "{2}"),
}
"""Speech programs; the places are for voice, output file and text."""


@dataclass(frozen=True)
class Scene:
    """One recording: who says what, in what noise."""

    name: str
    lines: tuple[tuple[str, str], ...] = ()
    """Pairs of voice ("espeak-ng:en-us+f3", "flite:slt") and text."""
    noise_rms: float = FLOOR_RMS
    """Of pink noise under everything."""


SCENES = (
    Scene(
        "calls",
        (
            ("flite:slt", "[computer] what is the weather"),
            ("espeak-ng:en-us+m3", "[jarvis] turn on the kitchen light"),
            ("flite:rms", "[alexa] play some music"),
        ),
    ),
    Scene(
        "sentences",
        (
            ("flite:rms", "please ask the [computer] for the news of today"),
            ("flite:slt", "good morning [jarvis] how are you"),
            ("espeak-ng:en-us+f3", "well [alexa] stop the timer"),
        ),
    ),
    Scene(
        "noisy",
        (
            ("flite:slt", "[alexa] set an alarm for seven"),
            ("flite:rms", "[computer] lights off"),
            ("flite:slt", "[jarvis] open the door"),
        ),
        noise_rms=SPEECH_RMS / 10 ** (10 / 20),
    ),
    Scene(
        "near-misses",
        (
            ("flite:slt", "the commuter train was late again"),
            ("flite:rms", "she wants to compete with her brother"),
            ("espeak-ng:en-us+m3", "a jar of honey and some harvest bread"),
            ("flite:slt", "Alec sat in the library of Alexandria"),
        ),
    ),
    Scene("noise", noise_rms=0.03),
)


def main() -> None:
    """Write every scene."""
    for number, scene in enumerate(SCENES):
        audio, words = render(scene, np.random.default_rng(number))
        pcm = np.round(np.clip(audio, -1, 1) * 32767).astype(np.int16)
        soundfile.write(RECORDINGS / f"{scene.name}.flac", pcm, SAMPLE_RATE)
        lines = "".join(json.dumps(word) + "\n" for word in words)
        (RECORDINGS / f"{scene.name}.words.jsonl").write_text(lines)
        print(f"{scene.name}: {len(pcm) / SAMPLE_RATE:.1f} s, {len(words)} wake words")


def render(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, list[dict[str, object]]]:
    """The scene's audio, float from -1 to 1, and its wake words with start and end in seconds."""
    parts = [np.zeros(SAMPLE_RATE)]
    words = []
    for voice, text in scene.lines:
        for piece in re.split(r"(\[\w+\])", text):
            if not piece.strip():
                continue
            spoken = speak(voice, piece.strip("[] "))
            if piece.startswith("["):
                start = sum(map(len, parts)) + MARGIN
                end = start + len(spoken) - 2 * MARGIN
                words.append(
                    {"name": piece.strip("[]"), "start": start / SAMPLE_RATE, "end": end / SAMPLE_RATE}
                )
            parts.append(spoken)
        parts.append(np.zeros(PAUSE))
    if not scene.lines:
        parts.append(np.zeros(9 * SAMPLE_RATE))
    audio = np.concatenate(parts)
    return audio + scene.noise_rms * pink_noise(len(audio), rng), words


def speak(voice: str, text: str) -> np.ndarray:
    """One piece of speech at SPEECH_RMS, with MARGIN samples of what is around it."""
    program, _, name = voice.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run([word.format(name, path, text) for word in COMMANDS[program]], check=True)
        audio, rate = soundfile.read(path, dtype="float64")
    audio = soxr.resample(audio, rate, SAMPLE_RATE)
    start, end = speech_span(np.round(audio * 32767).astype(np.int16))
    gain = SPEECH_RMS / np.sqrt(np.mean(audio[start:end] ** 2))
    return gain * np.pad(audio, MARGIN)[start : end + 2 * MARGIN]


def pink_noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit RMS whose power falls with 1 / frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples)
    return noise / np.sqrt(np.mean(noise**2))


if __name__ == "__main__":
    main()
