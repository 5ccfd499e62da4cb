"""What to do with a recognizer: listen all the time, or after a wake word for one command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from kws.engine import Engine, WakeWord
from kws.events import Detection, Event, NoSpeech, Partial, Transcript
from kws.frontends import new_front_end, no_rows, row_format, row_timing
from kws.recognition.recognizer import PhraseSpotting, Recognizer, later
from kws.types import SAMPLE_RATE, Rows

KEPT_SECONDS = 0.5
"""The recognizer also hears so much from before the moment of the detection: a model may be late, and whoever
says "computer lights on" in one breath has begun the command by then."""
LATE_SECONDS = 0.25
"""A wake word is often detected before it is over, and a recognizer writes down late: so long after the
detection it may still be the wake word that it hears, hardly ever longer."""


class Dictation(Engine):
    """An Engine without wake words: everything that is said goes to the recognizer, or to a spotter."""

    _pending: list[Event]  # to be handed on with the next audio
    _source: str
    _taken: Mapping[str, Rows]

    def __init__(self, recognizer: Recognizer | PhraseSpotting) -> None:
        self.recognizer = recognizer
        super().__init__([])
        self.front_ends = {recognizer.front_end: new_front_end(recognizer.front_end)}

    def flush(self) -> list[Event]:
        """The stream has ended, and with it what was being said."""
        events = self._placed(self.recognizer.flush(), self._source)
        self.reset()
        return events

    def _take(self, rows: Mapping[str, Rows], source: str) -> bool:
        self._source, self._taken = source, rows
        return True

    def _told(self) -> list[Event]:
        pending, self._pending = self._pending, []
        rows, self._taken = self._taken, {}
        return pending + self._placed(self.recognizer.push(rows[self.recognizer.front_end]), self._source)

    def _placed(self, events: Sequence[Event], source: str) -> list[Event]:
        return [later(event, self._origin / SAMPLE_RATE, source) for event in events]

    def reset(self) -> None:
        """As new."""
        self._source = ""
        self._pending = []
        self.recognizer.reset()
        super().reset()

    def _restart(self, origin: int) -> None:
        # After a gap; what was said up to there is handed on with the next audio.
        if self._position:
            self._pending += self._placed(self.recognizer.flush(), self._source)
        super()._restart(origin)


class Session(Engine):
    """An Engine that recognizes one command after each wake word, then waits for the next.

    The wake words keep listening meanwhile: whoever says one again starts the command anew. A command that
    was whole by then is answered first, since wake words are also heard where nobody said one; and where the
    new command comes to nothing, both are heard as one, since it may have been cut in two.
    """

    _pending: list[Event]  # to be handed on with the next audio
    _source: str
    _taken: Mapping[str, Rows]
    _kept: Rows
    _first: int  # number of the first kept row, counted from the last restart
    _opened: int | None  # number of the first row that the recognizer heard; None: waiting
    _earlier: int | None  # the same of the command that the last wake word has cut off

    def __init__(self, wake_words: Sequence[WakeWord], recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._hears = recognizer.front_end
        self._window, self._step = row_timing(self._hears)
        late = max((word.wait_seconds for word in wake_words), default=0.0)
        self._row_seconds = row_format(self._hears).row_seconds
        self._keep = round((KEPT_SECONDS + late) / self._row_seconds)
        super().__init__(wake_words)
        if self._hears not in self.front_ends:
            self.front_ends[self._hears] = new_front_end(self._hears)

    @property
    def occupied(self) -> bool:
        """Whether a command is being heard, of which an engine in its place would miss the beginning."""
        return self._opened is not None

    def flush(self) -> list[Event]:
        """The stream has ended, and with it a command."""
        events = self._close() + self._held_back()
        self.reset()
        return events

    def reset(self) -> None:
        """As new: waiting for a wake word."""
        self._source = ""
        self._pending = []
        self._opened = self._earlier = None
        super().reset()

    def _take(self, rows: Mapping[str, Rows], source: str) -> bool:
        self._source, self._taken = source, rows
        super()._take(rows, source)
        return True

    def _told(self) -> list[Event]:
        events, self._pending = self._pending, []
        rows, self._taken = self._taken, {}
        return events + self._follow(rows, super()._told())

    def _follow(self, rows: Mapping[str, Rows], detections: Sequence[Event]) -> list[Event]:
        """Rows to the recognizer, which each detection starts anew."""
        self._kept = np.concatenate([self._kept, rows[self._hears]])
        heard = self._first + len(self._kept) - len(rows[self._hears])
        events: list[Event] = []
        for detection in detections:
            if isinstance(detection, Detection):
                here = self._row_at(detection.end)
                events += self._listen(heard, here)
                interrupted = self._opened
                answers = self._interrupted(self._row_at(detection.start))
                events += answers
                heard = self._open(here, after=answers[-1].end if answers else 0.0)
                self._earlier = None if answers else interrupted
            events.append(detection)
        events += self._listen(heard, self._first + len(self._kept))
        self._forget()
        return events

    def _listen(self, first: int, last: int) -> list[Event]:
        """What the recognizer makes of rows `first` up to, but not, `last`; after its answer it is closed."""
        if self._opened is None or first >= last:
            return []
        found = self.recognizer.push(self._between(first, last))
        for count, event in enumerate(found, 1):
            if isinstance(event, (Transcript, NoSpeech)):
                return self._ended(found[:count], self.recognizer.ends[0])
        return self._placed(found)

    def _ended(self, found: Sequence[Event], seconds: float) -> list[Event]:
        """The events of a command that is over, so many seconds after it was opened."""
        events, last = self._placed(found), found[-1]
        understood = isinstance(last, Transcript) and last.in_grammar is not False
        if self._earlier is not None and not understood:
            until = (self._opened or 0) + round(seconds * SAMPLE_RATE / self._step)
            events[-1:] = self._as_one(self._earlier, until) or events[-1:]
        self._opened = self._earlier = None
        return events

    def _as_one(self, first: int, last: int) -> list[Transcript]:
        """What was said since before the last wake word, if that is a sentence of the grammar."""
        self._opened = first
        self.recognizer.reset()
        heard = self.recognizer.push(self._between(first, last)) + self.recognizer.flush()
        return list(islice(_understood(self._placed(heard)), 1))

    def _between(self, first: int, last: int) -> Rows:
        """Kept rows by their numbers."""
        return self._kept[first - self._first : last - self._first]

    def _open(self, row: int, *, after: float) -> int:
        """Start a command at a row, or rather some way before it, but after a moment of the stream.

        Returns the first row to hear.
        """
        self._opened = max(self._first, row - self._keep, self._row_at(after))
        self.recognizer.reset()
        self.recognizer.pass_over(max(0, row - self._opened) * self._row_seconds + LATE_SECONDS)
        return self._opened

    def _interrupted(self, word: int) -> list[Transcript]:
        """The answer to a command that a wake word cuts off, if it was a whole one of the grammar.

        It may have been whole up to the row where the wake word begins, which was then heard as part of it.
        """
        self._earlier = None  # of three openings the first is forgotten
        first = self._opened
        answers = list(_understood(self._close()))
        return answers or (self._as_one(first, word) if first is not None and first < word else [])

    def _close(self) -> list[Event]:
        if self._opened is None:
            return []
        end = self._first + len(self._kept)
        found = self.recognizer.flush()
        if found and not isinstance(found[-1], Partial):
            return self._ended(found, (end - self._opened) * self._step / SAMPLE_RATE)
        events, self._opened = self._placed(found), None
        return events

    def _placed(self, events: Sequence[Event]) -> list[Event]:
        start = (self._origin + (self._opened or 0) * self._step) / SAMPLE_RATE
        return [later(event, start, self._source) for event in events]

    def _row_at(self, seconds: float) -> int:
        """Rows that end by a moment of the stream."""
        samples = round(seconds * SAMPLE_RATE) - self._origin
        return min(max(0, (samples - self._window) // self._step + 1), self._first + len(self._kept))

    def _forget(self) -> None:
        surplus = max(0, len(self._kept) - self._keep)
        # A command that is open may be cut off by a wake word, and be heard once more from its beginning.
        begun = [row for row in (self._earlier, self._opened) if row is not None]
        surplus = min([surplus, *(row - self._first for row in begun)])
        self._kept = self._kept[surplus:]
        self._first += surplus

    def _restart(self, origin: int) -> None:
        # After a gap; a command that it cuts off is answered with the next audio.
        self._pending += self._close()
        super()._restart(origin)
        self._kept = no_rows(self._hears)
        self._first = 0


def _understood(events: Iterable[Event]) -> Iterator[Transcript]:
    """Sentences of the grammar."""
    return (event for event in events if isinstance(event, Transcript) and event.in_grammar)
