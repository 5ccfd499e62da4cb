"""Both exports for a Raspberry Pi, installed without a network in Debian for it, emulated by QEMU.

For each machine: `kws export raspberrypi`; install.sh twice, which runs the selftest; `kws run` on a minute
of real recordings, against what it hears on this machine; uninstall.sh, after which nothing may be left. The
32-bit system has Debian's own NumPy, and neither LiteRT nor pymicro-features nor soundfile.

What must agree are the tiers of the numeric contract (docs/architecture.md). With the engine c99 each
detection and score there is that of this machine, and so is each output of LiteRT's reference kernels; its
default kernels, which round otherwise on other processors, hear the same up to borderline scores, which are
printed. On 64 bits that is shown for the processors of a Pi 3, 4 and 5.

Exit code 1 if anything differs. Needs root, Linux, and: apt-get install debootstrap qemu-user-static
gcc-arm-linux-gnueabihf libc6-dev-armhf-cross gcc-aarch64-linux-gnu libc6-dev-arm64-cross

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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from debian_root import CORES, PROCESSORS, SUITE, Root, made

import kws
from firmware_export.raspberrypi.export import libraries
from firmware_export.raspberrypi.machine import MACHINES, Machine
from kws.events import Detection, from_json
from kws.frontend import Frontend
from kws.selftest import EXACT, OTHER_KERNELS, differences, largest_score_difference, tolerated
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows
from training.data.manifest import read_manifest, recordings_manifest

CACHE = Path(__file__).parents[2] / ".cache" / "raspberrypi"
CLIPS = 8
"""Dev recordings of each word; each is followed by a pause."""
PAUSE = np.zeros(SAMPLE_RATE, np.int16)
COMMAND = "/usr/local/bin/kws"
INSTALLED = "opt/kws/venv"
MOST_ROWS = 0.01
"""Share of rows that may differ: the C library there makes other filters, see firmware_export.c_library."""
OUTPUTS = """
import sys
import numpy as np
import kws
from kws.frontend import Frontend
from kws.sources.whole import read_samples

rows = np.load("/srv/rows.npy")
found = {"rows": Frontend().push(read_samples(sys.argv[1]))}
for name in kws.bundled_names():
    bundle = kws.find_bundle(name)
    found[f"{name}-reference"] = bundle.open_model(reference_kernels=True).push(rows)
    found[f"{name}-default"] = bundle.open_model().push(rows)
np.savez("/srv/outputs.npz", **found)
"""
"""Run there: outputs on the rows of this machine, and rows of its own."""


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
    c99 = libraries(kws.find_bundle("computer"), machine)  # now: their names tell of the code exported
    clean = root.files()
    steps = [installed(root), installed(root), hears(root, machine, recording, c99)]
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


def installed(root: Root) -> bool:
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


def hears(root: Root, machine: Machine, recording: Path, c99: Mapping[str, bytes]) -> bool:
    """Whether the emulated machine hears what this one does, with all its engines on all its processors."""
    if machine.engine == "c99":
        return hears_same(root, "c99", recording, "litert", "c99")
    for path, content in c99.items():  # what a compiler would make there
        (root.path / INSTALLED / path).parent.mkdir(parents=True, exist_ok=True)
        (root.path / INSTALLED / path).write_bytes(content)
    held = [
        hears_same(root.on(core), engine, recording, engine) for core in CORES for engine in ("litert", "c99")
    ]
    return all([*held, computes_same(root, recording)])


def hears_same(root: Root, engine: str, recording: Path, *others: str) -> bool:
    """Whether `kws run` hears there what it does here with other engines, by the numeric contract."""
    models = [word for name in kws.bundled_names() for word in ("--model", name)]
    done = root.run("/usr/bin/env", f"KWS_ENGINE={engine}", COMMAND, "run", *models, f"/srv/{recording.name}")
    if done.returncode:
        print(f"  kws run, {engine}: exit code {done.returncode}: {done.stderr[-2000:]}")
        return False
    there = detections(done.stdout)
    agree = [compared(there, engine, other, models, recording, root.core) for other in others]
    return all(agree) and len(there) > 0


def compared(
    there: list[Detection], engine: str, other: str, models: list[str], recording: Path, core: str
) -> bool:
    """Whether one engine's detections there are another's here; the same C is held to the bit."""
    # The engine c99 has no second stage, so it is compared with the first one alone.
    alone = ["--confirm", "none"] if "c99" in (engine, other) else []
    expected = here(other, [*models, *alone], recording)
    allowed = EXACT if engine == other == "c99" else OTHER_KERNELS
    measure = "to the step" if allowed == EXACT else "beyond tier 3"
    found = differences(expected, there, allowed)
    drift = largest_score_difference(expected, there)
    print(
        f"  kws run, {engine} on {core or 'any core'}: {len(there)} detections; {len(expected)} here with "
        f"{other}; {len(found)} differences {measure}, scores within {drift:.4f}"
    )
    for line in (*found, *(f"tolerated: {one}" for one in tolerated(expected, there, allowed))):
        print(f"    {line}")
    return not found and (allowed != EXACT or drift == 0)


def computes_same(root: Root, recording: Path) -> bool:
    """Whether LiteRT's reference kernels give there, bit for bit, what they give here."""
    (root.path / "srv" / "outputs.py").write_text(OUTPUTS, encoding="ascii")
    rows = Frontend().push(read_samples(recording))
    np.save(root.path / "srv" / "rows.npy", rows)
    done = root.run(f"/{INSTALLED}/bin/python", "/srv/outputs.py", f"/srv/{recording.name}")
    if done.returncode:
        print(f"  reference kernels: exit code {done.returncode}: {done.stderr[-2000:]}")
        return False
    found = np.load(root.path / "srv" / "outputs.npz")
    same = [outputs_same(name, rows, found) for name in kws.bundled_names()]
    unequal = int(np.count_nonzero((rows != found["rows"]).any(axis=1)))
    print(f"  front end: {unequal} of {len(rows)} rows differ")
    return all(same) and unequal <= MOST_ROWS * len(rows)


def outputs_same(name: str, rows: Rows, found: Mapping[str, np.ndarray]) -> bool:
    """Whether one model's outputs on reference kernels are equal; on default ones, for the record."""
    bundle = kws.find_bundle(name)
    reference, default = (bundle.open_model(reference_kernels=kind).push(rows) for kind in (True, False))
    unequal = np.count_nonzero(reference != found[f"{name}-reference"])
    off = np.abs(default.astype(int) - found[f"{name}-default"])
    print(
        f"  {name}, of {len(reference)} outputs: {unequal} differ on reference kernels; "
        f"{np.count_nonzero(off)} on default kernels, by at most {off.max()} of 255"
    )
    return unequal == 0


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
