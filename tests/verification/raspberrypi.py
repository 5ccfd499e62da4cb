"""Both exports for a Raspberry Pi, installed without a network in Debian for it, emulated by QEMU.

For each machine: `kws export raspberrypi`; install.sh twice, which runs the selftest; `kws run` on a minute
of real recordings, against what it hears on this machine; uninstall.sh, after which nothing may be left. The
32-bit system has Debian's own NumPy, and neither LiteRT nor pymicro-features nor soundfile.
Exit code 1 if anything differs. Needs root, Linux, and: apt-get install debootstrap qemu-user-static
gcc-arm-linux-gnueabihf libc6-dev-armhf-cross

python tests/verification/raspberrypi.py [MACHINE ...]      # by default both; their roots are kept in .cache
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from debian_root import PROCESSORS, SUITE, Root, made

import kws
from firmware_export.raspberrypi.machine import MACHINES, Machine
from kws.events import Detection, from_json
from kws.selftest import EXACT, OTHER_ENGINE, differences, largest_score_difference
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.data.manifest import read_manifest, recordings_manifest

CACHE = Path(__file__).parents[2] / ".cache" / "raspberrypi"
CLIPS = 8
"""Dev recordings of each word; each is followed by a pause."""
PAUSE = np.zeros(SAMPLE_RATE, np.int16)
COMMAND = "/usr/local/bin/kws"


def main(names: list[str]) -> int:
    """Print what was seen; the last line sums it up."""
    recording = CACHE / "words.wav"
    write_recording(recording)
    held = [proved(MACHINES[name], recording) for name in names or MACHINES]
    print(
        f"\nInstalled offline, hears what this machine hears, uninstalled clean: {sum(held)} of {len(held)}."
    )
    return 0 if all(held) else 1


def proved(machine: Machine, recording: Path) -> bool:
    """Whether all holds on one machine."""
    processor = PROCESSORS[machine.name]
    packages = ["python3", "python3-venv", *(f"python3-{module}" for module in machine.needs)]
    root = made(CACHE / machine.name, processor, packages)
    print(f"{machine.name}: Debian {SUITE} {processor.architecture}, {said(root, 'python3', '--version')}")
    print(f"  machine: {said(root, 'uname', '-m')} emulated on {platform.machine()}")
    bring(root, export(machine), recording)
    clean = root.files()
    steps = [installed(root, machine), installed(root, machine), hears(root, machine, recording)]
    return all([*steps, uninstalled(root, clean)])


def write_recording(path: Path) -> None:
    """Dev recordings of the bundled wake words, one after the other."""
    clips = [clip for clip in read_manifest(recordings_manifest()) if clip.split == "dev"]
    parts = [PAUSE]
    for word in kws.bundled_names():
        for clip in [clip for clip in clips if clip.says(word) and clip.kind != "room"][:CLIPS]:
            parts += [read_samples(clip.path), PAUSE]
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.concatenate(parts).astype("<i2").tobytes())


def export(machine: Machine) -> Path:
    """A fresh folder for it."""
    folder = CACHE / machine.name / "pi"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "kws",
            "export",
            "raspberrypi",
            "computer",
            "-o",
            folder,
            "--machine",
            machine.name,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    packed = folder.with_name("pi.tar.gz").stat().st_size
    print(f"  export: {len(list((folder / 'wheels').iterdir()))} wheels, {packed / 1e6:.1f} MB packed")
    return folder


def bring(root: Root, folder: Path, recording: Path) -> None:
    """The export and the recording to /srv, which the installer knows nothing of."""
    shutil.rmtree(root.path / "srv" / "pi", ignore_errors=True)
    shutil.copytree(folder, root.path / "srv" / "pi")
    shutil.copy(recording, root.path / "srv")


def installed(root: Root, machine: Machine) -> bool:
    """Run the installer; it ends with the selftest."""
    done = root.run("/bin/sh", "/srv/pi/install.sh")
    for line in done.stdout.splitlines():
        print(f"  install.sh: {line}")
    if done.returncode:
        print(f"  install.sh: exit code {done.returncode}: {done.stderr[-2000:]}")
    packages = ("ai_edge_litert", "micro_features_cpp", "soundfile", "soxr")
    program = f"import importlib.util as u; print(*[n for n in {packages} if u.find_spec(n)] or ['none'])"
    print(f"  of {', '.join(packages)} there: {said(root, '/opt/kws/venv/bin/python', '-c', program)}")
    return done.returncode == 0


def hears(root: Root, machine: Machine, recording: Path) -> bool:
    """Whether the emulated machine hears what this one does with the same engine, and with the default."""
    models = [word for name in kws.bundled_names() for word in ("--model", name)]
    done = root.run(COMMAND, "run", *models, f"/srv/{recording.name}")
    if done.returncode:
        print(f"  kws run: exit code {done.returncode}: {done.stderr[-2000:]}")
        return False
    there = detections(done.stdout)
    same_engine, default = here(machine.engine, models, recording), here("litert", models, recording)
    found = differences(same_engine, there, EXACT), differences(default, there, OTHER_ENGINE)
    drift = largest_score_difference(same_engine, there)
    with wave.open(str(recording)) as file:
        seconds = file.getnframes() / SAMPLE_RATE
    print(
        f"  kws run, {machine.engine}, {seconds:.0f} s of recordings: {len(there)} detections; "
        f"{len(same_engine)} here with that engine, {len(found[0])} differences to the step, scores within "
        f"{drift:.4f}; {len(default)} with litert, {len(found[1])} differences beyond the numeric contract"
    )
    for difference in (*found[0], *found[1]):
        print(f"    {difference}")
    return not any(found) and len(there) > 0


def here(engine: str, models: list[str], recording: Path) -> list[Detection]:
    """What this machine hears."""
    command: list[Any] = [sys.executable, "-m", "kws", "run", "--engine", engine, *models, recording]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    return detections(done.stdout)


def detections(lines: str) -> list[Detection]:
    """Of JSON lines."""
    events = [from_json(line) for line in lines.splitlines() if json.loads(line)["type"] == "detection"]
    return [event for event in events if isinstance(event, Detection)]


def uninstalled(root: Root, clean: dict[str, int]) -> bool:
    """Whether uninstall.sh leaves what was there before, and nothing else."""
    done = root.run("/bin/sh", "/srv/pi/uninstall.sh", "--purge")
    after = root.files()
    left = sorted(name for name in after.keys() ^ clean.keys() if "__pycache__" not in name)
    print(f"  uninstall.sh --purge: {len(left)} files differ from before {' '.join(left[:5])}".rstrip())
    return done.returncode == 0 and not left


def said(root: Root, *command: str) -> str:
    """Standard output of a command inside."""
    return root.run(*command).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
