"""Training twice: the same bundle from the same seed, also when it was stopped on the way."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

pytestmark = [pytest.mark.tensorflow, pytest.mark.debian("espeak-ng")]
pytest.importorskip("tensorflow")

import training.heads.learning  # noqa: E402
from kws.types import SAMPLE_RATE  # noqa: E402
from training.cli import train  # noqa: E402
from training.enroll.command import enroll  # noqa: E402
from training.heads.head import Head  # noqa: E402
from training.heads.job import learn_heads  # noqa: E402
from training.heads.learning import Progress  # noqa: E402
from training.heads.weights import head_arrays, heads_from  # noqa: E402
from training.job import Job, run  # noqa: E402
from training.learning.checkpoint import load_arrays  # noqa: E402
from training.recipe import Recipe, read_recipe  # noqa: E402
from training.synth import synthesize  # noqa: E402

RECIPE = Path(__file__).parent / "recipes" / "tiniest.toml"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def trained(output: Path, cache: Path, *options: str) -> Result:
    arguments = [
        "seven",
        "-o",
        str(output),
        "--recipe",
        str(RECIPE),
        "--synthetic-only",
        "--cache",
        str(cache),
    ]
    return CliRunner().invoke(train, [*arguments, *options])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    output = tmp_path_factory.mktemp("first")
    done = trained(output, cache)
    assert done.exit_code == 0, done.output
    assert "epoch 3/3: loss " in done.output
    assert "held-out words missed" in done.output
    return output


def test_a_training_stopped_by_ctrl_c_makes_the_same_bundle_in_the_end(
    first: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = Job.say

    def stop_after_the_second(job: Job, text: str) -> None:
        say(job, text)
        if text.startswith("epoch 2/3"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Job, "say", stop_after_the_second)
        stopped = trained(tmp_path, cache)
    assert stopped.exit_code != 0
    assert "--resume goes on" in stopped.output
    assert [path.name for path in tmp_path.iterdir()] == ["seven.checkpoint.npz"]
    done = trained(tmp_path, cache, "--resume")
    assert done.exit_code == 0, done.output
    assert "epoch 2/3" not in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.html",
        "seven.json",
        "seven.tflite",
        "seven.weights.npz",
    ]
    assert (tmp_path / "seven.tflite").read_bytes() == (first / "seven.tflite").read_bytes()
    one, other = (json.loads((folder / "seven.json").read_text()) for folder in (first, tmp_path))
    assert one["kws"]["card"].pop("command") != other["kws"]["card"].pop("command")  # -o
    assert one == other


def test_a_checkpoint_of_another_seed_is_refused(first: Path, cache: Path, tmp_path: Path) -> None:
    recipe = read_recipe(RECIPE)
    Job("seven", recipe, tmp_path, 1, False, cache, "").checkpoint().save({})
    done = trained(tmp_path, cache, "--resume", "--seed", "2")
    assert done.exit_code == 1
    assert "train without --resume" in done.output


@pytest.mark.debian("espeak-ng")
def test_enrolment_goes_on_from_the_float_weights(first: Path, cache: Path, tmp_path: Path) -> None:
    for number, take in enumerate(synthesize(["seven"] * 4, np.random.default_rng(5))):
        soundfile.write(tmp_path / f"{number}.wav", np.pad(take, SAMPLE_RATE // 3), SAMPLE_RATE)
    output = tmp_path / "mine"
    done = CliRunner().invoke(enroll, [str(first), str(tmp_path), "-o", str(output), "--cache", str(cache)])
    assert done.exit_code == 0, done.output
    assert "fine-tune with 4 takes" in done.output
    assert "epoch 1/1" in done.output
    card = json.loads((output / "seven.json").read_text())["kws"]["card"]
    assert card["data"]["own recordings"] == 4
    before, after = (load_arrays(folder / "seven.weights.npz") for folder in (first, output))
    assert 0 < np.abs(after[0] - before[0]).max() < 0.1 < np.abs(before[0]).max()  # on from there, not anew


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = trained(tmp_path / "taken", tmp_path / "cache")
    assert done.exit_code == 1
    assert "taken: cannot be written to (File exists); give another folder with -o" in done.output
    assert not (tmp_path / "cache").exists()
    done = trained(tmp_path / "out", tmp_path / "taken" / "cache")
    assert "give another folder with --cache" in done.output


def a_head(seed: int) -> Head:
    rng = np.random.default_rng(seed)
    shapes = ((96, 4), (4,), (3, 4, 5), (5,), (5,))
    return Head(*(rng.normal(size=shape).astype(np.float32) for shape in shapes), float(rng.normal()))


class Known:
    """Examples of which every head leaves none."""

    def left_by(self, number: int, heads: int) -> Known:
        return self


def test_heads_that_are_finished_are_not_learned_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []

    def fit(_: object, __: object, *, seed: int) -> Iterator[Progress]:
        learned.append(seed)
        if learned == [7, 1007]:
            raise KeyboardInterrupt
        yield Progress(1, 0.5, 0.9, a_head(seed))

    monkeypatch.setattr(training.heads.learning, "fit", fit)
    job = Job("seven", Recipe(), tmp_path, 7, False, tmp_path, "")
    learning = type("Learning", (), {"heads": 3, "rounds": 1})
    with pytest.raises(KeyboardInterrupt):
        learn_heads(job, Known(), learning)
    heads = learn_heads(dataclasses.replace(job, resume=True), Known(), learning)
    assert learned == [7, 1007, 1007, 2007]
    wanted = head_arrays([a_head(seed) for seed in (7, 1007, 2007)])
    assert all(np.array_equal(one, other) for one, other in zip(head_arrays(heads), wanted, strict=True))
    assert heads_from(wanted)[2].out_bias == a_head(2007).out_bias


def test_ctrl_c_while_gathering_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: Job) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.job.train_network", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(Job("seven", read_recipe(RECIPE), tmp_path, 1, False, tmp_path, ""))
    assert "--resume goes on" in capsys.readouterr().err
