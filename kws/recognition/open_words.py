"""Which words were said where a grammar leaves it open: the free search, on that stretch of the sound alone.

A grammar's beam walks such a place as a loop of tokens, which tells where it begins and ends. What was said
there is written afterwards, as free text is, with the words of the grammar on both sides for a context, and
once for every stretch that one of the likeliest sentences has; so it costs the free search's time for the
seconds of the stretch, and nothing while somebody speaks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np

from kws.events import HeardWord, Transcript
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.decoder import Decoder
from kws.recognition.free_text import free_decoder
from kws.recognition.graph_beam import Path
from kws.recognition.tokens import LogProbs, Tokens
from kws.recognition.word_history import SpokenWord

CONTEXT = 2
"""Words before and after a stretch that say which words are likely in it: as many as a trigram asks for."""

DOUBT = 3
"""Power of a text's share among the likeliest, which alone is too sure (docs/experiments/wildcards.md)."""


def open_words_of(bundle: RecognizerBundle, tokens: Tokens, step_seconds: float) -> OpenWords:
    """By the recognizer's free search, and the language model that goes with it."""

    def between(before: Sequence[str], after: Sequence[str]) -> Decoder:
        return free_decoder(bundle, tokens, step_seconds, around=(before, after))

    between((), ())  # what takes long is loaded now
    return OpenWords(between, step_seconds)


class OpenWords:
    """Hears an utterance beside a GrammarDecoder, and fills the open places of its sentences.

    Args:
        decoder: of free text between such words, by the same tokens.
        step_seconds: from one step to the next.
    """

    def __init__(
        self, decoder: Callable[[Sequence[str], Sequence[str]], Decoder], step_seconds: float
    ) -> None:
        self._decoder, self._seconds = decoder, step_seconds
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """The next steps, shape (steps, tokens), as the model gives them."""
        self._parts.append(log_probs)

    def reset(self) -> None:
        """As new."""
        self._parts: list[LogProbs] = []
        self._written: dict[object, tuple[HeardWord, ...]] = {}

    def filled(self, paths: Sequence[Path]) -> list[Path]:
        """The sentences with the words that were said in their open places, without those where nothing was.

        Of those with the same sense only the first.
        """
        found: dict[tuple[object, ...], Path] = {}
        for path in paths:
            words = self._with_words(path.words)
            if words:
                full = dataclasses.replace(path, words=words)
                found.setdefault(full.sense, full)
        return list(found.values())

    def _with_words(self, words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
        """None at all where an open place has no word in it."""
        found: tuple[SpokenWord, ...] = ()
        parts = [(is_open, tuple(part)) for is_open, part in _parts_of(words)]
        for number, (is_open, part) in enumerate(parts):
            if is_open:
                behind = parts[number - 1][1] if number else ()
                ahead = parts[number + 1][1] if number + 1 < len(parts) else ()
                first, end = behind[-1].end if behind else 0, ahead[0].start if ahead else self._steps
                heard = self._heard(first, end, _texts(behind)[-CONTEXT:], _texts(ahead)[:CONTEXT])
                if not heard:
                    return ()
                part = self._in_place(heard, part, first)
            found += part
        return found

    def _in_place(
        self, heard: Sequence[HeardWord], part: Sequence[SpokenWord], first: int
    ) -> tuple[SpokenWord, ...]:
        """Words in the place of a part's tokens, whose marks and cost they take over."""
        tokens, more = divmod(sum(token.tokens for token in part), len(heard))
        cost = sum(token.score for token in part) / len(heard)
        words = [
            SpokenWord(
                word.word,
                first + round(word.start / self._seconds),
                first + round(word.end / self._seconds),
                cost,
                tokens + (more if number == 0 else 0),
                (),
                (),
                word.confidence,
            )
            for number, word in enumerate(heard)
        ]
        before = sum((token.marks_before for token in part), ())
        after = sum((token.marks_after for token in part), ())
        words[0] = dataclasses.replace(words[0], marks_before=before)
        words[-1] = dataclasses.replace(words[-1], marks_after=words[-1].marks_after + after)
        return tuple(words)

    def _heard(
        self, first: int, end: int, before: tuple[str, ...], after: tuple[str, ...]
    ) -> tuple[HeardWord, ...]:
        key = (first, end, before, after)
        if key not in self._written:
            decoder = self._decoder(before, after)
            decoder.push(np.concatenate(self._parts)[first:end])
            self._written[key] = tuple(word for said in decoder.flush() for word in _judged(said))
        return self._written[key]

    @property
    def _steps(self) -> int:
        return sum(map(len, self._parts))


def _judged(said: Transcript) -> Iterator[HeardWord]:
    """Its words with a confidence in all of them, which tells more than how clearly each one sounded."""
    sure = said.nbest[0].confidence ** DOUBT
    return (dataclasses.replace(word, confidence=sure) for word in said.words)


def _texts(words: Sequence[SpokenWord]) -> tuple[str, ...]:
    """Those that are known yet."""
    return tuple(word.text for word in words if not word.is_filler and not word.is_open)


def _parts_of(words: Sequence[SpokenWord]) -> Iterator[tuple[bool, Iterator[SpokenWord]]]:
    """Stretches of open tokens, and of others; a slot's mark before a token begins another open place."""
    places, place = [], 0
    for word in words:
        place += bool(word.marks_before)
        places.append((word.is_open, place if word.is_open else -1))
    marked = zip(places, words, strict=True)
    for (is_open, _), group in groupby(marked, key=lambda pair: pair[0]):
        yield is_open, (word for _, word in group)
