"""Work in parts: the same in the same order whoever does it, and nothing begun after it was stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from kws.errors import KwsError
from training.progress import bars_shown, track
from training.shards import on_ray, spread


def labelled(shared: str, task: int) -> tuple[str, int]:
    time.sleep(0.002 * (task % 3))  # parts end in another order than they began
    if task == 13:
        raise ValueError("thirteen")
    return shared * task, os.getpid()


@pytest.mark.parametrize("options", [{"workers": 1}, {}, {"fork": False}, {"threads": True, "workers": 4}])
def test_parts_come_in_their_order(options: dict[str, int]) -> None:
    found = list(spread(labelled, "x", range(12), "parts", **options))
    assert [text for text, _ in found] == ["x" * number for number in range(12)]
    here = options.get("workers") == 1 or "threads" in options
    assert ({pid for _, pid in found} == {os.getpid()}) == here


@pytest.mark.parametrize("options", [{"workers": 1}, {}, {"threads": True}])
def test_what_goes_wrong_in_a_part_comes_out(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="thirteen"):
        list(spread(labelled, "x", range(10, 16), "parts", **options))


def begun(folder: Path, task: int) -> None:
    (folder / str(task)).touch()
    time.sleep(0.01)


def ending(_: None, task: int) -> int:
    if task == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def test_a_worker_that_is_killed_is_told_of() -> None:
    with pytest.raises(KwsError, match="a process that worked on a part was ended"):
        list(spread(ending, None, range(10), "parts"))


def endless(folder: Path, task: int) -> int:
    if task >= 8:  # of the second stretch of parts that a worker is given
        (folder / str(task)).touch()
        time.sleep(600)
    return task


def test_parts_under_way_are_given_up_when_nobody_waits_for_them(tmp_path: Path) -> None:
    before = set(active_children())
    work = spread(endless, tmp_path, range(64), "parts")
    assert next(work) == 0
    while not list(tmp_path.iterdir()):
        time.sleep(0.01)
    work.close()
    assert set(active_children()) == before


@pytest.mark.parametrize("options", [{"workers": 1}, {"threads": True}])
def test_once_stopped_nothing_more_is_begun(options: dict[str, int], tmp_path: Path) -> None:
    work = spread(begun, tmp_path, range(200), "parts", **options)
    next(work)
    work.close()
    count = len(list(tmp_path.iterdir()))
    time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) == count < 50


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KwsError, match=r"pip install 'kws\[distributed\]'"), on_ray("somewhere:6379"):
        pass
    with on_ray(None):
        assert next(spread(labelled, "y", [1], "parts", workers=1))[0] == "y"


def test_bars_are_drawn_only_where_a_command_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(range(3), "counting", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    with bars_shown():
        assert list(track(range(3), "counting", 3)) == [0, 1, 2]
    assert "counting" in capsys.readouterr().err
