"""What a user would pick instead: each engine, how it is installed, and the words that it knows."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from kws.bench import PEER_ADAPTER
from kws.bench.process import OURS

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".cache" / "peers"
_HERE = Path(__file__).parent
_PACKAGES = ("kws", "training", "firmware_export")
"""Those that pip installs of us."""
_TOOLS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
"""What every virtual environment holds before anything is installed."""


@dataclass(frozen=True, eq=False)
class Engine:
    """One of those compared."""

    name: str
    adapter: Path
    pip: tuple[str, ...]
    """Arguments of pip install."""
    words: Mapping[str, str]
    """Phrase -> what the engine calls it."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Phrase -> the score at which the engine reports it by default; without one, users choose."""
    chunk: int = 1280
    """Samples that it takes at a time."""
    options: Mapping[str, Any] = field(default_factory=dict)
    scored: Mapping[str, Any] = field(default_factory=dict)
    """Further options where scores are asked for."""
    model_files: tuple[str, ...] = ()
    """Patterns, below its packages, of what it loads for one word besides code."""
    own_files: tuple[Path, ...] = ()
    """The same from elsewhere."""

    def models(self, count: int) -> tuple[str, ...]:
        """So many models, in turn from the beginning where it knows fewer."""
        return tuple(islice(cycle(self.words.values()), count))


class NotInstalledError(Exception):
    """An engine that cannot be had here; the text is the last line of venv or pip."""


OURSELVES = Engine(
    "kws",
    OURS,
    (str(ROOT),),
    {"computer": "computer", "alexa": "alexa", "jarvis": "jarvis"},
    chunk=640,
    model_files=(
        "kws/models/computer.*",
        "kws/models/heads/computer.*",
        "pyopen_wakeword/models/embedding_model.tflite",
    ),
)
TWO_STAGES = replace(OURSELVES, adapter=_HERE / "kws_two_stages.py")
"""As it is by default, to be asked what it has heard."""
FIRST_STAGE = replace(
    OURSELVES,
    name="kws, first stage alone",
    options={"confirm": "none"},
    scored={"scores": True},
    model_files=("kws/models/computer.*",),
)
"""With `--confirm none`."""

