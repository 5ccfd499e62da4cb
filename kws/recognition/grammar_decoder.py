"""Log-probabilities -> what a grammar makes of them: text, intent and slots, or "not in the grammar"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

import numpy as np

from kws.events import Guess, HeardWord, Partial, Slots, Transcript
from kws.grammar.compile import TokenGraph
from kws.grammar.word_graph import OPEN, Mark
from kws.recognition.confidence import Calibration, Evidence, said_tokens
from kws.recognition.decoder import Rhythm
from kws.recognition.graph_beam import BeamConfig, GraphBeam, Path
from kws.recognition.letters import Letters, Opinion
from kws.recognition.open_words import OpenWords
from kws.recognition.priors import Priors
from kws.recognition.rescoring import Heard, Rescorer
from kws.recognition.rival import Rival
from kws.recognition.tokens import LogProbs
from kws.recognition.word_history import SpokenWord


class GrammarDecoder:
    """A Decoder that knows only the sentences of a compiled grammar; a rival knows what else may be said.

    Log-probabilities may have those of characters beside them, by which letters then have a say.
    """

    _shown: tuple[str, int]  # text and stable words of the last partial
    _promised: tuple[str, ...]  # those stable words

    def __init__(
        self,
        graph: TokenGraph,
        step_seconds: float,
        *,
        calibration: Calibration | None = None,
        priors: Priors | None = None,
        beam: BeamConfig | None = None,
        rescorer: Rescorer | None = None,
        rival: Rival | None = None,
        letters: Letters | None = None,
        open_words: OpenWords | None = None,
    ) -> None:
        self.tokens = graph.tokens
        self.calibration = calibration or Calibration()
        self._priors = priors
        self._beam, self._rival, self._letters = GraphBeam(graph, beam), rival, letters
        self._open_words = open_words
        self._seconds = step_seconds
        self._rhythm = Rhythm(step_seconds)
        self._kept = Heard(rescorer)
        self.reset()

    def push(self, log_probs: LogProbs) -> list[Partial]:
        """A partial whenever the words, or how many of them are certain, have changed."""
        log_probs, characters = np.split(log_probs, [len(self.tokens)], axis=1)
        self._kept.push(log_probs)
        if self._open_words:
            self._open_words.push(log_probs)
        if self._letters and characters.size:
            self._letters.push(characters)
        found = []
        for piece, looks in self._rhythm.cut(log_probs):
            scaled = self._priors.scaled(piece) if self._priors else piece
            self._beam.push(scaled)
            if self._rival:
                self._rival.push(scaled)
            partial = self._partial() if looks else None
            if partial and (partial.text, partial.stable) != self._shown:
                self._shown = (partial.text, partial.stable)
                found.append(partial)
        return found

    def flush(self) -> list[Transcript]:
        """One transcript; rejected ones have no text, and say in `nbest` what they came nearest to."""
        judged = [
            (path, self.calibration.of_path(path.score, path.words, evidence))
            for path, evidence in self.ranked()
        ]
        self._start_anew()
        if not judged:
            return [Transcript("", 0.0, 0.0, 0.0, in_grammar=False)]
        return [self._transcript(judged)]

    def reset(self) -> None:
        """As new."""
        self._start_anew()
        self._rhythm.reset()
        self._shown = ("", 0)

    def at_end(self) -> bool:
        """Whether the best hypothesis is a whole sentence of the grammar."""
        return self._beam.at_end() and bool(_said(self._beam.best().words))

    def paths(self) -> list[Path]:
        """Whole sentences now, the best by phones first, words that are not the grammar's own included.

        All begin with the words that were called stable, as do the best ways to everything that may follow.
        """
        promised = len(self._promised)
        found = [path for path in self._beam.sentences() if _texts(path)[:promised] == self._promised]
        return self._open_words.filled(found) if self._open_words else found

    def ranked(self) -> list[tuple[Path, Evidence]]:
        """Those in which something is said, the best first, and what else speaks against each."""
        return [(path, evidence) for _, path, evidence in self.weighed()]

    def weighed(self) -> list[tuple[float, Path, Evidence]]:
        """The same with the nats by which they are ranked: letters and rescorer have a say, too."""
        sentences = [path for path in self.paths() if _said(path.words)]
        letters, margins = self._opinions(sentences), self._margins(sentences)
        added = self._kept.added([path.text for path in sentences])
        scores = [
            path.score + own.nats + more for path, own, more in zip(sentences, letters, added, strict=True)
        ]
        order = np.argsort(-np.array(scores), kind="stable")
        return [(scores[at], sentences[at], Evidence(margins[at], letters[at].doubt)) for at in order]

    def _opinions(self, paths: Sequence[Path]) -> Sequence[Opinion]:
        if not self._letters:
            return [Opinion()] * len(paths)
        return self._letters.opinions([(path.text, said_tokens(path.words)) for path in paths])

    def _margins(self, paths: Sequence[Path]) -> Sequence[float]:
        if not self._rival:
            return [0.0] * len(paths)
        return self._rival.margins(
            [(path.score, path.text.split(), said_tokens(path.words)) for path in paths]
        )

    def _start_anew(self) -> None:
        self._promised = ()
        self._beam.reset()
        self._kept.reset()
        for beside in (self._rival, self._letters, self._open_words):
            if beside:
                beside.reset()

    def _partial(self) -> Partial | None:
        path = self._beam.best()
        # Which words stand in an open place is known in the end alone, so what follows is not yet told.
        words = self._heard(_before_open(path.words))
        if not words and not self._shown[0]:
            return None
        self._promised = tuple(takewhile(lambda word: word != OPEN, self._beam.settled()))
        return Partial(
            text=" ".join(word.word for word in words),
            confidence=self.calibration.of_path(path.score, path.words),
            start=words[0].start if words else 0.0,
            end=self._beam.step * self._seconds,
            words=words,
            stable=len(self._promised),
        )

    def _transcript(self, judged: Sequence[tuple[Path, float]]) -> Transcript:
        path, confidence = judged[0]
        words = self._heard(path.words)
        accepted = confidence >= self.calibration.threshold
        intent, slots = meaning(path)
        return Transcript(
            text=path.text if accepted else "",
            confidence=confidence,
            start=words[0].start,
            end=words[-1].end,
            words=words if accepted else (),
            nbest=_guesses(judged),
            in_grammar=accepted,
            intent=intent if accepted else None,
            slots=slots if accepted else Slots(),
        )

    def _heard(self, words: Sequence[SpokenWord]) -> tuple[HeardWord, ...]:
        return tuple(
            HeardWord(
                word.text,
                word.start * self._seconds,
                word.end * self._seconds,
                self.calibration.of_word(word),
            )
            for word in _said(words)
        )


def meaning(path: Path) -> tuple[str | None, Slots]:
    """Intent and slots by the marks along a path; a slot filled several times holds all, in order."""
    intent: str | None = None
    slots: dict[str, str] = {}
    begun: dict[str, int] = {}
    said: list[str] = []

    def note(mark: Mark) -> None:
        nonlocal intent
        if mark.kind == "intent":
            intent = mark.name
        elif mark.kind == "open":
            begun[mark.name] = len(said)
        else:
            value = mark.value if mark.kind == "set" else " ".join(said[begun[mark.name] :])
            slots[mark.name] = f"{slots[mark.name]} {value}" if mark.name in slots else value

    for word in path.words:
        for mark in word.marks_before:
            note(mark)
        if not word.is_filler:
            said.append(word.text)
        for mark in word.marks_after:
            note(mark)
    for mark in path.marks:
        note(mark)
    return intent, Slots(slots)


def _before_open(words: Sequence[SpokenWord]) -> Sequence[SpokenWord]:
    return tuple(takewhile(lambda word: not word.is_open, words))


def _said(words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
    return tuple(word for word in words if not word.is_filler)


def _texts(path: Path) -> tuple[str, ...]:
    return tuple(word.text for word in _said(path.words))


def _guesses(judged: Iterable[tuple[Path, float]]) -> tuple[Guess, ...]:
    best: dict[str, float] = {}
    for path, confidence in judged:
        best.setdefault(path.text, confidence)
    return tuple(Guess(text, confidence) for text, confidence in best.items())
