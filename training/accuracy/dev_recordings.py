"""The `dev` recordings: which there are, what is said in them, and of what group they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from training.data.manifest import Clip, read_manifest, recordings_manifest

_GERMAN = {"kerstin-de"}
_HOUSEHOLD = {"ovos-ww"}
_BED = {"gsc-background", "noise-moodist", "noise-moodist-history", "noise-blanket", "precise-community"}


def dev_clips() -> list[Clip]:
    """All `dev` recordings, in the manifest's order."""
    return [clip for clip in read_manifest(recordings_manifest()) if clip.split == "dev"]


def speech_without(clips: Iterable[Clip], word: str) -> list[Clip]:
    """Everything spoken in which the word is not said."""
    return [c for c in clips if group_of(c.corpus, c.kind) != "noise" and not mentions(c, word)]


def noise_clips(clips: Iterable[Clip]) -> list[Clip]:
    """Recordings without speech."""
    return [clip for clip in clips if group_of(clip.corpus, clip.kind) == "noise"]


def bed_files(clips: Iterable[Clip]) -> list[Path]:
    """Steady noise of some length to lay under words."""
    return [clip.path for clip in noise_clips(clips) if clip.corpus in _BED and clip.seconds >= 9]


def group_of(corpus: str, kind: str) -> str:
    """english, german, household (microphones of homes: taps, rooms, much talk) or noise."""
    if corpus in _HOUSEHOLD:
        return "household"
    if kind == "noise":
        return "noise"
    return "german" if corpus in _GERMAN else "english"


def mentions(clip: Clip, word: str) -> bool:
    """Whether the word is said: as such, or as the beginning of a word ("computers", German compounds)."""
    if clip.kind in ("wakeword", "near-miss"):
        return word.replace(" ", "").lower() in clip.label.replace(" ", "").lower()
    return re.search(rf"\b{re.escape(word)}", clip.label, re.IGNORECASE) is not None
