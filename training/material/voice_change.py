"""One speaker into another: pitch, vocal tract and breath changed apart from each other, durations kept.

WORLD (Morise, Yokomori and Ozawa 2016) splits speech into fundamental frequency, spectral envelope and
aperiodicity; each is changed alone, and speech is put together again. Stretching the envelope's
frequency axis by r moves all formants by r, as a vocal tract of 1/r the length would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyworld

from kws.types import SAMPLE_RATE, Samples

_HOP_MS = 5.0
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0
"""Fundamental frequencies looked for: men's to children's."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VoiceChange:
    """What makes another speaker of the same words."""

    pitch: float = 1.0
    """Factor of the fundamental frequency."""
    formants: float = 1.0
    """Factor of all formants: 1.2 makes a child of a woman, 0.85 a man."""
    intonation: float = 1.0
    """Factor of how far the pitch moves about its mean, in octaves: 0 is monotonous."""
    tilt_db: float = 0.0
    """Timbre: gain at 4 kHz against 250 Hz, growing evenly with each octave."""
    breath: float = 1.0
    """Power of the noise in voiced sounds: below 1 more of it, above 1 less; 1 keeps it."""


def random_change(rng: np.random.Generator) -> VoiceChange:
    """A speaker from near the one there is to one of another age or sex; pitch and formants tend together.

    Formants follow by 0.3 of the pitch's logarithm, as between men and women (pitch 1.7, formants 1.17),
    and scatter about that.
    """
    pitch = rng.normal(0, 0.22)
    formants = 0.3 * pitch + rng.normal(0, 0.07)
    return VoiceChange(
        pitch=float(np.exp(np.clip(pitch, -0.45, 0.45))),
        formants=float(np.exp(np.clip(formants, -0.22, 0.22))),
        intonation=float(rng.uniform(0.6, 1.5)),
        tilt_db=float(rng.normal(0, 3)),
        breath=float(rng.uniform(0.5, 1.2)),
    )


def change_voice(samples: Samples, change: VoiceChange) -> Samples:
    """Speech at 16 kHz, int16 (n,), by the changed speaker, (n,); clips under 50 ms come back as they are."""
    if len(samples) < SAMPLE_RATE // 20:
        return samples.copy()
    x = samples.astype(np.float64) / 32768
    raw, times = pyworld.dio(x, SAMPLE_RATE, _LOWEST_HZ, _HIGHEST_HZ, frame_period=_HOP_MS)
    f0 = pyworld.stonemask(x, raw, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(x, f0, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(x, f0, times, SAMPLE_RATE)
    y = pyworld.synthesize(
        _moved_pitch(f0, change),
        _tilted(_stretched(envelope, change.formants), change.tilt_db),
        np.clip(_stretched(aperiodicity, change.formants) ** change.breath, 0, 1),
        SAMPLE_RATE,
        _HOP_MS,
    )
    return _to_int16(y, len(samples))


def _moved_pitch(f0: Matrix, change: VoiceChange) -> Matrix:
    """Unvoiced frames are 0 and stay 0."""
    voiced = f0 > 0
    if not voiced.any():
        return f0
    moved = np.zeros_like(f0)
    octaves = np.log2(f0[voiced])
    moved[voiced] = 2 ** (octaves.mean() + (octaves - octaves.mean()) * change.intonation) * change.pitch
    return moved


def _stretched(frames: Matrix, factor: float) -> Matrix:
    """frames (t, bins) with what stood at frequency f at f * factor; the top repeats its last bin."""
    if factor == 1:
        return frames
    bins = np.arange(frames.shape[1])
    source = np.clip(bins / factor, 0, frames.shape[1] - 1)
    below = np.minimum(source.astype(int), frames.shape[1] - 2)
    share = source - below
    return np.ascontiguousarray(frames[:, below] * (1 - share) + frames[:, below + 1] * share)


def _tilted(envelope: Matrix, tilt_db: float) -> Matrix:
    """Power envelope with a gain of tilt_db / 4 an octave, 0 dB at 1 kHz, level below 125 Hz."""
    hertz = np.linspace(0, SAMPLE_RATE / 2, envelope.shape[1])
    octaves = np.log2(np.maximum(hertz, 125) / 1000)
    return np.ascontiguousarray(envelope * 10 ** (tilt_db / 4 * octaves / 10))


def _to_int16(y: Matrix, length: int) -> Samples:
    """Cut or padded to `length`, and quieter as a whole where it would clip."""
    y = np.pad(y[:length], (0, max(0, length - len(y))))
    peak = np.abs(y).max()
    return np.rint(y * min(32767, 32767 / max(peak, 1e-9))).astype(np.int16)
