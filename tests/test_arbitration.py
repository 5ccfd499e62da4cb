"""Several daemons in one home: one answers, whatever is lost or sent by strangers."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulse import wait_for

from kws.arbitration import ANSWERED_SECONDS, Arbiter, Ballot, Claim, read_claim
from kws.config_keys import ArbitrationSettings
from kws.errors import KwsError
from kws.events import Detection, Event, Gap, Transcript

WINDOW = 0.2
GROUP = "239.255.75.87"


def claim(daemon: str, snr: float = 20.0, score: float = 0.9, name: str = "computer") -> Claim:
    return Claim(snr, score, daemon, name)


def detection(name: str = "computer", score: float = 0.9) -> Detection:
    return Detection(name=name, score=score, threshold=0.5, start=1.0, end=2.0)


@pytest.mark.parametrize(
    ("own", "rival"),
    [
        (claim("a", snr=21), claim("b", snr=20, score=1.0)),
        (claim("a", score=0.91), claim("b", score=0.9)),
        (claim("b"), claim("a")),
    ],
)
def test_who_hears_better_wins_and_there_is_no_draw(own: Claim, rival: Claim) -> None:
    for mine, other, wins in ((own, rival, True), (rival, own, False)):
        ballot = Ballot(WINDOW)
        ballot.hear(other, 10.0)
        assert ballot.wins(mine, 10.05) is wins


def test_a_claim_is_judged_as_it_was_sent() -> None:
    """The noise goes on while others are waited for: measured again, two could both lose."""
    measured = iter((20.0, 10.0))
    port = free_port()
    heard: list[Event] = []
    settings = ArbitrationSettings(f"{GROUP}:{port}", WINDOW, "127.0.0.1")
    arbiter = Arbiter(settings, heard.append, lambda event: next(measured))
    arbiter._ballot.hear(claim("b", snr=15), time.monotonic())
    arbiter.emit(detection())
    arbiter.close(10)
    assert heard == [detection()]


@pytest.mark.parametrize("late", [-0.19, -0.05, 0.0, 0.05, 0.19])
def test_of_any_number_exactly_one_wins_however_late_each_is(late: float) -> None:
    claims = [claim(daemon, snr) for daemon, snr in zip("abcd", (20, 22, 22, 18), strict=True)]
    at = {one: 10.0 + (late if one.daemon in "bd" else 0.0) for one in claims}
    winners = []
    for own in claims:
        ballot = Ballot(WINDOW)
        for rival in claims:
            if rival is not own:
                ballot.hear(rival, at[rival])
        winners += [own.daemon] if ballot.wins(own, at[own]) else []
    assert winners == ["c"]


def test_who_comes_after_the_answer_is_silent_and_later_words_are_new() -> None:
    ballot = Ballot(WINDOW)
    ballot.hear(claim("b", snr=5), 10.0)
    assert not ballot.wins(claim("a", snr=50), 10.0 + WINDOW + 0.1)
    assert ballot.wins(claim("a", snr=50), 10.1 + ANSWERED_SECONDS)
    assert ballot.wins(claim("a", name="jarvis"), 10.0)


def test_old_claims_are_forgotten() -> None:
    ballot = Ballot(WINDOW)
    for second in range(1_000):
        ballot.hear(claim("b"), float(2 * second))
    assert len(ballot._claims) == 1


def test_a_claim_is_read_as_it_was_sent() -> None:
    assert read_claim(claim("a").to_bytes()) == claim("a")


NONSENSE = [
    b"",
    b"\xff",
    b"[]",
    b"{}",
    b"[" * 2_000,
    b'{"kws": 2}',
    b'{"kws": 1, "snr": "loud", "score": 1, "daemon": "b", "name": "computer"}',
    b'{"kws": 1, "snr": NaN, "score": 1, "daemon": "b", "name": "computer"}',
    b'{"kws": 1, "snr": Infinity, "score": 1, "daemon": "b", "name": "computer"}',
    b'{"kws": 1, "snr": 99, "score": 1, "daemon": 7, "name": "computer"}',
    b'{"kws": 1, "snr": 99, "score": 1, "daemon": "b", "name": "computer", "more": 1}',
]


@pytest.mark.parametrize("datagram", NONSENSE)
def test_what_strangers_send_is_no_claim(datagram: bytes) -> None:
    assert read_claim(datagram) is None


@given(
    st.binary(max_size=100) | st.dictionaries(st.text(), st.integers()).map(lambda d: json.dumps(d).encode())
)
def test_any_datagram_is_a_claim_or_none(datagram: bytes) -> None:
    assert read_claim(datagram) is None


class Home:
    """Daemons on loopback, each with its own ears."""

    def __init__(self, *snrs: float) -> None:
        self.port = free_port()
        settings = ArbitrationSettings(f"{GROUP}:{self.port}", WINDOW, "127.0.0.1")
        self.heard: list[list[Event]] = [[] for _ in snrs]
        self.arbiters = [
            Arbiter(settings, heard.append, lambda event, snr=snr: snr)  # type: ignore[misc]
            for heard, snr in zip(self.heard, snrs, strict=True)
        ]

    def say(self, *events: Event) -> None:
        """All hear the same."""
        threads = [
            threading.Thread(target=lambda arbiter=arbiter: [arbiter.emit(event) for event in events])  # type: ignore[misc]
            for arbiter in self.arbiters
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        for arbiter in self.arbiters:
            arbiter.close(10)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_of_two_daemons_the_better_one_answers_and_goes_on() -> None:
    home = Home(12.0, 25.0)
    spoken = Transcript("lights on", 0.9, 2.0, 3.0)
    home.say(detection(), spoken)
    wait_for(lambda: len(home.heard[1]) == 2, "answer")
    wait_for(lambda: home.arbiters[0].lost == 1, "silence of the other")
    home.close()
    assert home.heard == [[], [detection(), spoken]]


def test_trouble_is_told_by_each_also_by_one_that_lost() -> None:
    home = Home(12.0, 25.0)
    gap = Gap(2.0, 3.0, "overflow")
    home.say(detection(), gap)
    wait_for(lambda: gap in home.heard[0] and gap in home.heard[1], "gap")
    home.close()
    assert home.heard[0] == [gap]


def test_after_a_lost_word_the_next_one_is_decided_anew() -> None:
    home = Home(12.0, 25.0)
    home.say(detection())
    wait_for(lambda: home.arbiters[0].lost == 1, "first decision")
    end = time.monotonic() + ANSWERED_SECONDS + 2 * WINDOW
    wait_for(lambda: time.monotonic() > end, "the next word")
    home.arbiters[0].emit(detection())
    wait_for(lambda: home.heard[0] == [detection()], "answer of the one that is alone now")
    home.close()


def test_strangers_cannot_stop_it() -> None:
    home = Home(12.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for datagram in [*NONSENSE, b"x" * 9_000]:
            with contextlib.suppress(OSError):
                stranger.sendto(datagram, (GROUP, home.port))
    home.say(detection())
    wait_for(lambda: home.heard[0] == [detection()], "answer")
    home.close()


def test_what_is_held_at_the_end_is_decided() -> None:
    home = Home(12.0)
    home.say(detection())
    home.close()
    assert home.heard == [[detection()]]


def test_who_has_to_end_decides_by_what_is_known() -> None:
    heard: list[Event] = []
    settings = ArbitrationSettings(f"{GROUP}:{free_port()}", 3600.0, "127.0.0.1")
    arbiter = Arbiter(settings, heard.append, lambda event: 12.0)
    arbiter.emit(detection())
    arbiter.close(0)
    wait_for(lambda: heard == [detection()], "decision")


@pytest.mark.parametrize("group", ["127.0.0.1:5000", "nowhere.invalid:5000"])
def test_what_is_no_group_is_said(group: str) -> None:
    with pytest.raises(KwsError, match=r"cannot be joined .*; name an IPv4 multicast group"):
        Arbiter(ArbitrationSettings(group), lambda event: None, lambda event: 0.0)


def test_names_of_daemons_differ() -> None:
    home = Home(1.0, 1.0, 1.0)
    names = [arbiter._daemon for arbiter in home.arbiters]
    assert all(a != b for a, b in itertools.combinations(names, 2))
    home.close()
