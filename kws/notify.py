"""What systemd wants to hear of a service: that it is ready, alive, reloading, stopping (sd_notify)."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class ServiceManager:
    """Speaks to the socket that systemd names in the environment; without one, to nobody.

    The datagrams are those of sd_notify(3).
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._clock = clock
        self._interval = _watchdog_seconds(environment) / 2
        self._next_sign = 0.0

    def ready(self) -> None:
        """Start-up or reload is complete."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The configuration is being read anew."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock() * 1_000_000)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """A sign of life, sent on twice in the time after which systemd would restart us."""
        now = self._clock()
        if self._interval and now >= self._next_sign:
            self._next_sign = now + self._interval
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)  # a manager that does not read must not hold us up
            connection.sendto(text.encode(), address)


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    """WATCHDOG_USEC, if it is meant for this process; otherwise 0."""
    for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) / 1_000_000 if for_us and text.isdecimal() else 0.0
