"""Events to a Wyoming service, read with the package's own reader."""

from __future__ import annotations

import socket

import pytest
from wyoming.event import read_event
from wyoming.wake import Detection as WyomingDetection

from kws.events import Detection, Gap
from kws.sinks.wyoming import Options, WyomingService, open_uri

EVENT = Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día")


def service_at(listener: socket.socket) -> WyomingService:
    return open_uri(f"wyoming://127.0.0.1:{listener.getsockname()[1]}", Options())


def received(connection: socket.socket) -> WyomingDetection:
    connection.settimeout(60)
    with connection.makefile("rb") as stream:
        event = read_event(stream)
    assert event
    assert WyomingDetection.is_type(event.type)
    return WyomingDetection.from_event(event)


def test_a_detection_in_wyomings_words_and_a_service_that_restarts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = service_at(listener)
        sink.emit(Gap(start=0.0, end=1.0, reason="no word for this"))
        sink.emit(EVENT)
        connection, _ = listener.accept()
        with connection:
            assert received(connection) == WyomingDetection(name="computer", timestamp=1500)
            connection.sendall(b'{"type": "pong"}\n')  # what it says is passed over
            sink.emit(EVENT)
            assert received(connection).name == "computer"
        sink.emit(EVENT)  # the first write after the service went away must not get lost
        again, _ = listener.accept()
        with again:
            assert received(again).name == "computer"
        sink.close()


def test_a_service_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = service_at(listener)
    with pytest.raises(OSError, match="refused"):
        sink.emit(EVENT)
    sink.close()
