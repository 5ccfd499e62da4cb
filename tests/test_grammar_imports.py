"""JSGF grammars that import rules of other files: which file, which rule, and what a bad import is told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from test_grammar import said, understood

from kws.errors import GrammarError
from kws.grammar.reading import read_grammar

ROOMS = "public <room> = [<the>] (kitchen | hall); <the> = the;\npublic <floor> = cellar;"


def written(folder: Path, name: str, grammar: str, body: str) -> Path:
    """A grammar file; its body begins in line 3."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#JSGF V1.0;\ngrammar {grammar};\n{body}\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(GrammarError) as raised:
        read_grammar(path)
    return str(raised.value)


@pytest.mark.parametrize("imported", ["rooms.room", "rooms.*"])
@pytest.mark.parametrize("called", ["room", "rooms.room"])
def test_a_public_rule_of_a_file_beside(tmp_path: Path, imported: str, called: str) -> None:
    written(tmp_path, "rooms.gram", "rooms", ROOMS)
    path = written(tmp_path, "house.jsgf", "house", f"import <{imported}>;\npublic <a> = light <{called}>;")
    grammar = read_grammar(path)
    assert said(grammar) == {f"light {the}{room}" for the in ("", "the ") for room in ("kitchen", "hall")}
    assert [intent.name for intent in grammar.intents] == ["a"]


@pytest.mark.parametrize(
    ("house", "rooms"),
    [
        ("house.jsgf", "org/home/rooms.jsgf"),
        ("house.jsgf", "rooms.jsgf"),
        ("org/home/house.jsgf", "org/home/rooms.jsgf"),
        ("org/home/house.jsgf", "org/home/org/home/rooms.jsgf"),
    ],
)
def test_where_a_package_lies(tmp_path: Path, house: str, rooms: str) -> None:
    written(tmp_path, rooms, "org.home.rooms", ROOMS)
    path = written(
        tmp_path, house, "org.home.house", "import <org.home.rooms.floor>;\npublic <a> = <home.rooms.floor>;"
    )
    assert said(read_grammar(path)) == {"cellar"}


def test_a_full_name_needs_no_import(tmp_path: Path) -> None:
    written(tmp_path, "org/rooms.jsgf", "org.rooms", ROOMS)
    path = written(
        tmp_path, "house.jsgf", "house", "public <a> = <org.rooms.floor> | <house.b>; <b> = attic;"
    )
    assert said(read_grammar(path)) == {"cellar", "attic"}


def test_own_rules_come_first_and_slots_go_along(tmp_path: Path) -> None:
    written(tmp_path, "rooms.jsgf", "rooms", "public <room> = (hall | attic) {where};")
    body = "import <rooms.*>;\npublic <a> = go <rooms.room> | stay <room>; <room> = here {place};"
    grammar = read_grammar(written(tmp_path, "house.jsgf", "house", body))
    assert said(grammar) == {"go hall", "go attic", "stay here"}
    assert understood(grammar, "go attic").slots == {"where": "attic"}


def test_grammars_may_import_each_other(tmp_path: Path) -> None:
    written(tmp_path, "b.jsgf", "b", "import <a.*>;\npublic <two> = two <four>; <four> = <a.three>;")
    path = written(tmp_path, "a.jsgf", "a", "import <b.two>;\npublic <one> = <two>; public <three> = three;")
    assert said(read_grammar(path)) == {"two three", "three"}


def test_the_threshold_is_that_of_the_file_itself(tmp_path: Path) -> None:
    written(tmp_path, "rooms.jsgf", "rooms", "/** @threshold 0.9 */ public <room> = hall;")
    path = written(tmp_path, "house.jsgf", "house", "import <rooms.*>;\npublic <a> = <room>;")
    assert read_grammar(path).threshold is None


def test_a_rule_that_contains_itself_through_another_file(tmp_path: Path) -> None:
    b = written(tmp_path, "b.jsgf", "b", "import <a.*>;\npublic <two> = two\n <one>;")
    path = written(tmp_path, "a.jsgf", "a", "import <b.*>;\npublic <one> = <two>;")
    assert refusal(path) == f"{b}:5: <one> contains itself; write a repetition with * or + instead"


BAD = [
    ("import <none.x>;", "house.jsgf:3: expected the grammar none in a file ("),
    ("import <rooms.the>;", "house.jsgf:3: <the> is private; write 'public' before it in "),
    ("import <rooms.window>;", "rooms.jsgf (<room>, <floor>), found <window>"),
    ("import <silent.*>;", "silent.jsgf (none), found nothing to import"),
    ("import <other.*>;", "other.jsgf:2: expected 'grammar other;', as "),
    ("import <broken.*>;", "broken.jsgf:3: expected '=', found 'x'"),
    ("import <rooms.*>; import <more.*>;\npublic <b> = <room>;", "house.jsgf:4: <room> is imported from"),
    ("import <rooms.*>;\npublic <b> = <window>;", ":4: expected a rule of this file (<b>, <a>) or an"),
    ("public <b> = <../rooms.room>;", "house.jsgf:3: expected a rule of this file (<b>, <a>), found <.."),
    ("public <b> = <rooms.*>;", "house.jsgf:3: expected a rule of this file (<b>, <a>), found <rooms.*>"),
    ("import <rooms.*>;\npublic <b> = <rooms.the>;", "house.jsgf:4: <the> is private; write 'public' before"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), BAD, ids=[body for body, _ in BAD])
def test_a_bad_import_is_told_where_and_what(tmp_path: Path, body: str, message: str) -> None:
    written(tmp_path, "rooms.jsgf", "rooms", ROOMS)
    written(tmp_path, "more.jsgf", "more", "public <room> = attic;")
    written(tmp_path, "silent.jsgf", "silent", "<room> = attic;")
    written(tmp_path, "other.jsgf", "another", "public <room> = attic;")
    written(tmp_path, "broken.jsgf", "broken", "public <room> x;")
    told = refusal(written(tmp_path, "house.jsgf", "house", f"{body}\npublic <a> = yes;"))
    assert message in told
    assert told.startswith(str(tmp_path))
    assert "\n" not in told
