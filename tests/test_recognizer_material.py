"""What the recognizer learns from: texts, labels, takes, batches; and the reading that scores it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow")
pytest.importorskip("pocketsphinx")

from kws.encoders.full_band import FullBandConfig
from kws.errors import KwsError
from kws.frontends import FULL_BAND
from kws.recognition.tokens import PHONES
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.material.augment import narrow
from training.recipe import find_recipe
from training.recognizer import material, sentences
from training.recognizer.batches import Shelf, mask
from training.recognizer.corpus import Utterance, recorded
from training.recognizer.hearing import hearing
from training.recognizer.labels import phones_of, spoken_words, steps_needed
from training.recognizer.material import DEV_SETS, LEARNT_SETS
from training.recognizer.network import OUTPUTS
from training.recognizer.recipe import MaterialRecipe, read_recipe
from training.recognizer.scoring import error_rates, greedy
from training.recognizer.takes import (
    AS_RECORDED,
    NOISY,
    VERSIONS,
    Takes,
    cached_takes,
    in_strings,
    joined,
    make_takes,
)


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """One tone as a sentence and three as words."""
    folder = tmp_path_factory.mktemp("tones")
    made = []
    for number, text in enumerate(("turn it off", "yes", "no", "stop")):
        path = folder / f"{number}.wav"
        time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        soundfile.write(path, 0.2 * np.sin(2 * np.pi * 300 * (number + 1) * time), SAMPLE_RATE)
        made.append(Utterance(path, text, "tones", "a", is_word=number > 0))
    return made


def test_texts_are_written_as_they_are_said() -> None:
    assert spoken_words("Don't stop -- NOW!") == "don't stop now"
    assert spoken_words("in 1840") == ""
    assert spoken_words("café") == ""


def test_phones_are_the_usual_ones() -> None:
    assert phones_of("turn on") == ("T", "ER", "N", "AA", "N")
    assert set(phones_of("zorblax")) <= set(PHONES.symbols)


def test_ctc_needs_a_blank_between_equal_labels() -> None:
    assert steps_needed((1, 2, 2, 2, 3)) == 7


def test_templates_draw_every_alternative_and_leave_no_marks() -> None:
    rng = np.random.default_rng(1)
    drawn = {sentences.filled("(a|b) [c|d] <digit>", rng) for _ in range(500)}
    assert len(drawn) == 2 * 3 * 11
    for draw in (sentences.command, sentences.digits, sentences.order, sentences.short_words):
        assert all(spoken_words(text) == text for text in (draw(rng) for _ in range(200)))


def test_an_order_says_an_before_a_vowel() -> None:
    assert (
        sentences.filled("a americano with a latte", np.random.default_rng(1)) == "an americano with a latte"
    )


def test_words_come_in_strings_and_sentences_alone(utterances: list[Utterance]) -> None:
    strings = in_strings(utterances, 2, np.random.default_rng(1))
    assert strings[0] == (utterances[0],)
    assert sorted(u.text for string in strings[1:] for u in string) == ["no", "stop", "yes"]
    assert max(map(len, strings)) <= 2


def test_takes_do_not_depend_on_the_number_of_workers(utterances: list[Utterance]) -> None:
    config = replace(NOISY, room_share=0.0)
    one, two = (make_takes(utterances, (), config, seed=4, workers=n) for n in (1, 2))
    np.testing.assert_array_equal(one.rows, two.rows)
    assert one.texts == two.texts


def test_a_share_of_the_sentences_is_left_out_but_no_word(utterances: list[Utterance]) -> None:
    many = [replace(utterances[0], text=f"turn it {word}") for word in ("on", "off", "up", "down")] * 5
    config = replace(AS_RECORDED, sentence_share=0.4)
    takes = make_takes([*many, *utterances[1:]], (), config, seed=1)
    assert 3 <= len(takes) - 3 <= 14
    assert set(takes.texts) >= {"yes", "no", "stop"}


def test_tight_takes_begin_with_the_speech(utterances: list[Utterance], tmp_path: Path) -> None:
    path = tmp_path / "late.wav"
    samples = np.concatenate([np.zeros(SAMPLE_RATE), read_samples(utterances[1].path) / 32768])
    soundfile.write(path, samples, SAMPLE_RATE)
    late = replace(utterances[1], path=path)
    as_recorded = make_takes([late], (), AS_RECORDED, seed=1)
    tight = make_takes([late], (), replace(AS_RECORDED, tight_share=1.0, margin=(0.0, 0.0)), seed=1)
    assert as_recorded.lengths[0] == 198
    assert tight.lengths[0] < 105


def test_a_telephone_passes_nothing_above_four_kilohertz() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low, high = (np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (1000, 6000))
    heard = narrow(low + high)
    assert heard.shape == low.shape
    middle = slice(1000, -1000)
    np.testing.assert_allclose(heard[middle], low[middle], atol=1e-2)


def test_cached_takes_are_found_however_the_path_of_the_cache_is_written(
    utterances: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(shutil.copy(utterances[0].path, tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    for folder in (tmp_path, Path(tmp_path.name)):
        inside = replace(utterances[0], path=folder / own.name)
        takes = cached_takes(folder, [inside, utterances[1]], (), AS_RECORDED, seed=1)
        assert list(takes.texts) == ["turn it off", "yes"]
    assert len(list(tmp_path.glob("*.npz"))) == 1


def test_takes_keep_their_rows_apart_through_cache_and_joining(
    utterances: list[Utterance], tmp_path: Path
) -> None:
    takes = cached_takes(tmp_path, utterances, (), AS_RECORDED, seed=1)
    again = cached_takes(tmp_path, utterances, (), AS_RECORDED, seed=1)
    both = joined([takes, again])
    assert len(list(tmp_path.glob("*.npz"))) == 1
    assert takes.texts[0] == "turn it off"
    assert takes.phones[0] == "T ER N IH T AO F"
    assert takes.lengths.tolist() == [98] * 4  # one second, and no more
    np.testing.assert_array_equal(both[4], takes[0])
    np.testing.assert_array_equal(both[7], takes[3])


def made_takes(lengths: list[int], texts: list[str]) -> Takes:
    rows = np.concatenate([np.full((n, 40), number, np.int8) for number, n in enumerate(lengths)])
    phones = tuple(" ".join(phones_of(text)) for text in texts)
    return Takes(rows, np.cumsum(lengths), tuple(texts), phones, ("made",) * len(texts))


def test_batches_hold_every_take_once_within_the_budget() -> None:
    takes = made_takes([400, 100, 220, 90, 310], ["yes"] * 5)
    seen: list[int] = []
    for indices, batch in Shelf([takes]).batches(500):
        seen += indices
        assert batch.rows.shape[1] % hearing().stride == 0
        assert len(indices) == 1 or len(indices) * max(takes.lengths[indices]) <= 500
        for lane, index in enumerate(indices):
            length = takes.lengths[index]
            np.testing.assert_array_equal(batch.rows[lane, :length], takes[index])
            assert (batch.rows[lane, length:] == hearing().quiet).all()
            assert batch.steps[lane] == (length + hearing().after_rows) // hearing().stride
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_the_first_epoch_goes_from_short_to_long_and_leaves_out_what_does_not_fit() -> None:
    takes = made_takes([400, 100, 220, 12], ["yes", "no", "stop", "turn it off please"])
    widths = [batch.rows.shape[1] for batch in Shelf([takes]).first_epoch(100)]
    assert widths == [124, 244, 424]


def test_an_epoch_takes_its_share_of_all_versions() -> None:
    takes = made_takes([100] * 30, ["yes"] * 30)
    batches = list(Shelf([takes, takes, takes]).epoch(1000, np.random.default_rng(1)))
    assert sum(len(batch.steps) for batch in batches) == 30


def test_masks_stay_small() -> None:
    rows = np.zeros((50, 400, 40), np.int8)
    mask(rows, np.full(50, 400), hearing(), np.random.default_rng(1))
    assert 0.05 < (rows == hearing().quiet).mean() < 0.4


def test_some_masked_takes_hear_what_a_telephone_does() -> None:
    ear, config = hearing(FULL_BAND), FullBandConfig()
    narrow_takes = 0
    for seed in range(200):
        rows = np.full((4, config.channels), 100, np.int8)
        ear.hide(rows, np.random.default_rng(seed))
        energies = (rows != 100)[:, config.lower.values :].reshape(-1, config.log_mel.channels)
        assert (energies == energies[0]).all()
        hidden = np.flatnonzero(energies[0])
        if len(hidden) and hidden[-1] == config.log_mel.channels - 1 and len(hidden) in (7, 8, 9, 10):
            narrow_takes += np.array_equal(hidden, np.arange(hidden[0], config.log_mel.channels))
    assert 40 < narrow_takes < 80


def test_greedy_merges_repeats_but_not_across_a_blank() -> None:
    steps = [0, 1, 1, 0, 1, 2, 2, 0]
    assert greedy(np.eye(40, dtype=np.float32)[steps], "phones") == "AA AA AE"


def test_error_rates_are_pooled() -> None:
    rates = error_rates(["AA B", "K"], ["ab", "c d"], ["AA B", "T"], ["ab", "c e"])
    assert rates.phones == pytest.approx(100 / 3)
    assert rates.characters == pytest.approx(100 / 5)
    assert rates.words == pytest.approx(100 / 3)


def test_outputs_cover_both_token_sets_without_a_gap() -> None:
    assert OUTPUTS == {"phones": (0, 40), "characters": (40, 29)}


def test_the_shipped_recipes_read_and_all_courses_go_on_with_the_same_network() -> None:
    first, *later = (read_recipe(find_recipe(name)) for name in ("english", "english_more", "english_last"))
    assert first.network.width > 100
    assert all(recipe.network == first.network for recipe in later)


@pytest.mark.recordings
def test_only_transcribed_recordings_that_may_be_published_on_are_learnt_from(clips) -> None:
    allowed = {c.path for c in clips if c.licence == "ship" and c.split == "train" and c.label}
    learnt = recorded(clips)
    assert {u.path for u in learnt} <= allowed
    assert all(spoken_words(u.text) == u.text for u in learnt)
    assert len(learnt) > 15_000
    measured = {u.corpus for u in recorded(clips, "dev")}
    assert all(set(corpora) <= measured for corpora in DEV_SETS.values())
    assert all(set(corpora) <= {u.corpus for u in learnt} for corpora in LEARNT_SETS.values())


@pytest.mark.parametrize(
    ("left_out", "values"),
    [("tempo", {"speed": (1.0, 1.0)}), ("noise", {"noise_share": 0.0}), ("rooms", {"room_share": 0.0})],
)
def test_a_recipe_leaves_out_tempo_noise_or_rooms(
    left_out: str,
    values: dict[str, object],
    utterances: list[Utterance],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = []
    takes = make_takes(utterances[:2], (), AS_RECORDED, seed=1)
    monkeypatch.setenv("KWS_DATA", str(tmp_path))
    monkeypatch.setattr(material, "synthetic", lambda *_, **__: utterances)
    monkeypatch.setattr(material, "cached_takes", lambda *arguments, **_: heard.append(arguments[3]) or takes)
    recipe = MaterialRecipe(synthetic=2, versions=3, **{left_out: False})
    material.gather(recipe, seed=1, cache=tmp_path, say=lambda _: None)
    assert heard == [replace(version, **values) for version in VERSIONS[:3]]
    assert heard != list(VERSIONS[:3])


def test_abrupt_versions_are_left_out_and_no_more_are_asked_for_than_there_are() -> None:
    assert material._versions(MaterialRecipe(versions=3)) == list(VERSIONS[:3])
    gentle = material._versions(MaterialRecipe(versions=3, abrupt=False))
    assert gentle == [VERSIONS[0], VERSIONS[1], VERSIONS[3]]
    assert not any(version.tight_share for version in gentle)
    with pytest.raises(KwsError, match=r"material\.versions is 4; there are 3"):
        material._versions(MaterialRecipe(versions=4, abrupt=False))
