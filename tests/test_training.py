"""The whole way on synthetic voices alone: `kws train`, then the bundle hears other speakings of the word."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.debian("espeak-ng")]
pytest.importorskip("tensorflow")

from click.testing import CliRunner  # noqa: E402

import kws  # noqa: E402
import training.synth  # noqa: E402
from kws.confirmed import ConfirmedWord  # noqa: E402
from kws.evaluation import CalibrationRow, threshold_for  # noqa: E402
from kws.types import SAMPLE_RATE  # noqa: E402
from training.cli import train  # noqa: E402
from training.enroll.ways import THRESHOLD, way_for  # noqa: E402
from training.heads.trial import PER_HOUR  # noqa: E402
from training.synth import available_voices, synthesize  # noqa: E402

RECIPES = Path(__file__).parent / "recipes"


@pytest.fixture(scope="module", autouse=True)
def the_same_voices_everywhere() -> Iterator[None]:
    """Counts of so small a training differ with whoever else is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.synth, "BACKENDS", ("espeak", "flite"))
        yield


@pytest.fixture(scope="module", params=["tiny.toml", "tiny_head.toml"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    recipe = str(RECIPES / request.param)
    arguments = ["Computer", "-o", str(folder / "out"), "--recipe", recipe, "--synthetic-only"]
    done = CliRunner().invoke(train, [*arguments, "--cache", str(folder / "cache")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder / "out"


def heard(engine: kws.Engine, clips: list[np.ndarray]) -> int:
    """How many clips, each after a second of near silence, lead to a detection."""
    rng = np.random.default_rng(0)
    count = 0
    for clip in clips:
        engine.reset()
        hush = [rng.normal(scale=20, size=SAMPLE_RATE).astype(np.int16) for _ in range(2)]
        count += bool(engine.push(kws.Block(np.concatenate([hush[0], clip, hush[1]]))))
    return count


def test_it_hears_the_word_and_little_else(bundle: Path) -> None:
    engine = kws.load(bundle, threshold=0.5)
    rng = np.random.default_rng(99)
    words = heard(engine, synthesize(["computer"] * 40, rng))
    others = heard(
        engine, synthesize(["seven bananas", "good morning", "turn it off", "yesterday"] * 10, rng)
    )
    assert words >= 28
    assert others <= 12


def test_heads_on_two_encoders_judge_together(bundle: Path) -> None:
    manifest = kws.find_bundle(bundle).manifest["kws"]
    engine = kws.load(bundle)
    (word,) = engine.wake_words
    assert isinstance(word, ConfirmedWord) == ("encoder" in manifest)
    if "encoder" in manifest:
        assert manifest["confirmation"]["default"]["model"] == "second/computer.json"
        assert heard(engine, synthesize(["computer"] * 20, np.random.default_rng(98))) >= 12
        assert not heard(engine, synthesize(["seven bananas", "yesterday"] * 5, np.random.default_rng(97)))


def test_the_bundle_tells_its_story(bundle: Path) -> None:
    found = kws.find_bundle(bundle)
    assert found.name == "computer"
    assert found.card["data"]["synthetic words"] > 100
    assert found.card["command"].startswith("kws train computer -o ")
    assert sum(voices["voices"] for voices in found.card["voices"].values()) == len(available_voices())
    assert way_for(found, has_recordings=False).name != THRESHOLD  # it can be enrolled where it was trained
    # No recordings; but other speech, as vectors, comes with the heads.
    assert bool(found.card["credits"]) == ("encoder" in found.manifest["kws"])
    assert 0.3 < found.word_seconds < 2


def test_a_head_knows_what_to_expect_of_it(bundle: Path) -> None:
    found = kws.find_bundle(bundle)
    if "encoder" not in found.manifest["kws"]:
        return
    held = found.card["held_out"]
    assert found.threshold == held["threshold"]
    assert held["false_alarms"] / held["hours"] <= PER_HOUR
    assert held["hours"] > 5
    choice = threshold_for(found.calibration, 12)
    assert choice.per_day <= 12


def test_every_model_is_calibrated_and_reported_on(bundle: Path) -> None:
    found = kws.find_bundle(bundle)
    rows = [CalibrationRow.from_json(row) for row in found.calibration]
    assert rows
    assert {row.misses.total for row in rows} == {row.noisy_misses.total for row in rows} == {100}
    assert rows[0].misses.count <= rows[-1].misses.count
    text = (bundle / "report.html").read_text(encoding="utf-8")
    for heading in ("Misses against false alarms", "Scores", "Near misses", "How it learned", "Missed at"):
        assert f"<h2>{heading}" in text
    assert f"threshold {found.threshold:g}" in text
    assert text.count("<polyline") >= 4  # misses clean and noisy, loss, and what it hears


def test_voices_are_found() -> None:
    families = {voice.name.partition(":")[0] for voice in available_voices()}
    assert "espeak" in families
