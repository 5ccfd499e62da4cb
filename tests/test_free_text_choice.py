"""Settings of free text, chosen by some speakers and judged by the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("pocketsphinx")

from spoken import saying
from test_free_text_sweep import model  # noqa: F401 the fixture
from test_speech_commands import english  # noqa: F401 the fixture of the fixture

import training.understanding.free_text_choice
from kws.evaluation.transcripts import WordErrors
from kws.recognition.free_text import BY_PHONES
from training.data.manifest import Clip
from training.understanding.free_text_choice import BEFORE, GRID, Trial, best, halved, main, verdict
from training.understanding.free_text_sweep import BIGRAM, EVERY_WORD, Row


def trial(*errors: int, cost: float = 0.01) -> Trial:
    """Four speakers with ten words each."""
    return Trial((Row(40_000, BEFORE, WordErrors("speakers", errors, (10,) * 4), cost),))


def test_a_half_has_every_other_speaker() -> None:
    errors = WordErrors("speakers", (1, 2, 3, 4), (10, 20, 30, 40))
    assert halved(errors, 0) == WordErrors("speakers", (1, 3), (10, 30))
    assert halved(errors, 1) == WordErrors("speakers", (2, 4), (20, 40))


def test_a_half_chooses_what_is_best_for_itself_and_cheap_enough() -> None:
    trials = [trial(5, 5, 5, 5), trial(1, 9, 1, 9), trial(9, 1, 9, 1), trial(0, 0, 0, 0, cost=0.2)]
    assert best(trials, 0, most_cost=0.05) is trials[1]
    assert best(trials, 1, most_cost=0.05) is trials[2]
    assert best(trials, 1, most_cost=0.5) is trials[3]


def test_the_other_half_judges() -> None:
    lines = verdict([trial(5, 5, 5, 5), trial(1, 9, 1, 9)], most_cost=0.05).splitlines()
    assert "10 of 20 words" in lines[2].split("|")[3]  # chosen by the second half: what was there before
    assert "10 of 20 words" in lines[2].split("|")[4]
    assert "18 of 20 words" in lines[3].split("|")[4]  # the first half liked what the second suffers from


def test_the_grid_begins_with_what_the_choice_is_compared_with() -> None:
    assert GRID[0] == (EVERY_WORD, BEFORE)
    assert BEFORE is BY_PHONES
    assert len(set(GRID)) == len(GRID)


def test_the_command_prints_a_row_a_setting_and_set(model, monkeypatch, tmp_path) -> None:  # noqa: F811
    clips = [
        Clip(Path(f"{n}.opus"), "libri-test-clean", "dev", "sentence", "stop", f"s{n}", 1.0, "test")
        for n in range(4)
    ]
    monkeypatch.setattr(training.understanding.free_text_choice, "read_manifest", lambda path: [])
    monkeypatch.setattr(
        training.understanding.free_text_choice, "dev_sets", lambda _: {"libri": clips, "ocean": clips}
    )
    monkeypatch.setattr(
        training.understanding.free_text_choice,
        "hear",
        lambda bundle, clips, cache: [(c, saying("stop")) for c in clips],
    )
    monkeypatch.setattr(
        training.understanding.free_text_choice.tried,
        "__defaults__",
        ([(BIGRAM, BEFORE), (BIGRAM, GRID[2][1])],),
    )
    ran = CliRunner().invoke(main, [model, "--cache", str(tmp_path), "--most-cost", "9"])
    assert ran.exit_code == 0, ran.output
    rows = [line for line in ran.output.splitlines() if line.startswith(("| libri |", "| ocean |"))]
    assert len(rows) == 4
    assert all("0 of 4 words" in row for row in rows)
    assert ran.output.count("0 of 2 words") == 8
