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
                packed_tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise KwsError(f"{archive}: cannot be unpacked ({error}); remove it and download it again") from error
