"""What public sources there are: name, version, licence, size and where they lie, from catalogue.toml."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from kws.errors import KwsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = Path(__file__).parent / "catalogue.toml"


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch."""

    url: str
    megabytes: int
    """About this large, 10^6 bytes."""
    sha256: str = ""
    """Its digest in hexadecimal, or "" where nobody vouches for one."""
    name: str = ""
    """Its name here; "" takes the last part of the address."""

    @property
    def filename(self) -> str:
        """What it is called on disk."""
        return self.name or PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True)
class PublicSource:
    """A corpus, a set of noises or a voice."""

    name: str
    title: str
    version: str
    licence: str
    home: str
    layout: str
    """What `kws data` calls its layout; "" where it holds no recordings."""
    files: tuple[RemoteFile, ...]

    @property
    def megabytes(self) -> int:
        """Of all files together."""
        return sum(file.megabytes for file in self.files)


def read_catalogue(path: Path = CATALOGUE) -> dict[str, PublicSource]:
    """All sources by name; raises KwsError when the table is not one."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _source(name, table) for name, table in tables.items()}
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise KwsError(f"{path}: not a readable catalogue ({error}); install kws anew") from error


def _source(name: str, table: dict[str, Any]) -> PublicSource:
    files = tuple(RemoteFile(**file) for file in table["files"])
    return PublicSource(name=name, **{**table, "files": files})
