"""The 12-class task: who is learned from and tested on, what is heard, and that a network can learn it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

from training.accuracy.counts import read_counts, write_counts  # noqa: E402
from training.data.manifest import Clip  # noqa: E402
from training.speech_commands import hearing  # noqa: E402
from training.speech_commands.__main__ import NAMES, main  # noqa: E402
from training.speech_commands.classifier import Classifier  # noqa: E402
from training.speech_commands.figures import TITLES, Figures, page  # noqa: E402
from training.speech_commands.hearing import ROWS, Heard, rows_of  # noqa: E402
from training.speech_commands.learning import LearningRecipe, answers, learn  # noqa: E402
from training.speech_commands.task import CLASSES, WORDS, class_of, drawn, task_of  # noqa: E402
from training.speech_commands.trial import recipe_of, tried  # noqa: E402

DOCS = Path(__file__).parent.parent / "docs"
MEASURED = DOCS / "figures" / "speech-commands"


def clip(name: str, corpus: str, split: str, label: str, speaker: str, kind: str = "word") -> Clip:
    return Clip(Path(name), corpus, split, kind, label, speaker, 1.0, "ship")


def whole() -> list[Clip]:
    words = [
        clip(f"{split}-{label}-{n}", "speech-commands", split, label, f"{split}{n}")
        for split in ("train", "dev", "test")
        for label in ("yes", "stop", "bed", "cat")
        for n in range(10)
    ]
    return [*words, clip("tap", "speech-commands", "train", "tap", "tap", "noise")]


def test_the_whole_is_tested_by_its_list() -> None:
    task = task_of(whole())
    assert task.is_whole
    assert {clip.split for clip in task.learned} == {"train"}
    assert {clip.split for clip in task.tested} == {"test"}
    # Twenty words wanted, so two of the twenty others and two pieces of noise.
    assert [class_of(clip) for clip in task.tested].count("unknown") == 2
    assert (len(task.tested), task.silences) == (22, 2)


def test_of_a_part_nobody_is_learned_from_and_tested_on() -> None:
    tested = [
        clip("a", "gsc-test-v0.02", "dev", "yes", "one"),
        clip("b", "gsc-test-v0.02", "dev", "bed", "two"),
    ]
    learned = [clip(name, "gsc-extra", "train", "no", by) for name, by in (("c", "three"), ("d", "two"))]
    noise = [
        clip("e", "gsc-test-v0.02", "dev", "", "", "noise"),
        clip("f", "esc10", "train", "rain", "r", "noise"),
    ]
    task = task_of([*tested, *learned, *noise])
    assert not task.is_whole
    assert [one.path.name for one in task.learned] == ["c"]
    assert [one.path.name for one in task.tested] == ["a", "b"]
    assert [one.path.name for one in (*task.noise, *task.tested_noise)] == ["f", "e"]


def test_of_a_class_no_more_than_asked_are_drawn() -> None:
    words = [one for one in whole() if one.kind == "word"]
    assert len(drawn(words, 15, seed=1)) == 45
    assert [class_of(one) for one in drawn(words, 15, seed=1)].count("unknown") == 15


@pytest.fixture
def sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that hold a tone by their name."""

    def read_samples(path: Path) -> np.ndarray:
        hertz = 200 + 13 * (sum(map(ord, str(path))) % 100)
        return np.round(8000 * np.sin(2 * np.pi * hertz * np.arange(15_000) / 16_000)).astype(np.int16)

    monkeypatch.setattr(hearing, "read_samples", read_samples)
    hearing._read.cache_clear()


def test_what_is_heard_is_a_second_each_and_kept(sounds: None, tmp_path: Path) -> None:
    task = task_of(whole())
    learned = hearing.learned_rows(task, 5, 2, 1, tmp_path)
    assert learned.rows.shape == (2 * 15 + 2 * 5, ROWS, 40)
    assert np.bincount(learned.classes, minlength=12).tolist() == [10, *[0] * 7, 10, 0, 10, 10]
    tested = hearing.tested_rows(task, 1, tmp_path)
    assert len(tested.rows) == len(tested.classes) == 24
    np.testing.assert_array_equal(tested.rows[0], hearing.tested_rows(task, 1, tmp_path).rows[0])
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_silence_and_sound_differ() -> None:
    loud = np.random.default_rng(1).normal(0, 3000, 16_000).astype(np.int16)
    assert rows_of(loud).shape == (ROWS, 40)
    assert rows_of(loud).mean() > rows_of(np.zeros(16_000, np.int16)).mean() + 10


