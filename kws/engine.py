"""The only composition: blocks of audio in, events out. No I/O, threads or clock; time is a sample count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kws.bundle import Bundle
from kws.detection import Detection
from kws.detector import Candidate, Detector
from kws.event import Event
from kws.frontends import MICRO, new_front_end
from kws.types import SAMPLE_RATE, Block, Outputs, Rows, Scores

if TYPE_CHECKING:
    from kws.delegates import Delegate

SPLICE_SECONDS = 0.5
"""Audio lost for up to this long is spliced over; after a longer gap everything starts anew, since the
front end's noise estimate and the models' state then belong to another moment. Starting anew costs
the front end about half a second to adapt, so a short overflow must not cause it."""


class WakeWord:
    """One model and a detector per label: int8 rows in, detections out."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        threshold: float | None = None,
        reference_kernels: bool = False,
        delegate: Delegate | None = None,
    ) -> None:
        self.bundle = bundle
        self.model = bundle.open_model(reference_kernels=reference_kernels, delegate=delegate)
        config = bundle.detector_config(self.model, threshold)
        self.detectors = [Detector(config) for _ in bundle.labels]
        self._rows = bundle.rows
        self._found: list[Event] = []

    @property
    def front_ends(self) -> dict[str, str]:
        """What it hears through, each with the engine that computes it ("": any)."""
        return {self.bundle.front_end: self.bundle.engine}

    def take(self, rows: Mapping[str, Rows], origin: int, source: str) -> bool:
        """Hear new rows of its front ends; `origin`: the stream's sample index at the last reset.

        Returns whether `told`, which must be called before the next rows come, may take its time.
        """
        own = rows[self.bundle.front_end]
        self._found = self.push(own, origin, source) if len(own) else []
        return False

    def told(self) -> list[Event]:
        """Detections in the rows that were taken."""
        found, self._found = self._found, []
        return found

    def push(self, rows: Rows, origin: int, source: str) -> list[Event]:
        """Detections in rows of its model alone, whatever a second stage would say of them."""
        outputs = self.model.push(rows)
        return self.found(outputs, origin, source) if len(outputs) else []

    def found(self, outputs: Outputs, origin: int, source: str) -> list[Event]:
        """Detections in outputs of its model."""
        return [
            self.detection(candidate, column, origin, source)
            for column, detector in enumerate(self.detectors)
            for candidate in detector.push(outputs[:, column])
        ]

    @property
    def calibration(self) -> Sequence[Mapping[str, Any]]:
        """What thresholds of the model cost, as measured; see docs/model-bundles.md."""
        return self.bundle.calibration

    @property
    def second_stage(self) -> dict[str, Any]:
        """What a configuration says of its second stage; empty without one."""
        return {}

    @property
    def wait_seconds(self) -> float:
        """How long after its model's candidate a detection may come."""
        return 0.0

    def open(self) -> None:
        """Load now what else would be loaded at its model's first candidate."""

    def flush(self) -> list[Event]:
        """The stream has ended: detections that were still held back."""
        return []

    def scores(self, rows: Rows) -> Scores:
        """The smoothed scores instead of detections, shape (steps, labels)."""
        outputs = self.model.push(rows)
        return np.stack([d.smooth(outputs[:, i]) for i, d in enumerate(self.detectors)], axis=1)

    def step_end(self, step: int) -> int:
        """Samples heard by the end of model step `step`, counted from the last reset."""
        return self._rows.rows_end((step + 1) * self.model.stride)

    def reset(self) -> None:
        """As new."""
        self._found = []
        self.model.reset()
        for detector in self.detectors:
            detector.reset()

    def detection(self, candidate: Candidate, column: int, origin: int, source: str) -> Detection:
        """The event of a candidate of this label."""
        end = (origin + self.step_end(candidate.step)) / SAMPLE_RATE
        return Detection(
            name=self.bundle.labels[column],
            score=candidate.score,
            threshold=self.detectors[column].config.threshold,
            start=max(origin / SAMPLE_RATE, end - self.bundle.word_seconds),
            end=end,
            source=source,
        )


class Engine:
    """A streaming Stage: Blocks -> events. Any number of wake words share one front end of each kind."""

    _own_events: list[Event]  # that came with the block that was taken

    def __init__(self, wake_words: Sequence[WakeWord]) -> None:
        self.wake_words = list(wake_words)
        engines = {kind: engine for word in self.wake_words for kind, engine in word.front_ends.items()}
        engines = engines or {MICRO: ""}
        self.front_ends = {kind: new_front_end(kind, engine) for kind, engine in engines.items()}
        self.reset()

    def push(self, block: Block) -> list[Event]:
        """Events that this block completes, by time; the block's own events come first."""
        self.take(block)
        return self.told()

    def take(self, block: Block) -> bool:
        """First half of `push`, which is quick: whether `told`, the second, may take its time.

        The two may run in different threads, one after the other.
        """
        self._own_events = list(block.events)
        if block.start is not None and block.start != self._position:
            self._jump(block.start)
        self._position += len(block.pcm)
        return self._take(self._rows(block), block.source)

    def told(self) -> list[Event]:
        """Second half: the events of the block that was taken; to be called before the next one comes."""
        events, self._own_events = self._own_events, []
        return events + self._told()

    def flush(self) -> list[Event]:
        """The stream has ended: what a second stage still held back; then the engine starts anew."""
        events = self._held_back()
        self.reset()
        return events

    def reset(self) -> None:
        """As new: position 0, no audio heard."""
        self._own_events = []
        self._position = 0
        self._restart(0)

    def _rows(self, block: Block) -> dict[str, Rows]:
        return {kind: front_end.push(block.pcm) for kind, front_end in self.front_ends.items()}

    def _take(self, rows: Mapping[str, Rows], source: str) -> bool:
        slow = [word.take(rows, self._origin, source) for word in self.wake_words]
        return any(slow)

    def _told(self) -> list[Event]:
        heard = [event for word in self.wake_words for event in word.told()]
        return sorted(heard, key=_end) if len(heard) > 1 else heard

    def _held_back(self) -> list[Event]:
        return sorted((event for word in self.wake_words for event in word.flush()), key=_end)

    def _jump(self, start: int) -> None:
        lost = start - self._position
        self._position = start
        if 0 < lost <= SPLICE_SECONDS * SAMPLE_RATE:
            self._origin += lost
        else:
            self._restart(start)

    def _restart(self, origin: int) -> None:
        self._origin = origin
        for front_end in self.front_ends.values():
            front_end.reset()
        for word in self.wake_words:
            word.reset()


def _end(event: Event) -> float:
    return event.end if isinstance(event, Detection) else 0.0
