"""The Dockerfile's steps without a container engine: each stage is a Debian made by debootstrap, each RUN a
command in a chroot there, each COPY a copy. Then the image's entry point runs its self-test, and its daemon
listens as the image's user, asked by the image's own health check how it is, until SIGTERM.

On this processor, and on the other one of amd64 and arm64 where the kernel starts its programs under QEMU
(binfmt_misc). Needs root, the Debian package debootstrap and the network. Exit code 1 if a step fails. What
was built before one failed stays, and --built tries that again.

python tests/verification/container.py [--built] [amd64] [arm64]      # by default those there are
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import signal
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import click
from dockerfile import ROOT, Instruction, Stage, read_stages

CACHE = ROOT / ".cache" / "container"
SUITES = {"debian:bookworm-slim": "bookworm"}
"""Image -> Debian's suite of which it is the minimal system."""
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
"""As the kernel calls them -> as Debian does."""
BINFMT = Path("/proc/sys/fs/binfmt_misc")
OF_THIS_COMPUTER = {
    "/etc/resolv.conf": "etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt": "etc/certificates-of-the-host.crt",
}
"""For the network: what is copied to where, as far as it is there."""
CPUINFO = """\
processor	: {number}
Features	: fp asimd evtstrm crc32 cpuid
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: 0xd08
CPU revision	: 3

"""
"""What /proc/cpuinfo says of each core of a Raspberry Pi 4. QEMU's user mode shows the host's, in whose lines
LiteRT finds no core and crashes."""
EMULATED_CORE = "cortex-a72"
"""The same for QEMU. Its own choice, "max", has every extension of Arm's, and with SVE among them (not with
that of "a64fx") the default kernels of LiteRT 2.3 compute nonsense under QEMU 7.2."""
PATIENCE = 600.0
"""Seconds; emulated programs are slow."""


class Container:
    """One stage: a root folder, and what its instructions have set so far."""

    def __init__(self, root: Path, processor: str) -> None:
        self.root = root
        self._cpuinfo = cpuinfo_of(processor)
        self.user = "root"
        self.folder = "/"
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        if self._cpuinfo:
            self.environment["QEMU_CPU"] = EMULATED_CORE
        certificates = OF_THIS_COMPUTER["/etc/ssl/certs/ca-certificates.crt"]
        if (root / certificates).exists():
            self.environment["PIP_CERT"] = f"/{certificates}"

    def command(self, words: Sequence[str]) -> list[str]:
        """A program in there, with a /proc and process numbers of its own."""
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        program = f"cd {shlex.quote(self.folder)} && exec {shlex.join(words)}"
        chroot = ["chroot", f"--userspec={self.user}", str(self.root)]
        inside = shlex.join([*chroot, "/usr/bin/env", "-i", *settings, "/bin/sh", "-c", program])
        bound = " && ".join(f"mount --rbind {name} {self.root}{name}" for name in ("/dev", "/sys"))
        mounts = f"mount -t proc proc {self.root}/proc && {bound}"
        if self._cpuinfo:
            mounts += f" && mount --bind {self._cpuinfo} {self.root}/proc/cpuinfo"
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return [*alone, "/bin/sh", "-c", f"{mounts} && exec {inside}"]

    def output(self, words: Sequence[str]) -> str:
        """What a program prints; CalledProcessError if it fails, TimeoutExpired if it hangs."""
        command = self.command(words)
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
        return done.stdout.strip()

    def follow(self, instruction: Instruction, stages: dict[str, Container]) -> None:
        """One line of the Dockerfile; what only a container engine heeds is passed over."""
        if instruction.name == "RUN":
            command = self.command(["/bin/sh", "-c", instruction.value])
            subprocess.run(command, check=True, stdout=sys.stderr)
        elif instruction.name == "COPY":
            self._copy(instruction.words, stages)
        elif instruction.name == "WORKDIR":
            self.folder = instruction.value
            self._place(instruction.value).mkdir(parents=True, exist_ok=True)
        elif instruction.name == "USER":
            self.user = instruction.value
        elif instruction.name == "ENV":
            value = string.Template(instruction.value).substitute(self.environment)
            self.environment.update(word.split("=", 1) for word in shlex.split(value))

    def _copy(self, words: list[str], stages: dict[str, Container]) -> None:
        source = ROOT
        if words[0].startswith("--from="):
            source = stages[words.pop(0).removeprefix("--from=")].root
        *names, target = words
        for name in names:
            place = self._place(target) / name if target.endswith("/") else self._place(target)
            _copied(source / name.lstrip("/"), place)

    def _place(self, path: str) -> Path:
        return self.root / os.path.join(self.folder, path).lstrip("/")


@click.command()
@click.option(
    "--built", is_flag=True, help="Try what the last run has built and left, with kws as it is now."
)
@click.argument("processors", nargs=-1, type=click.Choice(list(PROCESSORS.values())))
def main(built: bool, processors: tuple[str, ...]) -> None:
    """Print a paragraph for each processor; the last line sums them up."""
    processors = processors or tuple(available())
    for processor in processors:
        (try_built if built else build)(processor)
    print(f"The Dockerfile's image works on {' and '.join(processors)}.")


