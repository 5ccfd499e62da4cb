"""`kws run` on a file, taken apart: the whole, each stage by itself, and what arithmetic alone would take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.limit import model_macs, peak_int8_macs, peak_macs, spectral_macs
from kws.bundle import Bundle, find_bundle
from kws.cascade import proposer
from kws.daemon import listen
from kws.detector import Detector
from kws.encoders.logmel import LogMel, LogMelRows
from kws.encoders.rows import EmbeddingRowsConfig
from kws.encoders.speech_embedding import streaming_graph
from kws.encoders.stage import GraphStage
from kws.engine import Engine, WakeWord
from kws.frontend import Frontend, FrontendConfig
from kws.loading import load
from kws.sinks.memory import Collector
from kws.sources import open_source
from kws.types import SAMPLE_RATE, Block, Rows, Samples

WORD = "computer"
FILE_BLOCK = SAMPLE_RATE // 2
"""Samples handed over at a time from a file."""
MICROPHONE_BLOCK = SAMPLE_RATE // 25
"""The same from a microphone, 40 ms."""

WHOLE = "all of it"
FIRST = "without its second stage"
READING = "reading the file"
LOG_MEL = "log-mel rows"
ENCODER = "speech embedding on these, int8"
HEAD = "head of the word"
DETECTOR = "detector"
IN_PIECES = "without its second stage, in blocks of 40 ms"
PARTS = (READING, LOG_MEL, ENCODER, HEAD, DETECTOR)
"""Of FIRST."""

FRONT_END = "micro front end"
C_CALLS = "in it, the package's C functions alone"
MODEL = "model of the word for devices"

Work = Callable[[], object]


class _Given:
    """A front end that is handed rows instead of audio."""

    def push(self, rows: Any) -> LogMelRows:
        """These."""
        given: LogMelRows = rows
        return given

    def flush(self) -> LogMelRows:
        """None are left."""
        return LogMel().flush()

    def reset(self) -> None:
        """There is nothing to forget."""


def in_two_stages(path: Path, audio: Samples) -> dict[str, Work]:
    """Title -> hearing the file once as it is heard by default, or doing one part of that.

    Args:
        path: a WAV.
        audio: what is in it.
    """
    head = proposer(find_bundle(WORD))
    log_mel, encoder = LogMel(), encoder_of_rows()
    spectra = [log_mel.push(block) for block in blocks_of(audio, FILE_BLOCK)]
    rows = [encoder.push(part) for part in spectra]
    both, first, in_pieces = load(WORD), Engine([WakeWord(head)]), Engine([WakeWord(head)])
    return {
        WHOLE: lambda: listen(open_source(str(path)), both, [Collector()]),
        FIRST: lambda: listen(open_source(str(path)), first, [Collector()]),
        READING: partial(_read, path),
        LOG_MEL: streamed(log_mel.push, audio, FILE_BLOCK),
        ENCODER: lambda: [encoder.push(part) for part in spectra],
        **_of_model(head, rows, HEAD),
        IN_PIECES: streamed(lambda block: in_pieces.push(Block(block)), audio),
    }


def encoder_of_rows() -> GraphStage:
    """What EmbeddingRows does behind its log-mel rows, which it is given."""
    return GraphStage(streaming_graph(EmbeddingRowsConfig().embedding, int8=True), _Given())


def in_one_stage(path: Path, audio: Samples) -> dict[str, Work]:
    """The same with `--confirm none`, by the word's model for devices alone."""
    alone, front_end = load(WORD, confirm="none"), Frontend()
    rows = [front_end.push(block) for block in blocks_of(audio, FILE_BLOCK)]
    return {
        WHOLE: lambda: listen(open_source(str(path)), alone, [Collector()]),
        READING: partial(_read, path),
        FRONT_END: streamed(front_end.push, audio, FILE_BLOCK),
        C_CALLS: partial(_call_the_package, audio.tobytes()),
        **_of_model(find_bundle(WORD), rows, MODEL),
    }


def _of_model(bundle: Bundle, rows: Sequence[Rows], title: str) -> dict[str, Work]:
    model = bundle.open_model()
    detector = Detector(bundle.detector_config(model, None))
    outputs = [model.push(part)[:, 0] for part in rows]
    return {
        title: lambda: [model.push(part) for part in rows],
        DETECTOR: lambda: [detector.push(part) for part in outputs],
    }


def _read(path: Path) -> None:
    with open_source(str(path)) as blocks:
        for _ in blocks:
            pass


def _call_the_package(audio: bytes) -> None:
    from micro_features_cpp import create_frontend, process_samples

    state, step = create_frontend(), 2 * FrontendConfig().step_samples
    for offset in range(0, len(audio) - step + 1, step):
        process_samples(state, audio[offset : offset + step])


def streamed(push: Callable[[Samples], object], audio: Samples, size: int = MICROPHONE_BLOCK) -> Work:
    """Hand the audio over in blocks of so many samples."""

    def hear() -> None:
        for block in blocks_of(audio, size):
            push(block)

    return hear


def blocks_of(audio: Samples, size: int) -> Iterator[Samples]:
    """In turn; the last may be shorter."""
    return (audio[start : start + size] for start in range(0, len(audio), size))


def limits() -> dict[str, float]:
    """Multiply-accumulates of a second of audio, by part, and how many a second the core does."""
    embedding, device = EmbeddingRowsConfig().embedding, find_bundle(WORD)
    encoder = model_macs(streaming_graph(embedding, int8=True))
    head = proposer(find_bundle(WORD))
    return {
        "peak": peak_macs(),
        "int8 peak": peak_int8_macs(),
        LOG_MEL: spectral_macs(embedding.log_mel) * _a_second(embedding.log_mel.step_samples),
        ENCODER: encoder * _a_second(embedding.step_samples),
        HEAD: _model_macs_a_second(head),
        FRONT_END: spectral_macs(FrontendConfig()) * _a_second(FrontendConfig().step_samples),
        MODEL: _model_macs_a_second(device),
    }


def _model_macs_a_second(bundle: Bundle) -> float:
    step_seconds = bundle.open_model().stride * bundle.rows.row_seconds
    return model_macs(bundle.model_path.read_bytes()) / step_seconds


def _a_second(samples: int) -> float:
    return SAMPLE_RATE / samples
