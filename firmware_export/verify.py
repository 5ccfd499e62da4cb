"""An exported firmware beside the desktop engine, on one recording."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_export.c_library import makes_same_filters
from firmware_export.errors import ExportError
from firmware_export.output import exported_bundle, read_description
from kws.bundle import Bundle
from kws.engine import Engine, WakeWord
from kws.events import Detection
from kws.frontend import Frontend
from kws.types import SAMPLE_RATE, Block, Outputs, Rows, Samples


@dataclass(frozen=True)
class Heard:
    """One event: both sides' common form."""

    label: str
    end: int
    """Samples heard by the deciding step's end."""


SLACK_SECONDS = 0.1
"""By which an event may be earlier or later than on the desktop. Its kernels round some products in one step,
microcontrollers in two; the threshold may so be crossed some model steps apart. What is computed alike, front
end and detector, has no slack."""

MOST_OTHER_ROWS = 0.01
"""Share of rows that may differ on a system with other filters; seen: 0.0006."""


@dataclass(frozen=True)
class Comparison:
    """What the firmware and the desktop made of one recording."""

    firmware: tuple[Heard, ...]
    expected: tuple[Heard, ...]
    """What the desktop's detector makes of the firmware's outputs."""
    desktop: tuple[Heard, ...]
    """What `kws run` hears."""
    rows: int
    unequal_rows: int
    steps: int
    unequal_steps: int
    """Steps whose outputs differ from those of LiteRT's reference kernels."""
    largest_difference: int
    """Of 255."""
    rounding_rows: bool = False
    """The unequal rows are no more than this system's filters explain, see firmware_export.c_library."""

    @property
    def shifts(self) -> tuple[float, ...]:
        """Seconds from each event of the firmware to the desktop's, of those with one within the slack."""
        left, found = list(self.desktop), []
        for event in self.firmware:
            near = [e for e in left if e.label == event.label and _seconds(e, event) <= SLACK_SECONDS]
            if near:
                nearest = min(near, key=lambda e: _seconds(e, event))
                left.remove(nearest)
                found.append(_seconds(nearest, event))
        return tuple(found)

    @property
    def alone(self) -> int:
        """Events that only one side has."""
        return len(self.firmware) + len(self.desktop) - 2 * len(self.shifts)

    @property
    def exact(self) -> bool:
        """Whether front end and detector are the desktop's, to the bit."""
        return self.firmware == self.expected and (self.unequal_rows == 0 or self.rounding_rows)

    @property
    def holds(self) -> bool:
        """Whether that is so, and the events are the desktop's."""
        return self.exact and self.alone == 0


def _seconds(a: Heard, b: Heard) -> float:
    return abs(a.end - b.end) / SAMPLE_RATE


class Firmware:
    """The programs of a C99 export, built for this machine."""

    def __init__(self, build: Path, bundle: Bundle) -> None:
        self._build, self._bundle = build, bundle

    def events(self, samples: Samples) -> tuple[Heard, ...]:
        """What `listen` prints."""
        lines = self._run("listen", data=samples.astype("<i2").tobytes()).decode().splitlines()
        words = [line.rsplit(" ", 2) for line in lines]
        return tuple(Heard(label, int(end)) for label, end, _ in words)

    def rows(self, samples: Samples) -> Rows:
        """Front-end rows, (t, channels)."""
        traced = self._run("trace", "rows", data=samples.astype("<i2").tobytes())
        return np.frombuffer(traced, np.int8).reshape(-1, Frontend().config.channels)

    def outputs(self, rows: Rows) -> Outputs:
        """The model's outputs for these rows, (steps, labels)."""
        traced = self._run("trace", "model", data=rows.tobytes())
        return np.frombuffer(traced, np.uint8).reshape(-1, len(self._bundle.labels))

    def _run(self, program: str, *arguments: str, data: bytes) -> bytes:
        command = [str(self._build / program), *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise ExportError(f"{program}: failed ({said}); export anew")
        return done.stdout


@contextmanager
def built(directory: Path, flags: Sequence[str] = ()) -> Iterator[Firmware]:
    """Build an export out of its directory, with more compiler flags if given; raises ExportError."""
    target, bundle = read_description(directory)["target"], exported_bundle(directory)
    if target != "c99":
        raise ExportError(f"{directory}: is an export for {target}, which does not run here; export to c99")
    make, compiler = shutil.which("make"), os.environ.get("CC", "cc")
    if not make or not shutil.which(shlex.split(compiler)[0]):
        raise ExportError(f"make and {compiler} are needed to build it; install them (Debian: gcc make)")
    with tempfile.TemporaryDirectory() as build:
        command = [
            make,
            "-s",
            f"-j{os.cpu_count() or 1}",
            f"BUILD={build}",
            f"CC={compiler}",
            f"CFLAGS={' '.join(['-O2', *flags])}",
        ]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise ExportError(f"{directory}: {compiler} cannot build it ({last}); export anew")
        yield Firmware(Path(build), bundle)


def compare(directory: Path, samples: Samples) -> Comparison:
    """Run an exported firmware and the desktop engine; raises ExportError or BundleError."""
    bundle = exported_bundle(directory)
    with built(directory) as firmware:
        return compare_with_desktop(firmware, bundle, samples)


def compare_with_desktop(firmware: Firmware, bundle: Bundle, samples: Samples) -> Comparison:
    """Rows, outputs and events of a built firmware against those here."""
    rows, theirs = Frontend().push(samples), firmware.rows(samples)
    outputs = firmware.outputs(rows)
    reference = bundle.open_model(reference_kernels=True).push(rows)
    difference = np.abs(reference.astype(int) - outputs)
    return Comparison(
        firmware=firmware.events(samples),
        expected=detected(bundle, outputs),
        desktop=desktop_events(bundle, samples),
        rows=len(rows),
        unequal_rows=abs(len(rows) - len(theirs)) + _unequal(rows, theirs),
        rounding_rows=_few_unequal(rows, theirs) and not makes_same_filters(),
        steps=len(outputs),
        unequal_steps=int(np.count_nonzero(difference.any(axis=1))),
        largest_difference=int(difference.max(initial=0)),
    )


def desktop_events(bundle: Bundle, samples: Samples) -> tuple[Heard, ...]:
    """Detections of the engine that `kws run` uses."""
    events = Engine([WakeWord(bundle)]).push(Block(samples))
    return tuple(Heard(e.name, round(e.end * SAMPLE_RATE)) for e in events if isinstance(e, Detection))


def detected(bundle: Bundle, outputs: Outputs) -> tuple[Heard, ...]:
    """What the desktop's detector makes of outputs (steps, labels)."""
    word = WakeWord(bundle)
    heard = [
        (candidate.step, column)
        for column, detector in enumerate(word.detectors)
        for candidate in detector.push(outputs[:, column])
    ]
    return tuple(Heard(bundle.labels[column], word.step_end(step)) for step, column in sorted(heard))


def _few_unequal(a: Rows, b: Rows) -> bool:
    return a.shape == b.shape and _unequal(a, b) <= MOST_OTHER_ROWS * len(a)


def _unequal(a: Rows, b: Rows) -> int:
    shared = min(len(a), len(b))
    return int(np.count_nonzero((a[:shared] != b[:shared]).any(axis=1)))
