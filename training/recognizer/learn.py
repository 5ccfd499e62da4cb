"""Learn from takes by CTC: settings, data, model, optimizer, loop, read from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kws.errors import KwsError
from kws.frontends import MICRO
from kws.recognition.tokens import Kind
from training.kept import keep_arrays
from training.learning.averaging import move
from training.learning.checkpoint import load_weights
from training.recognizer.batches import Batch, Shelf
from training.recognizer.encoders import BODIES, layered_network
from training.recognizer.encoders.pretrained import PretrainedNetwork
from training.recognizer.hearing import Hearing
from training.recognizer.joint import attention_loss, new_speller
from training.recognizer.network import OUTPUTS, AcousticNetwork
from training.recognizer.recipe import NetworkRecipe, Recipe
from training.recognizer.schedule import WarmHoldFall
from training.recognizer.scoring import ErrorRates, error_rates, read
from training.recognizer.takes import Takes

_MEASURED_SECONDS = 200
"""Audio in a batch when measuring."""


@dataclass(frozen=True)
class Progress:
    """What is printed after an epoch."""

    epoch: int
    loss: float
    """Per label, phones and characters together, and what a decoder beside them costs, where one learns."""
    seconds: float
    rates: Mapping[str, ErrorRates]
    """Dev set -> what the averaged weights read."""

    def __str__(self) -> str:
        rates = "; ".join(f"{name} {rate}" for name, rate in self.rates.items())
        return f"epoch {self.epoch}: loss {self.loss:.4f} in {self.seconds:.0f} s; {rates}"


def build(recipe: NetworkRecipe) -> AcousticNetwork:
    """A fresh network; KwsError where there is none of that name."""
    if recipe.name not in BODIES:
        raise KwsError(f"network.name is {recipe.name!r}; allowed are {', '.join(BODIES)}")
    if recipe.encoder != MICRO:
        return PretrainedNetwork(
            recipe.width,
            recipe.dilations,
            recipe.dropout,
            recipe.name,
            encoder=recipe.encoder,
            front=recipe.front,
        )
    return layered_network(recipe.name, recipe.front, recipe.width, recipe.dilations, recipe.dropout)


class Learner:
    """A network on its way: weights, their running average, optimizer and place in the schedule."""

    def __init__(
        self, recipe: Recipe, versions: Sequence[Takes], dev: Mapping[str, Takes], *, seed: int
    ) -> None:
        self.recipe, self.dev, self.seed, self.epoch = recipe, dev, seed, 0
        self._easy_first = True
        self.shelf = Shelf(versions)
        self.network = build(recipe.network)
        self.averaged = build(recipe.network)
        _same(self.averaged.variables, self.network.variables)
        joint = recipe.training.attention_weight > 0
        self._speller = new_speller() if joint else None
        self.averaged_speller = new_speller() if joint else None
        """The attention decoder, where one learns beside CTC; its running average."""
        if self._speller and self.averaged_speller:
            _same(self.averaged_speller.trainable_variables, self._speller.trainable_variables)
        self._seen = tf.Variable(0.0, trainable=False)
        rates = (recipe.training.learning_rate, recipe.training.pretrained_rate)
        self._optimizers = [self._optimizer(*pair) for pair in zip(rates, self._groups(), strict=True)]
        self._learn = tf.function(self._learn_batch, input_signature=_signature(self.shelf.hearing))

    def epochs(self, checkpoint: Path) -> Iterator[Progress]:
        """Train to the end, one Progress and a checkpoint per epoch."""
        while self.epoch < self.recipe.training.epochs:
            started = time.monotonic()
            loss = self._run_epoch()
            self.epoch += 1
            self.save(checkpoint)
            rates = {name: measure(self.averaged, takes) for name, takes in self.dev.items()}
            yield Progress(self.epoch, loss, time.monotonic() - started, rates)

    def save(self, path: Path) -> None:
        """Everything needed to go on; the old checkpoint stays until the new one is whole."""
        keep_arrays(path, self.epoch, *[np.asarray(variable) for variable in self._state()])

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint; KwsError when it is of another recipe."""
        state = self._state()
        with np.load(path) as stored:
            epoch, *arrays = (stored[f"arr_{index}"] for index in range(len(stored.files)))
        if [array.shape for array in arrays] != [tuple(variable.shape) for variable in state]:
            raise KwsError(f"{path}: a checkpoint of another recipe; give that recipe, or another --output")
        for variable, array in zip(state, arrays, strict=True):
            variable.assign(array)
        self.epoch = int(epoch)

    def start_from(self, path: Path) -> None:
        """Weights to begin with, of a network with the same settings; easy takes need not come first then."""
        for network in (self.network, self.averaged):
            load_weights(path, network)
        self._easy_first = False

    def _state(self) -> list[tf.Variable]:
        moments = [variable.value for optimizer in self._optimizers for variable in optimizer.variables]
        now, averaged = zip(*self._averages(), strict=True)
        return [*now, *averaged, self._seen, *moments]

    def _averages(self) -> list[tuple[tf.Variable, tf.Variable]]:
        """All that learns or is counted, with its running average."""
        pairs = list(zip(self.network.variables, self.averaged.variables, strict=True))
        if self._speller and self.averaged_speller:
            spellers = self._speller.trainable_variables, self.averaged_speller.trainable_variables
            pairs += zip(*spellers, strict=True)
        return pairs

    def _groups(self) -> tuple[Sequence[tf.Variable], Sequence[tf.Variable]]:
        """What starts from nothing, and what starts from weights of others."""
        spelling = self._speller.trainable_variables if self._speller else ()
        return [*self.network.fresh_variables, *spelling], self.network.pretrained_variables

    def _optimizer(self, rate: float, variables: Sequence[tf.Variable]) -> keras.optimizers.Optimizer:
        recipe = self.recipe.training
        schedule = WarmHoldFall(
            rate, batches=self._batches_in_all(), warmup=recipe.warmup, falling=recipe.falling_share
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
        optimizer.build(variables)
        return optimizer

    def _batches_in_all(self) -> int:
        rows = np.mean([takes.rows.shape[0] for takes in self.shelf.versions])
        return max(1, round(self.recipe.training.epochs * rows / self._budget() * 1.06))  # padding, halves

    def _budget(self) -> int:
        return round(self.recipe.training.batch_seconds / self.shelf.hearing.format.row_seconds)

    def _run_epoch(self) -> float:
        """Mean loss of an epoch's batches."""
        rng = np.random.default_rng([self.seed, self.epoch])
        tf.random.set_seed(self.seed * 1000 + self.epoch)
        if self._easy_first and self.recipe.training.easy_first and self.epoch == 0:
            batches = self.shelf.first_epoch(self._budget())
        else:
            batches = self.shelf.epoch(self._budget(), rng, self.recipe.training.masked_share)
        return float(np.mean([self._learn(*_tensors(batch)) for batch in batches]))

    def _learn_batch(self, rows, steps, phones, phone_counts, characters, character_counts):  # type: ignore[no-untyped-def]
        recipe = self.recipe.training
        labels = {"phones": (phones, phone_counts), "characters": (characters, character_counts)}
        weights = {"phones": 1.0, "characters": recipe.character_weight}
        with tf.GradientTape() as tape:
            logits = self.network.forward(self.network.real_valued(rows), training=True)
            losses = [w * ctc_loss(logits, steps, name, *labels[name]) for name, w in weights.items()]
            loss = tf.add_n(losses) / sum(weights.values())
            if self._speller:
                share = recipe.attention_weight
                attention = attention_loss(self._speller, logits, steps, *labels["characters"])
                loss = (1 - share) * loss + share * attention
        groups = self._groups()
        gradients = tape.gradient(loss, [*groups[0], *groups[1]])
        if recipe.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, recipe.clip_norm)
        parts = gradients[: len(groups[0])], gradients[len(groups[0]) :]
        for optimizer, part, variables in zip(self._optimizers, parts, groups, strict=True):
            if variables:
                optimizer.apply_gradients(zip(part, variables, strict=True))
        self._average()
        return loss

    def _average(self) -> None:
        """Move the running average, faster in the beginning."""
        self._seen.assign_add(1.0)
        decay = tf.minimum(self.recipe.training.averaging, self._seen / (10.0 + self._seen))
        now, averaged = zip(*self._averages(), strict=True)
        move(averaged, now, decay)


