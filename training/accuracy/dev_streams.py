"""The streams every model is measured on: words, speech and noise of the `dev` recordings, as front-end rows.

Rows are cached under the front end's digest and everything else they depend on, so that measuring
again costs only the model.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kws.evaluation import Occurrence
from kws.evaluation.streams import TALK, WORDS, Layout, RowStream, Segment, StreamRecipe
from kws.frontends import MICRO, RowFormat, row_format
from training.accuracy.dev_recordings import bed_files, dev_clips, noise_clips, speech_without
from training.accuracy.interleaved import interleaved
from training.accuracy.streams import is_word, joined_rows
from training.data.manifest import Clip
from training.kept import keep_arrays, key_of
from training.words.word_ends import Span, phrase_spans

CACHE = Path(".cache")

ROOMS_SEED = 20
"""Of simulated rooms that no training uses."""

CLEAN, NOISY = "clean", "10 dB"
AMID = "amid talk"
BETWEEN_SECONDS = 10.0
"""Of speech and noise from one word to the next, amid talk."""
CONDITIONS = {
    CLEAN: WORDS,
    AMID: TALK,
    "room": dataclasses.replace(WORDS, rooms=ROOMS_SEED),
    "20 dB": dataclasses.replace(WORDS, snr_db=20.0),
    NOISY: dataclasses.replace(WORDS, snr_db=10.0),
    "5 dB": dataclasses.replace(WORDS, snr_db=5.0),
}
"""In which words are measured; clean means as recorded."""

SPEECH, NOISE = "speech", "noise"
STREAMS = (*CONDITIONS, SPEECH, NOISE)
"""Names of all streams on which a word is measured."""

_VERSION = 3
"""Raise it when a change of code changes the samples of a stream."""


def dev_stream(word: str, name: str, *, cache: Path = CACHE, front_end: str = MICRO) -> RowStream:
    """One of STREAMS, for this word, through this front end."""
    clips = dev_clips()
    kept: dict[str, Any] = {"cache": cache, "front_end": front_end}
    if name in (SPEECH, NOISE):
        others = speech_without(clips, word) if name == SPEECH else noise_clips(clips)
        return cached_rows(shuffled(others, TALK), TALK, **kept)
    recipe = CONDITIONS[name]
    said = [clip for clip in clips if is_word(clip, word)]
    spans = phrase_spans(said, word.lower(), cache=cache / "align", workers=1)
    noises = [] if recipe.snr_db is None else bed_files(clips)
    among = (
        list(interleaved(said, clips, BETWEEN_SECONDS, (word,))) if name == AMID else shuffled(said, recipe)
    )
    return cached_rows(among, recipe, word=word, spans=spans, noises=noises, **kept)


def shuffled(clips: Sequence[Clip], recipe: StreamRecipe) -> list[Clip]:
    """In an order that the recipe's seed decides."""
    return [clips[index] for index in np.random.default_rng([recipe.seed, 3]).permutation(len(clips))]


def cached_rows(
    clips: Sequence[Clip],
    recipe: StreamRecipe,
    *,
    word: str = "",
    spans: Mapping[Path, Span] | None = None,
    noises: Sequence[Path] = (),
    cache: Path = CACHE,
    front_end: str = MICRO,
) -> RowStream:
    """The clips in their order through a front end, kept on disk; see streams.joined_rows."""
    heard = {"word": word, "spans": spans, "noises": noises}
    path = cache / f"stream-{_digest(clips, recipe, rows=row_format(front_end), **heard)}.npz"
    if not path.is_file():
        _store(path, joined_rows(clips, recipe, front_end=front_end, **heard))
    return _stored(path)


def _digest(
    clips: Sequence[Clip],
    recipe: StreamRecipe,
    *,
    rows: RowFormat,
    word: str,
    spans: Mapping[Path, Span] | None,
    noises: Sequence[Path],
) -> str:
    """Of all that the rows depend on but the code and the contents of the files."""
    depends = [
        _VERSION,
        rows.digest,
        dataclasses.asdict(recipe),
        word,
        [[clip.path.name, clip.corpus, clip.seconds] for clip in clips],
        [noise.name for noise in noises],
        *([[spans.get(clip.path) for clip in clips]] if spans else []),
    ]
    return key_of(depends)


def _store(path: Path, stream: RowStream) -> None:
    segments = json.dumps([dataclasses.asdict(segment) for segment in stream.layout.segments])
    keep_arrays(path, rows=stream.rows, segments=segments)


def _stored(path: Path) -> RowStream:
    with np.load(path) as stored:
        rows, segments = stored["rows"], json.loads(str(stored["segments"]))
    return RowStream(rows, Layout(tuple(_segment(**fields) for fields in segments)))


def _segment(*, word: dict[str, float] | None, **fields: object) -> Segment:
    return Segment(word=Occurrence(**word) if word else None, **fields)  # type: ignore[arg-type]
