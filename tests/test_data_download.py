"""The downloader against a real HTTP server on loopback that misbehaves in every way that servers do."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tarfile
import threading
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kws.errors import KwsError
from training.data import download_command
from training.data.catalogue import PublicSource, RemoteFile, read_catalogue
from training.data.download import DownloadError, digest_of, fetch
from training.data.layouts import LAYOUTS
from training.data.unpack import unpack

BODY = np.random.default_rng(0).bytes(1_000_000)
DIGEST = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `body` under any path and keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag = '"one"'
        self.ranges = True
        self.drops = 0  # answers that end early
        self.kept_on_drop = 300_000
        self.statuses: list[int] = []  # to answer with, first to last, before serving
        self.asked: list[str | None] = []  # Range headers

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of these tests."""

    def remote(self, **changes: object) -> RemoteFile:
        address = f"http://127.0.0.1:{self.server_port}/data/corpus.tar.gz?download=1"
        return RemoteFile(**{"url": address, "megabytes": 1, "sha256": DIGEST, **changes})  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        served = self.server
        asked = self.headers["Range"]
        served.asked.append(asked)
        if served.statuses:
            self.send_error(served.statuses.pop(0))
            return
        start = self._start(asked)
        if start >= len(served.body) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(served.body)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        self.send_header("Content-Length", str(len(served.body) - start))
        self.send_header("ETag", served.etag)
        self.end_headers()
        self._send(served.body[start:])

    def _start(self, asked: str | None) -> int:
        same = self.headers["If-Range"] in (None, self.server.etag)
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and same and self.server.ranges else 0

    def _send(self, body: bytes) -> None:
        if self.server.drops:
            self.server.drops -= 1
            body = body[: self.server.kept_on_drop]
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def no_wait(seconds: float) -> None:
    pass


def test_it_comes_whole_under_its_own_name(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(server.remote(), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus.tar.gz", "corpus.tar.gz.sha256"]
    assert (tmp_path / "corpus.tar.gz.sha256").read_text() == f"{DIGEST}  corpus.tar.gz\n"


def test_it_goes_on_where_the_connection_broke(server: Server, tmp_path: Path) -> None:
    server.drops = 2
    assert fetch(server.remote(), tmp_path, sleep=no_wait).read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


def test_a_later_call_goes_on(server: Server, tmp_path: Path) -> None:
    server.drops, server.statuses = 1, []
    waits: list[float] = []

    def fail_from_now(seconds: float) -> None:
        waits.append(seconds)
        server.statuses = [503]

    with pytest.raises(DownloadError, match="call again to go on from 300000 bytes"):
        fetch(server.remote(), tmp_path, sleep=fail_from_now)
    assert waits == sorted(waits)
    server.statuses = []
    assert fetch(server.remote(), tmp_path).read_bytes() == BODY
    assert server.asked[-1] == "bytes=300000-"


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.drops, server.ranges = 1, False
    assert fetch(server.remote(), tmp_path, sleep=no_wait).read_bytes() == BODY


def test_halves_of_two_versions_are_never_joined(server: Server, tmp_path: Path) -> None:
    server.drops = 1

    def publish(seconds: float) -> None:
        server.body, server.etag = BODY[::-1], '"two"'

    path = fetch(server.remote(sha256=""), tmp_path, sleep=publish)
    assert path.read_bytes() == BODY[::-1]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(b"x" * (len(BODY) + 1))
    assert fetch(server.remote(), tmp_path, sleep=no_wait).read_bytes() == BODY


def test_a_part_that_is_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(BODY)
    assert fetch(server.remote(), tmp_path, sleep=no_wait).read_bytes() == BODY


def test_a_wrong_digest_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=DIGEST) as caught:
        fetch(server.remote(sha256="0" * 64), tmp_path)
    assert "expected 000" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    for digest in (DIGEST, ""):
        fetch(server.remote(sha256=digest), tmp_path)
    assert len(server.asked) == 1


def test_what_is_there_but_damaged_is_fetched_again(server: Server, tmp_path: Path) -> None:
    path = fetch(server.remote(sha256=""), tmp_path)
    path.write_bytes(BODY[:-1])
    assert fetch(server.remote(sha256=""), tmp_path).read_bytes() == BODY


def test_what_is_not_there_is_not_asked_for_twice(server: Server, tmp_path: Path) -> None:
    server.statuses = [404] * 9
    with pytest.raises(DownloadError, match="404"):
        fetch(server.remote(), tmp_path, sleep=no_wait)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path, status: int) -> None:
    server.statuses = [status] * 2
    assert fetch(server.remote(), tmp_path, sleep=no_wait).read_bytes() == BODY


