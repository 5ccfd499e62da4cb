"""Train heads on encoders: one that listens, and a second one that judges what the first proposes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kws.frontends import require
from training.heads.bundling import SECOND, spread, write_head
from training.heads.cascade import add_second_stage
from training.heads.examples import Examples
from training.heads.head import Committee, Head
from training.heads.material import HeadMaterial, gather
from training.heads.recipe import HeadRecipe, head_recipe
from training.heads.trial import Trial, examine
from training.heads.weights import head_arrays, heads_of, named
from training.job import Job, make_deterministic, write_report
from training.progress import track

if TYPE_CHECKING:
    from training.heads.learning import Progress
    from training.training_page import Curves


@dataclass(frozen=True)
class Made:
    """One committee of heads and its bundle."""

    path: Path
    """Of the manifest."""
    trial: Trial
    course: Mapping[str, Mapping[str, Curves]]
    """For the report."""


def train_head(job: Job) -> Path:
    """The heads of the recipe, on one encoder or two; returns the path of the manifest of what listens."""
    learning = head_recipe(job.recipe.network)
    encoders = [learning.encoder, *([learning.second] if learning.second else [])]
    for encoder in encoders:
        require(encoder)
    learnt: list[Head] = []
    made = [_made(job, learning, encoder, learnt) for encoder in encoders]
    first, *others = made
    job.say("hearing the words by both stages")
    judging = others[0].path if others else None
    if told := add_second_stage(first.path, judging, seed=job.seed, cache=job.cache):
        job.say(f"both stages: {told}")
    job.say("hearing near misses")
    write_report(job, first.path, first.trial.evidence, first.course)
    return first.path


def _made(job: Job, learning: HeadRecipe, encoder: str, learnt: list[Head]) -> Made:
    """From material to bundle; `learnt` holds the heads of earlier encoders, and gets those of this."""
    is_first = encoder == learning.encoder
    voices = learning.voices if is_first else learning.second_voices
    learning = dataclasses.replace(learning, encoder=encoder, second="", voices=voices, second_voices="")
    job.say(f"gathering material for {job.phrase!r}, as the {encoder} hears it")
    material = gather(
        job.phrase,
        job.recipe.material.said_by(voices),
        look_back=learning.context,
        seed=job.seed,
        cache=job.cache,
        encoder=encoder,
        recordings=job.recordings,
        own=job.own,
        false_alarms=job.false_alarms,
    )
    job.say(f"{len(material.examples.words)} words, {material.hours:.1f} h in all")
    make_deterministic(job.seed)
    told: dict[str, list[Progress]] = {}
    found = learn_heads(job, material.examples, learning, told, before=learnt)
    learnt += found
    heads = spread(Committee(tuple(found)), material.examples)
    trial = examine(
        heads,
        material.examples,
        job.phrase,
        encoder=encoder,
        window=job.recipe.detector.window,
        seed=job.seed,
        cache=job.cache,
        sources=material.said,
    )
    job.say(str(trial))
    folder = job.output if is_first else job.output / SECOND
    return Made(_written(job, folder, learning, heads, material, trial), trial, _course(told))


def _written(
    job: Job, folder: Path, learning: HeadRecipe, heads: Committee, material: HeadMaterial, trial: Trial
) -> Path:
    """The bundle, and its float weights beside it."""
    from training.learning.checkpoint import save_arrays

    # What listens tells of the whole recipe, by which it can be learned again; what judges of its own part.
    own = {"encoder": learning.encoder, "second": "", "voices": learning.voices, "second_voices": ""}
    of_this = {**job.recipe.network, **own}
    recipe = job.recipe if folder == job.output else dataclasses.replace(job.recipe, network=of_this)
    path = write_head(folder, job.phrase, heads, material, trial, recipe, seed=job.seed, command=job.command)
    save_arrays(path.with_suffix(".weights.npz"), head_arrays(heads.members))
    return path


def learn_heads(
    job: Job,
    known: Examples,
    learning: HeadRecipe,
    told: dict[str, list[Progress]] | None = None,
    before: Sequence[Head] = (),
) -> list[Head]:
    """Each from another seed, and without the part that it judges; what is finished is not learned again.

    Args:
        job: whose checkpoint is kept.
        known: the examples.
        learning: the recipe's.
        told: gets the rounds of each head that is learned now.
        before: heads on another encoder, which stand before these in the checkpoint.
    """
    from training.heads.learning import fit

    checkpoint = job.checkpoint()
    saved = heads_of((checkpoint.load() if job.resume else None) or {})
    learnt = saved[len(before) :][: learning.heads]
    for number in range(len(learnt), learning.heads):
        part = known.left_by(number, learning.heads)
        rounds = fit(part, learning, seed=1000 * number + job.seed)
        for progress in track(rounds, f"head {number + 1}/{learning.heads}", learning.rounds):
            last = progress
            if told is not None:
                told.setdefault(f"head {number + 1}", []).append(progress)
        job.say(f"head {number + 1}/{learning.heads}: loss {last.loss:.4f}, {last.heard:.1%} heard")
        learnt.append(last.head)
        checkpoint.save(named([*before, *learnt]))
    return learnt


def _course(told: Mapping[str, Sequence[Progress]]) -> dict[str, dict[str, Curves]]:
    return {
        "loss": {name: [(one.round, one.loss) for one in rounds] for name, rounds in told.items()},
        "words above 999 of 1000 others": {
            name: [(one.round, one.heard) for one in rounds] for name, rounds in told.items()
        },
    }
