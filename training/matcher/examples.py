"""Phrases asked for where they are said and where they are not, drawn at random: what is learned from.

What is not said comes in four kinds: a phrase that is said elsewhere; one that has only begun; one of which
some phones are others, or that begins or ends like another; and, of those said elsewhere, the ones that the
matcher of that moment takes for said. A text that comes near to what is said (training.matcher.nearness) is
neither: people may well have said it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kws.recognition.tokens import PHONES
from training.matcher.material import Heard
from training.matcher.nearness import LEAST, Texts, costs_of_tokens, is_apart
from training.matcher.phrases import LONGEST, WINDOW, Phrases
from training.words.confusion import LEAST_SHARE

LATE = (1, 5)
"""Rows after a phrase's end at which it counts as said; the recognizer writes phones down a little late."""
EARLY = 3
"""Rows before its end, at the least, at which it has only begun."""
DELAY = 2
"""Rows after which a phone is looked for in what is heard."""
_AROUND = 20
"""Rows about a phrase at which others are asked for."""
_SAID = 48
"""Phones that are said in a window, at most."""


class Examples(NamedTuple):
    """n of them."""

    row: npt.NDArray[np.int64]
    """The last of each window, shape (n,)."""
    text: Texts
    """What is asked for, shape (n, LONGEST)."""
    said: npt.NDArray[np.float32]
    """1 where it is said, shape (n,)."""
    judged: npt.NDArray[np.float32]
    """0 where nobody can tell, shape (n,)."""
    phones: npt.NDArray[np.float32]
    """1 for each phone of the text that is said there as a part of it, shape (n, LONGEST)."""

    def only(self, kept: npt.NDArray[np.generic]) -> Examples:
        """Those of them, by number or by mask."""
        return Examples(*(part[kept] for part in self))


def together(parts: list[Examples]) -> Examples:
    """All of them."""
    return Examples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@dataclass
