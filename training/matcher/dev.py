"""The dev streams as a matcher hears them, and how well a word's spelling is heard in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.evaluation.streams import Layout, RowStream
from kws.frontends import SPEECH_EMBEDDING, row_format
from kws.recognition.bundle import find_recognizer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES, LogProbs
from training.accuracy.dev_streams import dev_stream
from training.accuracy.measure import Scored
from training.kept import keep_arrays, key_of
from training.matcher.hearing import RECOGNIZER, STEPS, paired, recognizer_stage
from training.matcher.network import Matcher, MatcherConfig
from training.matcher.score import track_of

STEP_SECONDS = row_format(SPEECH_EMBEDDING).row_seconds / STEPS
"""Of the recognizer."""
_SECONDS_AT_ONCE = 60


def scored(matcher: Matcher, word: str, stream: str, cache: Path) -> Scored:
    """The word's score in one of the dev streams, which is heard without a reset."""
    heard = heard_stream(matcher.config, word, stream, cache)
    return Scored(track_of(matcher, heard.rows, phrase_spellings(word, PHONES)), heard.layout)


def heard_stream(config: MatcherConfig, word: str, stream: str, cache: Path) -> RowStream:
    """In rows with the columns that a matcher of this form takes."""
    heard = dev_stream(word, stream, cache=cache, front_end=SPEECH_EMBEDDING)
    if config.hears == "embedding":
        return heard
    rows = paired(heard.rows, recognizer_steps(heard.layout, word, stream, cache))
    return RowStream(rows[:, config.columns], heard.layout)


def recognizer_steps(layout: Layout, word: str, stream: str, cache: Path) -> LogProbs:
    """What the recognizer's spotter is given of one of the dev streams; kept under `cache`.

    Args:
        layout: of that stream, of which the file's name depends.
        word: as `training.accuracy.dev_streams` has it.
        stream: as well.
        cache: folder.
    """
    segments = [[segment.path, segment.start] for segment in layout.segments]
    key = key_of([find_recognizer(RECOGNIZER).model_sha256, stream, segments])
    path = cache / "matcher" / f"steps-{key}.npz"
    if not path.is_file():
        stage = recognizer_stage()
        audio = dev_stream(word, stream, cache=cache, front_end=stage.front_end).rows
        piece = round(_SECONDS_AT_ONCE / row_format(stage.front_end).row_seconds)
        steps = [stage.push(audio[first : first + piece]) for first in range(0, len(audio), piece)]
        keep_arrays(path, steps=np.concatenate(steps))
    with np.load(path) as stored:
        found: LogProbs = stored["steps"]
    return found
