"""The matcher: it finds phrases that it never learned, tells when, and comes back from its file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from matching import babble, stream_of

pytest.importorskip("tensorflow")
pytest.importorskip("pocketsphinx")
pytestmark = pytest.mark.tensorflow

from kws.detector import Candidate as Proposed  # noqa: E402
from kws.errors import KwsError  # noqa: E402
from kws.evaluation import Occurrence  # noqa: E402
from kws.evaluation.streams import Layout, RowStream, Segment  # noqa: E402
from kws.events import Detection  # noqa: E402
from kws.recognition.tokens import PHONES  # noqa: E402
from kws.scoring import ScoreTrack  # noqa: E402
from training.accuracy.dev_streams import CLEAN, NOISY, SPEECH  # noqa: E402
from training.accuracy.looked import Candidate, Looked  # noqa: E402
from training.accuracy.measure import Scored  # noqa: E402
from training.ladder import matched as rung  # noqa: E402
from training.ladder.spelled import counted  # noqa: E402
from training.matcher import dev, score  # noqa: E402
from training.matcher.beside import both  # noqa: E402
from training.matcher.examples import Drawing  # noqa: E402
from training.matcher.fusion import Word, heard_at, lowest, outcomes  # noqa: E402
from training.matcher.held_out import split, told  # noqa: E402
from training.matcher.kept import Kept, matcher_file, read_matcher, write_matcher  # noqa: E402
from training.matcher.learn import LearningRecipe, learn  # noqa: E402
from training.matcher.network import Matcher, MatcherConfig, scaling_of  # noqa: E402
from training.matcher.phrases import phrases_of  # noqa: E402
from training.matcher.score import logit_of, score_of, track_of  # noqa: E402

NEW = ("S", "IY", "K", "EH", "B", "AA")
"""Said by nobody in what is learned from."""


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    """One that has learned for some seconds."""
    import keras

    keras.utils.set_random_seed(1)
    heard = stream_of(babble(1500, rng()), rng())
    drawing = Drawing(heard, phrases_of(heard), rng())
    learned, kept = split(drawing, np.arange(1500) % 10 == 0)
    assert set(learned.phrases.clip).isdisjoint(kept.phrases.clip)
    config = MatcherConfig(width=32, heads=2, blocks=1, inner=64)
    matcher = Matcher(config, scaling_of(heard.rows[:, config.columns]))
    recipe = LearningRecipe(
        24, 10, 24, 28, 12, sought=500, kept=100, every=100, rate=6e-3, dropout=0.0, averaging=0.98
    )
    told_of: list[float] = []
    learn(matcher, learned, 400, recipe, seed=1, report=lambda p: told_of.append(p.loss), every=100)
    assert told_of[-1] < 0.7 * told_of[0]
    assert told(matcher, learned, kept, seed=1).missed.count < 1000  # of 1500
    return matcher


def test_a_phrase_that_it_never_learned_is_heard_where_it_is_said(matcher: Matcher) -> None:
    pieces = babble(60, rng(3))
    pieces[30] = [list(NEW)]
    heard = stream_of(pieces, rng(4))
    track = track_of(matcher, heard.rows[:, :96], [PHONES.encode(NEW)])
    said = heard.ends[heard.words[np.flatnonzero(heard.piece == 30)[0] + 1] - 1]
    best = int(track.score.argmax())
    assert 0 <= best * score.EVERY - said <= 8
    assert track.time[best] == pytest.approx(0.095 + 0.08 * best * score.EVERY)
    others = np.abs(np.arange(len(track.score)) * score.EVERY - said) > 25
    assert logit_of(track.score[best : best + 1])[0] > logit_of(track.score[others]).max() + 0.5


def test_of_several_spellings_the_best_counts(matcher: Matcher) -> None:
    heard = stream_of(babble(10, rng(5)), rng(5))
    ways = [PHONES.encode(NEW), PHONES.encode(("M", "AA", "D", "IY"))]
    one, other, any_ = (
        track_of(matcher, heard.rows[:, :96], spelled).score for spelled in (ways[:1], ways[1:], ways)
    )
    assert any_ == pytest.approx(np.maximum(one, other), abs=1e-5)
    with pytest.raises(KwsError, match="at most 24"):
        track_of(matcher, heard.rows[:, :96], [PHONES.encode(("AA", "B") * 13)])


def test_a_track_does_not_depend_on_what_comes_after(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = stream_of(babble(10, rng(6)), rng(6))
    whole = track_of(matcher, heard.rows[:, :96], [PHONES.encode(NEW)])
    monkeypatch.setattr(score, "_AT_ONCE", 16)
    first = track_of(matcher, heard.rows[:80, :96], [PHONES.encode(NEW)])
    assert first.score == pytest.approx(whole.score[:40], abs=1e-5)


def test_it_comes_back_from_its_file(matcher: Matcher, tmp_path: Path) -> None:
    path = matcher_file(tmp_path, "embedding")
    write_matcher(path, Kept(matcher, {"seed": 1}))
    again = read_matcher(path)
    assert again.card["seed"] == 1
    rows = stream_of(babble(5, rng(7)), rng(7)).rows[:, :96]
    one, other = (track_of(m, rows, [PHONES.encode(NEW)]).score for m in (matcher, again.matcher))
    assert other == pytest.approx(one, abs=0.02)  # 16 bits
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(KwsError, match="not a matcher"):
        read_matcher(path)


@pytest.mark.parametrize(("hears", "columns"), [("embedding", 96), ("phones", 80), ("both", 176)])
def test_a_dev_stream_has_the_columns_that_a_matcher_hears(
    monkeypatch: pytest.MonkeyPatch, hears: str, columns: int, tmp_path: Path
) -> None:
    embedded, steps = np.full((9, 96), 7, np.int8), np.full((19, 40), -1.0, np.float32)
    monkeypatch.setattr(dev, "dev_stream", lambda *_, **__: RowStream(embedded, Layout(())))
    monkeypatch.setattr(dev, "recognizer_steps", lambda *_: steps)
    config = MatcherConfig(hears, width=8, heads=2, blocks=1, inner=8)
    found = dev.heard_stream(config, "tea", "speech", tmp_path).rows
    assert found.shape == (9, columns)
    assert sorted(set(found[:, 0].tolist()) | set(found[:, -1].tolist())) == {
        "embedding": [7], "phones": [-15], "both": [-15, 7]
    }[hears]  # fmt: skip
    assert len(track_of(Matcher(config, scaling_of(found)), found, [(1, 2)]).score) == 5


def test_without_a_matcher_the_rung_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match=r"make it with python -m training\.matcher"):
        rung.matched("computer", "matched", "embedding", "", tmp_path)


def test_a_score_is_its_logit() -> None:
    logits = np.array([-20, -1, 0, 3, 25], np.float32)
    assert logit_of(score_of(logits)) == pytest.approx(logits, abs=0.05)


WORD = Occurrence(10.0, 10.6)
ALARM = 30.0


def track(at: float, high: float, *, seconds: float = 0.16) -> ScoreTrack:
    time = seconds * np.arange(1, round(60 / seconds))
    return ScoreTrack(time, np.where(np.abs(time - at) < 0.2, high, 0.05).astype(np.float32))


def test_beside_the_spotter_the_mean_of_both_logits_decides() -> None:
    spotted, matched = track(10.6, 0.9, seconds=0.04), track(10.9, 0.8)
    assert both(matched, spotted, 0) is spotted
    assert both(matched, spotted, math.inf) is matched
    found = both(matched, spotted, 1.0)
    assert found.time.tolist() == matched.time.tolist()
    own, other = math.log(9), 4 * math.log(4)
    assert logit_of(found.score[found.score.argmax() :][:1])[0] == pytest.approx((own + other) / 2, abs=0.01)
    # The spotter's score is held for half a second, and no longer.
    assert 11.1 < found.time[found.score > 0.3].max() < 10.6 + 0.2 + 0.48 + 0.16


def test_counts_are_those_at_the_lowest_threshold_that_keeps_to_the_rate() -> None:
    layout = Layout((Segment(9.0, 11.0, "", "", "a", WORD),))
    speech = Layout((Segment(0.0, 3600.0, "", "", "b"),))
    heard = {
        CLEAN: Scored(track(10.5, 0.9), layout),
        NOISY: Scored(track(10.5, 0.4), layout),
        SPEECH: Scored(track(ALARM, 0.5), speech),
    }
    found = counted("tea", "matched", heard, 5, (0.0, 0.0), "")
    assert found.misses == {"0.5": {CLEAN: 0, NOISY: 1}, "1": {CLEAN: 0, NOISY: 0}}
    assert found.false_alarms == {"0.5": 0, "1": 1}


def candidates(*moments: tuple[float, float]) -> list[Candidate]:
    """When, and what the stages came to."""
    steps = [round(end / 0.08) for end, _ in moments]
    return [
        Candidate(Detection("tea", 0.5, 0.1, end - 0.5, end), told, Proposed(step, 0.5, step))
        for (end, told), step in zip(moments, steps, strict=True)
    ]


def test_a_matcher_beside_the_stages_of_a_word() -> None:
    said = Layout((Segment(9.0, 11.0, "", "", "a", WORD),))
    speech = Layout((Segment(0.0, 3600.0, "", "", "b"),))
    looks = Looked(
        0.1,
        {CLEAN: candidates((10.6, 0.6)), NOISY: candidates((10.6, 0.3)), SPEECH: candidates((ALARM, 0.4))},
        {CLEAN: said, NOISY: said, SPEECH: speech},
        12,
    )
    matched = {CLEAN: [0.99], NOISY: [0.99], SPEECH: [0.01]}
    word = Word("tea", looks, 2.5, matched)
    without, beside = (lowest(outcomes([word], weight), 0) for weight in (0.0, 1.0))
    assert without
    assert beside
    assert (without.clean.count, without.noisy.count, without.alarms.count) == (0, 1, 0)
    assert (beside.clean.count, beside.noisy.count, beside.alarms.count) == (0, 0, 0)
    (fused,) = word.with_matcher(1.0).candidates[NOISY]
    assert math.log(fused.score / (1 - fused.score)) == pytest.approx(
        (2.5 * math.log(3 / 7) + math.log(99)) / 3.5
    )
    allowed = lowest(outcomes([word], 0.0), 1)
    assert allowed
    assert (allowed.noisy.count, allowed.alarms.count) == (0, 1)


def test_a_candidate_has_the_best_logit_about_it() -> None:
    (candidate,) = candidates((10.6, 0.5))
    assert heard_at(track(10.8, 0.7), candidate) == pytest.approx(1 / (1 + (3 / 7) ** 4), abs=0.001)
    assert heard_at(track(11.5, 0.7), candidate) < 1 / 512
