"""Debian for another processor in a folder, and programs run in it by QEMU's user mode. Needs root on Linux.

The packages are fetched and unpacked by debootstrap and dpkg of this machine, their scripts run emulated.
Programs see a /proc and a /sys there, and in /proc/cpuinfo the cores of the processor that is emulated:
without, LiteRT finds no core that it has kernels for, and takes others than on a Raspberry Pi.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

SUITE = "trixie"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
SLOW = {
    "usr/lib/python3.13/py_compile.py": "",
    "usr/bin/deb-systemd-helper": "#!/bin/sh\n",
    "usr/bin/py3compile": "#!/bin/sh\n",
}
"""What takes an emulated processor most of the time and is not needed here: compiled Python files, units of a
systemd that is not there; and what stands in for it while packages are configured."""
CERTIFICATES = ("var/lib/dpkg/info/ca-certificates.config", "var/lib/dpkg/info/ca-certificates.postinst")
"""Scripts that go through all certificates; here that is done without them, for the same reason."""
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_NO_COMPILE": "1",
}


@dataclass(frozen=True)
class Emulated:
    """A processor, as Debian and QEMU call it."""

    architecture: str
    qemu: str
    elf_class: int
    elf_machine: int
    core: str = ""
    """One of CORES, if programs ask for it."""

    def register(self) -> None:
        """Let the kernel start programs of this kind by QEMU, inside a root of theirs too."""
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True)
        if (BINFMT / f"qemu-{self.qemu}").exists():
            return
        magic = bytes([0x7F, *b"ELF", self.elf_class, 1, 1, *bytes(9), 2, 0, self.elf_machine, 0])
        mask = bytes([255] * 7 + [0] + [255] * 8 + [254, 255, 255, 255])
        words = ["", f"qemu-{self.qemu}", "M", "", _escaped(magic), _escaped(mask)]
        line = ":".join([*words, f"/usr/bin/qemu-{self.qemu}-static", "F"])
        (BINFMT / "register").write_text(line, encoding="ascii")


_PLAIN = "fp asimd evtstrm crc32 cpuid"
CORES = {
    "cortex-a53": ("0xd03", _PLAIN),
    "cortex-a72": ("0xd08", _PLAIN),
    "cortex-a76": (
        "0xd0b",
        f"{_PLAIN} aes pmull sha1 sha2 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp",
    ),
}
"""Those of the Raspberry Pi 3 and Zero 2, of the 4 and of the 5, as QEMU calls them -> their number and what
they have, as Linux says it. QEMU's own choice has SVE too, with which LiteRT fails under QEMU 7.2."""

PROCESSORS = {
    "aarch64": Emulated("arm64", "aarch64", elf_class=2, elf_machine=0xB7, core="cortex-a72"),
    "armv7l": Emulated("armhf", "arm", elf_class=1, elf_machine=0x28),
}


def _escaped(content: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in content)


@dataclass(frozen=True)
class Root:
    """A folder with Debian in it."""

    path: Path
    core: str = ""

    def on(self, core: str) -> Root:
        """The same on another core."""
        return replace(self, core=core)

    def run(self, *command: str, network: bool = False) -> subprocess.CompletedProcess[str]:
        """A command inside, with no network unless asked for."""
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
        steps = [f"mount -t proc proc {self.path}/proc", f"mount --rbind /sys {self.path}/sys"]
        if self.core:
            steps.append(f"mount --bind {self._cpuinfo()} {self.path}/proc/cpuinfo")
        steps.append(f"exec chroot {shlex.join([str(self.path), *command])}")
        environment = {**ENVIRONMENT, "QEMU_CPU": self.core} if self.core else ENVIRONMENT
        inside = [*alone, "/bin/sh", "-c", " && ".join(steps)]
        return subprocess.run(inside, env=environment, capture_output=True, text=True, check=False)

    def _cpuinfo(self) -> Path:
        """A file that says of each core what Linux does."""
        part, features = CORES[self.core]
        path = self.path.parent / f"cpuinfo-{self.core}"
        lines = f"Features\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
        lines += f"CPU part\t: {part}\nCPU revision\t: 3\n\n"
        path.write_text("".join(f"processor\t: {n}\n{lines}" for n in range(os.cpu_count() or 1)))
        return path

    def files(self) -> dict[str, int]:
        """Path -> size of all that an installation could leave behind."""
        return {
            str(path.relative_to(self.path)): path.lstat().st_size
            for top in ("etc", "opt", "usr", "root", "var/lib")
            for path in sorted((self.path / top).rglob("*"))
            if not path.is_dir() or path.is_symlink()
        }


def made(folder: Path, processor: Emulated, packages: Sequence[str]) -> Root:
    """The root in that folder, made on first use."""
    processor.register()
    if not (folder / "complete").exists():
        _make(folder, processor, packages)
    _own_proc(folder / "root")
    return Root(folder / "root", processor.core)


def _make(folder: Path, processor: Emulated, packages: Sequence[str]) -> None:
    root, debs = folder / "root", folder / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rm", "-rf", root], check=True)
    _check(
        [
            *("debootstrap", "--foreign", "--variant=minbase", f"--arch={processor.architecture}"),
            *(f"--cache-dir={debs.resolve()}", f"--include={','.join(packages)}", SUITE, str(root)),
        ]
    )
    _own_proc(root)
    with _mounted(root), _without(root, SLOW):
        archives = sorted(str(path) for path in (root / "var/cache/apt/archives").glob("*.deb"))
        _check(["dpkg", f"--root={root}", "--force-all", "--unpack", *archives])
        _join_certificates(root)
        _check(["chroot", str(root), "dpkg", "--force-unsafe-io", "--configure", "--pending"])
    subprocess.run(["rm", "-rf", root / "debootstrap"], check=True)
    (folder / "complete").touch()


def _own_proc(root: Path) -> None:
    """debootstrap may leave a link to the /proc that it knows."""
    if (root / "proc").is_symlink():
        (root / "proc").unlink()
        (root / "proc").mkdir()


def _join_certificates(root: Path) -> None:
    """All certificates in one file, as programs expect them; pip does not start without."""
    for script in CERTIFICATES:
        (root / script).write_text("#!/bin/sh\n", encoding="ascii")
    found = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in found))


@contextmanager
def _mounted(root: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", root / "proc"], check=True)


@contextmanager
def _without(root: Path, slow: Mapping[str, str]) -> Iterator[None]:
    """Something quick stands in for each of these files, under a diversion of dpkg."""
    for name, content in slow.items():
        _check([*_diverted(root, name), "--add", f"/{name}"])
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="ascii")
        (root / name).chmod(0o755)
    yield
    for name in slow:
        (root / f"{name}.real").replace(root / name)
        _check([*_diverted(root, name), "--remove", f"/{name}"])


def _diverted(root: Path, name: str) -> list[str]:
    return ["dpkg-divert", f"--root={root}", "--quiet", "--no-rename", "--divert", f"/{name}.real"]


def _check(command: Iterable[str]) -> None:
    done = subprocess.run(list(command), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(list(command)[:4])} ...: {(done.stderr or done.stdout)[-2000:]}")
