"""Recording: nothing unless asked for; then whole files around each wake word, and no more than asked for."""

from __future__ import annotations

import resource
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pulse import wait_for

from kws import recording
from kws.config_keys import RecordingSettings
from kws.errors import KwsError
from kws.events import Detection, Event, NoSpeech, Transcript
from kws.recording import Recorder, write_wav
from kws.types import SAMPLE_RATE, Block, Samples

STEP = SAMPLE_RATE // 100
COUNTING = np.arange(8 * SAMPLE_RATE).astype(np.int16)


def detection(end: float, name: str = "computer") -> Detection:
    return Detection(name=name, score=0.9, threshold=0.5, start=end - 0.5, end=end)


def heard(recorder: Recorder, seconds: float, *detections: Detection) -> None:
    """Let it hear the first seconds, each detection told when it is due."""
    waiting = list(detections)
    for start in range(0, round(seconds * SAMPLE_RATE), STEP):
        recorder.tap(Block(COUNTING[start : start + STEP], start=start))
        while waiting and waiting[0].end * SAMPLE_RATE <= start + STEP:
            recorder.emit(waiting.pop(0))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wav"))


def test_nothing_is_recorded_unless_asked_for(tmp_path: Path) -> None:
    for settings in (RecordingSettings(), RecordingSettings(folder=str(tmp_path))):
        recorder = Recorder(settings)
        heard(recorder, 8, detection(2.0))
        recorder.close()
    assert files(tmp_path) == []
    with pytest.raises(KwsError, match=r"recording is off; set recording\.folder"):
        Recorder(RecordingSettings()).mark("missed")


def test_a_disk_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released, done = threading.Event(), threading.Event()
    monkeypatch.setattr(recording, "write_wav", lambda path, samples: released.wait())
    recorder = Recorder(RecordingSettings(str(tmp_path)))
    recorder.mark("missed")
    wait_for(recorder._files.empty, "the disk")
    for _ in range(recording.WAITING_FILES):
        recorder.mark("missed")
    threading.Thread(target=lambda: (recorder.close(0.01), done.set()), daemon=True).start()
    ended = done.wait(20)
    released.set()
    assert ended
    assert caplog.messages == [f"{tmp_path}: the disk hangs; the last recordings are lost"]


def test_a_slow_disk_gets_all_that_waits_where_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slowly(path: Path, samples: Samples) -> None:
        go.wait()
        write_wav(path, samples)

    monkeypatch.setattr(recording, "write_wav", slowly)
    recorder = Recorder(RecordingSettings(str(tmp_path)))
    recorder.mark("missed")
    wait_for(recorder._files.empty, "the disk")
    for _ in range(recording.WAITING_FILES):
        recorder.mark("missed")
    closing = threading.Thread(target=recorder.close)
    closing.start()
    go.set()
    closing.join()
    assert len(files(tmp_path)) == 1 + recording.WAITING_FILES


def test_the_audio_around_a_wake_word(tmp_path: Path) -> None:
    settings = RecordingSettings(str(tmp_path), each_detection=True, before_seconds=1.5, after_seconds=2.0)
    recorder = Recorder(settings)
    heard(recorder, 8, detection(3.0, "hey/../computer"))
    recorder.close()
    (path,) = files(tmp_path)
    assert path.parent == tmp_path / "hey____computer"
    assert path.stat().st_mode & 0o077 == 0
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == SAMPLE_RATE
    assert np.array_equal(samples, COUNTING[round(1.5 * SAMPLE_RATE) : 5 * SAMPLE_RATE])


@pytest.mark.parametrize("event", [Transcript("lights on", 0.9, 3.5, 5.0), NoSpeech(3.0, 5.0)])
@pytest.mark.parametrize(("after", "end"), [(1.0, 5.5), (3.0, 6.0)])
def test_with_a_recognizer_a_file_goes_on_to_the_end_of_the_command(
    tmp_path: Path, event: Event, after: float, end: float
) -> None:
    settings = RecordingSettings(str(tmp_path), each_detection=True, before_seconds=1.0, after_seconds=after)
    recorder = Recorder(settings, commands=lambda: True)
    for first in range(0, 8 * SAMPLE_RATE, STEP):
        recorder.tap(Block(COUNTING[first : first + STEP], start=first))
        if first + STEP == 3 * SAMPLE_RATE:
            recorder.emit(detection(3.0))
        if first + STEP == round(5.5 * SAMPLE_RATE):
            assert files(tmp_path) == []
            recorder.emit(event)
    recorder.close()
    samples, _ = soundfile.read(files(tmp_path)[0], dtype="int16")
    assert np.array_equal(samples, COUNTING[2 * SAMPLE_RATE : round(end * SAMPLE_RATE)])


