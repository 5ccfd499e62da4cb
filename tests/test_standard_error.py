"""What C libraries write to file descriptor 2 goes elsewhere for a while, and only for that while."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

import pytest

from kws.standard_error import silenced, turned_into


def test_silenced_loses_what_is_written_and_nothing_after_it(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with silenced():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_a_file_gets_what_is_written_also_where_it_ends_in_an_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with tempfile.TemporaryFile() as aside:
        with contextlib.suppress(KeyError), turned_into(aside):
            os.write(2, b"within")
            raise KeyError
        os.write(2, b"after")
        aside.seek(0)
        assert aside.read() == b"within"
    assert capfd.readouterr().err == "after"


def test_no_descriptor_is_left_open() -> None:
    with silenced():
        pass
    with open(os.devnull) as first:
        lowest = first.fileno()
    with silenced():
        pass
    with open(os.devnull) as again:
        assert again.fileno() == lowest


def test_a_closed_standard_error_is_left_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with silenced():
        os.write(2, b"the descriptor may be another file by now")
    assert capfd.readouterr().err == "the descriptor may be another file by now"
