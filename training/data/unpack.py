"""Unpack an archive into a folder of its own; nothing in it may reach outside."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from kws.errors import KwsError


def is_archive(path: Path) -> bool:
    """Whether `unpack` takes it, by its name."""
    return path.name.endswith((".tar.gz", ".tgz", ".tar", ".zip"))


def unpack(archive: Path, folder: Path) -> None:
    """Everything in a tar or zip archive, below `folder`; raises KwsError naming a damaged or unsafe one."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)  # drops absolute paths and ".." by itself
        else:
            with tarfile.open(archive) as packed_tar:
                _extract(packed_tar, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise KwsError(f"{archive}: cannot be unpacked ({error}); remove it and download it again") from error


def _extract(packed: tarfile.TarFile, folder: Path) -> None:
    """By Python's own rules for data, which its releases have since 3.10.12 and 3.11.4; before them by these:
    plain files and folders alone, below the folder.
    """
    if hasattr(tarfile, "data_filter"):
        packed.extractall(folder, filter="data")
        return
    for member in packed.getmembers():
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name!r} is no plain file below the folder")
        packed.extract(member, folder)
