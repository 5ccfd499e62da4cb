"""Rows of a front end from the last seconds of audio, computed once for all that ask for the same part.

A part is always heard from a fresh start, so the rows depend on the audio from there on alone, whoever asked
for more or less of it before. Words that propose at the same moment ask for parts that begin at the same row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kws.frontends import new_front_end, no_rows, row_format, row_timing
from kws.recent_rows import RecentRows
from kws.stage_pool import StagePool
from kws.types import Rows
from kws.waveform import WaveformConfig


class AudioStage:
    """A streaming Stage: audio as rows (kws/waveform.py) -> the rows of a front end."""

    def __init__(self, front_end: str, engine: str = "") -> None:
        self._front_end, self._none = new_front_end(front_end, engine), no_rows(front_end)
        self.step_seconds = row_format(front_end).row_seconds

    def push(self, rows: Rows) -> Any:
        """Rows that this audio completes."""
        audio: Any = rows  # of WAVEFORM: int16
        return self._front_end.push(audio.ravel())

    def flush(self) -> Any:
        """Nothing is held back."""
        return self._none

    def reset(self) -> None:
        """As new."""
        self._front_end.reset()


class RowsAgain:
    """Of the parts that were asked for last, one for each that asks.

    Args:
        front_end: see kws.frontends.
        audio: what was heard last.
    """

    def __init__(self, front_end: str, audio: RecentRows) -> None:
        self._front_end, self._audio = front_end, audio
        self._parts: list[_Part] = []  # the one that was asked for last stands last

    @property
    def count(self) -> int:
        """How many ask."""
        return len(self._parts)

    def share(self, stages: StagePool) -> None:
        """One more will ask: AudioStages for it, which other streams may use in between."""
        self._parts.append(_Part(stages, self._front_end, self._audio))

    def between(self, first: int, start: int, end: int) -> Rows:
        """Rows that audio `start` up to `end` completes, in a hearing that began at row `first` of it."""
        own = [part for part in self._parts if part.first == first]
        part = own[0] if own else self._parts[0]
        self._parts.remove(part)
        self._parts.append(part)
        return part.between(first, start, end)

    def reset(self) -> None:
        """As new."""
        for part in self._parts:
            part.reset()


class _Part:
    """A stretch of the audio, heard from its first row as far as was asked."""

    first: int
    """Its row; -1 before it was asked for."""
    _heard: int  # row up to which it was heard
    _rows: list[Rows]

    def __init__(self, stages: StagePool, front_end: str, audio: RecentRows) -> None:
        self._stages, self._audio = stages, audio
        self._none = no_rows(front_end)
        self._needed, self._step = row_timing(front_end)  # samples
        self._borrower = object()  # as in kws.rehearing
        self.reset()

    def between(self, first: int, start: int, end: int) -> Rows:
        """As RowsAgain has it; another part than the last takes its place."""
        if first != self.first or end > self._heard:
            self._go_on(first, end)
        return np.concatenate([self._none, *self._rows])[self._complete(start) : self._complete(end)]

    def reset(self) -> None:
        """As new."""
        self.first = self._heard = -1
        self._rows = []

    def _go_on(self, first: int, end: int) -> None:
        with self._stages.lent(self._borrower) as (stage, as_left):
            if not as_left or first != self.first:
                stage.reset()
                self.first = self._heard = first
                self._rows = []
            rows: Any = stage.push(self._audio.between(self._heard, end))
            self._rows.append(rows)
            self._heard = end

    def _complete(self, row: int) -> int:
        """Rows that a hearing has given by this row of audio."""
        samples = (row - self.first) * WaveformConfig.channels
        return max(0, (samples - self._needed) // self._step + 1)
