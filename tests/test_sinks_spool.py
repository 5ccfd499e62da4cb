"""Spools: what waits for a sink outlives the daemon, whichever way it ends."""

from __future__ import annotations

import json
import logging
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.request import urlopen

import pytest
import soundfile
from daemons import ALEXA, PATIENCE, Daemon
from pulse import wait_for
from test_sinks_outlet import Failing, Gate, gap, settled

import kws
from kws.config import read_config
from kws.errors import KwsError
from kws.events import Partial
from kws.sinks import outlet, spool
from kws.sinks.command import Options, open_uri
from kws.sinks.memory import Collector
from kws.sinks.notice import Notice
from kws.sinks.outlet import Outlet
from kws.sinks.outlets import Outlets
from kws.sinks.spool import Spool, SpoolFile

RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
AWAY = OSError("away")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(outlet, "LONGEST_PAUSE", 0.004)
    monkeypatch.setattr(spool, "SETTLE_SECONDS", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "events.spool")


def number_of(notice: Notice) -> int:
    return round(json.loads(notice.to_json())["start"])


def left_in(path: str) -> list[int]:
    """Which gaps wait there, the oldest first."""
    file = SpoolFile(path)
    file.close()
    return [number_of(notice) for notice in file.restored.values()]


def gaps(*numbers: int) -> dict[int, Notice]:
    return {number: gap(number) for number in numbers}


def test_the_file_holds_exactly_what_waits(path: str) -> None:
    file = SpoolFile(path)
    assert file.restored == {}
    for waiting in (gaps(1, 2, 3), gaps(2, 3), gaps(3, 4, 10)):
        file.keep(waiting)
    file.close()
    assert left_in(path) == [3, 4, 10]


def test_nobody_else_can_read_it(path: str, tmp_path: Path) -> None:
    file = SpoolFile(path)
    file.keep(gaps(1))
    modes = {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()}
    assert modes == {0o600}
    file.close()


def test_one_sink_alone_has_it(path: str) -> None:
    file = SpoolFile(path)
    with pytest.raises(KwsError, match="another sink or daemon has it"):
        SpoolFile(path)
    file.close()
    SpoolFile(path).close()


