"""What kws costs here: CPU time, start-up, memory and latency, beside a peer if that is installed.

Every run is a fresh process on one core with one thread (worker.py); figures are medians over
runs, with the lowest and the highest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from kws.engine import Engine
from kws.errors import KwsError
from kws.evaluation.matching import Matched, Occurrence, match_detections
from kws.selftest import Recording, replay
from kws.sources import open_source
from kws.sources.capture import PIECE_SECONDS
from kws.types import SAMPLE_RATE, Samples

PEER = "pymicro-wakeword"
WORKER = str(Path(__file__).with_name("worker.py"))
BLOCK = round(PIECE_SECONDS * SAMPLE_RATE)
"""Samples heard at a time, as they come from a microphone."""
MANY = 4
"""Models in the test with several."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Spread:
    """Values of several runs.

    The median of all possible runs lies from `low` to `high` with confidence 1 - 2 / 2^runs: 97 % with six.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Median, lowest and highest."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


@dataclass(frozen=True)
class Run:
    """What one fresh process took."""

    cpu: float
    """CPU seconds per audio second."""
    startup: float
    """Seconds of wall-clock time from the start of the process until its models are ready."""
    peak_mb: float
    """Megabytes (10^6 bytes) of resident memory at most."""


@dataclass(frozen=True)
class Cost:
    """One configuration, run after run."""

    runs: tuple[Run, ...]

    def spread(self, of: str) -> Spread:
        """Of one field of `Run`."""
        return Spread.of(getattr(run, of) for run in self.runs)


@dataclass(frozen=True)
class Latency:
    """Seconds from the end of a word to the end of the audio that its detection needed."""

    p50: float | None
    p95: float | None
    words: int
    """Words in the recordings that the models know."""
    heard: int


def configurations(models: Sequence[str]) -> dict[str, list[str]]:
    """Title -> worker arguments; the peer's models and the peer itself appear where it is installed."""
    found = {
        "front end": ["kws"],
        "1 model": ["kws", models[0]],
        f"{MANY} models": ["kws", *islice(cycle(models), MANY)],
    }
    for part, theirs in _peer_parts().items():
        found[_on_peer_models(part)] = ["kws", *theirs]
        found[_by_peer(part)] = [PEER, *theirs]
    return found


def cpu_ratios(costs: Mapping[str, Cost]) -> dict[str, Spread]:
    """CPU time of kws to the peer's on its own models, round by round; empty where it is not installed."""
    return {
        part: _ratio(costs[_on_peer_models(part)], costs[_by_peer(part)])
        for part in _peer_parts()
        if _by_peer(part) in costs
    }


def _ratio(ours: Cost, theirs: Cost) -> Spread:
    return Spread.of(a.cpu / b.cpu for a, b in zip(ours.runs, theirs.runs, strict=True))


def peer_models() -> list[str]:
    """Manifests of the first models inside the peer's package; empty where it is not installed."""
    spec = importlib.util.find_spec("pymicro_wakeword")
    if spec is None or spec.origin is None:
        return []
    return [str(path) for path in sorted((Path(spec.origin).parent / "models").glob("*.json"))[:MANY]]


def _peer_parts() -> dict[str, list[str]]:
    theirs = peer_models()
    return {"front end": [], "1 model": theirs[:1], f"{MANY} models": theirs} if theirs else {}


def _on_peer_models(part: str) -> str:
    return f"kws, {part} of the peer" if "model" in part else "front end"


def _by_peer(part: str) -> str:
    return f"{PEER}, {part}"


def measure(
    models: Sequence[str], *, runs: int, seconds: float, recordings: Sequence[Recording]
) -> dict[str, Cost]:
    """The cost of every configuration on `seconds` of the recordings, joined and repeated.

    Configurations take turns, one run each a round, so that what else the machine does falls on all alike.

    Raises:
        KwsError: a worker failed; the text holds its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        _write_wav(audio, _joined(recordings, seconds))
        workers = configurations(models)
        rounds = [{title: _run(worker, audio) for title, worker in workers.items()} for _ in range(runs)]
    return {title: Cost(tuple(done[title] for done in rounds)) for title in workers}


def latency(recordings: Iterable[Recording], engine: Engine) -> Latency:
    """How long after their ends the labelled words of these recordings are heard."""
    delays: list[float] = []
    words = 0
    for recording in recordings:
        for matched in _matched(recording, engine):
            delays += matched.latencies
            words += len(matched.heard)
    return Latency(_percentile(delays, 50), _percentile(delays, 95), words, len(delays))


def _matched(recording: Recording, engine: Engine) -> Iterator[Matched]:
    heard = replay(recording, engine)
    for label in {label for wake_word in engine.wake_words for label in wake_word.bundle.labels}:
        said = [Occurrence(word.start, word.end) for word in recording.words if word.name == label]
        yield match_detections([detection for detection in heard if detection.name == label], said)


def _run(worker: Sequence[str], audio: Path) -> Run:
    kind, *models = worker
    command = [sys.executable, WORKER, kind, str(BLOCK), str(audio), *models]
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **ONE_THREAD}
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            startup = time.perf_counter() - started
            output = process.stdout.read()
        if process.returncode:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["it failed"])[-1]
            raise KwsError(f"bench: {' '.join(worker)}: {last}")
    result = json.loads(output)
    return Run(result["cpu"], startup, result["peak_mb"])


def _joined(recordings: Sequence[Recording], seconds: float) -> Samples:
    whole = np.concatenate([pcm for recording in recordings for pcm in _blocks(recording)])
    return np.resize(whole, round(seconds * SAMPLE_RATE))


def _blocks(recording: Recording) -> Iterator[Samples]:
    with open_source(recording.audio) as blocks:
        yield from (block.pcm for block in blocks)


def _write_wav(path: Path, pcm: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.astype("<i2").tobytes())


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
