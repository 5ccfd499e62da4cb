"""A row of the ladder that no command of its own has made says which one did."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.ladder.climb import Climbed  # noqa: E402
from training.ladder.page import page  # noqa: E402

COMMAND = "python -m training.ladder"
MISSES = {rate: {"clean": 1, "10 dB": 2} for rate in ("0.5", "1")}


def test_what_another_command_has_made_is_named() -> None:
    alarms = {"0.5": 1, "1": 2}
    rows = [
        Climbed("tea", rung, 10, 2.0, MISSES, alarms, 18_000, 3.0, 4.0, command, "2026-01-02")
        for rung, command in (
            ("packed", "kws train tea"),
            ("all", f"{COMMAND} 'tea'"),
        )
    ]
    text = page(rows)
    assert "minutes taken from a log: packed by `kws train tea`." in text
    assert "Not made by" not in page(rows[1:])
