"""Rows -> how well a spelling is heard, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.errors import KwsError
from kws.frontends import SPEECH_EMBEDDING, row_format
from kws.recognition.lexicon import Spelling
from kws.scoring import ScoreTrack
from kws.types import SAMPLE_RATE, Rows
from training.matcher.network import MOST_PHONES, Matcher
from training.matcher.phrases import WINDOW

EVERY = 2
"""Rows from one step to the next, 160 ms."""
SOFTER = 4.0
"""A score is the logistic function of the logit by this: high ones lie apart on the grid of thresholds."""
_AT_ONCE = 1024

Logits = npt.NDArray[np.float32]


def track_of(matcher: Matcher, rows: Rows, ways: Sequence[Spelling]) -> ScoreTrack:
    """Of the way that is heard best; before the stream, its first row goes on and on.

    Args:
        matcher: what compares.
        rows: of one stream from its beginning on, int8, shape (t, columns of the matcher).
        ways: in which the phrase is spelled, in phones.

    Raises:
        KwsError: a spelling is too long.
    """
    lasts = np.arange(0, len(rows), EVERY)
    longer = np.concatenate([np.repeat(rows[:1], WINDOW - 1, axis=0), rows])
    best = np.max([logits_at(matcher, longer, lasts + WINDOW - 1, way) for way in ways], axis=0)
    form = row_format(SPEECH_EMBEDDING)
    time = (form.rows_end(1) / SAMPLE_RATE) + lasts * form.row_seconds
    return ScoreTrack(time, score_of(best))


def logits_at(matcher: Matcher, rows: Rows, lasts: npt.NDArray[np.int64], way: Spelling) -> Logits:
    """Of one spelling in the windows that end with these rows, shape (n,)."""
    if len(way) > MOST_PHONES:
        raise KwsError(f"a spelling of {len(way)} phones; the matcher reads at most {MOST_PHONES}")
    found = [np.empty(0, np.float32)]
    for first in range(0, len(lasts), _AT_ONCE):
        places = lasts[first : first + _AT_ONCE, None] + np.arange(1 - WINDOW, 1)
        asked = tf.constant([way] * len(places), tf.int32)
        found.append(np.asarray(matcher.logits(tf.constant(rows[places]), asked)[0]))
    return np.concatenate(found)


def score_of(logits: Logits) -> Logits:
    """From 0 to 1."""
    return (1 / (1 + np.exp(-logits / np.float32(SOFTER)))).astype(np.float32)


def logit_of(score: Logits) -> Logits:
    """Inverse of `score_of`."""
    inside = np.clip(score.astype(np.float64), 1e-7, 1 - 1e-7)
    return (SOFTER * np.log(inside / (1 - inside))).astype(np.float32)
