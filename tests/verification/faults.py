"""The daemon among things that die: it and its peers are killed (-9) again and again while audio flows.

Words come every two seconds, four times as fast as spoken. Victims are the daemon itself (started again, as
systemd does it), the MQTT broker, a reader of the Unix socket, a web hook, and a client of the daemon's
Wyoming server; each dies equally often, in an order that chance gives with a fixed seed. After each death an
event must arrive where it was missing within 5 s, counted from when the victim is ready again, and the
daemon's counters must add up.

The sinks have spools, and half of the times that the daemon dies, its web hook is dead already and lives
again after it: in the end the hook must have every event that stands in the file, and the file every event
that the hook has. Exit code 1 if any of this is not so.

python tests/verification/faults.py [--deaths 100]      # of each; needs the Debian package mosquitto
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import click
from support.house import House, house

ALLOWED_SECONDS = 5.0


@dataclass
class Felt:
    """What came of the deaths."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """To the next event, by who died."""
    unaccounted: float = 0.0
    """Events, at most."""
    restored: float = 0.0
    """Events that a daemon found in its spools, of all daemons."""


@click.command()
@click.option("--deaths", default=100, show_default=True, help="Of each victim.")
def main(deaths: int) -> None:
    """Print how long each kind of death was felt, and what was lost."""
    chance, felt = random.Random(0), Felt()
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), spools=Path(folder)) as home:
        for victim in shuffled(sorted(home.start), deaths, chance):
            with_hook = victim == "daemon" and chance.random() < 0.5
            die(home, ["hook", "daemon"] if with_hook else [victim], chance, felt)
        home.hush()
        written, posted = (lines_of(path) for path in (*home.files(), home.told("hook")))
    for victim, seconds in sorted(felt.seconds.items()):
        print(f"{victim}: killed {len(seconds)} times; an event again after {max(seconds):.1f} s at most")
    print(f"{felt.restored:.0f} events waited in spools when the daemon died")
    for name, lines in (("file", written), ("hook", posted)):
        print(f"{name}: {len(lines)} events, {lines.total() - len(lines)} of them came twice")
    lost = len(written.keys() ^ posted.keys())
    print(f"in the file or at the hook alone: {lost}")
    in_time = max(max(seconds) for seconds in felt.seconds.values()) <= ALLOWED_SECONDS
    good = in_time and felt.unaccounted <= 1 and not lost
    count = sum(map(len, felt.seconds.values()))
    print(f"{count} deaths, every one over within {ALLOWED_SECONDS:g} s, no event lost: {good}")
    sys.exit(0 if good else 1)


def shuffled(victims: list[str], deaths: int, chance: random.Random) -> list[str]:
    """Each so often, in any order."""
    order = victims * deaths
    chance.shuffle(order)
    return order


def die(home: House, victims: list[str], chance: random.Random, felt: Felt) -> None:
    """One after the other, then live again, the last to die first."""
    for victim in victims:
        time.sleep(chance.uniform(0, 2))
        home.kill(victim)
    for victim in reversed(victims):
        time.sleep(chance.uniform(0, 1))
        home.start[victim]()
        if victim == "daemon":
            felt.restored += home.restored()
    felt.seconds[victims[-1]].append(home.seconds_to_event(victims[-1]))
    felt.unaccounted = max(felt.unaccounted, home.unaccounted())


def lines_of(path: Path) -> Counter[str]:
    """Each line, and how often it is there."""
    return Counter(path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
