"""Fetch a file over HTTP: resumed where it broke off, checked by SHA-256, under its own name only when whole.

While it comes it is called NAME.part, beside which NAME.part.tag keeps the server's mark of that version
(ETag or date), so that halves of two versions are never joined. When whole, NAME.sha256 keeps its digest.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from kws.errors import KwsError
from training.data.catalogue import RemoteFile

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes of the whole, 0 where the server does not say."""

_CHUNK = 1 << 18
_TRIES = 5
_TIMEOUT_SECONDS = 60
_TOO_MANY_REQUESTS = 429
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL = 206


class DownloadError(KwsError):
    """A file cannot be fetched, or is not the one that was expected."""


class _InterruptedError(Exception):
    """The connection failed; asking again may help."""


@dataclass(frozen=True)
class _Part:
    """What has come so far."""

    data: Path
    tag: Path

    @property
    def size(self) -> int:
        return self.data.stat().st_size if self.data.is_file() else 0

    def headers(self) -> dict[str, str]:
        """Ask for the rest, of the same version: otherwise the server sends the whole."""
        if not self.size:
            return {}
        mark = self.tag.read_text(encoding="utf-8") if self.tag.is_file() else ""
        return {"Range": f"bytes={self.size}-", **({"If-Range": mark} if mark else {})}

    def remove(self) -> None:
        self.data.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)


def fetch(
    file: RemoteFile,
    folder: Path,
    *,
    progress: Progress = lambda done, total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """The file in `folder`, fetched unless it is there already; raises DownloadError.

    A connection that breaks is taken up again up to five times in a row without a byte between; what has
    come stays on disk, so that a later call goes on from there. A wrong digest removes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file.filename
    if path.is_file() and _vouched_for(file, path):
        return path
    part = _Part(path.with_name(path.name + ".part"), path.with_name(path.name + ".part.tag"))
    _fetch_part(file, part, progress, sleep)
    _check(file, path, part)
    part.data.replace(path)
    part.remove()
    return path


def digest_of(path: Path) -> str:
    """SHA-256 in hexadecimal."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def _vouched_for(file: RemoteFile, path: Path) -> bool:
    """Whether the file on disk is the one expected, or the one that was fetched when no digest is known."""
    record = _record(path)
    expected = file.sha256 or (record.read_text(encoding="utf-8").split()[0] if record.is_file() else "")
    return digest_of(path) == expected


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _check(file: RemoteFile, path: Path, part: _Part) -> None:
    """Compare and record the digest, in the form that sha256sum --check reads."""
    digest = digest_of(part.data)
    if file.sha256 and digest != file.sha256:
        part.remove()
        raise DownloadError(
            f"{file.url}: SHA-256 is {digest}, expected {file.sha256}; it was removed, "
            "try again or look for a new version at its home"
        )
    _record(path).write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def _fetch_part(file: RemoteFile, part: _Part, progress: Progress, sleep: Callable[[float], None]) -> None:
    failures = 0
    while True:
        before = part.size
        try:
            return _receive(file, part, progress)
        except _InterruptedError as error:
            failures = 1 if part.size > before else failures + 1
            if failures == _TRIES:
                raise DownloadError(
                    f"{file.url}: {error}; call again to go on from {part.size} bytes"
                ) from error
            sleep(2.0**failures)


def _receive(file: RemoteFile, part: _Part, progress: Progress) -> None:
    """One request, for what is still missing; returns when the whole is here."""
    try:
        with urlopen(Request(file.url, headers=part.headers()), timeout=_TIMEOUT_SECONDS) as response:
            _store(file, response, part, progress)
    except HTTPError as error:
        _refused(file, part, error)
    except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _InterruptedError(str(getattr(error, "reason", "") or error) or type(error).__name__) from error


def _refused(file: RemoteFile, part: _Part, error: HTTPError) -> None:
    """Sort out what a status above 399 means; returns when the whole file was here already."""
    if error.code == _RANGE_NOT_SATISFIABLE:
        whole = error.headers.get("Content-Range", "").rpartition("/")[2]
        if whole == str(part.size):
            return
        part.remove()
        raise _InterruptedError("the server has another version now") from error
    if error.code >= 500 or error.code == _TOO_MANY_REQUESTS:
        raise _InterruptedError(f"{error.code} {error.reason}") from error
    raise DownloadError(f"{file.url}: {error.code} {error.reason}; look for it at its home") from error


def _store(file: RemoteFile, response: http.client.HTTPResponse, part: _Part, progress: Progress) -> None:
    start = _start(response, part)
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else 0
    try:
        _require_space(file, part.data.parent, total - start)
        part.tag.write_text(_version(response), encoding="utf-8")
        with part.data.open("ab") as data:
            data.truncate(start)
            while chunk := response.read(_CHUNK):
                data.write(chunk)
                progress(data.tell(), total)
    except (TimeoutError, ConnectionError):
        raise
    except OSError as error:
        raise DownloadError(
            f"{part.data}: cannot be written ({error.strerror}); free space and call again"
        ) from error
    if part.size < total:
        raise _InterruptedError(f"the connection ended after {part.size} of {total} bytes")


def _start(response: http.client.HTTPResponse, part: _Part) -> int:
    """Where in the file the answer begins: where asked for, or at 0 from a server that sends the whole."""
    if response.status != _PARTIAL:
        return 0
    span = response.headers.get("Content-Range", "")
    if not span.startswith(f"bytes {part.size}-"):
        part.remove()
        raise _InterruptedError(f"the server sent another part than asked for ({span!r})")
    return part.size


def _version(response: http.client.HTTPResponse) -> str:
    """The server's mark of this version; a weak ETag does not vouch for every byte."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _require_space(file: RemoteFile, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"{folder}: {needed / 1e6:.0f} MB are needed for {file.filename}, {free / 1e6:.0f} MB are free; "
            "free space or name another folder"
        )
