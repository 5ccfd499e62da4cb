"""Make a smaller micro embedding: the whole one with fewer channels, which then learn to say the same.

    python -m training.micro_encoder.smaller --keep 0.5 -o half.npz

writes half.npz and its card, from recordings under KWS_DATA that may be published on. What such encoders cost
and miss stands in docs/experiments/smaller-encoder.md; none is part of the package.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from kws.encoders.micro_embedding import WEIGHTS, MicroEmbeddingConfig, encoder_graph

if TYPE_CHECKING:
    from training.micro_encoder.learn import Scaling
    from training.micro_encoder.material import Material
    from training.micro_encoder.pairs import Pairs

COMMAND = "python -m training.micro_encoder.smaller"
STRETCHES = 400
"""Of some seconds, by which channels are judged and ranges are measured."""
LEARNING = {"new_alone": 0, "taken_over": 1.0, "masks": 0}
"""All layers are taken over alike. Nothing is hidden: what the whole network would say of a row that it does
not hear would have to be asked anew each time."""


@click.command()
@click.option("--keep", default=0.5, show_default=True, help="Share of every layer's channels.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--batches", default=1300, show_default=True)
@click.option("--hours", default=10.0, show_default=True, help="Of recordings, at most.")
@click.option("--spoken", default=1000, show_default=True, help="Utterances by synthesizers, beside them.")
@click.option("--seed", default=7, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
def main(keep: float, output: Path, batches: int, hours: float, spoken: int, seed: int, cache: Path) -> None:
    """Leave out channels, distil, measure the ranges of activations, write int8 weights and their card."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from itertools import repeat

    import keras

    from kws.encoders.layer_file import read_student, write_student
    from training.micro_encoder.cost import cost_of
    from training.micro_encoder.learn import LearningRecipe, Scaling, judged, teach
    from training.micro_encoder.material import gather
    from training.micro_encoder.prune import listen, smaller
    from training.micro_encoder.ranges import ranges_of
    from training.micro_encoder.student import Student
    from training.micro_encoder.told import heard_and_told

    keras.utils.set_random_seed(seed)
    material = gather(spoken, seed=seed, cache=cache, hours=hours)
    pairs = heard_and_told(material.clips, material.noises, seed=seed, cache=cache / "micro-encoder")
    learnt, held_out = pairs.parted()
    _say(f"{len(material.clips)} clips, {pairs.hours:.1f} h")
    whole, _ = read_student(WEIGHTS)
    student = Student(smaller(whole, listen(Student(whole), learnt, STRETCHES, seed=seed), keep))
    scaling, recipe = Scaling(learnt.taught), LearningRecipe(**LEARNING)
    before = judged(student, held_out, scaling)
    _say(f"squared error {before:.3f} of the whole one's variance before it learns")
    teach(student, repeat(learnt), batches, recipe, scaling, seed=seed, report=_say)
    write_student(output, student.learnt(), ranges_of(student, learnt, STRETCHES))
    figures = {
        "recipe": {
            **vars(recipe), "keep": keep, "batches": batches, "hours": hours, "spoken": spoken, "seed": seed,
        },
        **vars(cost_of(student.learnt())),
        "graph_bytes": len(encoder_graph(output)),
        "held_out_error_before_learning": round(before, 4),
        "held_out_error": round(judged(student, held_out, scaling), 4),
        "held_out_error_int8": round(judged_int8(output, held_out, scaling), 4),
        "held_out_hours": round(held_out.hours, 2),
    }  # fmt: skip
    command = f"{COMMAND} --keep {keep:g} --batches {batches} -o {output.name}"
    card = _card(command, material, pairs) | figures
    output.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    click.echo(
        f"{output}: " + ", ".join(f"{name} {value}" for name, value in figures.items() if name != "recipe")
    )


def judged_int8(weights: Path, pairs: Pairs, scaling: Scaling) -> float:
    """Error of what a device computes, in the units of `learn.judged`."""
    from training.micro_encoder.told import said_of

    said = said_of(pairs.rows, encoder_graph(weights)) * np.float32(MicroEmbeddingConfig().row_scale)
    return float(scaling.error(said, pairs.taught.astype(np.float32)))


def _card(command: str, material: Material, pairs: Pairs) -> dict[str, Any]:
    from training.credits import data_credits

    whole = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    return {
        "command": command,
        "origin": "some channels of the micro embedding, which began as the speech embedding, "
        "Lin et al. 2020 (arXiv 2002.01322); they learned on",
        "licence": whole["licence"],
        "credits": data_credits(material.sources),
        "data": dict(sorted(material.sources.items())),
        "hours": round(pairs.hours, 1),
    }


def _say(progress: object) -> None:
    click.echo(progress, err=True)


if __name__ == "__main__":
    main()
