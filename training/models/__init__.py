"""Network architectures: each a causal network with one streaming step.

To add one, write a module with a class that fulfils `Network` and name it in ARCHITECTURES;
tests/test_networks.py then holds it to the numeric contract.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from kws.errors import KwsError
from training.models.dropout import Dropout
from training.settings import check_values

ARCHITECTURES = {
    "bcresnet": ("training.models.bcresnet", "BroadcastResNet"),
    "cnn": ("training.models.cnn", "TriggerCnn"),
    "crnn": ("training.models.crnn", "TriggerCrnn"),
    "dscnn": ("training.models.dscnn", "SeparableCnn"),
    "gru": ("training.models.gru", "TriggerGru"),
    "lstm": ("training.models.lstm", "TriggerLstm"),
    "mhatt": ("training.models.mhatt", "MhattRnn"),
    "rnn": ("training.models.rnn", "VanillaRnn"),
}
"""Name in a recipe -> module and class."""


class Network(Protocol):
    """What the trainer and the quantizer need. Rows are real-valued features, 0 to 26."""

    stride: int
    """Rows per model step."""
    dropout: Dropout
    """Told before each step of learning which one it is."""

    def zero_states(self, batch: int) -> list[tf.Tensor]:
        """Streaming state before any audio, each of shape (batch, ...)."""

    def forward(
        self, rows: tf.Tensor, states: Sequence[tf.Tensor], *, training: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """rows (batch, t, 40), t a multiple of stride -> logits (batch, t / stride), states to go on with."""

    def soften(self, temperature: float) -> None:
        """Divide all logits by `temperature` from now on."""

    def streaming(self) -> tf.Module:
        """One step with weights frozen as constants and the state in variables.

        Its function `step` takes rows (1, stride, 40) and returns scores (1, 1): what gets converted.
        """

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint, in a stable order."""


def build(name: str, settings: Mapping[str, Any]) -> Network:
    """A fresh network; KeyError for an unknown name, TypeError for a setting that it lacks."""
    network: Network = _class_of(name)(**settings)
    return network


def check_settings(network: Mapping[str, Any]) -> None:
    """Of a recipe's [network]; KwsError for an unknown name and for a key unknown or of the wrong type."""
    name = network["name"]
    if name not in ARCHITECTURES:
        known = ", ".join(["embedding-head", *ARCHITECTURES])
        raise KwsError(f"recipe: network.name is {name!r}; give one of {known}")
    parameters = inspect.signature(_class_of(name)).parameters
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    check_values({k: v for k, v in network.items() if k != "name"}, defaults, "recipe", "network")


def _class_of(name: str) -> Any:
    module, cls = ARCHITECTURES[name]
    return getattr(importlib.import_module(module), cls)
