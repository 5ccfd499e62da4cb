"""How well a matcher tells phrases by people it has not learned from, before any wake word is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kws.evaluation import Proportion
from training.data.manifest import Clip
from training.matcher.examples import Drawing
from training.matcher.learn import judged
from training.matcher.network import Matcher

PARTS = 12
"""One speaker of so many is held out."""
SAID, ELSEWHERE = 1_500, 10_000
ALLOWED = 10
"""Of ELSEWHERE, that may be taken for said."""


@dataclass(frozen=True)
class Told:
    """Of held-out speakers, at the threshold that ALLOWED reach."""

    missed: Proportion
    """Of all phrases."""
    missed_new: Proportion
    """Of those that nobody says in what was learned from."""
    missed_changed: Proportion
    """Of phrases asked for with some other phones, that are taken for said."""

    def __str__(self) -> str:
        return (
            f"{self.missed} missed, of new phrases {self.missed_new}; of changed ones {self.missed_changed} "
            "taken for said"
        )


def held_out(clips: Sequence[Clip]) -> npt.NDArray[np.bool_]:
    """Of each recording, whether its speaker is."""
    names = [f"{clip.corpus}/{clip.speaker}" for clip in clips]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([number[name] % PARTS == 0 for name in names], np.bool_)


def split(drawing: Drawing, out: npt.NDArray[np.bool_]) -> tuple[Drawing, Drawing]:
    """What is learned from, and what is held out: recordings for which `out` is true."""
    mine = out[drawing.phrases.clip]
    learned, kept = (replace(drawing, phrases=drawing.phrases.only(part)) for part in (~mine, mine))
    return learned, kept


def told(matcher: Matcher, learned: Drawing, kept: Drawing, *, seed: int) -> Told:
    """What the matcher makes of the same examples each time."""
    drawing = replace(kept, rng=np.random.default_rng([seed, 7]))
    said, others, changed = (
        part.only(part.judged > 0)
        for part in (drawing.said(SAID), drawing.elsewhere(ELSEWHERE), drawing.changed(SAID))
    )
    threshold = np.sort(judged(matcher, drawing, others))[-ALLOWED - 1]
    known = {text.tobytes() for text in learned.phrases.texts}
    is_new = np.array([text.tobytes() not in known for text in said.text], np.bool_)
    missed = judged(matcher, drawing, said) <= threshold
    taken = judged(matcher, drawing, changed) > threshold
    return Told(_share(missed), _share(missed[is_new]), _share(taken))


def _share(which: npt.NDArray[np.bool_]) -> Proportion:
    return Proportion(int(np.count_nonzero(which)), len(which))
