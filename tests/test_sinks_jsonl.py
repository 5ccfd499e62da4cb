"""Files of JSON lines: rotated, whole lines only where the disk is full, found again when moved away."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.events import Event, Gap, from_json
from kws.sinks.jsonl import JsonLines, Options, RotatedFile, open_uri

LINE = len(Gap(start=0.0, end=0.0, reason="x").to_json()) + 1


def gap(number: int) -> Event:
    return Gap(start=float(number), end=0.0, reason="x")


def numbers(path: Path) -> list[int]:
    events = [from_json(line) for line in path.read_text().splitlines()]
    return [int(event.start) for event in events if isinstance(event, Gap)]


def taken(sink: JsonLines | RotatedFile) -> int:
    """How many it takes until it would have to wait."""
    for number in range(1_000_000):
        try:
            sink.emit(gap(number))
        except BlockingIOError:
            return number
    raise AssertionError("it takes whatever comes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_no_file_grows_beyond_its_size_and_the_newest_stay(path: Path, keep: int) -> None:
    sink = RotatedFile(path, Options(max_bytes=4 * LINE, keep=keep))
    for number in range(10):  # single digits, so that lines are of one length
        sink.emit(gap(number))
    sink.close()
    files = [path, *(path.with_name(f"{path.name}.{n}") for n in range(1, keep + 1))]
    groups = [[8, 9], [4, 5, 6, 7], [0, 1, 2, 3]]
    assert [numbers(file) for file in files if file.exists()] == groups[: keep + 1]
    assert len(list(path.parent.iterdir())) == min(keep + 1, 3)


def test_an_event_larger_than_a_file_is_still_written(path: Path) -> None:
    sink = RotatedFile(path, Options(max_bytes=10, keep=9))
    for number in range(3):
        sink.emit(gap(number))
    sink.close()
    assert numbers(path) == [2]
    assert numbers(path.with_name(f"{path.name}.2")) == [0]


def test_a_file_that_was_moved_away_is_begun_anew(path: Path) -> None:
    sink = RotatedFile(path, Options())
    sink.emit(gap(1))
    moved = path.rename(path.with_suffix(".old"))
    sink.emit(gap(2))
    sink.close()
    assert (numbers(moved), numbers(path)) == ([1], [2])


def test_a_full_disk_leaves_whole_lines_only_and_the_next_try_works(path: Path) -> None:
    sink = RotatedFile(path, Options())
    sink.emit(gap(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LINE + LINE // 2, hard))  # half a line fits
    try:
        with pytest.raises(OSError, match="large"):
            sink.emit(gap(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert numbers(path) == [1]
    sink.emit(gap(2))
    sink.close()
    assert numbers(path) == [1, 2]


def test_no_space_left_is_said() -> None:
    sink = RotatedFile(Path("/dev/full"), Options())
    with pytest.raises(OSError, match="No space"):
        sink.emit(gap(1))
    sink.close()


def test_a_folder_that_vanishes_and_returns(path: Path, tmp_path: Path) -> None:
    sink = RotatedFile(path, Options())
    path.unlink()
    tmp_path.rmdir()
    with pytest.raises(FileNotFoundError):
        sink.emit(gap(1))
    tmp_path.mkdir()
    sink.emit(gap(2))
    sink.close()
    assert numbers(path) == [2]


def test_a_named_pipe_that_nobody_reads_is_waited_for_neither_at_the_start_nor_later(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(KwsError, match="cannot be written there"):
        open_uri(f"jsonl:{path}", Options())
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = open_uri(f"jsonl:{path}", Options())
    sent = taken(sink)
    assert sent
    assert os.read(reader, 1_000_000).count(b"\n") == sent, "whole ones alone"
    sink.emit(gap(-1))
    assert os.read(reader, 1_000_000).count(b"\n") == 1
    os.close(reader)
    sink.close()


def test_others_cannot_read_it(path: Path) -> None:
    RotatedFile(path, Options()).close()
    assert path.stat().st_mode & 0o007 == 0
