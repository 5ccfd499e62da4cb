"""Learning from what users said of the last seconds: the clips, the words in them, before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from signals import noise

from kws.bundle import Bundle, find_bundle
from kws.errors import KwsError, SourceError
from kws.recording import FALSE_ALARM, MISSED, write_wav
from kws.types import SAMPLE_RATE, Samples
from training.accuracy.figures import Figures, read_figures
from training.evaluate import FIGURES
from training.job import Job, run
from training.material.ingredients import ALARM_SHARE, _with_alarms
from training.material.own_takes import TakeError
from training.material.tapes import Pool
from training.recipe import find_recipe, read_recipe
from training.retrain import figures
from training.retrain.clips import MarkedClip, false_alarms, read_clips, take_of, takes_of
from training.retrain.command import retrain
from training.retrain.comparison import compare, table

Say = Callable[..., Samples]
COMPUTER = find_bundle("computer")
TINIEST = Path(__file__).parent / "recipes" / "tiniest.toml"
LENGTH = 10 * SAMPLE_RATE


def minute_of(*spoken: tuple[float, Samples]) -> Samples:
    """Ten seconds of a quiet room, in which each word begins at its second."""
    samples = np.random.default_rng(0).normal(scale=8, size=LENGTH).astype(np.int16)
    for start, word in spoken:
        first = round(start * SAMPLE_RATE)
        samples[first : first + len(word)] += word
    return samples


def clip(samples: Samples, *, said: bool = True) -> MarkedClip:
    return MarkedClip(Path(MISSED if said else FALSE_ALARM) / "a.wav", samples, said)


def retrained(*arguments: object) -> Result:
    return CliRunner().invoke(retrain, [str(argument) for argument in arguments])


def test_clips_are_read_as_the_daemon_keeps_them(tmp_path: Path) -> None:
    for kind, seed in ((FALSE_ALARM, 1), (MISSED, 2), ("computer", 3)):
        write_wav(tmp_path / kind / f"{seed}.wav", minute_of())
    clips = read_clips(tmp_path)
    assert [(clip.name, clip.said) for clip in clips] == [
        ("missed/2.wav", True),
        ("false-alarm/1.wav", False),
    ]
    (alarm,) = false_alarms(clips)
    assert np.array_equal(alarm, minute_of())


def test_a_folder_without_clips_and_a_broken_clip_are_named(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="no clips in missed/ or false-alarm/"):
        read_clips(tmp_path)
    (tmp_path / MISSED).mkdir()
    (tmp_path / MISSED / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(SourceError, match=r"a\.wav"):
        read_clips(tmp_path)


@pytest.mark.debian("espeak-ng")
@pytest.mark.parametrize("start", [1.5, 4.0, 8.0])
def test_the_missed_word_is_found_among_others_and_cut_out(say: Say, start: float) -> None:
    word, other = say("computer"), say("seven")
    samples = minute_of((start, word), (start - 1.3, other))
    take = take_of(clip(samples), COMPUTER)
    loudest = word[np.abs(word).argmax()]
    assert np.any(np.abs(take.samples.astype(int) - loudest) < 60)
    assert len(take.samples) < len(word) + 0.5 * SAMPLE_RATE


def test_a_clip_without_a_trace_of_the_word_is_left_out_with_the_remedy() -> None:
    clips = [clip(minute_of()), clip(noise(20), said=False)]
    with pytest.raises(TakeError, match=r"missed/a\.wav: computer hears no trace .* kws enroll"):
        take_of(clips[0], COMPUTER)
    takes, lost = takes_of(clips, COMPUTER)
    assert (takes, len(lost)) == ([], 1)


@pytest.mark.debian("espeak-ng")
def test_scores_and_events_of_each_clip_before_and_after(say: Say) -> None:
    clips = [clip(minute_of((3.0, say("computer")))), clip(minute_of((3.0, say("computer"))), said=False)]
    deaf, keen = (dataclasses.replace(COMPUTER, threshold=threshold) for threshold in (1.0, 0.5))
    changes = compare(clips, deaf, keen)
    score = changes[0].before.score
    assert 0.5 <= score == changes[0].after.score < 1.0
    assert list(table(changes)) == [
        "clip                   before       after",
        f"missed/a.wav         {score:.2f} (0)    {score:.2f} (1)",
        f"false-alarm/a.wav    {score:.2f} (0)    {score:.2f} (1)",
        "missed words that are heard: 0 of 1 before, 1 of 1 after",
        "false alarms that are still raised: 0 of 1 before, 1 of 1 after",
    ]


def test_only_kinds_that_are_there_are_summed_up() -> None:
    lines = list(table(compare([clip(minute_of(), said=False)], COMPUTER, COMPUTER)))
    assert lines[2:] == ["false alarms that are still raised: 0 of 1 before, 0 of 1 after"]


@pytest.fixture
def alone(tmp_path: Path) -> Bundle:
    """A copy of the bundled model, its float weights not beside it."""
    for path in (COMPUTER.manifest_path, COMPUTER.model_path):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return find_bundle(tmp_path)


def test_clear_errors(tmp_path: Path, alone: Bundle) -> None:
    write_wav(tmp_path / MISSED / "a.wav", minute_of())
    model = alone.manifest_path
    same = retrained(model, "--recordings", tmp_path, "-o", tmp_path)
    assert "the model itself lies there" in same.output
    cannot = retrained(model, "--recordings", tmp_path, "-o", tmp_path / "new", "--synthetic-only")
    assert "cannot go on learning" in cannot.output
    assert "--recipe embedding_head" in cannot.output
    nothing = retrained(
        model,
        "--recordings",
        tmp_path,
        "-o",
        tmp_path / "new",
        "--recipe",
        "embedding_head",
        "--synthetic-only",
    )
    assert "left out: missed/a.wav" in nothing.output
    assert "none of the clips can be learned from" in nothing.output
    assert [done.exit_code for done in (same, cannot, nothing)] == [1, 1, 1]
    assert not (tmp_path / "new").exists()


def test_false_alarms_are_a_tenth_of_the_other_speech_and_never_held_out() -> None:
    speech = tuple(noise(20, seed=number) for number in range(90))
    alarm = noise(300)
    learned, held_out = _with_alarms((Pool((), speech, ()), Pool((), speech[:9], ())), [alarm])
    assert sum(source is alarm for source in learned.speech) == ALARM_SHARE * len(learned.speech) == 10
    assert held_out.speech == speech[:9]


@pytest.mark.tensorflow
@pytest.mark.debian("espeak-ng")
def test_the_command_trains_anew_then_goes_on_from_there(tmp_path: Path, say: Say) -> None:
    write_wav(tmp_path / MISSED / "a.wav", minute_of((3.0, say("computer"))))
    write_wav(tmp_path / FALSE_ALARM / "b.wav", minute_of((3.0, say("commuter"))))
    shared = ("--recordings", tmp_path, "--synthetic-only", "--no-figures", "--cache", tmp_path / "cache")
    done = retrained("computer", *shared, "-o", tmp_path / "new", "--recipe", TINIEST)
    assert done.exit_code == 0, done.output
    assert "train anew, with 1 missed words and 1 false alarms" in done.output
    assert "missed words that are heard: 1 of 1 before, " in done.output
    new = find_bundle(tmp_path / "new")
    assert new.wake_word == "computer"
    assert {name: new.card["data"][name] for name in ("own recordings", "false alarms")} == {
        "own recordings": 1,
        "false alarms": 1,
    }
    again = retrained(new.manifest_path, *shared, "-o", tmp_path / "newer")
    assert again.exit_code == 0, again.output
    assert "fine-tune, with " in again.output
    assert find_bundle(tmp_path / "newer").card["command"].startswith("kws retrain ")


def test_where_words_are_recorded_the_new_model_gets_the_old_ones_false_alarms(
    alone: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = read_figures(FIGURES / "computer.json")
    better = dataclasses.replace(
        known, default=dataclasses.replace(known.default, threshold=0.123, misses={})
    )
    asked: list[float | None] = []

    def evaluate(
        bundle: Bundle, *, false_alarms_per_hour: float | None = None
    ) -> tuple[Figures, list[object]]:
        asked.append(false_alarms_per_hour)
        return (known if false_alarms_per_hour is None else better), []

    monkeypatch.setattr(figures, "evaluate", evaluate)
    monkeypatch.setattr(figures, "can_measure", lambda bundle: True)
    assert figures.measured(COMPUTER, alone).threshold == 0.123
    assert asked == [None, max(figures.LEAST_PER_HOUR, known.rate(known.default).per_hour)]
    shown = capsys.readouterr().out
    assert shown.startswith("before: computer: ")
    assert "after: computer: " in shown


def test_without_recordings_of_the_word_nothing_is_measured(
    alone: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KWS_DATA", str(tmp_path / "nowhere"))
    assert figures.measured(COMPUTER, alone) is alone
    assert "no figures: there are no dev recordings of this word" in capsys.readouterr().err


@pytest.mark.tensorflow
def test_a_head_learns_from_both_kinds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import training.heads.job

    given: dict[str, object] = {}

    def gather(phrase: str, recipe: object, **more: object) -> None:
        given.update(more)
        raise KwsError("enough")

    monkeypatch.setattr(training.heads.job, "gather", gather)
    recipe = read_recipe(find_recipe("embedding_head"))
    word, alarm = noise(20), noise(30)
    job = Job("computer", recipe, tmp_path, 1, False, tmp_path, "", (word,), false_alarms=(alarm,))
    with pytest.raises(KwsError, match="enough"):
        run(job)
    assert (given["own"], given["false_alarms"]) == ((word,), (alarm,))
