"""The two kinds of Raspberry Pi OS, and what each can install."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_export.errors import ExportError

PYTHONS = ("3.11", "3.13")
"""Of Debian 12 and 13, from which Raspberry Pi OS is made."""
OLDEST_GLIBC, NEWEST_GLIBC = 17, 36
"""Minor versions: that of the oldest tag in use, and that of Debian 12."""


@dataclass(frozen=True)
class Machine:
    """Processor and system."""

    name: str
    """As `uname -m` says it of a system of this kind."""
    architecture: str
    """As Debian calls it."""
    engine: str
    """See kws.runtimes."""
    requirements: tuple[str, ...] | None
    """Packages without machine code that are brought along; None: all that kws needs."""
    compiler: str
    flags: tuple[str, ...]
    needs: tuple[str, ...]
    """Modules that only Debian has for it, and the package that brings each."""

    @property
    def platforms(self) -> list[str]:
        """Tags of wheels that run there."""
        minors = range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
        return [*(f"manylinux_2_{minor}_{self.name}" for minor in minors), f"manylinux2014_{self.name}"]


MACHINES = {
    machine.name: machine
    for machine in (
        Machine(
            name="aarch64",
            architecture="arm64",
            engine="litert",
            requirements=None,
            compiler="aarch64-linux-gnu-gcc",
            flags=(),
            needs=(),
        ),
        Machine(
            name="armv7l",
            architecture="armhf",
            engine="c99",
            requirements=("click", "paho-mqtt", "prometheus-client", "sounddevice", "wyoming"),
            compiler="arm-linux-gnueabihf-gcc",
            flags=("-march=armv7-a", "-mfpu=neon", "-mfloat-abi=hard"),
            needs=("numpy",),
        ),
    )
}
"""By name."""


def find_machine(name: str) -> Machine:
    """Raises ExportError for a name that is not known."""
    if name not in MACHINES:
        raise ExportError(f"{name}: no such machine; give one of {', '.join(MACHINES)}")
    return MACHINES[name]
