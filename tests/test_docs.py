"""The documents are true: outputs are what commands print, commands are described, links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from kws import cli

ROOT = Path(__file__).parents[1]
MARKDOWN = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("kws/**/*.md")]
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


def update_docs() -> ModuleType:
    """scripts/update_docs.py, which writes the outputs."""
    path = ROOT / "scripts" / "update_docs.py"
    spec = importlib.util.spec_from_file_location("update_docs", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", update_docs().DOCUMENTS, ids=name)
def test_outputs_are_true(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == update_docs().updated(path), "run scripts/update_docs.py"


def test_the_readme_shows_a_detection_on_its_first_screen() -> None:
    screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    command = next(index for index, line in enumerate(screen) if line.startswith("$ kws "))
    assert screen[command].startswith("$ kws run ")
    assert json.loads(screen[command + 1])["type"] == "detection"


@pytest.mark.parametrize("command", cli.kws.list_commands(None))  # type: ignore[arg-type]
def test_every_command_is_described(command: str) -> None:
    documents = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert re.search(rf"\bkws {command}\b", documents), f"describe kws {command} in docs/"


@pytest.mark.parametrize("command", cli.BUILT_IN)
def test_every_built_in_command_shows_its_help(command: str) -> None:
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"## kws {command}\n" in reference
    assert f"$ kws {command} --help\n" in reference


@pytest.mark.parametrize("path", MARKDOWN, ids=name)
def test_links_within_the_repository_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert [part for part in ("Context", "Decision", "Consequences") if f"**{part}.**" not in text] == []
    assert f"({path.name})" in (path.parent / "README.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
