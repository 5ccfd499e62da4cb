"""The terminal view: what is drawn, and the command against a real server."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pulse import wait_for
from test_servers_http import TOKEN, Site

from kws import cli
from kws.events import Detection, Gap, SourceLost, Transcript
from kws.monitor import LEAST_COLUMNS, View, described, messages

NOW = datetime(2026, 1, 2, 3, 4, 5)
EVENT = Detection("computer", 0.91, 0.5, 1.0, 2.0, "mic")


@pytest.fixture
def view() -> View:
    return View(["computer", "a name longer than its column"], [0.5, 0.75])


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_level_and_scores_are_drawn(view: View) -> None:
    for score in (0.0, 0.5, 1.0):
        view.take("audio", {"level": -40.0, "scores": [[[0.0], [score]], [[0.25]]]}, NOW)
    level, first, second = view.lines(80)[:3]
    assert level.split() == ["level", "█" * 28, "-40", "dB"]
    assert first.split() == ["computer", "▄█", "of", "0.50"]
    assert second.startswith("a name longer th▂▂▂")


def test_a_model_of_two_labels_and_a_block_that_completes_no_step() -> None:
    view = View(["one", "two"], [0.5, 0.5])
    view.take("audio", {"level": -40.0, "scores": [[[0.1, 0.9], [0.2, 0.8]]]}, NOW)
    view.take("audio", {"level": -40.0, "scores": [[]]}, NOW)
    assert [list(track) for track in view.tracks] == [[0.2], [0.9]]


def test_other_models_are_shown_from_a_reload_on(view: View) -> None:
    view.take("audio", {"level": -40.0, "scores": [[[1.0]], [[1.0]]]}, NOW)
    view.listen_for(view.names, [0.25, 0.75])
    assert view.lines(80)[1].split() == ["computer", "█", "of", "0.25"], "what was drawn stays"
    view.listen_for(["jarvis"], [0.5])
    view.take("audio", {"level": -40.0, "scores": [[[0.5]]]}, NOW)
    assert [line.split() for line in view.lines(80)[1:3]] == [["jarvis", "▄", "of", "0.50"], []]


def test_in_a_terminal_it_asks_for_the_models_again_when_they_change(site: Site) -> None:
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "kws", "monitor", "--url", f"http://127.0.0.1:{site.server.port}"]
    child = subprocess.Popen(command, stdout=inside, stderr=subprocess.PIPE)
    wait_for(lambda: site.live.subscribers == 1, "monitor")
    changed = {"name": "jarvis", "labels": ["jarvis"], "threshold": 0.75, "settings": []}
    site.room.models = lambda: [changed]  # type: ignore[method-assign]
    site.live.publish("models", "{}")
    site.live.publish("audio", json.dumps({"level": -40.0, "scores": [[[0.5]]]}))
    drawn = b""
    while b"of 0.75" not in drawn:
        drawn += os.read(terminal, 10_000)
    assert b"jarvis" in drawn
    child.kill()
    child.communicate(timeout=60)
    for descriptor in (terminal, inside):
        os.close(descriptor)


def test_events_stand_with_the_newest_first(view: View) -> None:
    for event in (EVENT, Transcript("lights on", 0.8, 2.0, 3.0), Gap(1.0, 3.5, "overflow")):
        view.take("event", json.loads(event.to_json()), NOW)
    assert view.lines(80)[-3:] == [
        "03:04:05  2.50 s lost: overflow",
        "03:04:05  “lights on”  0.80",
        "03:04:05  computer  0.91 of 0.50",
    ]
    assert "“lights on”" in view.lines(80)
    assert described(json.loads(SourceLost(1.0, "unplugged").to_json())) == "source-lost  unplugged"


@pytest.mark.parametrize("columns", [LEAST_COLUMNS, 80, 200])
@pytest.mark.parametrize("level", [-500.0, -80.0, 0.0, 3.0])
def test_no_line_is_too_long(view: View, columns: int, level: float) -> None:
    for number in range(500):
        view.take("audio", {"level": level, "scores": [[[number / 500]], [[2.0]]]}, NOW)
    view.take("event", json.loads(Transcript("word " * 100, 0.8, 2.0, 3.0).to_json()), NOW)
    assert max(map(len, view.lines(columns))) <= columns


def test_the_stream_is_read_and_nonsense_passed_over() -> None:
    stream = (
        ': here\n\nevent: audio\ndata: {"level": 1}\n\ndata: nonsense\ndata: 3\n\nevent: event\ndata: {}\n\n'
    )
    assert list(messages(stream.splitlines(keepends=True))) == [("audio", {"level": 1}), ("event", {})]


def test_without_a_terminal_events_are_lines_until_the_daemon_ends(site: Site) -> None:
    url = f"http://127.0.0.1:{site.server.port}"
    child = subprocess.Popen(
        [sys.executable, "-m", "kws", "monitor", "--url", f"{url}/"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: site.events.subscribers == 1, "monitor")
    site.events.publish("event", EVENT.to_json())
    assert child.stdout
    assert json.loads(child.stdout.readline()) == json.loads(EVENT.to_json())
    site.thread.call(site.server.stop())
    _, said = child.communicate(timeout=60)
    assert child.returncode == 2
    assert len(said.splitlines()) == 1
    assert said.startswith(f"kws: {url}: the ".encode())


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    guarded = Site(TOKEN)
    url = f"http://127.0.0.1:{guarded.server.port}"
    assert cli.main(["monitor", "--url", url]) == 2
    assert capsys.readouterr().err == f"kws: {url}/models: answered 401 Unauthorized; give --token-file\n"
    guarded.close()
    for address in (url, "nonsense"):
        assert cli.main(["monitor", "--url", address]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"kws: {address}/models: no daemon answers (")
        assert len(said.splitlines()) == 1
