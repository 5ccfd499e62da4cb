"""Several daemons in one home: those that heard the same word agree, by UDP multicast, who answers.

Each tells the others how well it heard, waits a moment for what they say, and hands its detection on only if
none heard better. Nothing is asked twice and nobody leads: a datagram that is lost costs a second answer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass

from kws.addresses import split_address
from kws.config_keys import ArbitrationSettings
from kws.errors import KwsError
from kws.events import Detection, Event, NoSpeech, Partial, Transcript

ANSWERED_SECONDS = 1.0
"""Who claimed a word so long ago, and longer than the window, has answered it by now."""
LARGEST_DATAGRAM = 2_048
WAITING = 64
"""Events that may wait for a decision."""
AT_ONCE_SECONDS = 0.05
"""For those to be decided by what is known already."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Claim:
    """How well a daemon heard a word; the greater one wins."""

    snr: float
    """Decibel; of two microphones the one nearer to the speaker has more."""
    score: float
    daemon: str
    """A name that no other has, so that there is no draw."""
    name: str
    """The wake word."""

    def to_bytes(self) -> bytes:
        """As it is sent."""
        return json.dumps({"kws": 1, **asdict(self)}).encode()


def read_claim(datagram: bytes) -> Claim | None:
    """The claim, or None for what is none."""
    try:
        value = json.loads(datagram)
        if not isinstance(value, dict) or value.pop("kws", None) != 1:
            return None
        claim = Claim(**value)
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = all(isinstance(n, (int, float)) and abs(n) < 1e6 for n in (claim.snr, claim.score))
    texts = isinstance(claim.daemon, str) and isinstance(claim.name, str)
    return claim if numbers and texts else None


class Ballot:
    """Claims as they come in, and who wins. No I/O; times are given."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._claims: list[tuple[float, Claim]] = []

    def hear(self, claim: Claim, now: float) -> None:
        """Another daemon's claim."""
        self._claims = [(at, old) for at, old in self._claims if now - at < ANSWERED_SECONDS + self._window]
        self._claims.append((now, claim))

    def wins(self, own: Claim, heard_at: float) -> bool:
        """Whether our claim, made at that time, stands once the window is over."""
        for at, rival in self._claims:
            if rival.name != own.name or not -ANSWERED_SECONDS <= at - heard_at <= self._window:
                continue
            if at < heard_at - self._window or rival > own:
                return False
        return True


class Arbiter:
    """A Sink in front of the others; `emit` never waits.

    A detection is held for the window. If another daemon wins, it goes no further, nor does what is said
    after it, up to the next one.

    Raises:
        KwsError: the group cannot be joined.
    """

    def __init__(
        self,
        settings: ArbitrationSettings,
        deliver: Callable[[Event], None],
        snr: Callable[[Detection], float],
    ) -> None:
        self.lost = 0
        """Detections that another daemon answered."""
        self._deliver = deliver
        self._snr = snr
        self._window = settings.window_seconds
        self._group = split_address(settings.group)
        self._daemon = uuid.uuid4().hex
        self._ballot = Ballot(self._window)
        self._held: queue.Queue[tuple[float, Event, Claim | None] | None] = queue.Queue(WAITING)
        self._silenced = False
        self._hurry = threading.Event()
        self._socket = _joined(self._group, settings.interface)
        threading.Thread(target=self._listen, name="arbitration", daemon=True).start()
        self._decider = threading.Thread(target=self._decide, name="decisions", daemon=True)
        self._decider.start()

    def emit(self, event: Event, /) -> None:
        """Claim a detection; hold everything until those before it are decided."""
        now = time.monotonic()
        claim = self._claim(event) if isinstance(event, Detection) else None
        if claim:
            self._send(claim)
        try:
            self._held.put_nowait((now, event, claim))
        except queue.Full:
            self._deliver(event)  # rather twice than never

    def close(self, seconds: float = 5.0) -> None:
        """Decide what is held, leave the group. After so long what others may still say is not waited for."""
        with contextlib.suppress(queue.Full):
            self._held.put_nowait(None)
        self._decider.join(seconds)
        self._hurry.set()
        self._decider.join(AT_ONCE_SECONDS)
        self._socket.close()

    def _claim(self, event: Detection) -> Claim:
        return Claim(round(self._snr(event), 1), round(event.score, 4), self._daemon, event.name)

    def _send(self, claim: Claim) -> None:
        try:
            self._socket.sendto(claim.to_bytes(), self._group)
        except OSError as error:
            _log.warning("arbitration: %s; this daemon answers for itself", error.strerror or error)

    def _listen(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(LARGEST_DATAGRAM)
            except OSError:  # closed
                return
            claim = read_claim(datagram)
            if claim and claim.daemon != self._daemon:
                self._ballot.hear(claim, time.monotonic())

    def _decide(self) -> None:
        while (held := self._held.get()) is not None:
            heard_at, event, claim = held
            if claim:  # as it was sent: the noise around it goes on, and a new one would be another
                self._hurry.wait(max(0.0, heard_at + self._window - time.monotonic()))
                self._silenced = not self._ballot.wins(claim, heard_at)
                self.lost += self._silenced
            if not (self._silenced and isinstance(event, (Detection, Partial, Transcript, NoSpeech))):
                self._deliver(event)


def _joined(group: tuple[str, int], interface: str) -> socket.socket:
    host, port = group
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind((host, port))
        local = socket.inet_aton(interface or "0.0.0.0")
        membership = struct.pack("4s4s", socket.inet_aton(host), local)
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, local)
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # this network and no further
    except OSError as error:
        connection.close()
        raise KwsError(
            f"arbitration.group {host}:{port}: cannot be joined ({error}); name an IPv4 multicast group, for "
            "example 239.255.75.87:10481"
        ) from error
    return connection
