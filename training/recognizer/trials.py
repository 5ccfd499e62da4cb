"""What is tried of the recognizer's training: bodies of the network, and one thing after the other left out.

A trial is a recipe with some keys changed. To try something else, name it here and what it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from training.recognizer.recipe import Recipe

Changes = Mapping[str, Mapping[str, Any]]
"""Table of the recipe -> key -> value."""

BODIES: Mapping[str, Changes] = {
    "convolutions": {},
    "separable": {"network": {"name": "separable", "width": 416, "dilations": (1, 1, 2, 2, 4, 4, 4)}},
    "recurrent": {"network": {"name": "recurrent", "width": 236, "dilations": (1, 1, 1)}},
    "conformer": {"network": {"name": "conformer", "width": 188, "dilations": (1, 1, 1)}},
    "bidirectional": {"network": {"name": "bidirectional", "width": 284, "dilations": (1, 1, 1)}},
}
"""Those of `training.recognizer.encoders`, each with about as many weights as the recipe's convolutions."""

ADDITIONS: Mapping[str, Changes] = {
    "all": {},
    "no synthetic speech": {"material": {"synthetic": 0}},
    "thrice the synthetic speech": {"material": {"synthetic": 3600}},
    "no recordings": {"material": {"real_share": 0.0, "synthetic": 3600}},
    "half the recordings": {"material": {"real_share": 0.075}},
    "no other tempo": {"material": {"tempo": False}},
    "no noise": {"material": {"noise": False}},
    "no rooms": {"material": {"rooms": False}},
    "no abrupt takes": {"material": {"versions": 2}},
    "clean takes alone": {"material": {"versions": 1}},
    "no masks": {"training": {"masked_share": 0.0}},
    "all masked": {"training": {"masked_share": 1.0}},
    "in any order": {"training": {"easy_first": False}},
    "gradients not clipped": {"training": {"clip_norm": 0.0}},
    "no characters": {"training": {"character_weight": 0.0}},
    "lower layers alone": {"network": {"encoder": "speech-embedding-lower"}},
    "attention beside CTC": {"training": {"attention_weight": 0.3}},
}
"""What the recipe has that is left out, or has not and is put in."""

TRIALS = {"bodies": BODIES, "additions": ADDITIONS}
"""By the name of the table. The first of each is what the others are compared with."""


def changed(recipe: Recipe, changes: Changes) -> Recipe:
    """The recipe with these keys changed; TypeError for a key that there is not."""
    return replace(
        recipe, **{table: replace(getattr(recipe, table), **keys) for table, keys in changes.items()}
    )
