"""Make the micro embedding: distil the published encoder into one on the micro front end.

    python -m training.micro_encoder

writes kws/encoders/micro_embedding.npz and its card, from recordings under KWS_DATA that may be published on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click

from kws.encoders.micro_embedding import WEIGHTS


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--batches", default=3000, show_default=True)
@click.option("--versions", default=2, show_default=True, help="Of the material, in other rooms and noise.")
@click.option("--spoken", default=3000, show_default=True, help="Utterances by synthesizers.")
@click.option("--seed", default=7, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
def main(output: Path, batches: int, versions: int, spoken: int, seed: int, cache: Path) -> None:
    """Distil, measure the ranges of activations, write int8 weights and their card."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from kws.encoders.layer_file import write_student
    from training.credits import data_credits
    from training.micro_encoder.learn import LearningRecipe, Scaling, judged, moments, teach
    from training.micro_encoder.material import gather
    from training.micro_encoder.ranges import ranges_of
    from training.micro_encoder.student import Student, beginning

    keras.utils.set_random_seed(seed)
    material = gather(spoken, seed=seed, cache=cache)
    first = material.version(1, cache / "micro-encoder")
    learnt, held_out = first.parted()
    click.echo(f"{len(material.clips)} clips, {first.hours:.1f} h in each of {versions} versions", err=True)

    def pairs() -> Iterator:  # type: ignore[type-arg]
        yield learnt
        for number in count(1):
            version = 1 + number % versions
            yield material.version(version, cache / "micro-encoder").parted()[0]

    student, scaling = Student(beginning(*moments(learnt), seed=seed)), Scaling(learnt.taught)
    recipe = LearningRecipe()
    teach(student, pairs(), batches, recipe, scaling, seed=seed, report=_say)
    error = judged(student, held_out, scaling)
    card = {
        "command": "python -m training.micro_encoder",
        "origin": "weights of the speech embedding, Lin et al. 2020 (arXiv 2002.01322), which learned on",
        "licence": "Apache-2.0",
        "credits": data_credits(material.sources),
        "data": dict(sorted(material.sources.items())),
        "hours": round(first.hours * versions, 1),
        "recipe": {**vars(recipe), "batches": batches, "versions": versions, "spoken": spoken, "seed": seed},
        "held_out_error": round(error, 4),
        "held_out_hours": round(held_out.hours, 2),
    }
    write_student(output, student.learnt(), ranges_of(student, learnt))
    output.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    click.echo(
        f"{output}: squared error {error:.3f} of the teacher's variance on {held_out.hours:.2f} h held out"
    )


def _say(progress: object) -> None:
    click.echo(progress, err=True)


if __name__ == "__main__":
    main()
