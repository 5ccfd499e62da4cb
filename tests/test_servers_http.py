"""The HTTP server as others see it: state, figures, events, who may look and who may not."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pulse import wait_for

from kws.errors import KwsError
from kws.events import Detection, Gap, Partial
from kws.servers import http, metrics
from kws.servers.http import RECENT, EventFeed, HttpServer
from kws.servers.hub import Hub
from kws.servers.metrics import DaemonCollector, exposition
from kws.servers.panel import settings
from kws.servers.patience import Patience
from kws.servers.thread import ServerThread
from kws.sinks.memory import Collector
from kws.sinks.notice import Stamped
from kws.sinks.outlet import Outlet
from kws.tally import Tally

TOKEN = "a secret: größer"
EVENT = Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="mic")
STAMP = "1970-01-01T00:00:00.250Z"


class Room:
    """A daemon to be shown."""

    def __init__(self) -> None:
        self.status = "ok"
        self.thresholds: dict[int, float] = {}
        self.marked: list[str] = []
        self.tally = Tally()
        self.sink = Outlet("sink", Collector())  # type: ignore[arg-type]
        self.metrics = exposition(DaemonCollector(self.tally, lambda: [self.sink], unrecorded=lambda: 4))

    def health(self) -> dict[str, Any]:
        return {"status": self.status}

    def models(self) -> list[dict[str, Any]]:
        return [{"name": "computer", "labels": ["computer"], "threshold": 0.5, "settings": []}]

    def set_threshold(self, model: int, threshold: float) -> None:
        if model:
            raise KwsError("there is one model")
        self.thresholds[model] = threshold

    def mark(self, kind: str) -> str:
        self.marked.append(kind)
        return f"/recordings/{kind}.wav"


class Site:
    """A server that runs, and a client for it."""

    def __init__(self, token: str = "", address: str = "127.0.0.1:0") -> None:
        self.room = Room()
        self._open: list[HTTPConnection | HTTPResponse] = []
        self.thread = ServerThread()
        self.events, self.live = Hub(self.thread.loop), Hub(self.thread.loop)
        self.feed = EventFeed(self.events, self.live, lambda event: Stamped(event, 0.25))
        self.server = HttpServer(address, token, self.room, self.feed)
        self.thread.call(self.server.start())

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> HTTPResponse:
        """The answer; headers' underscores are dashes."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._open.append(connection)
        connection.request(method, path, content, named)
        answer = connection.getresponse()
        self._open.append(answer)
        return answer

    def post(self, path: str, body: Any) -> tuple[int, str]:
        answer = self.ask(path, "POST", body, X_KWS="1")
        return answer.status, answer.read().decode()

    def leave(self) -> None:
        """Disconnect all clients."""
        for connection in reversed(self._open):
            connection.close()
        self._open.clear()

    def close(self) -> None:
        self.leave()
        self.thread.call(self.server.stop())
        self.thread.close()
        self.room.sink.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def guarded() -> Iterator[Site]:
    site = Site(TOKEN)
    yield site
    site.close()


def test_the_state_is_a_status_code(site: Site) -> None:
    answer = site.ask("/healthz")
    assert (answer.status, json.loads(answer.read())["status"]) == (200, "ok")
    site.room.status = "no audio"
    assert site.ask("/healthz").status == 503


def test_the_figures_are_true_and_in_prometheus_form(site: Site) -> None:
    tally = site.room.tally
    tally.audio_seconds = 12.5
    for event in (EVENT, EVENT, Gap(start=1.0, end=3.0, reason="overflow")):
        tally.happened(event)
        site.room.sink.emit(event)
    for seconds in (0.0001, 0.003, 7.0):
        tally.block_seconds.add(seconds)
    wait_for(lambda: site.room.sink.counts.delivered == 3, "delivery")
    text = site.ask("/metrics").read().decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["kws_audio_seconds_total",] == 12.5
    assert samples["kws_lost_seconds_total",] == 2
    assert samples["kws_detections_total", "computer"] == 2
    assert samples["kws_events_total", "gap"] == 1
    assert samples["kws_gaps_total", "overflow"] == 1
    assert samples["kws_recordings_lost_total",] == 4
    assert samples["kws_sink_delivered_total", "1 sink"] == 3
    assert samples["kws_sink_queue", "1 sink"] == samples["kws_sink_spooled", "1 sink"] == 0
    assert samples["kws_block_seconds_bucket", "0.005"] == 2
    assert samples["kws_block_seconds_bucket", "+Inf"] == samples["kws_block_seconds_count",] == 3
    assert samples["process_cpu_seconds_total",] > 0


