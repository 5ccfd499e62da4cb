"""Learning heads: examples stand where marks say, recordings are embedded once, and a word is learned."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from heads import random_head, random_rows
from signals import noise, tone

from kws.encoders.rows import EmbeddingRows
from kws.errors import KwsError
from kws.frontends import MICRO_EMBEDDING, SPEECH_EMBEDDING
from kws.types import SAMPLE_RATE
from training.data.manifest import Clip
from training.heads import material, trial
from training.heads.background import FILES, read_background, write_background
from training.heads.examples import join
from training.heads.grid import STEP, grid_of
from training.heads.head import Committee
from training.heads.material import POSITIVE_SECONDS, _copies, marked
from training.heads.recipe import HeadRecipe, head_recipe
from training.heads.sources import sources_of
from training.material import embedded
from training.material.embedded import HEARD, Take, embed
from training.material.ingredients import ingredients
from training.material.noises import made_noises
from training.material.tapes import IGNORED, NEGATIVE, POSITIVE
from training.recipe import MaterialRecipe

# Examples


def test_examples_stand_where_the_marks_say():
    rows = [random_rows(seed, 40) for seed in (0, 1)]
    marks = [np.full(40, NEGATIVE, np.int8) for _ in rows]
    marks[0][10:14], marks[0][14:20] = POSITIVE, IGNORED
    marks[1][30:32], marks[1][39:] = POSITIVE, POSITIVE
    known = join(list(zip(rows, marks, strict=True)), look_back=5, steps=4)
    assert len(known.negative) == 30 + 37
    heard = known.rows[known.words]
    assert np.array_equal(heard[0], rows[0][10:14])
    assert np.array_equal(heard[1], rows[1][[30, 31, 31, 31]])
    assert np.array_equal(heard[2], rows[1][[39, 39, 39, 39]])
    assert np.array_equal(known.windows(known.negative[:1], 5)[0], np.pad(rows[0][:1], ((4, 0), (0, 0))))


def test_no_window_reaches_into_the_sequence_before():
    rows = [np.full((6, 96), number, np.int8) for number in (1, 2)]
    marks = [np.zeros(6, np.int8)] * 2
    known = join(list(zip(rows, marks, strict=True)), look_back=3, steps=1)
    for window in known.windows(known.negative, 4):
        assert len(set(window.ravel()) - {0}) == 1


def test_every_part_leaves_out_sequences_of_its_own():
    rows = [random_rows(seed, 40) for seed in range(5)]
    marks = np.full(40, NEGATIVE, np.int8)
    marks[20:22] = POSITIVE
    known = join([(found, marks) for found in rows], look_back=5, steps=2)
    for number in range(2):
        part = known.left_by(number, 2)
        assert {int(lane) % 2 for lane in part.lane[part.negative]} == {1 - number}
        assert {int(lane) % 2 for lane in part.lane[part.words[:, 0]]} == {1 - number}
        assert part.rows is known.rows


# Takes


@pytest.fixture
def takes(tmp_path) -> list[Take]:
    """Nine of a second or two, every third with the phrase at its end; files and samples alternate."""
    made = []
    for number in range(9):
        sound = (tone(200 + 150 * number) if number % 2 else noise(2_000, number))[
            : SAMPLE_RATE * (1 + number % 2)
        ]
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, sound, SAMPLE_RATE)
        end = None if number % 3 else len(sound) / SAMPLE_RATE
        made.append(Take(sound if number % 2 else path, end))
    return made


def test_all_takes_are_heard_once_and_named(takes, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "PARTS", 3)
    found = embed(takes, [], seed=1, cache=tmp_path / "cache", workers=1)
    assert found.rows.shape == (len(found.owner), 96)
    assert found.first.sum() == 3
    counts = np.bincount(found.owner, minlength=9) * 0.08
    assert all(abs(count - (1.8 + number % 2)) < 0.9 for number, count in enumerate(counts))


def test_the_time_since_the_phrase_counts_from_its_end(takes, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "PARTS", 1)
    found = embed(takes, [], seed=1, cache=tmp_path, workers=1)
    assert np.isinf(found.since[0])
    since = np.where(np.isinf(found.since), 1e6, found.since)
    steps = np.diff(since)
    begins = np.flatnonzero(steps < 0) + 1
    assert np.allclose(steps[(steps > 0) & (since[1:] < 1e6)], 0.08, atol=1e-3)
    # As soon as the phrase has ended, its take is being heard still.
    assert [int(found.owner[row]) % 3 for row in begins] == [0, 0, 0]
    assert np.all(np.abs(found.since[begins]) <= 0.04 + 1e-6)


def test_the_number_of_workers_changes_nothing_and_the_cache_is_read(takes, tmp_path, monkeypatch):
    noises = [takes[0].audio, takes[1].audio]
    one, two = (embed(takes, noises, seed=1, cache=tmp_path / str(n), workers=n) for n in (1, 2))
    assert np.array_equal(one.rows, two.rows)
    assert np.array_equal(one.owner, two.owner)
    assert np.array_equal(one.since, two.since)
    monkeypatch.setattr(embedded, "_made", None)
    again = embed(takes, noises, seed=1, cache=tmp_path / "1")
    assert np.array_equal(again.rows, one.rows)


def test_what_a_take_says_is_part_of_what_is_kept(takes, tmp_path):
    embed(takes, [], seed=1, cache=tmp_path, workers=1)
    changed = [dataclasses.replace(takes[0], end=0.5), *takes[1:]]
    embed(changed, [], seed=1, cache=tmp_path, workers=1)
    assert len(list(tmp_path.glob("embedded-*.npz"))) == 2


def test_a_stream_is_what_the_deployed_encoder_hears(takes, monkeypatch):
    pushed = []

    class Listening(EmbeddingRows):
        def push(self, samples):
            pushed.append(samples)
            return super().push(samples)

    monkeypatch.setattr(embedded, "new_front_end", lambda name: {SPEECH_EMBEDDING: Listening}[name]())
    rows, _, _ = embedded._stream((takes, [], SPEECH_EMBEDDING, HEARD), (1, 0, np.arange(2)))
    assert np.array_equal(rows, EmbeddingRows().push(np.concatenate(pushed)))


# Other speech that the package brings


def test_background_is_read_as_it_was_written_but_for_its_steps(takes, tmp_path):
    clips = [
        Clip(Path("x"), f"c{n}", "train", "speech", f"Text {n}", "s", 1.0, "ship") for n in range(len(takes))
    ]
    heard = embed(takes, [], seed=1, cache=tmp_path, workers=1)
    write_background(tmp_path / "b.npz", heard, clips)
    found = read_background(tmp_path / "b.npz")
    assert np.array_equal(found.owner, heard.owner)
    assert np.array_equal(found.first, heard.first)
    assert found.texts[3] == "text 3"
    assert found.corpora[3] == "c3"
    assert np.array_equal(found.grid.coarse(heard.rows), found.rows)


def test_coarse_rows_lie_near_their_own_however_far_from_zero():
    rng = np.random.default_rng(4)
    together = rng.standard_normal((3000, 8)) @ rng.standard_normal((8, 96))
    centre = np.linspace(-100, 100, 96)
    rows = np.rint(centre + 3 * together + rng.standard_normal((3000, 96))).clip(-128, 127).astype(np.int8)
    grid = grid_of(rows)
    coarse = grid.coarse(rows)
    off = (coarse.astype(float) - rows) / grid.deviation
    assert np.sqrt(np.mean(off**2)) < STEP / np.sqrt(12) + 0.1  # of steps all alike
    assert np.all(np.abs(off.mean(axis=0)) < 0.1)
    assert np.array_equal(grid.coarse(coarse), coarse)
    assert np.mean(grid.codes(rows) == 0) > 0.6


def test_background_that_is_damaged_or_foreign_is_refused(tmp_path):
    path = tmp_path / "b.npz"
    with pytest.raises(KwsError, match="not readable"):
        read_background(path)
    path.write_bytes(b"nothing")
    with pytest.raises(KwsError, match="not readable"):
        read_background(path)
    np.savez(path, encoder=np.array("another"))
    with pytest.raises(KwsError, match="another encoder"):
        read_background(path)


def test_what_the_package_brings_fits_every_encoder():
    for encoder, hours in ((SPEECH_EMBEDDING, 8.9), (MICRO_EMBEDDING, 8.9)):
        found = read_background(encoder=encoder)
        assert len(found.rows) * 0.08 / 3600 > hours
        assert found.owner.max() < len(found.texts)
        assert len({text for text in found.texts if text}) > 500
    assert sum(path.stat().st_size for path in FILES.values()) < 15_000_000


def test_made_noises_differ_and_are_neither_silent_nor_clipped():
    sounds = made_noises(6, seed=3)
    assert len({sound.tobytes() for sound in sounds}) == 6
    for sound in sounds:
        assert sound.shape == (10 * SAMPLE_RATE,)
        assert 300 < np.abs(sound.astype(int)).max() < 32_767
    assert np.array_equal(made_noises(6, seed=3)[4], sounds[4])


# Material


@pytest.mark.parametrize(
    ("synthetic", "real", "share", "copies"),
    [(6000, 715, 0.4, 6), (6000, 10, 0.4, 100), (100, 400, 0.4, 1), (100, 0, 0.4, 67), (100, 10, 1.0, 100)],
)
def test_people_are_heard_often_enough_beside_synthetic_voices(synthetic, real, share, copies):
    assert _copies(synthetic, real, share) == copies


def test_marks_stand_by_what_is_known_of_the_phrase(takes, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "PARTS", 2)
    found = embed(takes, [], seed=1, cache=tmp_path, workers=1)
    holding = [take.end is not None for take in takes]
    marks = np.concatenate([part for _, part in marked(found, holding)])
    low, high = POSITIVE_SECONDS
    assert np.array_equal(marks == POSITIVE, (found.since >= low) & (found.since < high))
    inside = np.array(holding)[found.owner]
    assert not np.any(marks[inside] == NEGATIVE)
    assert np.all(marks[~inside & ~(found.since < 3)] == NEGATIVE)


# Recipe


def test_a_few_recordings_do_not_take_the_place_of_what_the_package_brings(monkeypatch, tmp_path):
    def clip(kind: str, hours: float) -> Clip:
        return Clip(tmp_path / f"{kind}.wav", "mine", "train", kind, "tea", "anna", 3600 * hours, "ship")

    assert material._hours([clip("noise", 5.0), clip("sentence", 0.5), clip("word", 0.25)]) == 0.75

    class Read(Exception):
        pass

    def read(*, encoder: str) -> None:
        raise Read

    monkeypatch.setattr(material, "read_background", read)
    recipe = MaterialRecipe(synthetic_words=0, synthetic_speech=0)
    for clips, packed in (([clip("noise", 5.0)], True), ([clip("sentence", 2.0)], False)):
        monkeypatch.setattr(material, "trainable", lambda clips=clips: clips)
        with pytest.raises(Read if packed else KwsError):
            material.gather("blue", recipe, look_back=3, seed=1, cache=tmp_path)


def test_a_phrase_that_nobody_says_is_told_of(tmp_path):
    with pytest.raises(KwsError, match="nobody says 'blue'"):
        material.gather(
            "blue",
            MaterialRecipe(synthetic_words=0, synthetic_speech=0),
            look_back=3,
            seed=1,
            cache=tmp_path,
            recordings=False,
        )
    with pytest.raises(KwsError, match="nobody says 'blue'"):
        ingredients("blue", MaterialRecipe(synthetic_words=0, synthetic_speech=0), seed=1, recordings=False)


def test_a_recipe_reads_and_mistakes_are_named():
    assert head_recipe({"name": "embedding-head", "context": 8}) == HeadRecipe(context=8)
    with pytest.raises(
        KwsError,
        match=r"unknown key network\.units; allowed are encoder, second, voices, second_voices, whole, ",
    ):
        head_recipe({"name": "embedding-head", "units": 3})
    with pytest.raises(KwsError, match=r"network\.hidden is 2\.5, expected int"):
        head_recipe({"hidden": 2.5})
    with pytest.raises(
        KwsError, match=r"network\.second_voices is 'nobody', allowed are '', 'generator', 'syn"
    ):
        head_recipe({"second_voices": "nobody"})
    for network in ({"second": SPEECH_EMBEDDING}, {"second": "mfcc"}):
        with pytest.raises(KwsError, match=r"network\.second is .*, allowed is 'micro-embedding'"):
            head_recipe(network)
    with pytest.raises(KwsError, match=r"where network\.whole is not set"):
        head_recipe({"encoder": MICRO_EMBEDDING, "whole": True, "second": SPEECH_EMBEDDING})


# Learning


def sequences(seed: int, count: int = 12) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of noise; a word is a ramp in some of the values over five rows."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        rows, marks = random_rows(1000 * seed + number, 200).astype(float), np.full(200, NEGATIVE, np.int8)
        for end in rng.integers(20, 180, 2) // 30 * 30 + 20:
            rows[end - 5 : end, :24] += np.linspace(-40, 40, 5)[:, None]
            marks[end - 4 : end + 8], marks[end - 1 : end + 2] = IGNORED, POSITIVE
        made.append((np.clip(rows, -128, 127).astype(np.int8), marks))
    return made


@pytest.fixture(scope="module")
def learnt():
    """A head trained for a few seconds, and what it learned from."""
    pytest.importorskip("tensorflow")
    from training.heads.learning import fit

    known = join(sequences(1), look_back=8, steps=3)
    recipe = HeadRecipe(
        context=8, projected=8, hidden=8, rounds=3, steps=60, words=24, negatives=96, hardest=200
    )
    return [*fit(known, recipe, seed=3)], known


@pytest.mark.tensorflow
def test_a_head_learns_to_hear_a_word_it_was_not_shown(learnt):
    progress, _ = learnt
    assert [p.round for p in progress] == [1, 2, 3]
    others = join(sequences(2), look_back=8, steps=3)
    logits = progress[-1].head.logits(others.rows)
    words, rest = logits[others.words].max(axis=1), logits[others.negative]
    assert np.mean(words > np.quantile(rest, 0.99)) > 0.8


@pytest.mark.tensorflow
def test_the_seed_decides(learnt):
    from training.heads.learning import fit

    _, known = learnt
    short = HeadRecipe(context=8, projected=8, hidden=8, rounds=1, steps=5, words=8, negatives=32, hardest=50)
    one, same, other = (next(iter(fit(known, short, seed=seed))).head for seed in (1, 1, 2))
    assert np.array_equal(one.project, same.project)
    assert not np.array_equal(one.project, other.project)


@pytest.mark.tensorflow
def test_scores_are_spread_over_the_steps_there_are(learnt):
    from training.heads.bundling import PER_HOUR, spread

    progress, known = learnt
    head = Committee((progress[-1].head,))
    changed = spread(head.scaled(30.0, 2.0), known)
    logits = changed.logits(known.rows)
    often = round(PER_HOUR * len(known.negative) * 0.08 / 3600)
    assert np.quantile(logits[known.words].max(axis=1), 0.75) == pytest.approx(1.5, abs=1e-3)
    assert np.sort(logits[known.negative])[-often] == pytest.approx(-1.5, abs=1e-3)
    order = np.argsort(head.logits(known.rows)[known.negative])
    assert np.all(np.diff(logits[known.negative][order]) > -1e-3)


# Trial


def test_false_alarms_are_counted_where_a_head_has_not_learned():
    loud, deaf = (
        dataclasses.replace(random_head(context=3), out=np.zeros(24, np.float32), out_bias=b) for b in (9, -9)
    )
    rows = [random_rows(seed, 30) for seed in range(5)]
    marks = np.full(30, NEGATIVE, np.int8)
    marks[:4] = IGNORED
    known = join([(found, marks) for found in rows], look_back=3, steps=1, first_real=1)
    track, hours = trial._speech(Committee((loud, deaf)), known, 1)
    assert hours == pytest.approx(4 * 26 * 0.08 / 3600)
    # Sequences 1 to 4 stand one after the other; 2 and 4 are heard by the first head.
    stands = track.score.reshape(4, -1) > 0.5
    assert stands.any(axis=1).tolist() == [False, True, False, True]
    assert not stands[:, : 3 + 4].any(), "what is not judged is no false alarm"
    assert np.all(np.diff(track.time) > 0.079)


def test_what_was_said_stands_beside_the_rows_of_it():
    rows = [random_rows(seed, count) for seed, count in ((0, 7), (1, 4), (2, 5))]
    known = join([(found, np.full(len(found), NEGATIVE, np.int8)) for found in rows], look_back=3, steps=1)
    owner = np.repeat([2, 0, 1], [7, 4, 5]).astype(np.int32)
    first = np.isin(np.arange(16), (0, 7, 11))
    said = sources_of(["a", "b", "c"], owner, first, look_back=3)
    assert len(said.owner) == len(known.rows)
    for sequence, name in enumerate("cab"):
        here = said.owner[known.lane == sequence]
        assert here[:3].tolist() == [-1] * 3
        assert {said.names[place] for place in here[3:]} == {name}


def test_a_trial_sets_the_threshold_by_false_alarms_and_words(tmp_path):
    pytest.importorskip("tensorflow")
    rows = [random_rows(seed, 600) for seed in range(6)]
    known = join([(found, np.full(600, NEGATIVE, np.int8)) for found in rows], look_back=16, steps=1)
    found = trial.examine(
        Committee((random_head(1), random_head(2))),
        known,
        "computer",
        encoder=SPEECH_EMBEDDING,
        window=2,
        seed=1,
        cache=tmp_path,
    )
    assert found.at.false_alarms.per_hour <= trial.PER_HOUR
    assert found.at.misses.total == trial.SPOKEN_WORDS
    assert found.as_json()["threshold"] == found.threshold
    alarms = [row.false_alarms.count for row in found.table]
    assert alarms == sorted(alarms, reverse=True)
    assert "synthetic words missed" in str(found)


@pytest.mark.tensorflow
def test_a_head_that_learned_nothing_is_left_alone(learnt):
    from training.heads.bundling import spread

    progress, known = learnt
    deaf = Committee((dataclasses.replace(progress[-1].head, out=np.zeros(8, np.float32)),))
    assert spread(deaf, known) is deaf
