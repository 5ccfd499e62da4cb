"""CPU time of each stage of the runtime, one thread, stages taking turns."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cost import minute
from benchmarks.limit import front_end_macs, model_macs, peak_macs
from benchmarks.table import markdown, spread_text
from kws.bench import write_wav
from kws.bench.process import Spread
from kws.bundle import bundled_names, find_bundle
from kws.daemon import listen
from kws.detector import Detector
from kws.encoders.logmel import LogMel
from kws.encoders.speech_embedding import SpeechEmbedding
from kws.frontend import Frontend, FrontendConfig
from kws.frontends import new_front_end
from kws.loading import load
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.sinks.memory import Collector
from kws.sources import open_source
from kws.types import SAMPLE_RATE, Samples
from training.voice_change import change_voice, random_change

SECONDS = 60
BLOCK = SAMPLE_RATE // 25
"""Samples handed over at a time, 40 ms."""
RESETS = 20

WHOLE = "all of it"
C_CALLS = "in it, the package's C functions alone"

Work = Callable[[], object]


def _stages() -> dict[str, Work]:
    """Title -> hearing a minute of the selftest's recordings once."""
    audio = minute()
    rows = Frontend().push(audio)
    bundle = find_bundle(bundled_names()[0])
    wake_word, reference = bundle.open_model(), bundle.open_model(reference_kernels=True)
    recognizer = AcousticModel(find_recognizer("english"))
    speech = new_front_end(recognizer.front_end).push(audio)
    change = random_change(np.random.default_rng(1))
    return {
        "micro front end": _streamed(Frontend().push, audio),
        "log-mel rows": _streamed(LogMel().push, audio),
        "speech embedding with them, float32": _streamed(SpeechEmbedding().push, audio),
        "speech embedding with them, int8": _streamed(SpeechEmbedding(int8=True).push, audio),
        "one wake word on rows": lambda: wake_word.push(rows),
        "the same on reference kernels": lambda: reference.push(rows),
        "recognizer, encoder and all": lambda: recognizer.push(speech),
        "changing a voice (training)": lambda: change_voice(audio, change),
    }


def _of_a_run() -> dict[str, Work]:
    """What `kws run` does, and parts of it by themselves."""
    audio = minute()
    handle, path = tempfile.mkstemp(".wav")
    os.close(handle)
    write_wav(Path(path), audio)
    engine, bundle = load(bundled_names()[0]), find_bundle(bundled_names()[0])
    front_end, model = Frontend(), bundle.open_model()
    detector = Detector(bundle.detector_config(model, None))
    half = SAMPLE_RATE // 2
    rows = [front_end.push(block) for block in _blocks(audio, half)]
    outputs = [model.push(part)[:, 0] for part in rows]

    def read() -> None:
        with open_source(path) as blocks:
            for _ in blocks:
                pass

    return {
        WHOLE: lambda: listen(open_source(path), engine, [Collector()]),
        "reading the file": read,
        "front end": _streamed(front_end.push, audio, half),
        C_CALLS: partial(_call_the_package, audio.tobytes()),
        "model": lambda: [model.push(part) for part in rows],
        "detector": lambda: [detector.push(part) for part in outputs],
    }


def _call_the_package(audio: bytes) -> None:
    from micro_features_cpp import create_frontend, process_samples

    state, step = create_frontend(), 2 * FrontendConfig().step_samples
    for offset in range(0, len(audio) - step + 1, step):
        process_samples(state, audio[offset : offset + step])


def measure(rounds: int) -> dict[str, Any]:
    """CPU seconds per second of audio of every stage, what resetting takes, and the distance to the limit."""
    bundle = find_bundle(bundled_names()[0])
    model = bundle.open_model()
    rate = FrontendConfig().step_samples / SAMPLE_RATE
    return {
        "rounds": rounds,
        "stages": {title: asdict(spread) for title, spread in _each(_stages(), rounds).items()},
        "run": {title: asdict(spread) for title, spread in _each(_of_a_run(), rounds).items()},
        "reset": asdict(_reset_seconds(rounds)),
        "limit": {
            "peak": peak_macs(),
            "model": model_macs(bundle.model_path) / (model.stride * rate),
            "front end": front_end_macs(FrontendConfig()) / rate,
        },
    }


def _each(work: Mapping[str, Work], rounds: int) -> dict[str, Spread]:
    """After one round that is not counted."""
    found: dict[str, list[float]] = {title: [] for title in work}
    for number in range(rounds + 1):
        for title, hear in work.items():
            spent = _seconds(hear)
            if number:
                found[title].append(spent / SECONDS)
    return {title: Spread.of(values) for title, values in found.items()}


def _reset_seconds(rounds: int) -> Spread:
    """CPU seconds that resetting one wake word takes."""
    model = find_bundle(bundled_names()[0]).open_model()

    def resets() -> None:
        for _ in range(RESETS):
            model.reset()

    resets()
    return Spread.of(_seconds(resets) / RESETS for _ in range(rounds))


def _streamed(push: Callable[[Samples], object], audio: Samples, size: int = BLOCK) -> Work:
    def hear() -> None:
        for block in _blocks(audio, size):
            push(block)

    return hear


def _blocks(audio: Samples, size: int) -> Iterator[Samples]:
    return (audio[start : start + size] for start in range(0, len(audio), size))


def _seconds(work: Work) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    limit = found["limit"]
    needed = limit["model"] + limit["front end"]
    least = needed / limit["peak"]
    parts = {title: spread["median"] for title, spread in found["run"].items()}
    taken = sum(median for title, median in parts.items() if title not in (WHOLE, C_CALLS))
    return _SECTION.format(
        stages=_table(found["stages"]),
        run=_table(found["run"]),
        reset=spread_text(Spread(**{of: 1000 * value for of, value in found["reset"].items()}), 2),
        model=limit["model"] / 1e6,
        front_end=limit["front end"] / 1e6,
        peak=limit["peak"] / 1e9,
        least=least,
        taken=taken,
        times=taken / least,
        calls=parts[C_CALLS] / taken * 100,
    )


def _table(stages: Mapping[str, Mapping[str, float]]) -> str:
    rows = [(title, spread_text(Spread(**spread), 5)) for title, spread in stages.items()]
    return markdown(("", "CPU s per audio s"), rows)


_SECTION = """\
`kws run` on a minute of WAV with one wake word, in blocks of half a second, and its parts; what the parts
leave of the whole is mostly the second stage, asked whenever the word is said:

{run}

Alone, in blocks of 40 ms where audio goes in:

{stages}

Resetting a wake word, which makes a new interpreter: {reset} ms.

The model needs {model:.2f} million multiplications a second of audio, the front end about {front_end:.2f};
one core here does {peak:.1f} thousand million float32 multiply-accumulates a second in a matrix product.
By arithmetic alone a second of audio would take {least:.7f} CPU s; the parts above take {taken:.5f},
{times:.0f} times as long. {calls:.0f} % of that is inside the C functions of `pymicro-features`, one call
for each 10 ms, which nothing on our side of them can change: in hours in which nothing is proposed they are
what stands before 0.0005 CPU s per audio second.
With `--engine c99` the exported C takes their place (chapter on cost). For ten words the rest is one call
of LiteRT for each word and 30 ms.
"""
