"""Recipes: the shipped ones read, and a mistake is named with file and key."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import training.recipe
import training.recognizer.command
from kws.errors import KwsError
from training.recipe import RECIPES, MaterialRecipe, default_recipe, find_recipe, read_recipe
from training.recognizer.command import train_recognizer
from training.recognizer.recipe import read_recipe as read_recognizer_recipe


@pytest.mark.parametrize(
    ("file", "network"),
    [("gru", "gru"), ("embedding_head", "embedding-head"), ("micro_head", "embedding-head")],
)
def test_shipped_recipes_read(file: str, network: str) -> None:
    assert read_recipe(RECIPES / f"{file}.toml").network["name"] == network


@pytest.mark.parametrize("read", [read_recipe, read_recognizer_recipe])
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[training]\nepoch = 3\n", "unknown key training.epoch;"),
        ("[trainning]\nepochs = 3\n", "[trainning]"),
        ("[training]\nepochs = 'many'\n", "training.epochs"),
        ("[training]\nepochs = 2.5\n", "training.epochs"),
        ("[training]\nepochs = true\n", "training.epochs"),
        ("[training]\nepochs = -1\n", "training.epochs is -1, expected int, not negative"),
        ("[training]\nweight_decay = -0.1\n", "training.weight_decay"),
        ("training = 3\n", "expected a table [training]"),
        ("[training\n", "not a readable recipe"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, read: Callable[[Path], object], text: str, named: str) -> None:
    _refused(read, tmp_path / "mine.toml", text, named)


@pytest.mark.parametrize(
    ("read", "text", "named"),
    [
        (read_recipe, "[material]\nreal_words = 1\n", "material.real_words is 1, expected bool"),
        (read_recipe, "[material]\nsynthetic_words = true\n", "material.synthetic_words"),
        (read_recipe, "[detector]\nwindow = 0\n", "detector.window is 0"),
        (read_recipe, "[training]\nepochs = 0\n", "training.epochs is 0"),
        (read_recipe, "[material]\ntapes_without = 3\ntapes_with_words = 3\n", "are tapes (6)"),
        (read_recipe, "[network]\nunits = [8]\n", "[network] has no name"),
        (read_recipe, "[network]\nname = 'embedding-head'\nhead = 3\n", "unknown key network.head;"),
        (read_recipe, "[network]\nname = 'embedding-head'\nrounds = 0\n", "network.rounds is 0"),
        (read_recipe, "[network]\nname = 'embedding-head'\n[training]\nepochs = 3\n", "no [training]"),
        (read_recognizer_recipe, "[network]\ndilations = [0]\n", "network.dilations"),
        (read_recognizer_recipe, "[network]\ndilations = []\n", "network.dilations"),
        (read_recognizer_recipe, "[network]\ndilations = 2\n", "network.dilations"),
    ],
)
def test_mistakes_of_one_recipe_are_named(
    tmp_path: Path, read: Callable[[Path], object], text: str, named: str
) -> None:
    _refused(read, tmp_path / "mine.toml", text, named)


def _refused(read: Callable[[Path], object], path: Path, text: str, named: str) -> None:
    path.write_text(text)
    with pytest.raises(KwsError) as caught:
        read(path)
    assert named in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_recipe_that_is_not_there_comes_with_those_that_are() -> None:
    with pytest.raises(
        KwsError, match="nosuch: no such recipe; give one of architectures, dscnn, embedding_head,"
    ):
        read_recipe(find_recipe("nosuch"))


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("network", "named"),
    [
        ({"name": "gruu"}, "network.name is 'gruu'; give one of embedding-head, bcresnet"),
        ({"name": "gru", "unitz": [8]}, "unknown key network.unitz; allowed are filters, kernel"),
        ({"name": "dscnn", "dilations": 2}, "network.dilations is 2, expected a list"),
    ],
)
def test_mistakes_in_a_network_are_named(network: dict[str, object], named: str) -> None:
    pytest.importorskip("tensorflow")
    from training.models import check_settings

    with pytest.raises(KwsError) as caught:
        check_settings(network)
    assert named in str(caught.value)


@pytest.mark.parametrize("recipe", ["english", "tiny-recognizer.toml"])
def test_a_recognizers_recorded_command_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    if recipe != "english":
        recipe = str(Path(__file__).parent / "recipes" / recipe)
    jobs: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        training.recognizer.command, "_train", lambda *given, **named: jobs.append((given, named))
    )
    first = ["-o", str(tmp_path / "my out"), "--name", "mine", "--recipe", recipe, "--seed", "9"]
    assert CliRunner().invoke(train_recognizer, first, catch_exceptions=False).exit_code == 0
    ((_, named),) = jobs
    program, name, *again = shlex.split(named["command"])
    assert (program, name) == ("kws", "train-recognizer")
    assert CliRunner().invoke(train_recognizer, again, catch_exceptions=False).exit_code == 0
    assert jobs[0] == jobs[1]


def test_a_word_is_learned_on_the_encoder_where_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_recipe() == "embedding_head"

    def missing(name: str) -> None:
        raise KwsError(f"{name} is not installed")

    monkeypatch.setattr(training.recipe, "require", missing)
    assert default_recipe() == "micro_head"


def test_who_says_what_is_made_can_be_left_out() -> None:
    recipe = MaterialRecipe(synthetic_words=5, synthetic_speech=6, generated_words=7, generated_speech=8)
    by_generator, by_synthesizers = recipe.said_by("generator"), recipe.said_by("synthesizers")
    assert (by_generator.synthetic_words, by_generator.synthetic_speech) == (0, 0)
    assert (by_generator.generated_words, by_generator.generated_speech) == (7, 8)
    assert (by_synthesizers.generated_words, by_synthesizers.generated_speech) == (0, 0)
    assert (by_synthesizers.synthetic_words, by_synthesizers.synthetic_speech) == (5, 6)
    assert recipe.said_by("") == recipe
