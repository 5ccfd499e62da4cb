"""Log-probabilities divided by how frequent tokens are anyway, before a grammar judges them.

A network trained with CTC says the blank far too readily, and rare tokens hardly at all, where it is
unsure. A grammar that knows what may be said needs p(audio | token), which is proportional to p(token |
audio) / p(token) (Bourlard and Morgan 1994; for CTC: Miao, Gowayyed and Metze 2015, "EESEN"); the
exponent of the prior is less than 1, as steps are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.recognition.confidence import Calibration
from kws.recognition.text_confidence import AsFound, TextConfidence, TextJudge
from kws.recognition.tokens import BLANK, LogProbs, Tokens

WEIGHT = 0.4
"""Exponent of the prior, chosen on dev recordings: more finds a little more of what was said, and tells it
less well from what was not (docs/experiments/recognizer.md)."""
BLANK_PENALTY = 2.0
"""Nats off the blank where a recognizer's priors are not known."""


@dataclass(frozen=True, eq=False)
class Priors:
    """What is subtracted from every row."""

    nats: npt.NDArray[np.float32]
    """(tokens,)."""

    @classmethod
    def of(cls, log_priors: npt.ArrayLike, weight: float = WEIGHT) -> Priors:
        """From ln of the tokens' mean probabilities on speech."""
        return cls((weight * np.asarray(log_priors)).astype(np.float32))

    @classmethod
    def unknown(cls, tokens: Tokens) -> Priors:
        """Only the blank is known to be said too readily."""
        nats = np.zeros(len(tokens), np.float32)
        nats[BLANK] = BLANK_PENALTY
        return cls(nats)

    def scaled(self, log_probs: LogProbs) -> LogProbs:
        """Divided by the priors, and normalized again; shape (steps, tokens)."""
        scaled = log_probs - self.nats
        scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
        found: LogProbs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return found


@dataclass(frozen=True)
class Decoding:
    """What is known of a recognizer beyond its weights, from its card (`decoding`)."""

    priors: Priors
    calibration: Calibration
    """Of what a grammar finds."""
    text: TextJudge
    """Of free text by phones."""


def decoding_of(card: Mapping[str, Any], tokens: Tokens, weight: float | None = None) -> Decoding:
    """As `training.understanding.speech_tasks --fit` has written it, or defaults; `weight` in its place."""
    known = card.get("decoding", {})
    log_priors = known.get("log_priors", {}).get(tokens.kind)
    fits = isinstance(log_priors, list) and len(log_priors) == len(tokens)
    weight = known.get("prior_weight", WEIGHT) if weight is None else weight
    priors = Priors.of(log_priors, weight) if fits else Priors.unknown(tokens)
    curves = known.get("text_confidence")
    judge = TextConfidence.from_dict(curves) if curves else AsFound()
    return Decoding(priors, Calibration(**known.get("confidence", {})), judge)
