"""Ordinary speech as a grammar's opponent: how much better does anything else explain what was heard?

A beam over the most frequent words, by their frequencies alone, hears the same steps as the grammar. How
far a sentence stays behind its best text is the likelihood ratio of Rose and Paul (1990), with words in
place of their fillers: a path of phones (kws.recognition.confidence) fits any sound, words only what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from kws.recognition.bundle import RecognizerBundle
from kws.recognition.free_text import lexicon_of, small_model
from kws.recognition.lexicon import Spelling
from kws.recognition.ngram import END, ArpaModel, read_arpa
from kws.recognition.prefix_beam import PrefixBeam
from kws.recognition.text_scorer import Fusion, LexiconWords
from kws.recognition.tokens import PHONES, LogProbs, Tokens

WORDS = 5_000
"""As many as the rival knows; 40,000 of the trigram's told command words from others no better."""
FUSION = Fusion(0.9, -0.5)
"""With which the recognizers' confidence was fitted; free text may be written with another."""


class Rival:
    """Hears an utterance beside a GrammarDecoder, by phones and divided by the same priors.

    Args:
        frequencies: of single words; a word that it does not know counts as the rarest.
        lead_in: what may be left of a wake word before the first word.
    """

    def __init__(self, frequencies: ArpaModel, lead_in: Sequence[Spelling] = ()) -> None:
        self._frequencies = frequencies
        lexicon = lexicon_of(frequencies, own=bool(lead_in))
        self._beam = PrefixBeam(LexiconWords(lexicon, frequencies, FUSION, lead_in))
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """The next steps, shape (steps, tokens)."""
        self._beam.push(log_probs)
        for nats in log_probs.max(axis=1, initial=-np.inf).tolist():  # one by one: no split changes the sum
            self._top += nats

    def reset(self) -> None:
        """As new."""
        self._beam.reset()
        self._top = 0.0

    def margins(self, sentences: Sequence[tuple[float, Sequence[str], int]]) -> list[float]:
        """How far each stays behind the rival's best text, nats per token; 0 or less.

        Args:
            sentences: of each the nats that its path costs against the likeliest token of every step, its
                words, and how many tokens they have.
        """
        rivals = self._beam.finished()
        if not rivals:
            return [0.0] * len(sentences)
        score = FUSION.score
        return [
            min(0.0, cost + self._top + score(self._frequencies, words) - rivals[0].score) / tokens
            for cost, words, tokens in sentences
        ]


def rival_of(bundle: RecognizerBundle, tokens: Tokens, lead_in: Sequence[Spelling] = ()) -> Rival | None:
    """By the words of a recognizer's small language model; None where tokens are not phones."""
    return Rival(frequent_words(small_model(bundle)), lead_in) if tokens is PHONES else None


@lru_cache(maxsize=1)
def frequent_words(path: Path, most: int = WORDS) -> ArpaModel:
    """The most frequent words of an ARPA file, without their neighbours; raises LanguageModelError."""
    every = read_arpa(path, orders=1)
    said = {word: every.log_prob((), word) for word in every.words if not word.startswith("<")}
    kept = sorted(said, key=lambda word: (-said[word], word))[:most]
    rarest = min((said[word] for word in kept), default=0.0)
    log_prob: dict[tuple[str, ...], float] = {(word,): said[word] for word in kept}
    return ArpaModel(1, {**log_prob, (END,): every.end(())}, {}, unknown=rarest)
