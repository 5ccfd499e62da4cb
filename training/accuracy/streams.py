"""Test streams of the clips of a manifest, in rooms simulated here where the recipe asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kws.evaluation import streams
from kws.evaluation.streams import Recording, RowStream, Stream, StreamRecipe
from kws.frontends import MICRO
from training.data.manifest import Clip
from training.material.augment import room_responses
from training.words.word_ends import Span


def joined_stream(
    clips: Iterable[Clip],
    recipe: StreamRecipe,
    *,
    word: str = "",
    spans: Mapping[Path, Span] | None = None,
    noises: Sequence[Path] = (),
) -> Stream:
    """Clips in their order as one stream.

    Args:
        clips: in the order in which they are heard.
        recipe: spacing, levels, seed; `rooms` is the seed of the simulated ones.
        word: label of the clips whose word is marked.
        spans: where it is in them (training.words.word_ends); in those left out the energy says.
        noises: files of the bed, needed when the recipe has an SNR.
    """
    return streams.joined_stream(_recordings(clips, word, spans), recipe, **_surroundings(recipe, noises))


def joined_rows(
    clips: Iterable[Clip],
    recipe: StreamRecipe,
    *,
    word: str = "",
    spans: Mapping[Path, Span] | None = None,
    noises: Sequence[Path] = (),
    front_end: str = MICRO,
) -> RowStream:
    """The same stream through one front end; the audio is never whole in memory."""
    surroundings = _surroundings(recipe, noises)
    return streams.joined_rows(_recordings(clips, word, spans), recipe, front_end=front_end, **surroundings)


def is_word(clip: Clip, word: str) -> bool:
    """Whether the clip is a recording of this wake word; labels are written without spaces."""
    return clip.kind == "wakeword" and clip.label.replace(" ", "").lower() == word.replace(" ", "").lower()


def _recordings(clips: Iterable[Clip], word: str, spans: Mapping[Path, Span] | None) -> Iterable[Recording]:
    for clip in clips:
        said = bool(word) and is_word(clip, word)
        yield Recording(clip.path, clip.corpus, clip.kind, said, (spans or {}).get(clip.path))


def _surroundings(recipe: StreamRecipe, noises: Sequence[Path]) -> dict[str, Any]:
    return {"noises": noises, "responses": room_responses(recipe.rooms) if recipe.rooms else ()}
