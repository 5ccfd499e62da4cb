"""CPU time of each stage of the runtime, one thread, stages taking turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cost import minute
from benchmarks.run_profile import (
    C_CALLS,
    ENCODER,
    FIRST,
    FRONT_END,
    HEAD,
    IN_PIECES,
    LOG_MEL,
    MODEL,
    PARTS,
    WHOLE,
    WORD,
    Work,
    in_one_stage,
    in_two_stages,
    limits,
    streamed,
)
from benchmarks.table import markdown, rounds_text, spread_text
from kws.bench import write_wav
from kws.bench.process import Spread
from kws.bundle import find_bundle
from kws.encoders.logmel import LogMel
from kws.encoders.speech_embedding import SpeechEmbedding
from kws.frontend import Frontend
from kws.frontends import new_front_end
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from training.material.voice_change import change_voice, random_change

SECONDS = 60
RESETS = 20


def _stages() -> dict[str, Work]:
    """Title -> hearing a minute of the selftest's recordings once."""
    audio = minute()
    rows = Frontend().push(audio)
    bundle = find_bundle(WORD)
    wake_word, reference = bundle.open_model(), bundle.open_model(reference_kernels=True)
    recognizer = AcousticModel(find_recognizer("english"))
    speech = new_front_end(recognizer.front_end).push(audio)
    change = random_change(np.random.default_rng(1))
    return {
        "micro front end": streamed(Frontend().push, audio),
        "log-mel rows": streamed(LogMel().push, audio),
        "speech embedding with them, float32": streamed(SpeechEmbedding().push, audio),
        "speech embedding with them, int8": streamed(SpeechEmbedding(int8=True).push, audio),
        "one wake word on rows": lambda: wake_word.push(rows),
        "the same on reference kernels": lambda: reference.push(rows),
        "recognizer, encoder and all": lambda: recognizer.push(speech),
        "changing a voice (training)": lambda: change_voice(audio, change),
    }


def measure(rounds: int) -> dict[str, Any]:
    """CPU seconds per second of audio of every stage, what resetting takes, and the distance to the limit."""
    audio = minute()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "minute.wav")
        write_wav(path, audio)
        found = {
            "two stages": _each(in_two_stages(path, audio), rounds),
            "one stage": _each(in_one_stage(path, audio), rounds),
            "stages": _each(_stages(), rounds),
        }
    return {"rounds": rounds, **found, "reset": asdict(_reset_seconds(rounds)), "limit": limits()}


def _each(work: Mapping[str, Work], rounds: int) -> dict[str, dict[str, float]]:
    """After one round that is not counted."""
    found: dict[str, list[float]] = {title: [] for title in work}
    for number in range(rounds + 1):
        for title, hear in work.items():
            spent = _seconds(hear)
            if number:
                found[title].append(spent / SECONDS)
    return {title: asdict(Spread.of(values)) for title, values in found.items()}


def _reset_seconds(rounds: int) -> Spread:
    """CPU seconds that resetting one wake word takes."""
    model = find_bundle(WORD).open_model()
    rows = Frontend().push(minute()[:16_000])

    def reset() -> float:
        model.push(rows)  # one that has heard nothing stays as it is
        return _seconds(model.reset)

    reset()
    return Spread.of(sum(reset() for _ in range(RESETS)) / RESETS for _ in range(rounds))


def _seconds(work: Work) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    limit = found["limit"]
    two, one = (
        {title: spread["median"] for title, spread in found[which].items()}
        for which in ("two stages", "one stage")
    )
    parts = sum(two[title] for title in PARTS)
    least = limit[LOG_MEL] / limit["peak"] + (limit[ENCODER] + limit[HEAD]) / limit["int8 peak"]
    least_alone = limit[FRONT_END] / limit["peak"] + limit[MODEL] / limit["int8 peak"]
    return _SECTION.format(
        two=_table(found["two stages"]),
        one=_table(found["one stage"]),
        stages=_table(found["stages"]),
        reset=spread_text(Spread(**{of: 1000 * value for of, value in found["reset"].items()}), 2),
        rounds=rounds_text(found["rounds"], "part"),
        word=WORD,
        second=_percent(two[WHOLE] - two[FIRST], two[WHOLE]),
        first=two[FIRST],
        log_mel=_percent(two[LOG_MEL], two[FIRST]),
        encoder=_percent(two[ENCODER], two[FIRST]),
        between=_percent(two[FIRST] - parts, two[FIRST]),
        pieces=two[IN_PIECES] / two[FIRST],
        encoder_macs=(limit[ENCODER] + limit[HEAD]) / 1e6,
        log_mel_macs=limit[LOG_MEL] / 1e6,
        peak=limit["peak"] / 1e9,
        int8_peak=limit["int8 peak"] / 1e9,
        least=least,
        times=two[FIRST] / least,
        model_macs=limit[MODEL] / 1e6,
        front_end_macs=limit[FRONT_END] / 1e6,
        least_alone=least_alone,
        times_alone=one[WHOLE] / least_alone,
        calls=_percent(one[C_CALLS], one[WHOLE]),
    )


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _table(stages: Mapping[str, Mapping[str, float]]) -> str:
    rows = [(title, spread_text(Spread(**spread), 5)) for title, spread in stages.items()]
    return markdown(("", "CPU s per audio s"), rows)


_SECTION = """\
One thread, {rounds}.

`kws run` for one wake word, "{word}", on a WAV of a minute of the selftest's recordings, in blocks of half a
second, and its parts, each by itself:

{two}

The second stage, asked whenever the word is said, is {second} of the whole. What is left, {first:.5f}, is
what an hour costs in which nothing is proposed: {log_mel} of it are the log-mel rows, by numpy, {encoder} the
encoder's graph, one call of LiteRT for each 80 ms, and {between} is in none of the parts. In blocks of 40 ms
it takes {pieces:.1f} times as long: the same arithmetic by more calls.

Encoder and head need {encoder_macs:.1f} million multiplications a second of audio, the log-mel rows about
{log_mel_macs:.2f}. One core here does {int8_peak:.0f} thousand million multiply-accumulates of int8 a second
in one large convolution of LiteRT's, and {peak:.0f} of float32 in a matrix product of numpy's. By arithmetic
alone a second of audio would take {least:.6f} CPU s; it takes {times:.1f} times as long.

The same with `--confirm none`, where the word's model for devices hears all the time:

{one}

Its model needs {model_macs:.2f} million multiplications a second of audio, its front end about
{front_end_macs:.2f}: by arithmetic alone {least_alone:.6f} CPU s, and it takes {times_alone:.0f} times as
long. {calls} of that is inside the C functions of `pymicro-features`, one call for each 10 ms, which nothing
on our side of them can change. With `--engine c99` the exported C takes their place (chapter on cost).

Alone, on the same minute, in blocks of 40 ms where audio goes in:

{stages}

Resetting a wake word, which makes a new interpreter: {reset} ms.
"""
