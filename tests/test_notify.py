"""What systemd is told, read from a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kws.notify import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager_socket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The name as systemd gives it, and the socket."""
    if request.param == "path":
        name = address = str(tmp_path / "notify")
    else:
        name, address = f"@kws-test-{os.getpid()}", f"\0kws-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.bind(address)
        connection.settimeout(10)
        yield name, connection


def test_each_message_as_systemd_has_it(manager_socket: tuple[str, socket.socket]) -> None:
    name, connection = manager_socket
    manager = ServiceManager({"NOTIFY_SOCKET": name}, clock=lambda: 1.5)
    manager.ready()
    manager.reloading()
    manager.stopping()
    manager.alive()  # no watchdog: nothing is sent
    manager.ready()
    assert [connection.recv(100) for _ in range(4)] == [
        b"READY=1",
        b"RELOADING=1\nMONOTONIC_USEC=1500000",
        b"STOPPING=1",
        b"READY=1",
    ]


def test_signs_of_life_come_twice_in_the_watchdogs_time(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    now = 100.0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.bind(address)
        connection.setblocking(False)
        manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000"}, clock=lambda: now)
        received = []
        for _ in range(100):  # ten seconds
            manager.alive()
            now += 0.1
        while True:
            try:
                received.append(connection.recv(100))
            except BlockingIOError:
                break
        assert received == [b"WATCHDOG=1"] * 2


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/no/such/socket"}])
def test_nobody_listens(environment: dict[str, str]) -> None:
    manager = ServiceManager({**environment, "WATCHDOG_USEC": "1"})
    manager.ready()
    manager.alive()


def test_a_watchdog_for_another_process_is_not_ours(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.bind(address)
        connection.setblocking(False)
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
        ServiceManager(environment).alive()
        with pytest.raises(BlockingIOError):
            connection.recv(100)
