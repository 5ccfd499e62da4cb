"""Streams that engines hear: what lies in them, and that a file is never taken for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import listening, peers, streams
from benchmarks.streams import LEVELS, SPOKEN, TALK, Planned, _scheduled
from kws.bench.process import Plan, Run
from kws.evaluation.streams import Layout, Segment, Stream
from training.accuracy.interleaved import interleaved
from training.data.manifest import Clip

CLIP = Clip(Path("word.ogg"), "corpus", "dev", "wakeword", "computer", "one", 1.0, "free")


def named(monkeypatch: pytest.MonkeyPatch, clips: list[Clip], beds: list[str], condition: str) -> str:
    monkeypatch.setattr(streams, "dev_clips", lambda: clips)
    monkeypatch.setattr(streams, "bed_files", lambda clips: [Path(bed) for bed in beds])
    monkeypatch.setattr(streams, "interleaved", lambda words, clips, between, without: iter(words))
    return streams.word_stream("computer", condition).path.name


def test_a_stream_is_made_anew_when_its_recordings_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Clip(Path("other.ogg"), "corpus", "dev", "wakeword", "computer", "one", 1.0, "free")
    longer = Clip(Path("word.ogg"), "corpus", "dev", "wakeword", "computer", "one", 1.2, "free")
    (noisy,) = (level for level in LEVELS if level == "10 dB")
    names = [
        named(monkeypatch, clips, beds, condition)
        for clips in ([CLIP], [other], [longer])
        for beds in (["tap.wav"], ["fan.wav"])
        for condition in (streams.CLEAN, noisy)
    ]
    # Noise is heard in one of the two conditions alone.
    assert len(set(names)) == 3 * (1 + 2)
    assert names[0] == named(monkeypatch, [CLIP], ["fan.wav"], streams.CLEAN)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, None])
def test_a_track_is_there_as_a_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stop: type[BaseException] | None
) -> None:
    def run(plan: Plan, python: Path) -> Run:
        assert plan.scores
        plan.scores.write_bytes(np.array([0.08, 0.5]).tobytes())
        if stop:
            raise stop
        return Run(0.5, 0.1, 30.0, loading=1.0)

    monkeypatch.setattr(listening, "CACHE", tmp_path)
    monkeypatch.setattr(listening, "run", run)
    monkeypatch.setattr(listening, "python_of", lambda engine: Path("python"))
    made = Planned(tmp_path / "s.wav", lambda: Stream(np.zeros(32_000, np.int16), Layout(())))
    monkeypatch.setattr(listening, "stream_of", lambda name: made)
    task = listening.Task(peers.PEERS[0], ("alexa",), "alexa, alone")
    if stop:
        with pytest.raises(stop):
            task.hear()
        assert task.track() is None
        assert not list(task.path.parent.iterdir())
    else:
        # 2 s less the last chunk of 40 ms, at half a second each, and 1 s of loading.
        assert task.hear() == pytest.approx(1.96 / 2 + 1)
        heard = task.track()
        assert heard
        assert (heard[0].tolist(), heard[1].tolist()) == ([0.08], [[0.5]])


def test_a_stream_whose_making_was_interrupted_is_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = Layout((Segment(0.0, 1.0, "corpus", "sentence", "a.ogg"),))
    planned = Planned(tmp_path / "s.wav", lambda: Stream(np.zeros(16_000, np.int16), layout))

    def interrupted(*how: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(streams.json, "dumps", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _ = planned.audio
    assert planned.layout == layout
    assert planned.seconds == 1.0
    assert {path.name for path in tmp_path.iterdir()} == {"s.wav", "s.json"}


@pytest.mark.parametrize("word", ["computer", "alexa"])
@pytest.mark.recordings
def test_between_words_there_are_only_other_sounds(word: str) -> None:
    from training.accuracy.dev_recordings import dev_clips, mentions
    from training.accuracy.streams import is_word

    clips = dev_clips()
    said = [clip for clip in clips if is_word(clip, word)]
    order = list(interleaved(said, clips, 5.0, SPOKEN))
    places = [place for place, clip in enumerate(order) if is_word(clip, word)]
    assert sorted(clip.path for clip in said) == sorted(order[place].path for place in places)
    for first, second in zip(places, [*places[1:], len(order)], strict=True):
        between = order[first + 1 : second]
        assert 5.0 <= sum(clip.seconds for clip in between) < 5.0 + 6.0
        assert not any(mentions(clip, other) for clip in between for other in SPOKEN)


@pytest.mark.recordings
def test_words_of_the_rules_are_spread_over_their_time() -> None:
    from training.accuracy.dev_recordings import dev_clips
    from training.accuracy.streams import is_word

    clips = dev_clips()
    said = [clip for clip in clips if is_word(clip, "jarvis")]
    order = list(_scheduled(said, clips, 20.0))
    ends = np.cumsum([clip.seconds + sum(TALK.gap) / 2 for clip in order])
    at = [end for clip, end in zip(order, ends, strict=True) if is_word(clip, "jarvis")]
    assert len(at) == len(said)
    assert ends[-1] == pytest.approx(20.0 * len(said), abs=7)
    assert all(abs(end - 20.0 * number) < 13 for number, end in enumerate(at))
