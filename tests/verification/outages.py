"""The daemon while its disk is full, and while its MQTT broker is restarted.

Disk: the file of events, recordings and the sinks' spools stand on a file system of 4 MB, which is filled up
and freed again. Broker: told to end, away for up to ten seconds, then there again. Words come all the while.
Each time an event must be in the file, or at the broker, within 5 s of its being possible; everyone else must
get every event, and the daemon's counters must tell what file and hook really hold. Exit code 1 if not.

python tests/verification/outages.py [--rounds 20]      # Linux; needs the Debian package mosquitto
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import soundfile
from support.house import PATIENCE, SINKS, Figures, House, house

from kws.types import SAMPLE_RATE

ALLOWED_SECONDS = 5.0
DISK_BYTES = 4_000_000
ROTATION = "max_bytes = 1000\nkeep = 1000"
"""A new file every few events, for the last page of a file has room even where the disk has none."""
RECORDING = '[recording]\nfolder = "{disk}/recordings"\neach_detection = true\nkeep = 2\n'


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        with self._filler.open("ab", 0) as file:
            try:
                while file.write(bytes(4_096)) == 4_096:
                    pass
            except OSError:
                return

    def free(self) -> None:
        """As it was."""
        self._filler.unlink()

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)


def fill_disk(home: House, disk: Disk, chance: random.Random) -> float:
    """One time; how long after it was freed an event stood in the file, seconds."""
    failed = ("kws_sink_failures_total", SINKS["file"])
    failures, end = home.figures()[failed], math.inf
    while time.monotonic() < end:
        disk.fill()  # again, for of recordings the oldest goes, which makes room
        time.sleep(0.1)
        if end == math.inf and home.figures()[failed] > failures:
            end = time.monotonic() + chance.uniform(2, 8)
    disk.free()
    return home.seconds_to_event("daemon")


def restart_broker(home: House, chance: random.Random) -> float:
    """One time; how long after the broker was ready an event came to it, seconds."""
    broker = home.running["broker"]
    broker.send_signal(signal.SIGTERM)
    broker.wait()
    time.sleep(chance.uniform(0, 10))
    home.start["broker"]()
    return home.seconds_to_event("broker")


def truth(home: House, disk: Disk) -> dict[str, bool]:
    """What the counters say, compared with what is there."""
    time.sleep(1)  # what is in hand
    before = home.figures()
    lines = [line for path in home.files() for line in path.read_text().splitlines()]
    posted = home.told("hook").read_text().splitlines()
    after = home.figures()
    return {
        "file": all(map(is_event, lines)) and between(len(lines), before, after, "delivered_total", "file"),
        "hook": between(len(posted), before, after, "delivered_total", "hook"),
        "others without a loss": not any(
            after[f"kws_sink_{end}_total", SINKS[name]]
            for end in ("dropped", "refused", "failures")
            for name in ("reader", "hook")
        ),
        "recordings lost and going on": after["kws_recordings_lost_total", ""] > 0 and recordings_go_on(disk),
        "sums": home.unaccounted() <= 1,
    }


def recordings_go_on(disk: Disk) -> bool:
    """Whether the latest is new and whole."""
    latest = max((disk.place / "recordings").glob("*/*.wav"), key=lambda path: path.stat().st_mtime)
    whole = soundfile.info(latest).frames > SAMPLE_RATE
    return whole and time.time() - latest.stat().st_mtime < PATIENCE


def between(count: int, before: Figures, after: Figures, figure: str, name: str) -> bool:
    """Whether a count made between two readings lies between their figures."""
    key = (f"kws_sink_{figure}", SINKS[name])
    return before[key] <= count <= after[key]


def is_event(line: str) -> bool:
    """Whether it is a whole one."""
    try:
        return "type" in json.loads(line)
    except ValueError:
        return False


@click.command()
@click.option("--rounds", default=20, show_default=True, help="Of each kind.")
def main(rounds: int) -> None:
    """Print how long each kind of outage was felt."""
    with_mounts_of_our_own()
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder, "disk"))
        more = RECORDING.format(disk=disk.place)
        try:
            with house(Path(folder), disk.place / "events.jsonl", ROTATION, more, disk.place) as home:
                home.seconds_to_event("daemon")
                full = [fill_disk(home, disk, chance) for _ in range(rounds)]
                away = [restart_broker(home, chance) for _ in range(rounds)]
                found, figures = truth(home, disk), home.figures()
        finally:
            disk.close()
    print(f"disk full {rounds} times; an event in the file again after {max(full):.1f} s at most")
    print(f"broker restarted {rounds} times; an event there again after {max(away):.1f} s at most")
    for name, number in SINKS.items():
        ends = ("delivered", "dropped", "refused", "failures")
        counts = (f"{figures[f'kws_sink_{end}_total', number]:.0f} {end}" for end in ends)
        print(f"{name}: {', '.join(counts)}")
    print(f"counters tell what is there: {', '.join(f'{what} {held}' for what, held in found.items())}")
    good = max(*full, *away) <= ALLOWED_SECONDS and all(found.values())
    print(f"{2 * rounds} outages, every one over within {ALLOWED_SECONDS:g} s, counters true: {good}")
    sys.exit(0 if good else 1)


def with_mounts_of_our_own() -> None:
    """Start this program again where it may mount, and where no one else sees what it mounts."""
    if "KWS_OWN_MOUNTS" not in os.environ:
        command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv]
        os.execvpe(command[0], command, {**os.environ, "KWS_OWN_MOUNTS": "1"})


if __name__ == "__main__":
    main()
