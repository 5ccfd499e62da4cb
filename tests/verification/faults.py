"""The daemon among things that die: it and its peers are killed (-9) again and again while audio flows.

Words come every two seconds, four times as fast as spoken. Victims are the daemon itself (started again, as
systemd does it), the MQTT broker, a reader of the Unix socket, a web hook, and a client of the daemon's
Wyoming server; chance picks with a fixed seed. After each death an event must arrive where it was missing
within 5 s, counted from when the victim is ready again, and the daemon's counters must add up. Exit code 1 if
not.

python tests/verification/faults.py [--rounds 150]      # needs the Debian package mosquitto
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import click
from support.house import house

ALLOWED_SECONDS = 5.0


@click.command()
@click.option("--rounds", default=150, show_default=True)
def main(rounds: int) -> None:
    """Print how long each kind of death was felt."""
    chance = random.Random(0)
    unaccounted = 0.0
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
        felt: dict[str, list[float]] = {victim: [] for victim in sorted(home.start)}
        for _ in range(rounds):
            victim = chance.choice(list(felt))
            time.sleep(chance.uniform(0, 2))
            home.kill(victim)
            time.sleep(chance.uniform(0, 1))
            home.start[victim]()
            felt[victim].append(home.seconds_to_event(victim))
            unaccounted = max(unaccounted, home.unaccounted())
    for victim, seconds in felt.items():
        longest = max(seconds, default=0.0)
        print(f"{victim}: killed {len(seconds)} times; an event again after {longest:.1f} s at most")
    good = all(max(seconds, default=0.0) <= ALLOWED_SECONDS for seconds in felt.values()) and unaccounted <= 1
    print(f"{rounds} deaths, every one over within {ALLOWED_SECONDS:g} s, every event accounted for: {good}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
