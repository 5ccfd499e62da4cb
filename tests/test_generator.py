"""Speech generated from phones: told apart by their spectra, by many voices, not blurred, the same again."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

import kws
from kws.errors import KwsError
from kws.types import SAMPLE_RATE, Block
from training.generator import say as saying
from training.generator.durations import fitted
from training.generator.energies import log_energies
from training.generator.material import Spoken
from training.generator.say import SayingConfig, Utterance, energies_of, phones_of, say
from training.generator.score import Segment, score_of
from training.material.spoken import spoken
from training.recipe import MaterialRecipe

pytestmark = pytest.mark.tensorflow

HISS, HUM = "S", "AA"
"""In the material made here the upper channels are loud in one phone, and the lower ones in the other."""
SPEAKERS = 8
_CHANCE = 0.5
"""Standard deviation of each energy about its mean."""


def made(rng: np.random.Generator) -> Spoken:
    """Recordings of both phones; speakers 0 to 3 are louder below channel 10."""
    energies, scores, starts, segments = [], [], [0], []
    for number in range(20 * SPEAKERS):
        said = [
            Segment("SIL", 6),
            *(Segment(p, int(rng.integers(8, 16))) for p in rng.permutation([HISS, HUM])),
        ]
        said.append(Segment("SIL", 6))
        rows = np.concatenate([np.tile(_mean(segment.phone), (segment.frames, 1)) for segment in said])
        rows[:, :10] += 4.0 * (number % SPEAKERS < SPEAKERS // 2)
        energies.append(rows + rng.normal(scale=_CHANCE, size=rows.shape))
        scores.append(score_of(said))
        starts.append(starts[-1] + len(rows))
        segments.append(said)
    whole = dataclasses.replace(
        scores[0],
        phones=np.concatenate([score.phones for score in scores]),
        place=np.concatenate([score.place for score in scores]),
    )
    speakers = np.arange(20 * SPEAKERS, dtype=np.int32) % SPEAKERS
    return Spoken(
        np.concatenate(energies).astype(np.float16), whole, np.array(starts), speakers,
        np.ones(len(speakers), bool), fitted(segments),
    )  # fmt: skip


def _mean(phone: str) -> np.ndarray:
    low, high = {HISS: (-6.0, 2.0), HUM: (2.0, -6.0), "SIL": (-8.0, -8.0)}[phone]
    return np.where(np.arange(40) < 20, low, high)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a generator that has learned for some seconds."""
    import keras

    from training.generator.kept import Kept, voices_of, write_generator
    from training.generator.learn import LearningRecipe, learn, scaling_of
    from training.generator.network import Generator, NetworkConfig

    keras.utils.set_random_seed(1)
    material = made(np.random.default_rng(1))
    generator, scaling = Generator(NetworkConfig(112, 2, 3, 8, 4, 16)), scaling_of(material.energies)
    recipe = LearningRecipe(clips=16, frames=32, reference=24, rate=2e-3, averaging=0.98)
    told: list[float] = []
    learn(generator, material, scaling, 400, recipe, seed=1, report=lambda p: told.append(p.loss))
    assert told[-1] < 0.7 * told[0]
    voices = voices_of(generator, material, scaling, recipe, seed=1)
    path = tmp_path_factory.mktemp("made") / "generator.npz"
    write_generator(path, Kept(generator, scaling, material.durations, voices, {"hours": 1}))
    return path


def test_phones_are_told_apart_by_their_spectra(path: Path) -> None:
    from training.generator.kept import read_generator

    kept = read_generator(path)
    said = [Segment("SIL", 6), Segment(HUM, 12), Segment(HISS, 12), Segment("SIL", 6)]
    rows = np.stack(
        energies_of(
            [Utterance(said, n % SPEAKERS, (7, n)) for n in range(32)], kept, SayingConfig(16, guidance=1)
        )
    )
    alike = rows[:, :, 10:]  # in the channels below it speakers differ
    hum, hiss = alike[:, 8:16].mean(axis=(0, 1)), alike[:, 20:28].mean(axis=(0, 1))
    assert hum == pytest.approx(_mean(HUM)[10:], abs=1.2)
    assert hiss == pytest.approx(_mean(HISS)[10:], abs=1.2)
    about = alike[:, 8:16] - hum
    assert 0.5 * _CHANCE < about.std() < 3 * _CHANCE  # regression would give the mean, and nothing about it