@pytest.mark.parametrize("path", ["/events", "/live"])
def test_events_are_sent_as_they_happen(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.readline().startswith(b":")
    site.feed.emit(EVENT)
    assert answer.readline() == b"\n"
    assert answer.readline() == b"event: event\n"
    told = json.loads(answer.readline().removeprefix(b"data: "))
    assert told == {**json.loads(EVENT.to_json()), "at": STAMP}
    answer.close()


def test_the_last_events_are_there_for_who_comes_later(site: Site) -> None:
    for number in range(RECENT + 10):
        site.feed.emit(Gap(start=float(number), end=number + 1.0, reason="overflow"))
        site.feed.emit(Partial(text="lights", confidence=0.5, start=0.0, end=1.0))
    shown = json.loads(site.ask("/recent").read())
    assert [event["start"] for event in shown] == list(range(10, RECENT + 10))
    assert {event["at"] for event in shown} == {STAMP}


def test_readers_that_leave_are_forgotten_and_too_many_are_sent_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws.servers.http.STREAMS", 2)
    assert [site.ask(path).status for path in ("/events", "/live", "/events")] == [200, 200, 503]
    site.leave()

    def free() -> bool:
        site.feed.emit(EVENT)  # a write is what shows that they have gone
        return site.events.subscribers == site.live.subscribers == 0

    wait_for(free, "forgotten readers")
    assert site.ask("/events").status == 200


def test_a_reader_that_does_not_read_is_disconnected(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.servers.http.WRITE_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", site.server.port)) as stuck:
        stuck.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: site.events.subscribers == 1, "reader")
        large = Gap(start=0.0, end=0.0, reason="x" * 100_000)

        def gone() -> bool:
            site.feed.emit(large)
            return site.events.subscribers == 0

        wait_for(gone, "disconnection")


def test_the_page_needs_nothing_from_elsewhere(site: Site) -> None:
    for path, kind in (("/", "text/html"), ("/live.js", "javascript"), ("/live.css", "text/css")):
        answer = site.ask(path)
        assert answer.status == 200
        assert kind in answer.headers["Content-Type"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert b"//" not in answer.read().replace(b"\n//", b"").replace(b" // ", b"")


@pytest.mark.parametrize("path", ["/../http.py", "/%2e%2e/http.py", "/page/live.js", "/live.html", "/x"])
def test_there_are_no_other_files(site: Site, path: str) -> None:
    assert site.ask(path).status == 404


def test_thresholds_are_set(site: Site) -> None:
    assert site.post("/threshold", {"model": 0, "threshold": 0.25})[0] == 200
    assert site.room.thresholds == {0: 0.25}
    status, text = site.post("/threshold", {"model": 1, "threshold": 0.25})
    assert (status, json.loads(text)["error"]) == (409, "there is one model")


def test_what_is_marked_is_kept(site: Site) -> None:
    status, text = site.post("/mark", {"kind": "missed"})
    assert (status, json.loads(text)["done"]) == (200, "/recordings/missed.wav")
    assert site.room.marked == ["missed"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mark", {"kind": "../../etc"}),
        ("/mark", {}),
        ("/mark", []),
        ("/mark", b"kind=missed"),
        ("/mark", b"\xff"),
        ("/mark", b"[" * 30_000),
        ("/threshold", {"model": 0, "threshold": 2}),
        ("/threshold", {"model": "0", "threshold": 0.5}),
        ("/threshold", {"threshold": 0.5}),
        ("/threshold", {"model": False, "threshold": 0.5}),
        ("/threshold", {"model": 0, "threshold": True}),
        ("/threshold", b'{"model": 0, "threshold": NaN}'),
    ],
)
def test_nonsense_is_refused(site: Site, path: str, body: Any) -> None:
    assert site.post(path, body)[0] == 400
    assert (site.room.marked, site.room.thresholds) == ([], {})


def test_a_request_that_is_too_large_is_refused(site: Site) -> None:
    assert site.post("/mark", b" " * 100_000)[0] == 413


def test_other_pages_cannot_change_anything(site: Site) -> None:
    """A form elsewhere can post here, but not with a header of ours."""
    assert site.ask("/mark", "POST", {"kind": "missed"}).status == 403
    assert site.room.marked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:10480", "192.168.1.2", "[fe80::1]:80", ""])
def test_other_names_for_loopback_are_refused(site: Site, host: str) -> None:
    assert site.ask("/models", Host=host).status in (400, 403)
    assert site.ask("/events", Host=host).status in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:10480", "[::1]", "[::1]:80"])
def test_loopbacks_own_names_are_good(site: Site, host: str) -> None:
    assert site.ask("/models", Host=host).status == 200


@pytest.mark.parametrize("path", ["/", "/models", "/metrics", "/events", "/live", "/live.js"])
def test_without_the_token_nothing_is_shown(guarded: Site, path: str) -> None:
    assert guarded.ask(path).status == 401
    assert guarded.ask(path, Authorization="Bearer wrong").status == 401
    assert guarded.ask(path, Authorization="Bearer").status == 401
    assert guarded.ask(path, Cookie="kws_token=").status == 401
    assert guarded.ask(f"{path}?token=wrong").status == 401
    assert guarded.ask(path, "POST", {}, X_KWS="1").status in (401, 405)


def test_the_state_needs_no_token(guarded: Site) -> None:
    wrong = guarded.ask("/healthz?token=wrong")
    assert (wrong.status, wrong.headers.get("Set-Cookie")) == (200, None)
    assert guarded.ask("/healthz").status == 200


def test_the_token_in_the_header(guarded: Site) -> None:
    bearer = f"Bearer {TOKEN}".encode().decode("latin-1")
    assert guarded.ask("/models", Authorization=bearer, Host="kitchen:10480").status == 200


def test_the_token_in_the_address_becomes_a_cookie() -> None:
    site = Site("plain-token")
    answer = site.ask("/?token=plain-token")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert site.ask("/models", Cookie=cookie.partition(";")[0]).status == 200
    site.close()


def test_an_address_in_use_is_said(site: Site) -> None:
    with pytest.raises(KwsError, match=r"cannot listen there .*; set http\.address"):
        Site(address=f"127.0.0.1:{site.server.port}")


def test_many_who_connect_and_say_nothing_are_no_harm(site: Site) -> None:
    idle = [socket.create_connection(("127.0.0.1", site.server.port)) for _ in range(200)]
    assert site.ask("/healthz").status == 200
    for connection in idle:
        connection.close()


def test_beyond_a_limit_who_connects_is_sent_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECTIONS", 3)
    idle = [socket.create_connection(("127.0.0.1", site.server.port)) for _ in range(3)]
    wait_for(lambda: len(site.server._runner.server.connections) == 3, "three who say nothing")  # type: ignore[union-attr]
    with socket.create_connection(("127.0.0.1", site.server.port)) as another:
        another.settimeout(60)
        assert another.recv(1) == b""
    for connection in idle:
        connection.close()


HEAD = b"POST /mark HTTP/1.1\r\nHost: localhost\r\nX-KWS: 1\r\nContent-Length: 18\r\n"
WHOLE = HEAD + b'\r\n{"kind": "missed"}'
HALVES = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": HEAD + b'\r\n{"kind":',
    "half a piece": HEAD.replace(b"Content-Length: 18", b"Transfer-Encoding: chunked") + b"\r\n12\r\n{",
    "one request and half of another": WHOLE + HEAD,
    "one request and nothing": WHOLE,
    "one that is refused, and half of another": b"GET /models HTTP/1.1\r\nHost: elsewhere\r\n\r\n" + HEAD,
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_who_does_not_finish_asking_is_hung_up_on_and_streams_go_on(
    monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr("kws.servers.patience.ASK_SECONDS", 0.2)
    site = Site()
    events = site.ask("/events")
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=60) as connection:
        connection.sendall(half)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(65_536):
                pass
    site.feed.emit(EVENT)
    while not (line := events.readline()).startswith(b"data"):
        assert line, "the stream has ended"
    site.close()


class Slow:
    """A connection as Patience sees it."""

    def __init__(self) -> None:
        self.transport = self
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def test_time_counts_from_when_a_connection_is_first_seen() -> None:
    patience, first, second = Patience(10), Slow(), Slow()
    seen: list[Any] = [first]
    patience.look(seen, 100.0)
    seen.append(second)
    patience.look(seen, 105.0)
    patience.look(seen, 110.5)
    assert (first.aborted, second.aborted) == (True, False)
    patience.look([second], 115.5)  # type: ignore[list-item]
    assert second.aborted
    patience.look([], 116.0)
    assert not patience._since


def test_figures_are_told_while_new_ones_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the loop that listens counts them, in another thread."""
    tally, add_metric = Tally(), metrics.CounterMetricFamily.add_metric
    tally.detections["computer"] += 1

    def meanwhile(family: Any, *arguments: Any, **more: Any) -> None:
        tally.detections[f"word {len(tally.detections)}"] += 1
        add_metric(family, *arguments, **more)

    monkeypatch.setattr(metrics.CounterMetricFamily, "add_metric", meanwhile)
    assert b'kws_detections_total{name="computer"} 1.0' in exposition(DaemonCollector(tally, list))()


def test_a_settings_cost_is_a_day() -> None:
    calibration = (
        {"threshold": 0.5, "false_alarms": 2, "hours": 16, "misses": 1, "occurrences": 50},
        {"threshold": 0.6, "misses": 1},
    )
    assert settings(calibration) == [{"threshold": 0.5, "false_alarms_per_day": 3.0, "misses_percent": 2.0}]


def test_readers_in_many_threads(site: Site) -> None:
    seen: list[bytes] = []

    def read() -> None:
        answer = site.ask("/events")
        while not (line := answer.readline()).startswith(b"data"):
            pass
        seen.append(line)
        answer.close()

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_for(lambda: site.events.subscribers == 8, "readers")
    site.feed.emit(EVENT)
    for thread in threads:
        thread.join(60)
    assert len(seen) == 8