@pytest.mark.parametrize("name", NAMES)
def test_each_recipe_makes_the_network_of_twelve_answers_that_was_measured(name: str) -> None:
    _, settings = recipe_of(name, {})
    network = Classifier(settings.pop("name"), settings, len(CLASSES))
    rows = np.random.default_rng(1).uniform(0, 26, (2, ROWS, 40)).astype(np.float32)
    assert network.logits(rows).shape == (2, len(CLASSES))
    measured = read_counts(Figures, MEASURED / f"{name}-part.json")
    assert (measured.name, measured.weights) == (name, network.weights)
    assert name in TITLES


def test_a_network_learns_what_can_be_told_apart() -> None:
    rng = np.random.default_rng(3)
    classes = np.arange(240) % len(CLASSES)
    rows = rng.integers(-128, -60, (240, 30, 40)).astype(np.int8)
    for row, number in zip(rows, classes, strict=True):
        row[:, 3 * number : 3 * number + 3] = 100
    keras.utils.set_random_seed(1)  # what the tests before have drawn is not ours
    network = Classifier("dscnn", {"filters": 16, "kernel": 3, "dilations": [1]}, len(CLASSES))
    recipe = replace(LearningRecipe(), epochs=6, clips_per_epoch=480, batch=48, learning_rate=1e-2)
    losses = list(learn(network, Heard(rows, classes), recipe, seed=1))
    assert losses[-1] < losses[0]
    assert (answers(network, Heard(rows, classes)) == classes).mean() > 0.9


def test_a_recipe_is_tried_on_every_test_clip(sounds: None, tmp_path: Path) -> None:
    words = [
        clip(f"{split}-{label}-{n}", "speech-commands", split, label, f"{split}{n}")
        for split in ("train", "test")
        for label in (*WORDS, "bed")
        for n in range(2)
    ]
    task = task_of([*words, clip("tap", "speech-commands", "train", "tap", "tap", "noise")])
    said: list[str] = []
    small = {"epochs": 2, "most": 2, "clips_per_epoch": 24, "batch": 12}
    found = tried("dscnn", task, small, 1, tmp_path, said.append)
    assert found.learned == dict.fromkeys(CLASSES, 2)
    # Twenty words, and a tenth as many others and pieces of noise.
    assert [found.right(of).total for of in (CLASSES, WORDS, ("unknown",), ("silence",))] == [24, 20, 2, 2]
    assert [line.partition(":")[0] for line in said] == ["dscnn, epoch 1/2", "dscnn, epoch 2/2"]
    assert found.command.startswith("python -m training.speech_commands dscnn --epochs 2 --most 2")


def figures(is_whole: bool) -> Figures:
    given = {"yes": {"yes": 8, "no": 2}, "unknown": {"unknown": 3, "yes": 1}, "silence": {"silence": 5}}
    learned = dict.fromkeys(CLASSES, 30) | {"no": 7}
    return Figures("dscnn", 12_345, is_whole, learned, given, 20, 3.21, 9.0, "command", "2026-01-02")


def test_the_page_tells_counts_and_on_what(tmp_path: Path) -> None:
    write_counts(tmp_path / "one.json", figures(False))
    assert read_counts(Figures, tmp_path / "one.json") == figures(False)
    text = page([figures(False)])
    (row,) = [line for line in text.splitlines() if line.startswith("| dscnn |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == "12,345"
    assert [cell.split(", ")[-1] for cell in cells[3:7]] == ["16 of 19", "8 of 10", "3 of 4", "5 of 5"]
    # Nine words and "unknown" with 30 clips each, and "no" with 7.
    assert cells[7:9] == ["307 clips, 7 to 30 a word; 30 of noise", "20"]
    assert text.count("not measured") == len(TITLES)
    assert "By the official test list: not measured" in text
    assert "By the official test list: not measured" not in page([figures(True)])


def test_the_page_is_what_the_counts_say(tmp_path: Path) -> None:
    for path in MEASURED.glob("*.json"):
        write_counts(tmp_path / "figures" / "speech-commands" / path.name, read_counts(Figures, path))
    done = CliRunner().invoke(main, ["--page", "--docs", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "speech-commands.md").read_text("utf-8") == (DOCS / "speech-commands.md").read_text(
        "utf-8"
    )