@pytest.mark.parametrize("condition", ["when", "phones", "place", "voice"])
def test_every_condition_changes_where_to_go(condition: str) -> None:
    """With weights that are all drawn at random: those of a new network end in zeros."""
    import keras

    from training.generator.network import Generator, NetworkConfig

    generator, rng = Generator(NetworkConfig(16, 2, 3, 8, 4, 16)), np.random.default_rng(1)
    for variable in generator.variables:
        variable.assign(rng.normal(scale=0.3, size=variable.shape))
    energies = keras.ops.convert_to_tensor(rng.normal(size=(2, 8, 40)).astype(np.float32))
    here, other = (
        {
            "when": np.full(1, 0.1 * number, np.float32),
            "phones": np.full((1, 8, 3), number, np.int32),
            "place": np.full((1, 8, 2), 0.1 * number, np.float32),
            "voice": np.asarray(generator.voice(energies[number - 1 : number])),
        }
        for number in (1, 2)
    )
    point = np.zeros((1, 8, 40), np.float32)
    before, after = (
        np.asarray(generator.direction(point, **{**here, **changed}))
        for changed in ({}, {condition: other[condition]})
    )
    assert np.abs(after - before).max() > 1e-3


def test_what_is_said_is_the_same_again_and_another_with_another_seed(path: Path, tmp_path: Path) -> None:
    first, again, other = (
        say(["sauce", "pass"], path, seed=seed, cache=cache, workers=1)
        for seed, cache in ((1, tmp_path), (1, tmp_path), (2, None))
    )
    anew = say(["sauce", "pass"], path, seed=1, cache=None, workers=1)
    for same in (again, anew):
        assert [clip.tobytes() for clip in first] == [clip.tobytes() for clip in same]
    assert first[0].tobytes() != other[0].tobytes()
    assert all(clip.dtype == np.int16 and 0.2 < len(clip) / 16_000 < 3 for clip in first)


def test_words_of_a_recipe_may_be_generated(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "FILE", path)
    recipe = MaterialRecipe(synthetic_words=0, synthetic_speech=0, generated_words=3, generated_speech=2)
    found = spoken("sauce", recipe, ["pass"], seed=1, cache=tmp_path)
    assert (len(found.words), len(found.others)) == (3, 2)
    assert found.counts() == {
        "synthetic words": 0, "synthetic speech": 0, "generated words": 3, "generated speech": 2
    }  # fmt: skip
    assert log_energies(found.words[0] / np.float32(32768)).max() > 0  # louder than silence


def test_a_bundled_model_hears_what_the_bundled_generator_says() -> None:
    clips = say(["computer"] * 8, saying.FILE, seed=3, cache=None, workers=1)
    quiet = np.zeros(SAMPLE_RATE, np.int16)
    audio = np.concatenate([quiet, *(part for clip in clips for part in (clip, quiet))])
    heard = [event.name for event in kws.load("computer", confirm="none").push(Block(audio))]
    assert heard.count("computer") >= 2  # of people, who were recorded, nearly all


def test_what_was_said_last_is_kept(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saying, "KEPT", 2)
    for number, text in enumerate(("sauce", "pass", "sofa")):
        say([text], path, seed=1, cache=tmp_path, workers=1)
        newest = max((tmp_path / "generator").iterdir(), key=lambda file: file.stat().st_mtime)
        os.utime(newest, (number, number))
    assert len(list((tmp_path / "generator").glob("*.npz"))) == 2
    monkeypatch.setattr(saying, "_made", lambda *_: pytest.fail("made again"))
    assert len(say(["sofa"], path, seed=1, cache=tmp_path, workers=1)) == 1


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    from training.generator.kept import read_generator

    with pytest.raises(KwsError, match=r"no generator there.*make it with python -m training\.generator"):
        say(["yes"], tmp_path / "generator.npz", seed=1, cache=None, workers=1)
    (tmp_path / "generator.npz").write_bytes(b"not an archive")
    with pytest.raises(KwsError, match="not a generator"):
        read_generator(tmp_path / "generator.npz")
    with pytest.raises(KwsError, match="cannot be said"):
        phones_of("!?", np.random.default_rng(0))


def test_of_a_long_text_some_words_are_said() -> None:
    ways = {phones_of("one two three four five six seven eight", np.random.default_rng(n)) for n in range(20)}
    assert len(ways) > 1
    assert max(map(len, ways)) < 30
