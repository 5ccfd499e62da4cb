"""espeak-ng: a formant synthesizer; English accents times voice variants make some hundred speakers."""

from __future__ import annotations

import io
import shutil
import subprocess
from functools import partial
from itertools import product

import numpy as np
import soundfile

from kws.types import Samples
from training.synth import Voice
from training.synth.program import version

_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
_VARIANTS = (
    *(f"m{n}" for n in range(1, 9)),
    *(f"f{n}" for n in range(1, 6)),
    "Alex", "Andrea", "Annie", "Denis", "Gene", "Henrique", "Hugo", "Jacky", "Lee", "Mario", "Michael",
    "Nguyen", "Quincy", "Reed", "Rob", "Steph", "Storm", "Travis", "aunty", "belinda", "boris", "caleb",
    "ed", "edward", "gustave", "ian", "iven", "john", "kaukovalta", "klatt2", "klatt4", "linda", "marcelo",
    "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "ricishaymax", "robert", "sandro",
    "shelby", "steph3", "travis", "victor", "zac",
)  # fmt: skip


def voices() -> list[Voice]:
    """Every accent with every variant, or nothing when espeak-ng is not installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        return []
    names = [f"{accent}+{variant}" for accent, variant in product(_ACCENTS, _VARIANTS)]
    licence, found = "GPL-3 program, its speech is free", version(program, "--version")
    return [Voice(f"espeak:{name}", partial(_speak, program, name), licence, version=found) for name in names]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    command = [
        program,
        "-v",
        voice,
        "-s",
        str(round(165 * speed)),
        "-p",
        str(round(min(99, 50 * pitch))),
        "--stdout",
    ]
    done = subprocess.run([*command, "--", text], capture_output=True, check=False)
    if not done.stdout:
        return np.empty(0, np.int16), 22_050
    # espeak writes a WAV header with an impossible length to a pipe; soundfile reads what is there.
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="int16")
    return samples, rate
