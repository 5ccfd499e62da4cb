"""C sources -> a shared library, by the C compiler of this system or one for another."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from firmware_export.errors import ExportError

FLAGS = ("-std=c99", "-O3", "-fPIC", "-shared", "-DKWS_PLAIN")
"""Plain kernels: what compilers make of them with the vectors of large processors is faster than what is
written out for small ones."""

_OWN_PROCESSOR = {"x86_64": "-march=native", "aarch64": "-mcpu=native", "armv7l": "-mcpu=native"}


def own_compiler() -> list[str]:
    """The command that $CC names, or the system's; raises ExportError if there is none."""
    named = shlex.split(os.environ.get("CC", ""))
    for command in [named] if named else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    raise ExportError(
        f"engine c99: the model has to be compiled and there is no {named[0] if named else 'C compiler'} "
        "here; install one (Debian: gcc libc6-dev) or name it in CC"
    )


def own_flags() -> list[str]:
    """That let the compiler use all that this processor has; only Linux compilers know them all."""
    flag = _OWN_PROCESSOR.get(platform.machine()) if platform.system() == "Linux" else None
    return [flag] if flag else []


def compile_library(
    sources: Mapping[str, bytes], library: Path, compiler: Sequence[str], flags: Sequence[str]
) -> None:
    """Write the library, whole; raises ExportError if the compiler fails, OSError if it cannot be written."""
    with tempfile.TemporaryDirectory(dir=library.parent) as work:
        for name, content in sources.items():
            path = Path(work, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        made = Path(work, "made.so")
        includes = [f"-I{Path(work, name)}" for name in ("include", "src", "generated", ".")]
        units = [str(Path(work, name)) for name in sources if name.endswith(".c")]
        command = [*compiler, *FLAGS, *flags, *includes, *units, "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise ExportError(f"engine c99: {compiler[0]} cannot build it ({said}); name another in CC")
        os.replace(made, library)
