"""Trials of the recognizer's training compared: bodies alike in size, errors by speaker, nothing twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow")

from click.testing import CliRunner  # noqa: E402

from training.accuracy.counts import write_counts  # noqa: E402
from training.recipe import find_recipe  # noqa: E402
from training.recognizer import compare, trials  # noqa: E402
from training.recognizer.compare_table import Trained, tables  # noqa: E402
from training.recognizer.encoders import BODIES  # noqa: E402
from training.recognizer.learn import build  # noqa: E402
from training.recognizer.recipe import read_recipe  # noqa: E402
from training.recognizer.trials import TRIALS, changed  # noqa: E402


def measured(trial: str, seed: int, phones: tuple[list[int], list[int]]) -> Trained:
    """One set, two speakers."""
    sets = {"libri": phones}
    return Trained(trial, seed, 1_500_000, 1.25, 300.0, 1_600_000, sets, sets, sets)


def test_all_bodies_are_compared_and_have_about_as_many_weights() -> None:
    recipe = read_recipe(find_recipe("trial"))
    assert set(trials.BODIES) == set(BODIES)
    weights = {}
    for body in BODIES:
        network = build(changed(recipe, trials.BODIES[body]).network)
        weights[body] = sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
    usual = weights["convolutions"]
    assert all(abs(count / usual - 1) < 0.05 for count in weights.values()), weights


@pytest.mark.parametrize("table", list(TRIALS))
def test_every_trial_is_a_recipe_of_its_own(table: str) -> None:
    recipe = read_recipe(find_recipe("trial"))
    made = [changed(recipe, changes) for changes in TRIALS[table].values()]
    assert made[0] == recipe
    assert len({str(one) for one in made}) == len(made)


def test_the_tables_compare_bodies_of_one_seed() -> None:
    found = [
        measured("convolutions", 7, ([40, 20], [100, 100])),
        measured("recurrent", 7, ([30, 10], [100, 100])),
        measured("recurrent", 8, ([90, 90], [100, 100])),
    ]
    first, second, third = tables(found, "convolutions").split("\n\n")
    assert first.splitlines()[2] == (
        "| convolutions | 7 | 1.50 M | 1.60 MB | 1.25 | 5 | 30.0 (20.0 to 40.0) |"
    )
    assert second.splitlines()[3] == "| recurrent | 7 | 20.0 | 20.0 (10.0 to 30.0) |"
    assert third.splitlines()[2:] == ["| recurrent | 7 | 10.0 (10.0 to 10.0) |"]


def test_what_was_measured_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    monkeypatch.setattr(
        compare,
        "trained",
        lambda name, recipe, *_, seed, most: (
            trained.append((name, recipe.network.name, seed, most))
            or measured(name, seed, ([1, 2], [10, 10]))
        ),
    )
    write_counts(tmp_path / "conformer-7.counts.json", measured("conformer", 7, ([5, 5], [10, 10])))
    arguments = ["bodies", "-o", str(tmp_path), "--only", "conformer", "--most", "9"]
    for _ in range(2):
        done = CliRunner().invoke(compare.compare, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert "| conformer | 7 | -35.0 (-40.0 to -30.0) |" in done.output
    assert trained == [("convolutions", "convolutions", 7, 9)]


def test_a_trial_that_there_is_not_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(compare.compare, ["bodies", "-o", str(tmp_path), "--only", "oracle"])
    assert done.exit_code == 2
    assert "oracle; there are convolutions, separable" in done.output
