"""Recipes: the shipped ones read, and a mistake is named with file and key."""

from pathlib import Path

import pytest

from kws.errors import KwsError
from training.recipe import RECIPES, near_misses, read_recipe


@pytest.mark.parametrize(("file", "network"), [("gru", "gru"), ("embedding_head", "embedding-head")])
def test_shipped_recipes_read(file: str, network: str) -> None:
    assert read_recipe(RECIPES / f"{file}.toml").network["name"] == network


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[training]\nepoch = 3\n", "training.epoch"),
        ("[trainning]\nepochs = 3\n", "[trainning]"),
        ("[training]\nepochs = 'many'\n", "training.epochs"),
        ("[training]\nepochs = 2.5\n", "training.epochs"),
        ("[training\n", "not a readable recipe"),
        ("[material]\nreal_words = 1\n", "material.real_words"),
        ("[material]\nsynthetic_words = true\n", "material.synthetic_words"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(KwsError) as caught:
        read_recipe(path)
    assert named in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_near_misses_of_a_word_that_is_not_listed_come_from_the_lexicon() -> None:
    pytest.importorskip("pocketsphinx")
    assert "marwin" in near_misses("marvin")
    assert near_misses("computer")[0] == "commuter"  # as listed


def test_near_misses_never_hold_the_word_itself() -> None:
    for word in ("computer", "jarvis", "alexa"):
        assert near_misses(word)
        assert not [phrase for phrase in near_misses(word) if word in phrase.split()]
