"""A training from epoch to epoch: weights and their average, optimizer, state, hard tapes, random numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws.evaluation import OperatingPoint
from kws.frontend import FrontendConfig
from training.int8.quantize import to_real
from training.learning.averaging import move
from training.learning.losses import trigger_loss
from training.learning.selection import Listening, streamed_misses
from training.learning.spec_augment import hide
from training.material.tapes import NEGATIVE, Tapes
from training.models import Network
from training.models.scoring import scorer
from training.progress import track
from training.recipe import TrainingRecipe

FIRES = 0.5
"""Score from which something that is not the word counts as taken for it."""

_WORDLESS_SECONDS = 1.0
"""At the beginning of a chunk: where a word ends later than this, it began in this chunk."""


class Course:
    """Everything that a training carries from epoch to epoch."""

    def __init__(self, network: Network, tapes: Tapes, recipe: TrainingRecipe, seed: int) -> None:
        self.network, self.tapes, self.recipe, self.seed = network, tapes, recipe, seed
        self.chunk = _chunk_rows(recipe, network.stride)
        steps = recipe.epochs * (len(tapes) // recipe.batch) * (tapes.rows.shape[1] // self.chunk)
        self.optimizer = keras.optimizers.AdamW(_schedule(recipe, steps), weight_decay=recipe.weight_decay)
        self.optimizer.build(network.trainable_variables)
        self.average = [variable.numpy() for variable in network.variables]
        self.best = [*self.average]
        self.fewest = math.inf
        self.states = network.zero_states(recipe.batch)
        self.worst = np.zeros(len(tapes))
        self.epoch = self.seen = 0
        self.rng = np.random.default_rng(seed)
        self._mined: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._step = tf.function(self._learn_step)

    def learn_epoch(self) -> float:
        """Hear as many tapes as there are, the hard ones more often; returns the mean loss."""
        losses, average = [], [tf.Variable(values) for values in self.average]
        likelihood = 1 + self.recipe.hard_share * self.worst
        order = self.rng.choice(len(self.tapes), len(self.tapes), p=likelihood / likelihood.sum())
        chunks = len(order) // self.recipe.batch * (self.tapes.rows.shape[1] // self.chunk)
        label = f"epoch {self.epoch + 1}/{self.recipe.epochs}"
        for rows, marks, fresh in track(self._chunks(order), label, chunks):
            self.network.dropout.begin(self.seed, self.seen)
            states = [tf.gather(state, self._pasts(marks)) for state in self.states]
            if fresh is not None:
                states = [state * _like(fresh, state) for state in states]
            loss, self.states = self._step(to_real(self._masked(rows)), marks, states)
            losses.append(float(loss))
            self.seen += 1
            move(average, self.network.variables, min(self.recipe.averaging, self.seen / (10 + self.seen)))
        self.average = [kept.numpy() for kept in average]
        self.epoch += 1
        return float(np.mean(losses))

    def find_hard_tapes(self) -> None:
        """Hear all tapes with the weights as they are."""
        self.worst = worst_false_scores(self.network, self.tapes, self.recipe.batch, self.chunk)

    def mine(self, more: Tapes) -> None:
        """Of tapes never heard, those on which something fires take the places of the easiest ones."""
        worst = worst_false_scores(self.network, more, self.recipe.batch, self.chunk)
        hard = np.flatnonzero(worst > FIRES)
        wordless = np.flatnonzero(np.all(self.tapes.marks == NEGATIVE, axis=1))
        easy = wordless[np.argsort(self.worst[wordless], kind="stable")][: len(hard)]
        self._put(easy, more.rows[hard[: len(easy)]], more.marks[hard[: len(easy)]])
        self.worst[easy] = worst[hard[: len(easy)]]

    def judge(self, listening: Listening | None) -> tuple[OperatingPoint | None, bool]:
        """Hear the held-out tapes with the averaged weights; kept are those that miss the fewest words."""
        if listening is None:
            self.best = [*self.average]
            return None, True
        learnt = [variable.numpy() for variable in self.network.variables]
        _assign(self.network, self.average)
        point = streamed_misses(self.network, listening)
        _assign(self.network, learnt)
        kept = point.misses.count <= self.fewest
        if kept:
            self.fewest, self.best = point.misses.count, [*self.average]
        return point, kept

    def finish(self) -> None:
        """The network gets the best weights."""
        _assign(self.network, self.best)

    def arrays(self) -> dict[str, Any]:
        """All of it but the tapes that were there from the start."""
        lists = {
            "network": self.network.variables,
            "average": self.average,
            "best": self.best,
            "optimizer": self.optimizer.variables,
            "states": self.states,
        }
        found = {f"{name}.{n}": np.asarray(v) for name, values in lists.items() for n, v in enumerate(values)}
        numbers = {"epoch": self.epoch, "seen": self.seen, "fewest": self.fewest, "worst": self.worst}
        places = sorted(self._mined)
        mined = {"mined": np.array(places, np.int64)}
        if places:
            mined["mined_rows"] = np.stack([self._mined[place][0] for place in places])
            mined["mined_marks"] = np.stack([self._mined[place][1] for place in places])
        return {**found, **numbers, **mined, "rng": np.array(json.dumps(self.rng.bit_generator.state))}

    def go_on(self, saved: dict[str, Any] | None) -> None:
        """From `arrays`; None changes nothing."""
        if saved is None:
            return

        def listed(name: str) -> list[np.ndarray]:
            return [saved[f"{name}.{n}"] for n in range(sum(key.startswith(f"{name}.") for key in saved))]

        _assign(self.network, listed("network"))
        self.average, self.best = listed("average"), listed("best")
        for variable, values in zip(self.optimizer.variables, listed("optimizer"), strict=True):
            variable.assign(values)
        self.states = [tf.constant(values) for values in listed("states")]
        self.epoch, self.seen, self.fewest = int(saved["epoch"]), int(saved["seen"]), float(saved["fewest"])
        self.worst = saved["worst"]
        self.rng.bit_generator.state = json.loads(str(saved["rng"]))
        if len(saved["mined"]):
            self._put(saved["mined"], saved["mined_rows"], saved["mined_marks"])

    def _put(self, places: np.ndarray, rows: np.ndarray, marks: np.ndarray) -> None:
        if not self._mined:  # the tapes given stay as they are
            self.tapes = replace(self.tapes, rows=self.tapes.rows.copy(), marks=self.tapes.marks.copy())
        self.tapes.rows[places], self.tapes.marks[places] = rows, marks
        self._mined |= {int(p): (r, m) for p, r, m in zip(places, rows, marks, strict=True)}

    def _chunks(self, order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """Rows (batch, chunk, 40), marks (batch, steps), each lane playing tape after tape in `order`.

        The third is, at the beginning of a tape, 0 for lanes that begin anew and 1 for the others.
        """
        batch, stride = self.recipe.batch, self.network.stride
        for first in range(0, len(order) - batch + 1, batch):
            lanes = order[first : first + batch]
            rows, marks = self.tapes.rows[lanes], self.tapes.marks[lanes]
            going_on: np.ndarray | None = self.rng.random(batch) >= self.recipe.reset_share
            for start in range(0, rows.shape[1] - self.chunk + 1, self.chunk):
                part = slice(start, start + self.chunk)
                yield rows[:, part], marks[:, part][:, stride - 1 :: stride], going_on
                going_on = None

    def _pasts(self, marks: np.ndarray) -> np.ndarray:
        """Whose state each lane goes on from, (batch,): its own or another's, never in the middle of a word.

        On a tape with the word half of the pieces are the word. A network that remembered that would wait for
        the next one where one was, and miss the one that comes once a day.
        """
        steps = math.ceil(_WORDLESS_SECONDS / FrontendConfig().row_seconds / self.network.stride)
        wordless = np.all(marks[:, :steps] == NEGATIVE, axis=1)
        moved = wordless & (self.rng.random(len(marks)) < self.recipe.exchange_share)
        return np.where(moved, self.rng.integers(len(marks), size=len(marks)), np.arange(len(marks)))

    def _masked(self, rows: np.ndarray) -> np.ndarray:
        """In half of the lanes."""
        for lane in np.flatnonzero(self.rng.random(len(rows)) < 0.5):
            hide(rows[lane], self.rng, channels=6, stretch=15)
        return rows

    def _learn_step(self, rows, marks, states):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            logits, states = self.network.forward(rows, states, training=True)
            loss = trigger_loss(logits, marks, self.recipe)
        gradients = tape.gradient(loss, self.network.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, self.recipe.clip_norm)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_variables, strict=True))
        return loss, [tf.stop_gradient(state) for state in states]


def worst_false_scores(network: Network, tapes: Tapes, batch: int, chunk: int) -> np.ndarray:
    """The highest score where no word is, shape (tapes,); heard `chunk` rows at a time."""
    score = scorer(network)
    worst = np.zeros(len(tapes))
    for first in track(range(0, len(tapes), batch), "hearing all tapes", -(-len(tapes) // batch)):
        lanes = slice(first, min(first + batch, len(tapes)))
        states = network.zero_states(lanes.stop - first)
        for start in range(0, tapes.rows.shape[1] - chunk + 1, chunk):
            logits, states = score(to_real(tapes.rows[lanes, start : start + chunk]), states)
            marks = tapes.marks[lanes, start : start + chunk][:, network.stride - 1 :: network.stride]
            scores = tf.sigmoid(logits).numpy()
            worst[lanes] = np.maximum(worst[lanes], np.where(marks == NEGATIVE, scores, 0).max(axis=1))
    return worst


def _like(lanes: np.ndarray, state: tf.Tensor) -> np.ndarray:
    """Shape (batch,) -> (batch, 1, ...), to be multiplied with a state."""
    return lanes.astype(np.float32).reshape(-1, *[1] * (len(state.shape) - 1))


def _assign(network: Network, values: list[np.ndarray]) -> None:
    for variable, array in zip(network.variables, values, strict=True):
        variable.assign(array)


def _schedule(recipe: TrainingRecipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = min(200, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        max(1, steps - warmup),
        alpha=0.02,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )


def _chunk_rows(recipe: TrainingRecipe, stride: int) -> int:
    return math.floor(recipe.chunk_seconds / FrontendConfig().row_seconds / stride) * stride
