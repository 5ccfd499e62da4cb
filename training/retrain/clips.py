"""The clips that the daemon's page kept: in `missed` the word was said, in `false-alarm` it was not.

Each holds the last seconds before a user reached for the button, so where in it the word was said is not
known. The model that missed it tells all the same: its score rises there, though not to the threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kws.bundle import Bundle
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.recording import FALSE_ALARM, MISSED
from kws.scoring import score_track
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples
from training.data.layouts.files import recordings
from training.material.own_takes import Take, TakeError, checked_take

TRACE = 0.25
"""Of the threshold: a score that tells the place of a word; noise reaches half of that."""
_BEFORE, _AFTER = 0.5, 0.4
"""Seconds that are cut out around the word, as long as it commonly is."""


@dataclass(frozen=True, eq=False)
class MarkedClip:
    """One, and what its user said of it."""

    path: Path
    samples: Samples
    said: bool
    """Whether the wake word is in it."""

    @property
    def name(self) -> str:
        """Folder and file."""
        return f"{self.path.parent.name}/{self.path.name}"


def read_clips(folder: Path) -> list[MarkedClip]:
    """All of them, those with the word first.

    Raises:
        KwsError: there are none, or one is unreadable.
    """
    clips = [
        MarkedClip(path, read_samples(path), kind == MISSED)
        for kind in (MISSED, FALSE_ALARM)
        if (folder / kind).is_dir()
        for path in recordings(folder / kind)
    ]
    if not clips:
        raise KwsError(
            f"{folder}: no clips in {MISSED}/ or {FALSE_ALARM}/; give the folder that recording.folder names"
        )
    return clips


def takes_of(clips: Sequence[MarkedClip], bundle: Bundle) -> tuple[list[Take], list[str]]:
    """The word cut out of each clip that holds it, and one line about each where it is not found."""
    takes, lost = [], []
    for clip in clips:
        if clip.said:
            try:
                takes.append(take_of(clip, bundle))
            except TakeError as error:
                lost.append(str(error))
    return takes, lost


def take_of(clip: MarkedClip, bundle: Bundle) -> Take:
    """The word, where the bundle's score is highest.

    Raises:
        TakeError: it is nowhere high enough to tell, or what is there is no speech.
    """
    track = score_track([Block(clip.samples)], WakeWord(bundle))
    if track.score.max(initial=0.0) < TRACE * bundle.threshold:
        raise TakeError(
            f"{clip.name}: {bundle.name} hears no trace of the word, so its place is unknown; "
            "cut the clip to the word and give it to kws enroll"
        )
    end = float(track.time[track.score.argmax()])
    first = max(0.0, end - bundle.word_seconds - _BEFORE)
    cut = clip.samples[round(first * SAMPLE_RATE) : round((end + _AFTER) * SAMPLE_RATE)]
    return checked_take(cut, bundle.wake_word.lower(), clip.name)


def false_alarms(clips: Sequence[MarkedClip]) -> Iterator[Samples]:
    """What was taken for the word, whole: all of it is something else."""
    return (clip.samples for clip in clips if not clip.said)