def test_two_words_whose_audio_ends_together_have_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording.time, "time", lambda: 1e9)
    recorder = Recorder(RecordingSettings(str(tmp_path), each_detection=True, after_seconds=5.0))
    heard(recorder, 4, detection(2.0), detection(3.0))
    recorder.close()
    assert [soundfile.info(path).frames for path in files(tmp_path)] == [4 * SAMPLE_RATE, 3 * SAMPLE_RATE]


def test_a_recognizer_that_comes_or_goes_counts_from_the_next_word(tmp_path: Path) -> None:
    commands = iter((False, True))
    settings = RecordingSettings(str(tmp_path), each_detection=True, before_seconds=0.5, after_seconds=0.5)
    recorder = Recorder(settings, commands=lambda: next(commands))
    heard(recorder, 8, detection(1.0), detection(3.0))
    recorder.close()
    lengths = [soundfile.info(path).frames for path in files(tmp_path)]
    assert lengths == [SAMPLE_RATE, round(5.5 * SAMPLE_RATE)], "the second goes on to the end of the audio"


def test_what_is_still_being_heard_at_the_end_is_kept_as_far_as_it_came(tmp_path: Path) -> None:
    recorder = Recorder(RecordingSettings(str(tmp_path), each_detection=True, before_seconds=1.0))
    heard(recorder, 4, detection(3.5))
    recorder.close()
    samples, _ = soundfile.read(files(tmp_path)[0], dtype="int16")
    assert np.array_equal(samples, COUNTING[round(2.5 * SAMPLE_RATE) : 4 * SAMPLE_RATE])


def test_the_last_seconds_at_a_users_word(tmp_path: Path) -> None:
    recorder = Recorder(RecordingSettings(str(tmp_path)))
    heard(recorder, 8)
    path = Path(recorder.mark("missed"))
    recorder.close()
    assert path.parent == tmp_path / "missed"
    samples, _ = soundfile.read(path, dtype="int16")
    assert np.array_equal(samples, COUNTING)


def test_the_oldest_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(RecordingSettings(str(tmp_path), each_detection=True, after_seconds=0.0, keep=3))
    clock = iter(range(1_000_000, 2_000_000))
    monkeypatch.setattr(recording.time, "time", lambda: next(clock))
    heard(recorder, 8, *(detection(second) for second in range(1, 8)))
    recorder.close()
    wait_for(
        lambda: [soundfile.info(path).frames for path in files(tmp_path)][-1:] == [2 * SAMPLE_RATE], "file"
    )
    assert len(files(tmp_path)) == 3
    assert files(tmp_path)[-1].name == "19700112T134646.000Z.wav"


def test_a_disk_that_does_not_keep_up_or_is_full_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    recorder = Recorder(RecordingSettings(str(blocked)))
    recorder.mark("missed")
    wait_for(lambda: recorder.dropped == 1, "failure")

    slow = Recorder(RecordingSettings(str(tmp_path)))
    monkeypatch.setattr(
        recording, "write_wav", lambda path, samples: wait_for(lambda: slow.dropped > 0, "end")
    )
    for _ in range(recording.WAITING_FILES):
        slow.mark("missed")
    wait_for(lambda: slow._files.qsize() == recording.WAITING_FILES - 1, "first file in hand")
    slow.mark("missed")
    with pytest.raises(KwsError, match="does not keep up"):
        slow.mark("missed")


def test_half_a_file_is_never_seen(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OSError, match="large"):
            write_wav(tmp_path / "a" / "b.wav", COUNTING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "a").iterdir()) == []
