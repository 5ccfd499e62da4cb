"""The speech that the student hears: all recordings that may be published on, and synthetic voices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kws.errors import KwsError
from training.material import trainable
from training.micro_encoder.pairs import Pairs, heard_and_taught
from training.recognizer.corpus import recorded, synthetic


@dataclass(frozen=True)
class Material:
    """Clips, and what of them is noise."""

    clips: tuple[Path, ...]
    noises: tuple[Path, ...]
    sources: Mapping[str, int]
    """Corpus or back end -> clips, for the card."""

    def version(self, number: int, cache: Path) -> Pairs:
        """All of it, in levels, rooms and noises that every number draws anew."""
        return heard_and_taught(self.clips, self.noises, seed=number, cache=cache)


def gather(spoken: int, *, seed: int, cache: Path) -> Material:
    """Recordings of the `train` split under KWS_DATA, and so many synthetic ones; KwsError without."""
    clips = trainable()
    texts = [utterance.text for utterance in recorded(clips) if not utterance.is_word]
    made = synthetic(spoken, texts, cache / "recognizer" / "voices", seed=seed) if spoken else []
    if not clips and not made:
        raise KwsError("nothing to learn from; set KWS_DATA to the data root")
    paths = [*(clip.path for clip in clips), *(utterance.path for utterance in made)]
    sources = Counter([*(clip.corpus for clip in clips), *(utterance.corpus for utterance in made)])
    return Material(tuple(paths), tuple(clip.path for clip in clips if clip.kind == "noise"), sources)
