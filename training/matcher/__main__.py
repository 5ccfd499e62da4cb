"""Make a matcher: align recordings to what is said in them, hear them, and learn to match.

    python -m training.matcher [--hears embedding]

writes .cache/matcher/embedding.npz, from recordings under KWS_DATA that may be published on.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

import click

from kws.bundle import bundled_names
from kws.errors import KwsError
from training.options import cache_option, seed_option
from training.progress import bars_shown
from training.shards import WORKERS


@click.command()
@click.option(
    "--hears", type=click.Choice(["embedding", "phones", "both"]), default="embedding", show_default=True,
    help="The published embedding, the recognizer's phones, or both.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="By default matcher/HEARS.npz in the cache."
)
@click.option("--recordings", type=click.IntRange(1), help="At most, drawn at random; by default all.")
@click.option("--versions", default=2, show_default=True, help="How often each is heard, in other noise.")
@click.option("--batches", default=3_000, show_default=True)
@click.option(
    "--without", multiple=True, help="Phrases nobody shall be heard saying; default: the bundled wake words."
)
@click.option(
    "--workers", default=WORKERS, help="Processes that align and hear; by default as many as processors."
)
@seed_option
@cache_option
def main(
    hears: str,
    output: Path | None,
    recordings: int | None,
    versions: int,
    batches: int,
    without: tuple[str, ...],
    workers: int,
    seed: int,
    cache: Path,
) -> None:
    """Align, hear, learn, and write what compares a spelling with what is heard."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np

    from training.generator.material import usable
    from training.kept import check_writable
    from training.matcher.kept import matcher_file
    from training.matcher.material import hear, joined
    from training.material.ingredients import trainable

    output = output or matcher_file(cache, hears)
    try:
        check_writable(output.parent, "-o")
        without = without or tuple(bundled_names())
        every = trainable()
        noises = [clip.path for clip in every if clip.kind == "noise"]
        with bars_shown():
            clips = usable(every, without, seed=seed)[:recordings]
            parts = [
                hear(clips, noises, seed=seed + number, cache=cache, workers=workers)
                for number in range(versions)
            ]
        heard = joined(parts)
        used = [clips[number] for number in np.unique(heard.clip)]
        card = {
            "command": shlex.join(["python", "-m", "training.matcher", *sys.argv[1:]]),
            "licence": "Apache-2.0",
            "data": dict(sorted(Counter(clip.corpus for clip in used).items())),
            "without": list(without),
            "recordings": len(used),
            "hours": round(sum(clip.seconds for clip in used) / 3600, 2),
            "speakers": len({(clip.corpus, clip.speaker) for clip in used}),
            "versions": versions,
            "batches": batches,
            "seed": seed,
        }
        _learn(output, hears, heard, clips, batches, card, seed)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _learn(output: Path, hears: str, heard, clips, batches: int, card, seed: int) -> None:  # type: ignore[no-untyped-def]
    import keras
    import numpy as np

    from training.credits import data_credits
    from training.matcher.examples import Drawing
    from training.matcher.held_out import held_out, split, told
    from training.matcher.kept import Kept, write_matcher
    from training.matcher.learn import LearningRecipe, learn
    from training.matcher.network import Matcher, MatcherConfig, scaling_of
    from training.matcher.phrases import phrases_of
    from training.stopwatch import Stopwatch

    keras.utils.set_random_seed(seed)
    drawing = Drawing(heard, phrases_of(heard), np.random.default_rng(seed))
    learned, kept_apart = split(drawing, held_out(clips))
    config, recipe, watch = MatcherConfig(hears), LearningRecipe(), Stopwatch()
    matcher = Matcher(config, scaling_of(heard.rows[:, config.columns]))
    _say(f"{len(learned.phrases)} phrases, {len(kept_apart.phrases)} apart; {matcher.weights} weights")

    def report(progress) -> None:  # type: ignore[no-untyped-def]
        _say(str(progress))
        if progress.batch % 1000 == 0 or progress.batch == batches:
            found = told(matcher, learned, kept_apart, seed=seed)
            _say(f"held-out speakers: {found}")
            minutes = watch.minutes()
            whole = card | {
                "phrases": len(learned.phrases),
                "weights": matcher.weights,
                "held_out": {name: str(share) for name, share in vars(found).items()},
                "minutes": {"cpu": minutes[0], "clock": minutes[1]},
                "recipe": vars(recipe),
                "credits": data_credits(card["data"]),
            }
            write_matcher(output, Kept(matcher, whole))

    learn(matcher, learned, batches, recipe, seed=seed, report=report)
    _say(f"wrote {output}")


def _say(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)


if __name__ == "__main__":
    main()