def _same(kept: Sequence[tf.Variable], now: Sequence[tf.Variable]) -> None:
    for one, other in zip(kept, now, strict=True):
        one.assign(other)


def ctc_loss(
    logits: tf.Tensor, steps: tf.Tensor, kind: Kind, labels: tf.Tensor, counts: tf.Tensor
) -> tf.Tensor:
    """CTC's negative log-likelihood (Graves et al. 2006) of one token set, per label."""
    first, size = OUTPUTS[kind]
    sparse = tf.RaggedTensor.from_row_lengths(labels, counts).to_sparse()
    by_step = tf.transpose(logits[:, :, first : first + size], (1, 0, 2))
    loss = tf.nn.ctc_loss(sparse, by_step, None, steps, blank_index=0)
    return tf.reduce_sum(loss) / tf.cast(tf.reduce_sum(counts), tf.float32)


def measure(network: AcousticNetwork, takes: Takes) -> ErrorRates:
    """What the float network reads greedily, against what was said."""
    found = readings(network, takes)
    return error_rates(takes.phones, takes.texts, found["phones"], found["characters"])


def readings(network: AcousticNetwork, takes: Takes) -> dict[Kind, list[str]]:
    """What the float network reads greedily of every take, by token set."""
    found: dict[Kind, list[str]] = {kind: [""] * len(takes) for kind in OUTPUTS}
    shelf = Shelf([takes])
    for indices, batch in shelf.batches(round(_MEASURED_SECONDS / shelf.hearing.format.row_seconds)):
        logits = network.logits(batch.rows).numpy()
        for lane, index in enumerate(indices):
            for kind, texts in found.items():
                texts[index] = read(logits[lane, : batch.steps[lane]], kind)
    return found


def _signature(ear: Hearing) -> tuple[tf.TensorSpec, ...]:
    numbers = tf.TensorSpec((None,), tf.int32)
    return (tf.TensorSpec((None, None, ear.format.channels), tf.int8), *(5 * [numbers]))


def _tensors(batch: Batch) -> tuple[tf.Tensor, ...]:
    arrays = (
        batch.rows,
        batch.steps,
        batch.phones,
        batch.phone_counts,
        batch.characters,
        batch.character_counts,
    )
    return tuple(map(tf.convert_to_tensor, arrays))
