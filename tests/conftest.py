"""What many tests share: what a machine must have for a marked test, signals, speech and real recordings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from signals import SIGNALS

from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip, read_manifest, recordings_manifest

pytest_plugins = ["ci_rules"]

# A shell starts background jobs with Ctrl-C ignored, and the programs that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

COMMAND_OF = {
    "alsa-utils": "arecord",
    "chromium-driver": "chromedriver",
    "gcc-aarch64-linux-gnu": "aarch64-linux-gnu-gcc",
    "gcc-arm-linux-gnueabihf": "arm-linux-gnueabihf-gcc",
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "pulseaudio-utils": "pactl",
    "python3-venv": "python3",
    "qemu-system-misc": "qemu-system-riscv32",
    "qemu-user-static": "qemu-arm-static",
    "systemd": "systemd-analyze",
}
"""Debian packages whose command is not called as they are."""
LIBRARY_OF = {"libportaudio2": "portaudio", "libpulse0": "pulse"}
"""Debian packages that are a library."""
PLUGIN_OF = {"libasound2-plugins": "alsa-lib/libasound_module_pcm_pulse.so"}
"""Debian packages that a library loads by its path: a file below one of the folders of libraries."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a marked test whose tool or data is missing, naming it; with CI=true that is a failure."""
    for missing in _missing(item):
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} (CI=true: nothing is skipped)", pytrace=False)
        pytest.skip(missing)


def _missing(item: pytest.Item) -> list[str]:
    found = []
    if item.get_closest_marker("recordings") and not recordings_manifest().is_file():
        found.append(f"no real recordings at {recordings_manifest()}; set KWS_DATA to the data root")
    if item.get_closest_marker("tensorflow") and not importlib.util.find_spec("tensorflow"):
        found.append('no TensorFlow; pip install ".[train]"')
    packages = [package for mark in item.iter_markers("debian") for package in _packages(mark)]
    return found + [f"apt-get install {package}" for package in packages if not _installed(package)]


def _packages(mark: pytest.Mark) -> tuple[str, ...]:
    """The packages that a mark names; one without a name would let its test fail instead of being skipped."""
    if not mark.args:
        pytest.fail('mark "debian" names no package; write debian("espeak-ng")', pytrace=False)
    return mark.args


def _installed(package: str) -> bool:
    if package in PLUGIN_OF:
        places = ("lib*", "lib/*")  # plain, and by architecture as Debian has it
        return any(any(Path("/usr").glob(f"{place}/{PLUGIN_OF[package]}")) for place in places)
    if package in LIBRARY_OF:
        return find_library(LIBRARY_OF[package]) is not None
    # Debian keeps servers in /usr/sbin, which is not on every user's path.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    return shutil.which(COMMAND_OF.get(package, package), path=path) is not None


@pytest.fixture(params=SIGNALS)
def signal(request: pytest.FixtureRequest) -> Samples:
    """Each of the named signals in turn."""
    return SIGNALS[request.param]


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Samples]:
    """say(text, voice, words_per_minute) -> int16 samples at 16 kHz; mark its tests debian("espeak-ng")."""

    def say(text: str, voice: str = "en-us", words_per_minute: int = 150) -> Samples:
        path = tmp_path_factory.mktemp("say") / "speech.wav"
        command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-w", str(path), text]
        subprocess.run(command, check=True, capture_output=True)
        return _at_16_khz(path)

    return say


def _at_16_khz(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="float64")
    resampled = soxr.resample(samples, rate, SAMPLE_RATE)
    return np.clip(np.rint(resampled * 32768), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="session")
def clips() -> list[Clip]:
    """All real recordings; mark its tests `recordings`."""
    return read_manifest(recordings_manifest())


@pytest.fixture(scope="session")
def recording(clips: list[Clip]) -> Callable[[str, str], Samples]:
    """recording(corpus, label) -> samples of the first dev clip of that corpus that says it ("": any)."""

    def recording(corpus: str, label: str) -> Samples:
        wanted = (
            c for c in clips if c.split == "dev" and c.corpus == corpus and (not label or c.says(label))
        )
        return read_samples(next(wanted).path)

    return recording
