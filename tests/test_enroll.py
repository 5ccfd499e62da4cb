"""Enrolment: takes heard through before they are used, and a threshold within what is allowed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from signals import noise, tone

from kws.bundle import Bundle, find_bundle
from kws.errors import KwsError
from kws.types import SAMPLE_RATE, Samples
from training.enroll.command import enroll
from training.enroll.listening import best_scores, personal_threshold
from training.enroll.ways import FINE_TUNE, LEARN_AGAIN, THRESHOLD, gentler, recipe_of, way_for
from training.material.own_takes import TakeError, checked_take
from training.recipe import Recipe, find_recipe, read_recipe

Say = Callable[..., Samples]
HUSH = np.random.default_rng(0).normal(scale=8, size=SAMPLE_RATE // 2).astype(np.int16)
SYNTHETIC = {"data": {"synthetic words": 5}, "recipe": Recipe().as_dict()}


def spaced(word: Samples) -> Samples:
    return np.concatenate([HUSH, word, HUSH])


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """The bundled model as if nothing but synthetic voices had trained it."""
    found = find_bundle("computer")
    return dataclasses.replace(found, card=SYNTHETIC, model_path=tmp_path / "computer.tflite")


# Takes


@pytest.mark.debian("espeak-ng")
@pytest.mark.parametrize("phrase", ["computer", "blimpora"])
def test_a_take_is_cut_to_the_phrase(phrase: str, say: Say) -> None:
    word = say(phrase)
    take = checked_take(np.concatenate([HUSH, HUSH, word, HUSH, HUSH]), phrase, "t")
    assert 0.5 * len(word) < len(take.samples) < len(word) + 0.3 * SAMPLE_RATE
    loudest = np.abs(word).argmax()
    assert word[loudest] in take.samples


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (HUSH[:1_000], "only 0.06 s"),
        (np.zeros(SAMPLE_RATE, np.int16), "silent"),
        (np.concatenate([HUSH, tone(300, 100_000)[:8_000], HUSH]), "clipped"),
        (noise(2_000), "no speech stands out"),
        (np.concatenate([HUSH, tone(300, 9_000)[:1_500], HUSH]), "0.1 s of speech"),
        (np.concatenate([HUSH, *[tone(300, 9_000)] * 2, HUSH]), "6.0 s of speech"),
    ],
    ids=["short", "silent", "clipped", "noisy", "a click", "long"],
)
def test_takes_that_cannot_be_used_say_why(samples: Samples, said: str) -> None:
    with pytest.raises(TakeError, match=f"mine.wav: {said}"):
        checked_take(samples, "blimpora", "mine.wav")


# The command, with a threshold alone


def enrolled(*arguments: object) -> Result:
    return CliRunner().invoke(enroll, [str(argument) for argument in arguments])


@pytest.mark.debian("espeak-ng")
def test_takes_are_recorded_and_asked_for_again(tmp_path: Path, say: Say) -> None:
    word = spaced(say("computer"))
    length = int(2.5 * SAMPLE_RATE)
    stretches = [word, HUSH[:100], word, word]  # the second is silence
    sound = [np.pad(stretch, (0, length - len(stretch))) for stretch in stretches]
    sound[1][:] = 0
    soundfile.write(tmp_path / "mic.wav", np.concatenate(sound), SAMPLE_RATE)
    output = tmp_path / "mine"
    done = enrolled(
        "computer", "--record", 3, "--source", tmp_path / "mic.wav", "-o", output, "--threshold-only"
    )
    assert done.exit_code == 0, done.output
    assert "take 2: silent" in done.output
    assert done.output.count("say 'computer' now") == 4
    assert len(list((output / "takes").glob("*.wav"))) == 3
    assert find_bundle(output / "computer.json").threshold <= find_bundle("computer").threshold
    too_few = enrolled("computer", "--record", 5, "--source", tmp_path / "mic.wav", "-o", tmp_path / "few")
    assert too_few.exit_code == 1
    assert "the source ended in take 4 of 5" in too_few.output


def test_clear_errors(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.zeros(SAMPLE_RATE, np.int16), SAMPLE_RATE)
    assert "no clips; name files" in enrolled("computer", "-o", tmp_path / "out").output
    nothing = enrolled("computer", tmp_path / "not there", "-o", tmp_path / "out")
    assert "no recordings there" in nothing.output
    few = enrolled("computer", tmp_path, "-o", tmp_path / "out")
    assert "one.wav: silent" in few.output
    assert "0 usable clips of 'computer', at least 3 needed" in few.output
    assert few.exit_code == 1
    assert not (tmp_path / "out").exists()


# Thresholds


@pytest.mark.debian("espeak-ng")
def test_the_threshold_falls_to_the_weakest_take_but_not_below_what_is_allowed(say: Say) -> None:
    found = find_bundle("computer")
    takes = [say("computer", "en-us", rate) for rate in (130, 150)]
    weakest = min(best_scores(found, takes))
    assert weakest > 0.05
    high = dataclasses.replace(found, threshold=0.999)
    lax = personal_threshold(high, takes, 1e4)
    assert lax.threshold == pytest.approx(max(0.9 * weakest, lax.cost.threshold), abs=1e-4)
    strict = personal_threshold(high, [noise(20)], 24)
    assert strict.threshold == pytest.approx(strict.cost.threshold, abs=1e-4)
    assert strict.cost.threshold > lax.cost.threshold
    low = dataclasses.replace(found, threshold=0.01)
    assert personal_threshold(low, takes, 24).threshold == 0.01


def test_without_a_table_nobody_knows_what_a_lower_threshold_costs() -> None:
    with pytest.raises(KwsError, match="no calibration table"):
        personal_threshold(dataclasses.replace(find_bundle("computer"), calibration=()), [noise(20)], 24)


# Ways


def test_a_network_goes_on_from_its_float_weights_and_a_head_learns_again(bundle: Bundle) -> None:
    assert way_for(bundle, has_recordings=False).name == THRESHOLD
    bundle.model_path.with_suffix(".weights.npz").write_bytes(b"")
    way = way_for(bundle, has_recordings=False)
    assert (way.name, way.recipe) == (FINE_TUNE, gentler(Recipe()))
    for name in ("embedding_head", "micro_head"):
        told = {"network": read_recipe(find_recipe(name)).network}
        head = dataclasses.replace(bundle, card={**SYNTHETIC, "recipe": told})
        assert way_for(head, has_recordings=False).name == LEARN_AGAIN


def test_a_model_of_recordings_that_are_not_here_keeps_its_weights(bundle: Bundle) -> None:
    bundle.model_path.with_suffix(".weights.npz").write_bytes(b"")
    real = dataclasses.replace(bundle, card={**SYNTHETIC, "data": {"gsc-extra": 9}})
    assert "set KWS_DATA" in way_for(real, has_recordings=False).why
    assert way_for(real, has_recordings=True).name == FINE_TUNE


def test_what_the_package_brings_is_here_for_every_head(bundle: Bundle) -> None:
    told = {"network": read_recipe(find_recipe("embedding_head")).network}
    data = {"synthetic words": 5, "esc10": 145, "libri-voices": 75}
    card = {"data": data, "packed_speech": 220, "recipe": told}
    head = dataclasses.replace(bundle, card=card)
    assert way_for(head, has_recordings=False).name == LEARN_AGAIN
    mixed = dataclasses.replace(bundle, card={**card, "data": {**data, "mine": 1}})
    assert way_for(mixed, has_recordings=False).name == THRESHOLD


@pytest.mark.parametrize("card", [{}, {"recipe": 3}, {"recipe": {"network": {}, "training": {"new": 1}}}])
def test_a_card_without_a_recipe_of_ours_leaves_the_threshold(
    bundle: Bundle, card: dict[str, object]
) -> None:
    way = way_for(dataclasses.replace(bundle, card=card), has_recordings=True)
    assert way.name == THRESHOLD
    assert "its card does not say" in way.why


def test_the_bundled_models_tell_their_recipe() -> None:
    recipe = recipe_of(find_bundle("computer").card)
    assert recipe.network["name"] == "gru"
    assert recipe.training.epochs == 24
    assert gentler(recipe).training.epochs == 8
    assert gentler(recipe).material.synthetic_words == recipe.material.synthetic_words
