"""kws as it is installed here, packed as a wheel again: pure Python, so a folder of files and three lists."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path

from firmware_export.errors import ExportError

PACKAGES = ("kws", "firmware_export")
"""Without what trains models, and its commands."""
LEFT_OUT = "training."

_WHEEL = "Wheel-Version: 1.0\nGenerator: kws export\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can hold, for all files, so that equal files give equal wheels."""


def own_wheel() -> tuple[str, bytes]:
    """Name and content; raises ExportError where a package is not installed as files."""
    about = distribution("kws")
    files = {name: path.read_bytes() for package in PACKAGES for name, path in _files(package)}
    info = f"kws-{about.version}.dist-info"
    files |= {
        f"{info}/METADATA": _text(about, "METADATA", "PKG-INFO").encode(),
        f"{info}/entry_points.txt": _entry_points(about).encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
    }
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD").encode()
    return f"kws-{about.version}-py3-none-any.whl", _zipped(files)


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """Path in the wheel, and where the file lies."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ExportError(f"{package}: is not installed; install kws anew")
    folder = Path(spec.origin).parent
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _entry_points(about: Distribution) -> str:
    lines = _text(about, "entry_points.txt").splitlines(keepends=True)
    return "".join(line for line in lines if not line.partition("=")[2].strip().startswith(LEFT_OUT))


def _text(about: Distribution, *names: str) -> str:
    """The first of these files that there is; in a checkout the metadata is called otherwise."""
    for name in names:
        if text := about.read_text(name):
            return text
    raise ExportError(f"kws is installed without its {names[0]}; install it anew with pip")


def _record(files: dict[str, bytes], itself: str) -> str:
    """A line for each file: path, digest, size."""
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    return "\n".join([*lines, f"{itself},,", ""])


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
