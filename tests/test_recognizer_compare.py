"""Bodies of the recognizer's network compared: alike in size, counted by speaker, not trained twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow")

from click.testing import CliRunner  # noqa: E402

from training.accuracy.counts import write_counts  # noqa: E402
from training.recipe import find_recipe  # noqa: E402
from training.recognizer import compare  # noqa: E402
from training.recognizer.compare_table import Trained, tables  # noqa: E402
from training.recognizer.encoders import BODIES  # noqa: E402
from training.recognizer.learn import build  # noqa: E402
from training.recognizer.recipe import read_recipe  # noqa: E402


def measured(body: str, seed: int, phones: tuple[list[int], list[int]]) -> Trained:
    """One set, two speakers."""
    sets = {"libri": phones}
    return Trained(body, seed, 1_500_000, 1.25, 300.0, 1_600_000, sets, sets, sets)


def test_all_bodies_are_compared_and_have_about_as_many_weights() -> None:
    recipe = read_recipe(find_recipe("bodies"))
    assert set(compare.BODIES) == set(BODIES)
    weights = {}
    for body in BODIES:
        network = build(compare.of_body(recipe, body).network)
        weights[body] = sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
    usual = weights["convolutions"]
    assert all(abs(count / usual - 1) < 0.05 for count in weights.values()), weights


def test_the_tables_compare_bodies_of_one_seed() -> None:
    found = [
        measured("convolutions", 7, ([40, 20], [100, 100])),
        measured("recurrent", 7, ([30, 10], [100, 100])),
        measured("recurrent", 8, ([90, 90], [100, 100])),
    ]
    first, second, third = tables(found).split("\n\n")
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
        lambda recipe, *_, seed, most: (
            trained.append((recipe.network.name, seed, most))
            or measured(recipe.network.name, seed, ([1, 2], [10, 10]))
        ),
    )
    write_counts(tmp_path / "conformer-7.counts.json", measured("conformer", 7, ([5, 5], [10, 10])))
    arguments = ["-o", str(tmp_path), "--body", "conformer", "--body", "convolutions", "--most", "9"]
    for _ in range(2):
        done = CliRunner().invoke(compare.compare, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert "| conformer | 7 | -35.0 (-40.0 to -30.0) |" in done.output
    assert trained == [("convolutions", 7, 9)]
