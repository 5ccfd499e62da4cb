"""Webhooks, against a real HTTP server: what it gets, and which answers are tried again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pulse import wait_for

from kws.errors import KwsError
from kws.events import Detection, Gap
from kws.sinks import outlet
from kws.sinks.notice import RefusedError, UnavailableError
from kws.sinks.outlet import Outlet
from kws.sinks.webhook import Options, open_uri

EVENT = Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día")


class Server(ThreadingHTTPServer):
    """Answers with the codes it is given, the last one for ever, and keeps what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.codes = [200]
        self.posts: list[tuple[str, dict[str, str], str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?room=kitchen"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posts.append((self.path, dict(self.headers), body))
        self.send_response(self.server.codes.pop(0) if len(self.server.codes) > 1 else self.server.codes[0])
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield server
        server.shutdown()


def test_the_event_is_posted_as_json(server: Server) -> None:
    open_uri(server.url, Options()).emit(EVENT)
    path, headers, body = server.posts[0]
    assert (path, body) == ("/hook?room=kitchen", EVENT.to_json())
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


def test_the_token_comes_from_a_file(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    open_uri(server.url, Options(token_file=str(token))).emit(EVENT)
    assert server.posts[0][1]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_token_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(KwsError, match=rf"^{token}: .*; "):
        open_uri("http://127.0.0.1/", Options(token_file=str(token)))


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_a_busy_server_is_tried_again(server: Server, code: int) -> None:
    server.codes = [code]
    with pytest.raises(UnavailableError, match=str(code)):
        open_uri(server.url, Options()).emit(EVENT)


@pytest.mark.parametrize("code", [301, 302, 307, 400, 401, 404])
def test_a_server_that_does_not_want_it_is_left_alone(server: Server, code: int) -> None:
    server.codes = [code]
    with pytest.raises(RefusedError, match=str(code)):
        open_uri(server.url, Options()).emit(EVENT)
    assert len(server.posts) == 1, "no redirect is followed"


def test_no_server_and_one_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(OSError, match="timed out"):
            open_uri(url, Options(timeout_seconds=0.1)).emit(EVENT)
    with pytest.raises(ConnectionRefusedError):
        open_uri(url, Options()).emit(EVENT)


def test_a_server_that_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        threading.Thread(target=answer).start()
        with pytest.raises(UnavailableError, match="HTTP"):
            open_uri(f"http://127.0.0.1:{listener.getsockname()[1]}/", Options()).emit(EVENT)


def test_it_comes_through_once_the_server_recovers(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE", 0.001)
    server.codes = [503, 500, 429, 200]
    subject = Outlet("hook", open_uri(server.url, Options()))  # type: ignore[arg-type]
    second = Gap(start=1.0, end=2.0, reason="test")
    subject.emit(EVENT)
    subject.emit(second)
    wait_for(lambda: subject.counts.delivered == 2, "delivery")
    assert [body for _, _, body in server.posts] == [EVENT.to_json()] * 4 + [second.to_json()]
    subject.close()
