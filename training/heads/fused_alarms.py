"""How often heads on two encoders and the spelling wake by mistake: counted with some words, for others.

    python -m training.heads.fused_alarms BUNDLE [BUNDLE ...]

hears the dev recordings by bundles that `kws train` made without recordings, and puts the counts of all of
them together into a file. A new word takes them from there, since where there is no recorded speech its own
cannot be counted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from kws.bundle import find_bundle
from kws.cascade import default_second
from kws.errors import KwsError
from kws.evaluation import Rate
from training.accuracy.dev_streams import CACHE, SPEECH
from training.accuracy.looked import looked

FILE = Path(__file__).with_name("fused_alarms.json")
LEASTS = tuple(round(0.02 * step, 2) for step in range(2, 41))
"""Thresholds of all together that are counted at."""


@dataclass(frozen=True)
class FusedAlarms:
    """Counts of several words."""

    words: list[str]
    hours: float
    """Of speech that each word heard, all of them together."""
    counts: list[int]
    """At each of LEASTS."""
    command: str

    def at(self, least: float) -> Rate:
        """What is expected of another word at one of LEASTS."""
        return Rate(self.counts[LEASTS.index(least)], self.hours)

    @property
    def told(self) -> str:
        """Where it comes from, for people."""
        return (
            f"false alarms are those of {', '.join(self.words)}, trained alike, in {self.hours:.1f} h of "
            "recorded speech; misses are of synthetic voices"
        )


def read_fused_alarms(path: Path = FILE) -> FusedAlarms:
    """The file; raises KwsError where it is damaged."""
    try:
        found = FusedAlarms(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise KwsError(f"{path}: not readable ({error}); install kws with its package data") from error
    if len(found.counts) != len(LEASTS):
        raise KwsError(f"{path}: {len(found.counts)} counts, expected {len(LEASTS)}; measure it again")
    return found


def count(paths: list[Path], cache: Path) -> FusedAlarms:
    """On the dev recordings; raises KwsError for a bundle of another kind."""
    words, hours, counts = [], 0.0, [0] * len(LEASTS)
    for path in paths:
        bundle = find_bundle(path)
        second = default_second(bundle)
        if second is None:
            raise KwsError(f"{path}: has no second stage; make it anew with kws train")
        threshold = bundle.manifest["kws"]["confirmation"]["default"]["threshold"]
        (look,) = looked(bundle, second, cache, [threshold])
        found = [len(look.matched(SPEECH, least).false_alarms) for least in LEASTS]
        counts = [one + more for one, more in zip(counts, found, strict=True)]
        hours += look.layouts[SPEECH].hours
        words.append(bundle.wake_word)
    return FusedAlarms(words, round(hours, 3), counts, "")


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(bundles: tuple[Path, ...], cache: Path) -> None:
    """Count the false alarms of BUNDLES, and keep them for other words."""
    found = count(list(bundles), cache)
    command = f"python -m training.heads.fused_alarms {' '.join(map(str, bundles))}"
    text = json.dumps(asdict(found) | {"command": command}, indent=1)
    FILE.write_text(text + "\n", "utf-8")
    click.echo("\n".join(f"{least:.2f} {found.at(least)}" for least in LEASTS))


if __name__ == "__main__":
    main()
