"""What is to be trained, and the two ways of it: a network of its own, or a head on the published encoder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kws.bundle import read_bundle
from kws.standard_error import silenced
from kws.types import Samples
from training.kept import check_writable
from training.naming import file_name
from training.recipe import EMBEDDING_HEAD, Recipe

if TYPE_CHECKING:
    from training.learning.checkpoint import Checkpoint
    from training.learning.train import Surroundings
    from training.material.ingredients import Material
    from training.training_page import Curves, Evidence


@dataclass(frozen=True)
class Job:
    """What is to be trained, and how."""

    phrase: str
    recipe: Recipe
    output: Path
    seed: int
    recordings: bool
    """Whether real ones are used."""
    cache: Path
    command: str
    """For the card."""
    own: tuple[Samples, ...] = ()
    """Takes of the phrase by its user, each cut to it."""
    start: Path | None = None
    """Float weights to begin with, as `kws train` leaves them beside a bundle."""
    resume: bool = False
    """Whether to go on from the checkpoint that an interrupted run left."""
    false_alarms: tuple[Samples, ...] = ()
    """What an earlier model took for the phrase."""
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """To the user, with the time that has passed."""
        click.echo(f"{time.monotonic() - self.started:6.0f} s  {text}", err=True)

    def checkpoint(self) -> Checkpoint:
        """Where it is kept how far the training has come."""
        from training.learning.checkpoint import Checkpoint

        own, alarms = (
            [hashlib.sha256(clip.tobytes()).hexdigest()[:16] for clip in clips]
            for clips in (self.own, self.false_alarms)
        )
        depends: dict[str, Any] = {
            "phrase": self.phrase,
            "recipe": self.recipe.as_dict(),
            "seed": self.seed,
            "recordings": self.recordings,
            "own": own,
            "false_alarms": alarms,
            "start": self.start,
        }
        return Checkpoint(self.output / f"{file_name(self.phrase)}.checkpoint.npz", depends)


def run(job: Job) -> Path:
    """Train and write the bundle, its float weights beside it; returns the path of its manifest.

    The same job on the same machine makes the same bundle. Ctrl-C leaves what `Job.resume` goes on from.
    """
    from training.heads.job import train_head

    train = train_head if job.recipe.network["name"] == EMBEDDING_HEAD else train_network
    _check_surroundings(job)
    job.say("starting TensorFlow")
    with silenced():  # it tells there of processors and of GPUs that it has not found
        import keras  # noqa: F401
    try:
        path = train(job)
    except KeyboardInterrupt:
        job.say("stopped; the same command with --resume goes on, and what was made so far is kept")
        raise
    job.checkpoint().remove()
    job.say(f"wrote {path} and its float weights")
    return path


def _check_surroundings(job: Job) -> None:
    """All that would fail at the end of a training as well; raises KwsError."""
    from training.synth import available_voices

    for folder, option in ((job.output, "-o"), (job.cache, "--cache")):
        check_writable(folder, option)
    available_voices()


def train_network(job: Job) -> Path:
    """One network from filter-bank rows to scores."""
    from training.bundling import TEMPERATURE, write_trained
    from training.learning.checkpoint import load_weights, save_weights
    from training.learning.train import fit
    from training.material.ingredients import gather
    from training.models import build, check_settings
    from training.network_trial import examine, fill_table

    recipe = job.recipe
    check_settings(recipe.network)
    job.say(f"gathering material for {job.phrase!r}")
    material = gather(
        job.phrase,
        recipe.material,
        seed=job.seed,
        cache=job.cache,
        recordings=job.recordings,
        own=job.own,
        false_alarms=job.false_alarms,
        held_out=recipe.training.held_out,
    )
    job.say(f"{material.tapes.hours:.1f} h on {len(material.tapes)} tapes{_chosen_by(material)}")
    around = _surroundings(job, material)
    make_deterministic(job.seed)  # not before: it starts threads, and material is made by forked processes
    network = build(recipe.network["name"], {k: v for k, v in recipe.network.items() if k != "name"})
    if job.start:
        load_weights(job.start, network)
        network.soften(1 / TEMPERATURE)  # as it was when it had learned
    course = []
    for progress in fit(network, material.tapes, recipe.training, seed=job.seed, around=around):
        course.append(progress)
        job.say(f"epoch {progress.epoch}/{recipe.training.epochs}: {progress}")
    job.say("quantizing to int8")
    path = write_trained(
        job.output,
        job.phrase,
        network,
        material,
        recipe,
        seed=job.seed,
        command=job.command,
        listening=around.listening,
    )
    save_weights(path.with_suffix(".weights.npz"), network)
    job.say("hearing words and near misses spoken anew")
    evidence = examine(
        network, around.listening, read_bundle(path), job.phrase, seed=job.seed, cache=job.cache
    )
    fill_table(path, evidence)
    told = [(one.epoch, one.held_out.misses.value) for one in course if one.held_out]
    write_report(
        job,
        path,
        evidence,
        {
            "loss": {"on the tapes": [(one.epoch, one.loss) for one in course]},
            "held-out words missed": {"at the rate allowed": told},
        },
    )
    return path


def write_report(job: Job, path: Path, evidence: Evidence, course: Mapping[str, Curves]) -> None:
    """Beside the bundle: what is known of it."""
    from training.spoken_anew import near_misses_heard
    from training.training_page import FILE, training_page

    bundle = read_bundle(path)
    near = near_misses_heard(bundle, job.phrase, seed=job.seed, cache=job.cache)
    text = training_page(job.phrase, evidence, bundle.threshold, near, course)
    (job.output / FILE).write_text(text, encoding="utf-8")
    job.say(f"wrote {job.output / FILE}: curves, near misses, what was missed")


def make_deterministic(seed: int) -> None:
    """Same seed, same machine, as many threads: same weights; set for the whole process."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def _chosen_by(material: Material) -> str:
    held = material.held_out
    return f", {held.hours:.1f} h by other speakers to choose by" if held else ""


def _surroundings(job: Job, material: Material) -> Surroundings:
    from training.learning.selection import Listening
    from training.learning.train import Surroundings
    from training.material.ingredients import more_tapes

    learning, listening = job.recipe.training, None
    if material.held_out:
        listening = Listening(material.held_out, job.recipe.detector.window, learning.allowed_per_hour)
    mined = [
        more_tapes(material, learning.mining_tapes, seed=job.seed + 100 + number, cache=job.cache)
        for number in range(learning.mining_rounds)
    ]
    return Surroundings(listening, mined, job.checkpoint(), job.resume)
