"""The program that measures: the page is that of its measurements, and a part that fails stops no other."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as program
from benchmarks.__main__ import Part
from kws.errors import SourceError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program writes, with two parts, of which the first says how many rounds it was asked for."""
    chapter: Any = SimpleNamespace(section=lambda found: f"found {found}")

    def without_recordings(rounds: int, minutes: float) -> Any:
        raise SourceError("no recordings; set KWS_DATA")

    parts = {
        "rules": Part("Without recordings", chapter, without_recordings),
        "cost": Part("Cost", chapter, lambda rounds, minutes: rounds),
    }
    monkeypatch.setattr(program, "PARTS", parts)
    monkeypatch.setattr(program, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(program, "FOUND", tmp_path / "page")
    return tmp_path / "page.md"


def test_a_part_that_cannot_be_measured_is_told_and_the_others_are_kept(page: Path) -> None:
    done = CliRunner().invoke(program.main, ["rules", "cost", "--rounds", "3"])
    assert done.exit_code == 1
    assert "rules: not measured: no recordings; set KWS_DATA\n" in done.output
    text = page.read_text(encoding="utf-8")
    assert "Not measured yet: `python -m benchmarks rules`." in text
    assert "`python -m benchmarks cost --rounds 3`" in text
    assert text.endswith("found 3\n")


def test_what_was_measured_stands_on_the_page_when_the_next_part_is_interrupted(page: Path) -> None:
    def interrupted(rounds: int, minutes: float) -> Any:
        raise KeyboardInterrupt

    program.PARTS["rules"] = Part("Long", program.PARTS["rules"].module, interrupted)
    done = CliRunner().invoke(program.main, ["cost", "rules"])
    assert done.exit_code == 1
    assert page.read_text(encoding="utf-8").endswith(f"found {program.ROUNDS}\n")


def test_how_busy_the_machine_was_stands_with_the_command() -> None:
    load = {"cores": 2, "before": 0.26, "after": 3.5, "nice": 10}
    stored = {"command": "c", "date": "d", "machine": "m", "found": [], "load": load}
    assert "m; 2 cores, load average 0.3 before and 3.5 after, niceness 10." in program.page(
        {"rules": stored}
    )


def test_every_chapter_is_there_measured_or_not() -> None:
    stored = {"command": "python -m benchmarks rules", "date": "2026-01-02", "machine": "here", "found": []}
    text = program.page({"rules": stored})
    for name, part in program.PARTS.items():
        assert f"## {part.title}\n" in text
        assert (f"Not measured yet: `python -m benchmarks {name}`." in text) is (name != "rules")
    assert "`python -m benchmarks rules` on 2026-01-02, here." in text


def test_the_page_is_the_one_that_its_measurements_make() -> None:
    files = (ROOT / "docs" / "benchmarks").glob("*.json")
    known = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    assert program.page(known) == program.PAGE.read_text(encoding="utf-8")
    drawn = program.drawings(known)
    assert {path.name for path in program.FOUND.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        assert (program.FOUND / name).read_text(encoding="utf-8") == text
