"""One engine put in another's place in the middle of a stream, without losing a word."""

from __future__ import annotations

import threading

from kws.events import Detection, Event, NoSpeech, Partial, Transcript
from kws.ring import RecentAudio
from kws.types import SAMPLE_RATE, Block, Stage

REMEMBERED_SECONDS = 4.0
"""Audio that a new engine is told before it takes over: longer than a wake word and the time that front
end and models take to settle."""

SAME_WORD_SECONDS = 1.0
"""Two engines' reports of one word are closer than this."""

Listener = Stage[Block, list[Event]]
"""An Engine, or what stands for one."""


class SwappableEngine:
    """A Stage like the engine in it. Another one, offered from any thread, takes over before the next block,
    or after the command that is being heard then.

    It first hears the last seconds again, so that a word spoken across the change is heard. The two may
    fire some steps apart: of a word that both hear only the first report counts, and what was answered before
    the change is not answered again.
    """

    _watch_until: float  # seconds of the stream up to which reports may come twice
    _answered: float  # end of the last command that was answered, seconds
    _known: float  # the same at the last change

    def __init__(self, engine: Listener) -> None:
        self.latest = engine
        """The engine that listens, or will from the next block on."""
        self._engine = engine
        self._offered: Listener | None = None
        self._lock = threading.Lock()
        self._recent = RecentAudio(REMEMBERED_SECONDS)
        self._reported: dict[str, float] = {}  # name -> end of its last detection, seconds
        self._forget()

    def offer(self, engine: Listener) -> None:
        """Let this one, fresh from construction, take over."""
        with self._lock:
            self._offered = self.latest = engine

    def push(self, block: Block) -> list[Event]:
        """Events that this block completes."""
        occupied = getattr(self._engine, "occupied", False)
        late = self._take_over() if self._offered is not None and not occupied else []
        events = [event for event in self._engine.push(block) if self._is_new(event)]
        self._recent.push(block)
        self._note(events)
        return [*late, *events]

    def flush(self) -> list[Event]:
        """The stream has ended; an engine offered meanwhile starts with the next."""
        self._forget()
        return self._engine.flush()

    def reset(self) -> None:
        """As new."""
        self._forget()
        self._engine.reset()

    def _take_over(self) -> list[Event]:
        """What the new engine hears in the last moment and the old one has not reported."""
        with self._lock:
            engine, self._offered = self._offered, None
        assert engine is not None
        heard = [event for block in self._recent.blocks for event in engine.push(block)]
        self._engine = engine
        self._watch_until = self._recent.position / SAMPLE_RATE + SAME_WORD_SECONDS
        self._known = self._answered
        late = [event for event in heard if self._is_of_now(event) and self._is_new(event)]
        self._note(late)
        return late

    def _is_of_now(self, event: Event) -> bool:
        now = self._recent.position / SAMPLE_RATE
        return isinstance(event, Detection) and event.end > now - SAME_WORD_SECONDS

    def _is_new(self, event: Event) -> bool:
        """Whether no report of the same stands, which matters only around a change."""
        if isinstance(event, (Partial, Transcript, NoSpeech)):
            return event.start >= self._known
        if not isinstance(event, Detection) or event.end > self._watch_until:
            return True
        return event.end - self._reported.get(event.name, -SAME_WORD_SECONDS) >= SAME_WORD_SECONDS

    def _note(self, events: list[Event]) -> None:
        self._reported.update((event.name, event.end) for event in events if isinstance(event, Detection))
        answers = [event.end for event in events if isinstance(event, (Transcript, NoSpeech))]
        self._answered = max([self._answered, *answers])

    def _forget(self) -> None:
        self._recent.clear()
        self._watch_until = self._answered = self._known = -1.0
        self._reported.clear()
