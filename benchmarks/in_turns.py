"""Recognizers that hear the same clips in one process, taking turns, and what each of them costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kws.evaluation.intervals import ratio_interval
from kws.sources.whole import read_samples
from training.data.manifest import Clip

Decode = Callable[[Clip], str]
"""What was said in a clip, and nothing where nothing was."""
Texts = dict[str, list[str]]
Cpu = dict[str, list[float]]


def in_turns(clips: Sequence[Clip], decoders: Mapping[str, Decode]) -> tuple[Texts, Cpu]:
    """By recognizer: what it writes of each clip, and the CPU seconds that each took it."""
    texts: Texts = {who: [] for who in decoders}
    cpu: Cpu = {who: [] for who in decoders}
    for clip in clips:
        for who, decode in decoders.items():
            began = time.process_time()
            texts[who].append(decode(clip))
            cpu[who].append(time.process_time() - began)
    return texts, cpu


def by_pocketsphinx(decoder: Any) -> Decode:
    """With a pocketsphinx.Decoder that knows what to search for; each clip is one utterance."""
    return partial(_decoded, decoder)


def _decoded(decoder: Any, clip: Clip) -> str:
    decoder.start_utt()
    decoder.process_raw(read_samples(clip.path).tobytes(), False, True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def cpu_text(spent: Sequence[float], heard: Sequence[float]) -> str:
    """CPU seconds of each clip a second of its audio, with an interval by resampling clips."""
    low, high = ratio_interval(spent, heard)
    return f"{sum(spent) / sum(heard):.4f} ({low:.4f} to {high:.4f})"
