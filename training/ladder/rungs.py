"""The rungs: what each one adds, and the recipe that makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.recipe import Recipe, find_recipe, read_recipe


@dataclass(frozen=True)
class Rung:
    """One way to train a word."""

    name: str
    title: str
    recipe: str
    """Bundled recipe that it starts from; "" where nothing is trained."""
    recordings: bool
    """Whether the real recordings under KWS_DATA are heard."""
    material: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the recipe's [material] that are other than in it."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """In place of its [network], where not empty."""
    voices: str | None = None
    """Who says everything, in place of whom a recipe for heads names, see training.heads.recipe."""
    hears: str = ""
    """Of a matcher (training.matcher), what it hears."""
    clips: int = 0
    """Recordings of the word, of the `train` split, that are taken for the user's own."""

    def settings(self) -> Recipe:
        """The recipe with its changes."""
        recipe = read_recipe(find_recipe(self.recipe))
        material = dataclasses.replace(recipe.material, **self.material)
        network = dict(self.network) or dict(recipe.network)
        if self.voices is not None:
            network |= {"voices": self.voices, "second_voices": self.voices}
        return dataclasses.replace(recipe, material=material, network=network)


_SPELLED = {"real_words": False}

_BOTH = {"generated_words": 1200, "generated_speech": 1200}
_GENERATED = {**_BOTH, "synthetic_words": 0, "synthetic_speech": 0, "changed_voices": 0}
"""What the generator says (training.generator), in place of the synthesizers."""

_MORE_SPEECH = {"synthetic_speech": 3000, "generated_speech": 1200}
"""As most rungs on the published encoder had it when measured; now a recipe keeps to ten minutes."""


def _by_synthesizers(name: str, title: str, *, real_words: bool | None = None, clips: int = 0) -> Rung:
    """Heads on the published encoder; `real_words`: of the recordings, None where these are not heard."""
    material = {**_MORE_SPEECH, "real_words": bool(real_words)}
    recordings = real_words is not None
    return Rung(name, title, "embedding_head", recordings, material, voices="synthesizers", clips=clips)


LADDER = (
    Rung("spelled", "nothing: the recognizer spots its spelling", "", False),
    Rung(
        "matched",
        "nothing: a matcher compares its spelling with the published encoder's outputs",
        "",
        False,
        hears="embedding",
    ),
    Rung("voices", "a GRU on synthetic voices alone", "architectures", False),
    Rung("negatives", "+ real speech without the word", "architectures", True, _SPELLED),
    Rung("changed", "+ transformed voices", "architectures", True, {**_SPELLED, "changed_voices": 1}),
    _by_synthesizers("packed", "a head on the published encoder, with what the package brings"),
    Rung(
        "generated",
        "the same, said by the generator instead of synthesizers, as `kws train` has it",
        "embedding_head",
        False,
    ),
    _by_synthesizers("ten", "as packed, + 10 recordings of the word", clips=10),
    Rung(
        "ten-generated",
        "as generated, + 10 recordings of the word",
        "embedding_head",
        False,
        clips=10,
    ),
    _by_synthesizers("encoder", "as packed, real speech instead of the package's", real_words=False),
    Rung("device", "on our own encoder instead, one model for a device", "micro_head", True, _SPELLED),
    Rung("device-packed", "that, with what the package brings", "micro_head", False),
    Rung(
        "device-generated",
        "that, said by the generator instead of synthesizers",
        "micro_head",
        False,
        _GENERATED,
    ),
    Rung("device-both", "that, said by both", "micro_head", False, _BOTH),
    _by_synthesizers("five", "the published one, + 5 recordings of the word", real_words=False, clips=5),
    _by_synthesizers("twenty", "+ 20 recordings of the word", real_words=False, clips=20),
    _by_synthesizers("all", "+ all recordings of the word", real_words=True),
)
"""What each ingredient adds, in the order of the table."""

_ARCHITECTURES = {
    "gru": "GRU",
    "rnn": "vanilla RNN",
    "lstm": "LSTM",
    "cnn": "CNN",
    "crnn": "CRNN",
    "mhatt": "attention over a recurrent net (MHAtt-RNN)",
    "dscnn": "depthwise-separable CNN",
    "bcresnet": "broadcast residual CNN (BC-ResNet)",
}

ARCHITECTURES = tuple(
    Rung(f"{name}-all", title, "architectures", True, network={"name": name})
    for name, title in _ARCHITECTURES.items()
)
"""Each with everything on, alike: networks for devices, on all recordings."""

RUNGS = {rung.name: rung for rung in (*LADDER, *ARCHITECTURES)}
