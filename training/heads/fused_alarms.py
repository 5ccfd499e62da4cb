"""How often heads on two encoders and the spelling wake by mistake: counted with some words, for others.

    python -m training.heads.fused_alarms BUNDLE [BUNDLE ...]

hears the dev recordings by bundles that `kws train` made without recordings, shows what they miss beside how
often they wake by mistake, and puts the counts of false alarms of all of them together into a file. A new
word takes them from there, since where there is no recorded speech its own cannot be counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from kws.bundle import find_bundle
from kws.cascade import default_second
from kws.errors import KwsError
from kws.evaluation import Matched, Proportion, Rate
from training.accuracy.dev_streams import CACHE, CLEAN, NOISY, SPEECH
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


@dataclass(frozen=True)
class Heard:
    """What one word does in the dev recordings."""

    word: str
    matched: dict[str, list[Matched]]
    """By stream, at each of LEASTS."""
    hours: float
    """Of speech."""

    def misses(self, stream: str, index: int) -> Proportion:
        """In a stream of words, at that one of LEASTS."""
        return self.matched[stream][index].misses

    def alarms(self, index: int) -> int:
        """In all speech, at that one of LEASTS."""
        return len(self.matched[SPEECH][index].false_alarms)


def hear(path: Path, cache: Path) -> Heard:
    """A bundle's word; raises KwsError for a bundle of another kind."""
    bundle = find_bundle(path)
    second = default_second(bundle)
    if second is None:
        raise KwsError(f"{path}: has no second stage; make it anew with kws train")
    threshold = bundle.manifest["kws"]["confirmation"]["default"]["threshold"]
    (look,) = looked(bundle, second, cache, [threshold])
    matched = {name: [look.matched(name, least) for least in LEASTS] for name in (CLEAN, NOISY, SPEECH)}
    return Heard(bundle.wake_word, matched, look.layouts[SPEECH].hours)


def together(heard: Sequence[Heard], command: str) -> FusedAlarms:
    """The false alarms of all."""
    counts = [sum(one.alarms(index) for one in heard) for index in range(len(LEASTS))]
    return FusedAlarms(
        [one.word for one in heard], round(sum(one.hours for one in heard), 3), counts, command
    )


def table(heard: Sequence[Heard]) -> str:
    """At each threshold: missed as recorded, missed at 10 dB, false alarms of each word and of all."""
    known = together(heard, "")
    lines = [
        f"threshold | missed as recorded | missed at 10 dB | {', '.join(known.words)} | false alarms an hour"
    ]
    for index, least in enumerate(LEASTS):
        missed = [_all([one.misses(name, index) for one in heard]) for name in (CLEAN, NOISY)]
        alarms = ", ".join(str(one.alarms(index)) for one in heard)
        lines.append(f"{least:.2f} | {missed[0]} | {missed[1]} | {alarms} | {known.at(least)}")
    return "\n".join(lines)


def _all(parts: Sequence[Proportion]) -> Proportion:
    return Proportion(sum(part.count for part in parts), sum(part.total for part in parts))


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(bundles: tuple[Path, ...], cache: Path) -> None:
    """Count what BUNDLES miss, and their false alarms, which are kept for other words."""
    heard = [hear(path, cache) for path in bundles]
    found = together(heard, f"python -m training.heads.fused_alarms {' '.join(map(str, bundles))}")
    FILE.write_text(json.dumps(asdict(found), indent=1) + "\n", "utf-8")
    click.echo(table(heard))


if __name__ == "__main__":
    main()
