"""All sinks as one: everything to everyone, exchanged while events flow, none lost on the way."""

from __future__ import annotations

import json
import socket
import sys
import threading
from pathlib import Path

import pytest
from pulse import wait_for

from kws.config import Sink, read_config
from kws.errors import KwsError
from kws.events import Event, Gap
from kws.sinks import outlets
from kws.sinks.ending import end
from kws.sinks.outlet import Outlet
from kws.sinks.outlets import Outlets
from kws.sinks.spool import SpoolFile


def gap(number: int) -> Event:
    return Gap(start=float(number), end=0.0, reason="test")


def sinks(*tables: dict[str, object]) -> tuple[Sink, ...]:
    return read_config({"sink": list(tables)}, "test").sink


def to_file(path: Path, **more: object) -> dict[str, object]:
    return {"uri": f"jsonl:{path}", **more}


def numbers(path: Path) -> list[int]:
    return [round(json.loads(line)["start"]) for line in path.read_text().splitlines()]


def test_every_sink_gets_every_event_with_its_time(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    subject = Outlets(sinks(*map(to_file, paths)), clock=lambda: 0.25)
    subject.emit(gap(1))
    subject.close(10)
    assert subject.hanging == []
    for path in paths:
        assert json.loads(path.read_text())["at"] == "1970-01-01T00:00:00.250Z"


def test_no_event_is_lost_or_doubled_while_sinks_are_exchanged(tmp_path: Path) -> None:
    stays, leaves, comes = tmp_path / "stays", tmp_path / "leaves", tmp_path / "comes"
    subject = Outlets(sinks(to_file(stays), to_file(leaves)))
    kept = subject.outlets[0]
    emitted = 0
    done = threading.Event()

    def emit() -> None:
        nonlocal emitted
        while not done.wait(0.001):
            subject.emit(gap(emitted))
            emitted += 1

    thread = threading.Thread(target=emit)
    thread.start()
    for _ in range(3):
        wait_for(lambda seen=emitted: emitted > seen + 20, "events")  # type: ignore[misc]
        subject.update(sinks(to_file(stays), to_file(comes)))
        wait_for(lambda seen=emitted: emitted > seen + 20, "events")  # type: ignore[misc]
        subject.update(sinks(to_file(stays), to_file(leaves)))
    done.set()
    thread.join()
    assert subject.outlets[0] is kept
    subject.close(10)
    assert numbers(stays) == list(range(emitted))
    assert sorted(numbers(leaves) + numbers(comes)) == list(range(emitted))


def test_a_socket_may_change_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    subject = Outlets(sinks({"uri": f"unix:{path}"}))
    subject.update(sinks({"uri": f"unix:{path}", "mode": "666"}))
    assert path.stat().st_mode & 0o777 == 0o666
    subject.close(10)


def test_a_sink_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    path, other = tmp_path / "events", tmp_path / "other"
    subject = Outlets(sinks(to_file(path), to_file(other)))
    with pytest.raises(KwsError, match="/no/such"):
        subject.update(sinks(to_file(path), to_file(Path("/no/such/place"))))
    subject.emit(gap(1))
    subject.close(10)
    assert numbers(path) == numbers(other) == [1]


def test_a_sink_whose_package_is_missing_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    subject = Outlets(sinks(to_file(path)))
    wanted = sinks({"uri": "mqtt://broker/kws"})
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ModuleNotFoundError):
        subject.update(wanted)
    subject.emit(gap(1))
    subject.close(10)
    assert numbers(path) == [1]


def test_what_was_opened_before_a_failure_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with pytest.raises(KwsError, match="/no/such"):
        Outlets(sinks({"uri": f"unix:{path}"}, to_file(Path("/no/such/place"))))
    wait_for(lambda: not path.exists(), "end of the socket")


def test_an_end_amid_an_exchange_ends_the_new_sinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    reached, go = threading.Event(), threading.Event()

    def slowly(outlets: list[Outlet], seconds: float) -> list[Outlet]:
        reached.set()
        assert go.wait(10)
        return end(outlets, seconds)

    monkeypatch.setattr(outlets, "end", slowly)
    subject = Outlets(sinks(to_file(old)))
    threads = [
        threading.Thread(target=subject.update, args=[sinks(to_file(new))]),
        threading.Thread(target=subject.close, args=[10]),
    ]
    threads[0].start()
    assert reached.wait(10)
    subject.emit(gap(1))
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join()
    assert numbers(new) == [1]
    assert all(outlet.ended for outlet in subject.outlets)


def test_after_the_end_no_sink_is_opened(tmp_path: Path) -> None:
    subject = Outlets(sinks(to_file(tmp_path / "old")))
    subject.close(10)
    subject.update(sinks(to_file(tmp_path / "new")))
    assert not (tmp_path / "new").exists()


def test_a_sink_that_cannot_be_opened_again_is_named_and_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, spool = tmp_path / "events", str(tmp_path / "spool")
    others: list[SpoolFile] = []

    def end_and_lose_the_spool(leaving: list[Outlet], seconds: float) -> list[Outlet]:
        hanging = end(leaving, seconds)
        if not others:
            others.append(SpoolFile(spool))
        return hanging

    subject = Outlets(sinks(to_file(path), {"uri": "http://127.0.0.1:9/", "spool": spool}))
    with monkeypatch.context() as patch:
        patch.setattr(outlets, "end", end_and_lose_the_spool)
        with pytest.raises(KwsError, match="/no/such"):
            subject.update(sinks(to_file(Path("/no/such/place"))))
    subject.emit(gap(1))
    subject.close(10)
    others[0].close()
    assert numbers(path) == [1]
    assert "http://127.0.0.1:9/ gets no more events" in caplog.text


def test_a_sink_that_hangs_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        subject = Outlets(sinks({"uri": uri, "timeout_seconds": 300}))
        subject.emit(gap(1))
        wait_for(lambda: subject.outlets[0].depth == 0, "first try")
        subject.close(0.01)
        assert subject.hanging == [uri]
