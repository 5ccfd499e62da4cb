"""Learn from tapes: settings, data, model, optimizer, loop, read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kws.evaluation import OperatingPoint
from training.learning.checkpoint import Checkpoint
from training.learning.course import FIRES, Course
from training.learning.selection import Listening
from training.material.tapes import Tapes
from training.models import Network
from training.recipe import TrainingRecipe


@dataclass(frozen=True)
class Progress:
    """What is printed after an epoch."""

    epoch: int
    loss: float
    hard_tapes: int
    """Tapes on which something that is not the word scored above 0.5."""
    held_out: OperatingPoint | None = None
    """Of the averaged weights on tapes that nothing learns from."""
    kept: bool = False
    """Whether these are the best weights so far."""

    def __str__(self) -> str:
        text = f"loss {self.loss:.4f}, {self.hard_tapes} tapes with false alarms"
        if self.held_out is None:
            return text
        misses, best = self.held_out.misses, ", the best so far" if self.kept else ""
        return f"{text}; {misses.count} of {misses.total} held-out words missed{best}"


@dataclass(frozen=True)
class Surroundings:
    """What a training may make use of beside its tapes."""

    listening: Listening | None = None
    """Chooses among the epochs; without it the last one's weights are kept."""
    more: Sequence[Tapes] = ()
    """Other speech, in which hard negatives are sought: tapes for each round."""
    checkpoint: Checkpoint | None = None
    """Written after every epoch."""
    resume: bool = False
    """Whether to go on from the checkpoint."""


def fit(
    network: Network, tapes: Tapes, recipe: TrainingRecipe, *, seed: int, around: Surroundings | None = None
) -> Iterator[Progress]:
    """Train `network` in place, one Progress per epoch; at the end it holds the best averaged weights.

    Truncated back-propagation through time over whole tapes: each chunk goes on from the state that the
    chunk before left, and each tape from the state of the tape before, since at work a state is never reset.
    Now and then a lane begins anew all the same, as an engine does that was just started.
    """
    around = around or Surroundings()
    course = Course(network, tapes, recipe, seed)
    if around.checkpoint and around.resume:
        course.go_on(around.checkpoint.load())
    rounds = dict(zip(mining_epochs(recipe), around.more, strict=False))
    while course.epoch < recipe.epochs:
        if course.epoch in rounds:
            course.mine(rounds[course.epoch])
        loss = course.learn_epoch()
        course.find_hard_tapes()
        point, kept = course.judge(around.listening)
        if around.checkpoint:
            around.checkpoint.save(course.arrays())
        yield Progress(course.epoch, loss, int(np.sum(course.worst > FIRES)), point, kept)
    course.finish()


def mining_epochs(recipe: TrainingRecipe) -> list[int]:
    """Before which epochs hard negatives are sought: evenly spread, none before the first third."""
    first = recipe.epochs // 3
    return [
        first + round(n * (recipe.epochs - first) / recipe.mining_rounds) for n in range(recipe.mining_rounds)
    ]