class Drawing:
    """Draws examples of these phrases in what was heard."""

    heard: Heard
    phrases: Phrases
    rng: np.random.Generator

    def windows(self, rows: npt.NDArray[np.int64], columns: slice) -> npt.NDArray[np.int8]:
        """Of what was heard up to these rows, shape (n, WINDOW, columns)."""
        return self.heard.rows[rows[:, None] + np.arange(1 - WINDOW, 1), columns]

    def now(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Which phone is said in each row of these windows, 0 for none, shape (n, WINDOW)."""
        # What an encoder says of a moment tells most of what was said a little before it.
        when = rows[:, None] + np.arange(1 - WINDOW, 1) - DELAY - 0.5
        place = np.minimum(np.searchsorted(self.heard.ends, when), len(self.heard.ends) - 1)
        said = (self.heard.phone_starts[place] <= when) & (when <= self.heard.ends[place])
        return np.where(said, self.heard.phones[place], 0).astype(np.int32)

    def said(self, count: int) -> Examples:
        """Phrases that have just been said."""
        drawn = self._drawn(count)
        text = self.phrases.texts[drawn]
        ones = np.ones(count, np.float32)
        return Examples(self._just_after(drawn), text, ones, ones, (text > 0).astype(np.float32))

    def begun(self, count: int) -> Examples:
        """Phrases that have not ended yet."""
        drawn = self._drawn(count)
        text, ends = self.phrases.texts[drawn], self.phrases.ends[drawn]
        # Back to where about a third of it was heard.
        third = ends[np.arange(count), np.count_nonzero(text, axis=1) // 3]
        most = np.maximum(EARLY, self.phrases.last[drawn] - np.ceil(third).astype(np.int64))
        row = self._inside(self.phrases.last[drawn] - self.rng.integers(EARLY, most + 1))
        return self._not_said(row, text, (ends <= row[:, None]) & (text > 0))

    def changed(self, count: int) -> Examples:
        """Phrases that have just been said, asked for with some other phones."""
        drawn, others = self._drawn(count), self._drawn(count)
        text = np.zeros((count, LONGEST), np.uint8)
        kept = np.zeros((count, LONGEST), np.bool_)
        for number, (one, other) in enumerate(zip(drawn, others, strict=True)):
            phones, same = changed_text(self._phones(one), self._phones(other), self.rng)
            text[number, : len(phones)], kept[number, : len(same)] = phones, same
        return self._not_said(self._just_after(drawn), text, kept)

    def elsewhere(self, count: int) -> Examples:
        """Phrases that are said elsewhere."""
        text = self.phrases.texts[self._drawn(count)]
        about = self.rng.integers(-_AROUND, _AROUND + 1, count)
        row = self._inside(self.phrases.last[self._drawn(count)] + about)
        return self._not_said(row, text, np.zeros(text.shape, np.bool_))

    def said_around(self, row: npt.NDArray[np.int64]) -> Texts:
        """All phones that have ended within each window, shape (n, phones), 0 past the last."""
        ends = self.heard.ends
        first = np.searchsorted(ends, row - WINDOW, side="right")
        stop = np.searchsorted(ends, row + 0.5, side="right")
        places = np.maximum(first, stop - _SAID)[:, None] + np.arange(_SAID)
        there = places < stop[:, None]
        found = np.where(there, self.heard.phones[np.minimum(places, len(ends) - 1)], 0)
        return np.asarray(found, np.uint8)

    def _not_said(self, row: npt.NDArray[np.int64], text: Texts, phones: npt.NDArray[np.bool_]) -> Examples:
        judged = is_apart(text, self.said_around(row)).astype(np.float32)
        return Examples(row, text, np.zeros(len(row), np.float32), judged, phones.astype(np.float32))

    def _drawn(self, count: int) -> npt.NDArray[np.int64]:
        return self.rng.choice(len(self.phrases), count, p=self.phrases.chance)

    def _just_after(self, drawn: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        late = self.rng.integers(LATE[0], LATE[1] + 1, len(drawn))
        return self._inside(self.phrases.last[drawn] + late)

    def _inside(self, row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.clip(row, WINDOW - 1, len(self.heard.rows) - 1)

    def _phones(self, number: int) -> list[int]:
        text = self.phrases.texts[number]
        return [int(phone) for phone in text[text > 0]]


def changed_text(text: list[int], other: list[int], rng: np.random.Generator) -> tuple[list[int], list[bool]]:
    """A text with some of it exchanged, and which phones are still its own; at most LONGEST phones."""
    kind, cut = rng.random(), int(rng.integers(1, len(text)))
    if kind < 0.25:  # another end
        end = other[-max(2, len(text) - cut) :]
        found = [*text[:cut], *end], [True] * cut + [False] * len(end)
    elif kind < 0.5:  # another beginning
        begin = other[: max(2, cut)]
        found = [*begin, *text[cut:]], [False] * len(begin) + [True] * (len(text) - cut)
    elif kind < 0.65:  # more at one end
        more = other[: int(rng.integers(2, 5))]
        if rng.random() < 0.5:
            found = [*more, *text], [False] * len(more) + [True] * len(text)
        else:
            found = [*text, *more], [True] * len(text) + [False] * len(more)
    else:
        found = _scattered(text, rng)
    return found[0][:LONGEST], found[1][:LONGEST]


def _scattered(text: list[int], rng: np.random.Generator) -> tuple[list[int], list[bool]]:
    """Single phones exchanged, left out or put in, until it should sound otherwise."""
    replace, gap = costs_of_tokens()
    phones, kept = list(text), [True] * len(text)
    wanted = max(LEAST, LEAST_SHARE * len(text)) * rng.uniform(1.0, 1.8)
    while wanted > 0 and any(kept):
        place, what = int(rng.choice(np.flatnonzero(kept))), rng.random()
        if what < 0.12 and len(phones) > 3:
            wanted -= gap[phones[place]]
            del phones[place], kept[place]
            continue
        if what < 0.24 and len(phones) < LONGEST:
            phones.insert(place, int(rng.integers(1, len(PHONES))))
            kept.insert(place, False)
            wanted -= gap[phones[place]]
            continue
        like = np.exp(-replace[phones[place]] / 0.4)
        like[[0, phones[place]]] = 0.0
        new = int(rng.choice(len(PHONES), p=like / like.sum()))
        wanted -= replace[phones[place], new]
        phones[place], kept[place] = new, False
    return phones, kept
