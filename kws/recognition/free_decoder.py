"""Log-probabilities -> free text, through the prefix beam and a scorer that writes words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Protocol

from kws.events import Guess, HeardWord, Partial, Transcript
from kws.recognition.boost import Boosted
from kws.recognition.decoder import Rhythm
from kws.recognition.lexicon import Spelling
from kws.recognition.prefix import Hypothesis, Prefix, State
from kws.recognition.prefix_beam import PrefixBeam, PrefixBeamConfig
from kws.recognition.priors import Priors
from kws.recognition.rescoring import Heard, Rescorer
from kws.recognition.scorer import Scorer
from kws.recognition.text_confidence import AsFound, TextJudge, WrittenWord
from kws.recognition.text_scorer import WordState
from kws.recognition.tokens import LogProbs, Tokens

JUDGED = 10
"""Different texts that a rescorer is asked about: those behind are hardly ever the right ones."""


class WordScorer(Scorer, Protocol):
    """A Scorer whose states are WordStates."""

    def last_word(self, state: State, /) -> str | None:
        """The word that a text ends with if it ends here."""


class FreeDecoder:
    """A Decoder for anything that a lexicon or an alphabet can write.

    Args:
        tokens: what the log-probabilities are about.
        scorer: how tokens become words, and what words are worth.
        step_seconds: from one step to the next.
        config: of the beam.
        priors: what the log-probabilities are divided by.
        phrases: token sequences to boost, with nats per token.
        rescorer: has a say in how whole texts are ranked.
        judge: says how likely they are right.
    """

    _shown: tuple[str, int]  # text and stable words of the last partial

    def __init__(
        self,
        tokens: Tokens,
        scorer: WordScorer,
        step_seconds: float,
        *,
        config: PrefixBeamConfig | None = None,
        priors: Priors | None = None,
        phrases: dict[Spelling, float] | None = None,
        rescorer: Rescorer | None = None,
        judge: TextJudge | None = None,
    ) -> None:
        self.tokens = tokens
        self._judge: TextJudge = judge or AsFound()
        self._scorer = scorer
        self._priors = priors
        self._boosted = bool(phrases)
        self._beam = PrefixBeam(Boosted(scorer, phrases) if phrases else scorer, config)
        self._seconds = step_seconds
        self._rhythm = Rhythm(step_seconds)
        self._heard = Heard(rescorer)
        self.reset()

    def push(self, log_probs: LogProbs) -> list[Partial]:
        """A partial whenever the words, or how many of them are certain, have changed."""
        log_probs = log_probs[:, : len(self.tokens)]
        self._heard.push(log_probs)
        found = []
        for piece, looks in self._rhythm.cut(log_probs):
            self._beam.push(self._priors.scaled(piece) if self._priors else piece)
            partial = self._partial() if looks else None
            if partial and (partial.text, partial.stable) != self._shown:
                self._shown = (partial.text, partial.stable)
                found.append(partial)
        return found

    def flush(self) -> list[Transcript]:
        """The best whole text, if it has any word."""
        hypotheses = self._ranked()
        self._beam.reset()
        self._heard.reset()
        if not hypotheses:
            return []
        written = [self._words(hypothesis.links, whole=True) for hypothesis in hypotheses]
        best = written[0]
        if not best:
            return []
        nats = [hypothesis.score - hypotheses[0].score for hypothesis in hypotheses]
        words = _heard_words(best, self._judge.of_words(best, list(zip(nats, written, strict=True))[1:]))
        guesses = _guesses(nats, [_text(text) for text in written])
        confidence, shares = self._judge.of_text(list(guesses.values()), [word.confidence for word in words])
        return [
            Transcript(
                text=_text(best),
                confidence=confidence,
                start=words[0].start,
                end=words[-1].end,
                words=words,
                nbest=tuple(Guess(text, share) for text, share in zip(guesses, shares, strict=True))[:5],
            )
        ]

    def reset(self) -> None:
        """As new."""
        self._beam.reset()
        self._rhythm.reset()
        self._heard.reset()
        self._shown = ("", 0)

    def at_end(self) -> bool:
        """Never certain: any text may go on."""
        return False

    def hypotheses(self) -> list[Hypothesis]:
        """Whole texts now, the best first; so many different ones as a rescorer is asked about."""
        found = self._beam.finished()
        texts = [self.text(hypothesis) for hypothesis in found]
        judged = set(list(dict.fromkeys(texts))[:JUDGED])
        return [hypothesis for hypothesis, text in zip(found, texts, strict=True) if text in judged]

    def text(self, hypothesis: Hypothesis) -> str:
        """What it says."""
        return _text(self._words(hypothesis.links, whole=True))

    def _ranked(self) -> list[Hypothesis]:
        """Whole texts by the scores of beam and rescorer."""
        if not self._heard.rescorer:
            return self._beam.finished()
        hypotheses = self.hypotheses()
        added = self._heard.added([self.text(hypothesis) for hypothesis in hypotheses])
        judged = [
            dataclasses.replace(one, score=one.score + nats)
            for one, nats in zip(hypotheses, added, strict=True)
        ]
        return sorted(judged, key=lambda hypothesis: -hypothesis.score)

    def _partial(self) -> Partial | None:
        written = self._words(self._beam.best().chain(), whole=False)
        words = _heard_words(written, self._judge.of_partial(written))
        if not words and not self._shown[0]:
            return None
        certain = self._beam.undisputed() if self._heard.rescorer else self._beam.settled()
        return Partial(
            text=_text(written),
            confidence=_mean(words),
            start=words[0].start if words else 0.0,
            end=self._beam.step * self._seconds,
            words=words,
            stable=self._state(certain).words,
        )

    def _words(self, links: Sequence[Prefix], *, whole: bool) -> tuple[WrittenWord, ...]:
        """The words of a chain; of a whole text the last one too, though nothing follows it."""
        found: list[WrittenWord] = []
        current: list[Prefix] = []
        for link in links:
            word = self._state(link).finished
            if word is not None:
                found += [self._written(word, current)] if word else []
                current = []
            if self.tokens.symbols[link.token] != " ":
                current.append(link)
        last = self._scorer.last_word(self._state(current[-1])) if whole and current else None
        return (*found, self._written(last, current)) if last else tuple(found)

    def _written(self, word: str, links: Sequence[Prefix]) -> WrittenWord:
        """Times by the steps where its tokens were likeliest."""
        start, end = links[0].step * self._seconds, (links[-1].step + 1) * self._seconds
        return WrittenWord(word, start, end, sum(link.peak for link in links) / len(links), len(links))

    def _state(self, prefix: Prefix) -> WordState:
        state = prefix.state
        if self._boosted:
            assert isinstance(state, tuple)
            state = state[0]
        assert isinstance(state, WordState)
        return state


def _text(words: Sequence[WrittenWord]) -> str:
    return " ".join(word.word for word in words)


def _heard_words(words: Sequence[WrittenWord], confidences: Sequence[float]) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(word.word, word.start, word.end, confidence)
        for word, confidence in zip(words, confidences, strict=True)
    )


def _mean(words: Sequence[HeardWord]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 0.0


def _guesses(nats: Sequence[float], texts: Sequence[str]) -> dict[str, float]:
    """Text -> its probability among those found, in all its pronunciations."""
    weights = [math.exp(value) for value in nats]
    guesses: dict[str, float] = {}
    for text, weight in zip(texts, weights, strict=True):
        guesses[text] = guesses.get(text, 0.0) + weight / sum(weights)
    return guesses