def available() -> Iterator[str]:
    """Processors whose programs this computer starts, its own first."""
    for kernel, debian in sorted(PROCESSORS.items(), key=lambda item: item[0] != platform.machine()):
        if kernel == platform.machine() or (BINFMT / f"qemu-{kernel}").exists():
            yield debian


def build(processor: str) -> None:
    """Follow every instruction, then try the image."""
    started = time.monotonic()
    stages = read_stages()
    containers: dict[str, Container] = {}
    for number, stage in enumerate(stages):
        print(f"{processor}: stage {number + 1}", file=sys.stderr)
        containers[stage.name] = container = Container(fresh_root(stage, processor, number), processor)
        for instruction in stage.instructions:
            container.follow(instruction, containers)
    size = int(
        subprocess.run(["du", "-sm", container.root], check=True, capture_output=True).stdout.split()[0]
    )
    steps = sum(len(stage.instructions) for stage in stages)
    print(
        f"{processor}: {steps} steps of {len(stages)} stages in {time.monotonic() - started:.0f} s, {size} MB"
    )
    check(processor, container, stages[-1])
    shutil.rmtree(CACHE / processor / "stages")


def try_built(processor: str) -> None:
    """Try the image that is there, our own package replaced: it needs no building, the others' may."""
    stages = read_stages()
    container = Container(CACHE / processor / "stages" / str(len(stages) - 1), processor)
    for instruction in stages[-1].instructions:
        if instruction.name not in ("RUN", "COPY"):
            container.follow(instruction, {})
    (installed,) = container.root.glob("opt/kws/lib/python3*/site-packages/kws")
    made = time.strftime("%Y-%m-%d %H:%M", time.gmtime((container.root / "opt").stat().st_mtime))
    shutil.rmtree(installed)
    _copied(ROOT / "kws", installed)
    print(f"{processor}: the image of {made} UTC, built by a run that failed at trying it; kws as it is now")
    check(processor, container, stages[-1])


def check(processor: str, container: Container, shipped: Stage) -> None:
    """Its entry point, its self-test, its daemon."""
    entry = shipped.only("ENTRYPOINT").words
    machine = container.output(["python3", "-c", "import platform; print(platform.machine())"])
    print(f"{processor}: on {machine}, kws {container.output([*entry, '--version'])}")
    print("\n".join(f"{processor}: {line}" for line in container.output([*entry, "selftest"]).splitlines()))
    listen(container, shipped)
    print(f"{processor}: the daemon listens, is healthy, and ends with code 0")


def cpuinfo_of(processor: str) -> Path | None:
    """A file to stand for /proc/cpuinfo where Arm is emulated."""
    if processor != "arm64" or PROCESSORS.get(platform.machine()) == processor:
        return None
    path = CACHE / processor / "cpuinfo"
    path.write_text("".join(CPUINFO.format(number=number) for number in range(os.cpu_count() or 1)))
    return path


def fresh_root(stage: Stage, processor: str, number: int) -> Path:
    """A copy of the minimal system, which is made once."""
    suite = SUITES[stage.base]
    base = CACHE / processor / suite
    if not (base / "etc" / "debian_version").exists() or (base / "debootstrap").exists():
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        making = ["debootstrap", f"--arch={processor}", "--variant=minbase", suite, str(base)]
        subprocess.run(making, check=True, stdout=sys.stderr)
    root = CACHE / processor / "stages" / str(number)
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "--archive", "--reflink=auto", base, root], check=True)
    for source, target in OF_THIS_COMPUTER.items():
        if Path(source).exists():
            _copied(Path(source), root / target)
    return root


def listen(container: Container, shipped: Stage) -> None:
    """Run the daemon as the image's command has it, but on standard input: there is no microphone here."""
    container.output(["/bin/sh", "-c", "printf '[audio]\\nsource = \"-\"\\n' >kws.toml"])
    words = [*shipped.only("ENTRYPOINT").words, *shipped.only("CMD").words, "--config", "kws.toml"]
    asking = Instruction("", shipped.only("HEALTHCHECK").value.partition("CMD ")[2]).words
    with subprocess.Popen(container.command(words), stdin=subprocess.PIPE) as outside:
        end = time.monotonic() + PATIENCE
        while not healthy(container, asking):
            if outside.poll() is not None or time.monotonic() > end:
                outside.kill()
                raise SystemExit("the daemon does not become healthy")
            time.sleep(1)
        daemon = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()[0]
        os.kill(int(daemon), signal.SIGTERM)
        if outside.wait(PATIENCE) != 0:
            raise SystemExit(f"the daemon ends with code {outside.returncode}")


def healthy(container: Container, asking: list[str]) -> bool:
    """What the image's health check says."""
    return subprocess.run(container.command(asking), stderr=subprocess.DEVNULL, check=False).returncode == 0


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__") if source.is_relative_to(ROOT / "kws") else None
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