def test_no_server_is_one_line(tmp_path: Path) -> None:
    with Server() as closed:
        remote = closed.remote()
    with pytest.raises(DownloadError, match="refused"):
        fetch(remote, tmp_path, sleep=no_wait)


def test_too_small_a_disk_is_seen_before_it_is_full(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 5000, 5000))
    with pytest.raises(DownloadError, match="1 MB are needed"):
        fetch(server.remote(), tmp_path)


class FullDisk(BytesIO):
    """A file that takes one chunk."""

    def write(self, data: object) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)  # type: ignore[arg-type]


def test_a_disk_that_fills_up_is_named(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", **more: FullDisk() if mode == "ab" else open_file(path, mode, **more),
    )
    with pytest.raises(DownloadError, match="No space left on device"):
        fetch(server.remote(), tmp_path)
    assert len(server.asked) == 1


def tar_with(path: Path, name: str) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo(name)
        member.size = 3
        packed.addfile(member, BytesIO(b"abc"))
    return path


def test_archives_are_unpacked(tmp_path: Path) -> None:
    unpack(tar_with(tmp_path / "a.tar.gz", "x/y.txt"), tmp_path / "tar")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("x/y.txt", "abc")
    unpack(tmp_path / "a.zip", tmp_path / "zip")
    assert [(tmp_path / kind / "x" / "y.txt").read_text() for kind in ("tar", "zip")] == ["abc", "abc"]


def test_an_archive_cannot_write_outside(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"evil\.tar\.gz"):
        unpack(tar_with(tmp_path / "evil.tar.gz", "../outside.txt"), tmp_path / "in")
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_damaged_archive_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BODY[:5000])
    with pytest.raises(KwsError, match=name):
        unpack(tmp_path / name, tmp_path / "in")


def test_the_catalogue_reads() -> None:
    sources = read_catalogue()
    assert {source.layout for source in sources.values()} <= {"", *LAYOUTS}
    files = [file for source in sources.values() for file in source.files]
    assert all(file.url.startswith("https://") and file.filename for file in files)
    assert all(len(file.sha256) in (0, 64) and file.megabytes > 0 for file in files)
    assert len({file.url for file in files}) == len(files)


def test_every_source_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    missing = [s.name for s in read_catalogue().values() if f"`{s.name}`" not in text or s.home not in text]
    assert missing == []


def test_without_names_it_lists() -> None:
    done = CliRunner().invoke(download_command.download, [], catch_exceptions=False)
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(read_catalogue())


@pytest.fixture
def offered(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.body = tar_with(tmp_path / "served.tar.gz", "x.txt").read_bytes()
    remote = server.remote(sha256=digest_of(tmp_path / "served.tar.gz"))
    source = PublicSource("mini", "a word", "1", "CC0", "https://example.org", "labels", (remote,))
    monkeypatch.setattr(download_command, "read_catalogue", lambda: {"mini": source})


@pytest.mark.usefixtures("offered")
def test_it_shows_size_and_licence_before_it_asks(server: Server, tmp_path: Path) -> None:
    arguments = ["mini", "-d", str(tmp_path / "data")]
    refused = CliRunner().invoke(download_command.download, arguments, input="n\n")
    assert refused.exit_code == 1
    assert refused.stdout.splitlines()[1].split()[:3] == ["mini", "1", "CC0"]
    assert server.asked == []
    done = CliRunner().invoke(download_command.download, arguments, input="y\n", catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "data" / "mini" / "x.txt").read_text() == "abc"
    assert "kws data labels" in done.stderr


@pytest.mark.usefixtures("offered")
def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(KwsError, match="there are mini"):
        CliRunner().invoke(download_command.download, ["maxi"], catch_exceptions=False)
