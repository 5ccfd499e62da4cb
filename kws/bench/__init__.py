"""What kws costs here: CPU time, start-up, memory and latency, beside a peer if that is installed.

Every run is a fresh process on one core with one thread (worker.py); figures are medians over
runs, with the lowest and the highest.
"""

from __future__ import annotations

import importlib.util
import tempfile
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from kws.bench.process import OURS, Plan, Run, Spread, run
from kws.engine import Engine
from kws.evaluation.matching import Matched, Occurrence, match_detections
from kws.selftest import Recording, replay
from kws.sources import open_source
from kws.types import SAMPLE_RATE, Samples

PEER = "pymicro-wakeword"
PEER_ADAPTER = Path(__file__).with_name("pymicro_wakeword.py")
MANY = 4
"""Models in the test with several."""

Load = tuple[Path, tuple[str, ...]]
"""An adapter and its models."""


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


def configurations(models: Sequence[str]) -> dict[str, Load]:
    """Title -> what is loaded; the peer's models and the peer itself appear where it is installed."""
    found: dict[str, Load] = {
        "front end": (OURS, ()),
        "1 model": (OURS, (models[0],)),
        f"{MANY} models": (OURS, tuple(islice(cycle(models), MANY))),
    }
    for part, theirs in _peer_parts().items():
        found[_on_peer_models(part)] = (OURS, theirs)
        found[_by_peer(part)] = (PEER_ADAPTER, theirs)
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


def peer_models() -> tuple[str, ...]:
    """Manifests of the first models inside the peer's package; empty where it is not installed."""
    spec = importlib.util.find_spec("pymicro_wakeword")
    if spec is None or spec.origin is None:
        return ()
    return tuple(str(path) for path in sorted((Path(spec.origin).parent / "models").glob("*.json"))[:MANY])


def _peer_parts() -> dict[str, tuple[str, ...]]:
    theirs = peer_models()
    return {"front end": (), "1 model": theirs[:1], f"{MANY} models": theirs} if theirs else {}


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
        write_wav(audio, _joined(recordings, seconds))
        plans = {
            title: Plan(audio, seconds, adapter, theirs)
            for title, (adapter, theirs) in configurations(models).items()
        }
        rounds = [{title: run(plan) for title, plan in plans.items()} for _ in range(runs)]
    return {title: Cost(tuple(done[title] for done in rounds)) for title in plans}


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


def _joined(recordings: Sequence[Recording], seconds: float) -> Samples:
    whole = np.concatenate([pcm for recording in recordings for pcm in _blocks(recording)])
    return np.resize(whole, round(seconds * SAMPLE_RATE))


def _blocks(recording: Recording) -> Iterator[Samples]:
    with open_source(recording.audio) as blocks:
        yield from (block.pcm for block in blocks)


def write_wav(path: Path, pcm: Samples) -> None:
    """16-bit mono, as the worker reads it."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.astype("<i2").tobytes())


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
