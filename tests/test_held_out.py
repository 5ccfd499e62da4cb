"""What is held out: whole speakers, always the same ones, and never what is learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.data.manifest import Clip
from training.material.held_out import apart
from training.material.ingredients import (
    HELD_OUT_WORD_SHARE,
    OWN_SHARE,
    REAL_SHARE,
    Ingredients,
    _word_groups,
    gather,
)
from training.material.tapes import Pool, TapeConfig, Tapes
from training.recipe import MaterialRecipe

WORDS = tuple(Path(f"{speaker}-{take}.wav") for speaker in range(40) for take in range(3))
SPEAKERS = {path: path.name.partition("-")[0] for path in WORDS}
CLIPS = tuple(np.full(10, number, np.int16) for number in range(100))
POOL = Pool(((WORDS, 0.6), (CLIPS, 0.4)), WORDS, (Path("a.wav"),), {WORDS[0]: (1, 2)})


def test_speakers_are_on_one_side_and_nothing_is_lost() -> None:
    learnt, held = apart(POOL, 0.25, SPEAKERS)
    sides = [{SPEAKERS[path] for path in pool.words[0][0]} for pool in (learnt, held)]  # type: ignore[index]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 40
    assert 3 < len(sides[1]) < 18
    assert len(learnt.words[1][0]) + len(held.words[1][0]) == 100
    assert [weight for _, weight in held.words] == [0.6, 0.4]
    assert set(learnt.speech) | set(held.speech) == set(WORDS)
    assert learnt.spans == held.spans == POOL.spans


def test_the_name_decides_alone() -> None:
    fewer = Pool(((WORDS[60:], 1.0),), WORDS, (), {})
    _, held = apart(POOL, 0.25, SPEAKERS)
    assert set(apart(fewer, 0.25, SPEAKERS)[1].words[0][0]) == set(held.words[0][0]) & set(WORDS[60:])
    more = apart(POOL, 0.4, SPEAKERS)[1]
    assert set(held.words[0][0]) < set(more.words[0][0])


def test_what_would_leave_a_side_without_noise_is_on_both() -> None:
    learnt, held = apart(POOL, 0.25, SPEAKERS)
    assert learnt.noise == held.noise == POOL.noise
    assert apart(POOL, 0.0, SPEAKERS)[1].words == ()


def test_a_corpus_of_one_speaker_is_not_lost() -> None:
    alone = Pool(((WORDS[:3], 0.5), (CLIPS, 0.5)), WORDS, (), {})
    for share in (0.3, 0.6, 0.9):
        learnt, held = apart(alone, share, SPEAKERS)
        assert learnt.words[0] == (WORDS[:3], 0.5)
        assert len(held.words) == 1


@pytest.mark.parametrize("real", [0, 4])
def test_own_takes_get_their_share_and_the_others_keep_theirs(real: int) -> None:
    said = [Clip(WORDS[n], "some", "train", "word", "w", str(n), 1.0, "ship") for n in range(real)]
    plain, own = (_word_groups(said, CLIPS, takes) for takes in ((), CLIPS[:3]))
    assert sum(share for _, share in plain) == pytest.approx(1)
    assert sum(share for _, share in own) == pytest.approx(1)
    assert own[-1] == (CLIPS[:3], OWN_SHARE)
    assert plain[-1][1] == pytest.approx(1 - REAL_SHARE if real else 1)
    for (_, before), (_, now) in zip(plain, own[:-1], strict=True):
        assert now == pytest.approx(before * (1 - OWN_SHARE))


def test_words_are_rare_on_the_many_tapes_that_choose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[tuple[int, int, float]] = []

    def tapes_of(
        found: Ingredients, recipe: MaterialRecipe, config: TapeConfig, *, seed: int, cache: Path
    ) -> list[Tapes]:
        made.append((recipe.tapes_with_words, recipe.tapes_without, config.word_share))
        return [Tapes(np.zeros((1, 8, 40), np.int8), np.zeros((1, 8), np.int8))]

    known = Ingredients(POOL, POOL, {}, SPEAKERS)
    monkeypatch.setattr("training.material.ingredients.ingredients", lambda *_, **__: known)
    monkeypatch.setattr("training.material.ingredients.tapes_of", tapes_of)
    recipe = MaterialRecipe(tapes_with_words=100, tapes_without=200)
    gather("computer", recipe, seed=1, cache=tmp_path, held_out=0.25)
    assert made == [
        (75, 150, HELD_OUT_WORD_SHARE),
        (100, 200, TapeConfig().word_share),
    ]