@pytest.mark.parametrize("content", [b"[audio]\n" * 1000, b"SQLite format 3\0" + 100 * b"x"])
def test_a_file_of_something_else_stays_as_it_is(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    with pytest.raises(KwsError, match=r"cannot wait there .*; name another file"):
        SpoolFile(path)
    assert Path(path).read_bytes() == content


@pytest.mark.parametrize("line", ["", "[]", '"gap"', "{}", "no JSON"])
def test_lines_that_are_no_events_are_refused(path: str, line: str) -> None:
    SpoolFile(path).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO waiting VALUES (1, ?)", [line])
    database.close()
    with pytest.raises(KwsError, match="cannot wait there"):
        SpoolFile(path)


@pytest.mark.parametrize("place", ["", "no/such/folder/file"])
def test_a_place_that_is_none(tmp_path: Path, place: str) -> None:
    with pytest.raises(KwsError, match="cannot wait there"):
        SpoolFile(str(tmp_path / place))


def test_what_is_not_delivered_is_there_after_a_start(path: str) -> None:
    absent = Failing(AWAY)
    first = Outlet("test", absent, spool=SpoolFile(path))
    for number in range(5):
        first.emit(gap(number))
    wait_for(lambda: absent.tries > 0, "first try")
    assert first.close(0.01)
    assert (first.counts.dropped, first.counts.taken) == (0, 5)

    present = Collector()
    second = Outlet("test", present, spool=SpoolFile(path))
    second.emit(gap(5))
    assert second.close(10)
    assert [number_of(event) for event in present.events] == list(range(6))
    assert (second.counts.restored, second.counts.taken, second.counts.delivered) == (5, 1, 6)
    assert left_in(path) == []


def test_an_event_is_on_disk_while_it_is_tried_and_gone_after_it(path: str) -> None:
    sink = Gate()
    file = Watched(path)
    subject = Outlet("test", sink, spool=file)
    subject.emit(gap(1))
    assert sink.reached.wait(10)
    wait_for(lambda: len(file.held) == 1, "the event in the file")
    sink.opened.set()
    wait_for(settled(subject), "delivery")
    wait_for(lambda: len(file.held) == 0, "an empty file")
    assert subject.close(10)


def test_it_holds_no_more_than_the_queue(path: str) -> None:
    sink = Gate()
    subject = Outlet("test", sink, capacity=3, spool=SpoolFile(path))
    subject.emit(gap(0))
    assert sink.reached.wait(10)
    for number in range(1, 100):
        subject.emit(gap(number))
    subject.close(0.01)  # it hangs, and yet the file is let go of
    assert left_in(path) == [0, 97, 98, 99]
    sink.opened.set()


def test_a_shorter_queue_keeps_the_newest(path: str) -> None:
    file = SpoolFile(path)
    file.keep(gaps(1, 2, 3, 4))
    file.close()
    present = Collector()
    subject = Outlet("test", present, capacity=2, spool=SpoolFile(path))
    assert subject.close(10)
    assert [number_of(event) for event in present.events] == [3, 4]
    assert (subject.counts.restored, subject.counts.dropped, subject.counts.delivered) == (4, 2, 2)
    assert left_in(path) == []


def test_what_is_given_up_in_time_does_not_come_back(path: str) -> None:
    subject = Outlet("test", Failing(AWAY), retry_seconds=0, spool=SpoolFile(path))
    subject.emit(gap(1))
    wait_for(settled(subject), "end of the tries")
    subject.close()
    assert left_in(path) == []


def test_what_is_said_in_between_is_not_kept(path: str) -> None:
    sink = Gate()
    subject = Outlet("test", sink, spool=SpoolFile(path))
    for number in range(3):
        subject.emit(gap(number))
        subject.emit(Partial(text="turn on", confidence=0.5, start=1.0, end=2.0))
    assert sink.reached.wait(10)
    subject.close(0.01)
    sink.opened.set()
    assert left_in(path) == [0, 1, 2]


class Watched(SpoolFile):
    """Tells what it holds, and fails when it is told to."""

    held: frozenset[int] = frozenset()
    settled = 0
    fails = False

    def keep(self, waiting: Any) -> None:
        if self.fails:
            raise sqlite3.OperationalError("database or disk is full")
        super().keep(waiting)
        self.held = frozenset(waiting)

    def settle(self) -> None:
        super().settle()
        self.settled += 1


def test_a_full_disk_costs_the_file_alone_and_is_told_once(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    present, file = Collector(), Watched(path)
    file.fails = True
    subject = Outlet("test", present, spool=file)
    for number in range(20):
        subject.emit(gap(number))
    wait_for(settled(subject), "delivery without a file")
    assert len(present.events) == 20
    wait_for(lambda: bool(caplog.records), "a word about it")
    file.fails = False
    wait_for(lambda: len(caplog.records) == 2, "an end of the outage, without another event")
    assert subject.close(10)
    texts = [record.getMessage() for record in caplog.records]
    assert texts == [
        f"{path}: database or disk is full; events wait in memory alone",
        f"{path}: works again",
    ]


def test_a_change_that_does_not_fit_leaves_the_file_as_it_was(path: str) -> None:
    file = SpoolFile(path)
    file.keep(gaps(1))
    (pages,) = file._database.execute("PRAGMA page_count").fetchone()
    file._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.raises(sqlite3.Error, match="full"):
        file.keep(gaps(*range(2, 1000)))
    file.keep(gaps(1, 2))
    file.close()
    assert left_in(path) == [1, 2]


def test_what_goes_on_waiting_is_forced_onto_the_disk_once(path: str) -> None:
    file = Watched(path)
    subject = Spool(file, lambda: gaps(1))
    subject.changed()
    wait_for(lambda: file.settled == 1, "the disk")
    assert Path(f"{path}-wal").stat().st_size == 0, "all of it is in the file itself"
    subject.changed()
    wait_for(lambda: file.settled == 2, "the disk, after another change")
    subject.finish()
    subject.thread.join(10)
    assert not subject.thread.is_alive()


def test_a_disk_that_hangs_holds_up_no_event(path: str) -> None:
    hanging = threading.Event()

    class Hanging(SpoolFile):
        def keep(self, waiting: Any) -> None:
            hanging.wait()

    present = Collector()
    subject = Outlet("test", present, spool=Hanging(path))
    for number in range(10):
        subject.emit(gap(number))
    wait_for(settled(subject), "delivery")
    assert not subject.close(0.01)
    hanging.set()


def test_a_sink_that_changes_its_keys_finds_its_events(tmp_path: Path) -> None:
    def sinks(**more: object) -> Any:
        table = {"uri": "http://127.0.0.1:9/", "spool": str(tmp_path / "spool"), **more}
        return read_config({"sink": [table]}, "test").sink

    subject = Outlets(sinks())
    subject.emit(gap(1))
    subject.update(sinks(timeout_seconds=1))
    assert subject.outlets[0].counts.restored == 1
    subject.close(0)
    assert left_in(str(tmp_path / "spool")) == [1]


def test_a_sink_that_cannot_be_opened_lets_go_of_its_file(path: str) -> None:
    table = {"uri": "jsonl:/no/such/place", "spool": path}
    with pytest.raises(KwsError, match="/no/such/place"):
        Outlets(read_config({"sink": [table]}, "test").sink)
    SpoolFile(path).close()


def test_a_program_that_the_end_kills_is_run_again_by_the_next_start(tmp_path: Path, path: str) -> None:
    started = tmp_path / "started"

    def runs(line: str) -> Outlet:
        return Outlet("test", open_uri(f"command:{line}", Options(shell=True)), spool=SpoolFile(path))

    first = runs(f"touch {started}; sleep 600")
    first.emit(gap(1))
    wait_for(started.exists, "running program")
    assert first.close(0.01)
    assert (first.counts.refused, first.counts.dropped) == (0, 0)
    assert runs(f"cat > {started}").close(10)
    assert json.loads(started.read_text())["start"] == 1
    assert left_in(path) == []


class Hook:
    """A web server that keeps what is posted."""

    def __init__(self) -> None:
        self.told: Queue[dict[str, Any]] = Queue()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.server_bind()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    def listen(self) -> None:
        """Until then connections are refused."""
        self._server.server_activate()
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


def started(folder: Path, text: str, port: int) -> Daemon:
    folder.mkdir()
    daemon = Daemon(folder, text, http=f"127.0.0.1:{port}")
    assert daemon.told() == "READY=1"
    return daemon


def spooled(port: int) -> int:
    """Events that the daemon says are on disk."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    return sum(
        round(float(value)) for value in re.findall(r"^kws_sink_spooled{.*} (.*)$", text, re.MULTILINE)
    )


def test_a_killed_daemon_tells_after_its_start_what_it_had_heard(
    tmp_path: Path, path: str, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed twice while the server is away; then the server comes, and every event comes to it once."""
    caplog.set_level(logging.ERROR)
    samples = soundfile.read(RECORDING, dtype="int16")[0]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = f'{ALEXA}[[sink]]\nuri = "stdout:"\n[[sink]]\nuri = "{hook.url}"\nspool = "{path}"\n'
    heard = []
    for run in range(2):
        daemon = started(tmp_path / str(run), text, port)
        daemon.say(samples)
        heard.append(daemon.event())
        wait_for(lambda: spooled(port) == len(heard), "the event in the file")
        daemon.process.kill()
        daemon.close()
    hook.listen()
    daemon = started(tmp_path / "last", text, port)
    assert [hook.told.get(timeout=PATIENCE) for _ in heard] == heard
    daemon.say(samples)
    assert hook.told.get(timeout=PATIENCE) == daemon.event()
    assert daemon.stop() == (0, "")
    daemon.close()
    assert hook.told.empty()
    assert left_in(path) == []