PEERS = (
    Engine(
        "pymicro-wakeword",
        PEER_ADAPTER,
        ("pymicro-wakeword==2.5.0",),
        {
            "alexa": "alexa.json",
            "hey jarvis": "hey_jarvis.json",
            "hey mycroft": "hey_mycroft.json",
            "okay nabu": "okay_nabu.json",
        },
        thresholds={"alexa": 0.9, "hey jarvis": 0.97},
        chunk=640,
        model_files=("pymicro_wakeword/models/alexa.*",),
    ),
    Engine(
        "pyopen-wakeword",
        _HERE / "pyopen_wakeword.py",
        ("pyopen-wakeword==1.1.0",),
        {name.replace("_", " "): name for name in ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")},
        thresholds={"alexa": 0.5, "hey jarvis": 0.5},
        model_files=tuple(
            f"pyopen_wakeword/models/{name}.tflite" for name in ("alexa", "embedding_model", "melspectrogram")
        ),
    ),
    Engine(
        "openwakeword",
        _HERE / "openwakeword.py",
        ("openwakeword==0.5.1", "numpy<2"),
        {
            name.replace("_", " "): name
            for name in ("alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy", "timer", "weather")
        },
        thresholds={"alexa": 0.5, "hey jarvis": 0.5},
        model_files=tuple(
            f"openwakeword/resources/models/{name}.tflite"
            for name in ("alexa_v0.1", "embedding_model", "melspectrogram")
        ),
    ),
    Engine(
        "pvporcupine",
        _HERE / "pvporcupine.py",
        # It asks for enum34, which breaks the standard library's enum on Python 3.11.
        ("--no-deps", "pvporcupine==1.9.5", "numpy"),
        {
            word: word
            for word in (
                *("computer", "alexa", "jarvis", "americano", "blueberry"),
                *("bumblebee", "grapefruit", "grasshopper", "picovoice", "porcupine"),
            )
        },
        thresholds=dict.fromkeys(("computer", "alexa", "jarvis"), 0.5),
        chunk=512,
        scored={"direct": True},
        model_files=(
            "pvporcupine/lib/common/porcupine_params.pv",
            "pvporcupine/resources/keyword_files/linux/computer_linux.ppn",
        ),
    ),
    Engine(
        "wakeforge",
        _HERE / "wakeforge.py",
        ("ovos-ww-plugin-wakeforge==0.6.0a1",),
        {
            name.replace("_", " "): name
            for name in ("computer", "alexa", "hey_mycroft", "hey_mycroft_synthetic", "ok_nabu", "wake_up")
        },
        thresholds={"computer": 0.99, "alexa": 0.99},
        model_files=(
            "ovos_ww_plugin_wakeforge/models/computer.onnx",
            "ovos_ww_plugin_wakeforge/featurizers/wakehubert-tiny/wakehubert.onnx",
        ),
    ),
    Engine(
        "pocketsphinx",
        _HERE / "pocketsphinx_words.py",
        ("pocketsphinx==5.1.1",),
        {
            word: word
            for word in (
                *("computer", "alexa", "jarvis", "hey computer", "athena", "amelia"),
                *("android", "coffee", "kitchen", "lights on"),
            )
        },
        chunk=1600,
        model_files=("pocketsphinx/model/en-us/en-us/*", "pocketsphinx/model/en-us/cmudict-en-us.dict"),
    ),
)
LISTENERS = (TWO_STAGES, FIRST_STAGE, *PEERS)
"""Those whose misses and false alarms are counted."""


@cache
def python_of(engine: Engine) -> Path:
    """The interpreter of its virtual environment, made on demand; kws runs where this program runs.

    Raises:
        NotInstalledError: pip cannot, or there is no module venv.
    """
    return Path(sys.executable) if engine not in PEERS else environment_of(engine) / "bin" / "python"


def environment_of(engine: Engine) -> Path:
    """Its virtual environment, made anew when what it is to hold has changed; raises NotInstalledError."""
    folder = ENVIRONMENTS / engine.name
    installed, holds = folder / "installed.json", _held(engine)
    if installed.is_file() and json.loads(installed.read_text()) == holds:
        return folder
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", folder], [*pip, *engine.pip]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise NotInstalledError((said or ["pip failed"])[-1])
    installed.write_text(json.dumps(holds))
    return folder


def _held(engine: Engine) -> list[str]:
    """The arguments of pip; of our own packages also what would be copied, by names and sizes."""
    if not engine.pip[:1] or not engine.pip[0].startswith(str(ROOT)):
        return list(engine.pip)
    files = [path for package in _PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    sizes = sorted((str(p.relative_to(ROOT)), p.stat().st_size) for p in files if p.suffix != ".pyc")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return [*engine.pip, hashlib.sha256(json.dumps([sizes, settings]).encode()).hexdigest()]


@dataclass(frozen=True)
class Footprint:
    """Bytes on disk."""

    installed: int
    """All packages that it needs, without the interpreter."""
    models: int
    """What it loads for its first word."""


def footprint(engine: Engine) -> Footprint:
    """Of an engine and all that it needs; raises NotInstalledError."""
    (packages,) = (environment_of(engine) / "lib").glob("python*/site-packages")
    ours = [path for path in packages.iterdir() if not path.name.startswith(_TOOLS)]
    models = [file for pattern in engine.model_files for file in packages.glob(pattern)]
    return Footprint(sum(map(_bytes, ours)), sum(map(_bytes, [*models, *engine.own_files])))


def _bytes(path: Path) -> int:
    """Without compiled code, which Python writes by itself."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc")
