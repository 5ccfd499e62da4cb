"""Every layout, built small in a temporary folder as its corpus lays it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kws.errors import SourceError
from training.data.layouts import LAYOUTS, clips_in
from training.data.manifest import KINDS, LICENCES, SPLITS, Clip, write_manifest

Write = Callable[..., Path]
BUILDERS: dict[str, Callable[[Path], None]] = {}


def builds(layout: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def register(build: Callable[[Path], None]) -> Callable[[Path], None]:
        BUILDERS[layout] = build
        return build

    return register


def record(path: Path, seconds: float = 0.1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).normal(0, 0.1, int(16_000 * seconds))
    soundfile.write(path, noise, 16_000)
    return path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@builds("speech-commands")
def speech_commands(root: Path) -> None:
    for name in ("yes/aa_nohash_0.wav", "yes/bb_nohash_0.wav", "no/cc_nohash_1.wav"):
        record(root / name)
    record(root / "_background_noise_" / "pink_noise.wav")
    write(root / "_background_noise_" / "README.md", "about the noise")
    write(root / "validation_list.txt", "yes/bb_nohash_0.wav\n")
    write(root / "testing_list.txt", "no/cc_nohash_1.wav\n")


@builds("common-voice")
def common_voice(root: Path) -> None:
    heading = "client_id\tpath\tsentence\tup_votes\n"
    rows = [
        f'{who}\t{who}{n}.mp3\tHe said "{n}.\t2\n'
        for who, n in (("ann", 1), ("ann", 2), ("bob", 1), ("cyd", 1))
    ]
    write(root / "en" / "validated.tsv", heading + "".join(rows) + "dan\n")
    write(root / "en" / "train.tsv", heading + rows[0])
    write(root / "en" / "dev.tsv", heading + rows[2])
    for name in ("ann1", "ann2", "bob1", "cyd1"):
        record(root / "en" / "clips" / f"{name}.mp3")


@builds("librispeech")
def librispeech(root: Path) -> None:
    for subset, speaker in (("train-clean-5", "19"), ("dev-clean", "84")):
        chapter = root / "LibriSpeech" / subset / speaker / "198"
        record(chapter / f"{speaker}-198-0000.flac")
        write(chapter / f"{speaker}-198.trans.txt", f"{speaker}-198-0000 NORTHANGER ABBEY\n\n")


@builds("precise")
def precise(root: Path) -> None:
    for name in (
        "wake-word/1.wav",
        "not-wake-word/deep/2.wav",
        "test/wake-word/3.wav",
        "test/not-wake-word/4.wav",
    ):
        record(root / "hey-computer" / name)


@builds("labels")
def labels(root: Path) -> None:
    for name in (
        "light_on/ann/1.wav",
        "light_on/bob/1.wav",
        "stop/aa_nohash_0.wav",
        "stop/2.wav",
        "_noise_/fan.wav",
    ):
        record(root / name)


@builds("musan")
def musan(root: Path) -> None:
    for part, name in (
        ("music", "music-rfm-0001"),
        ("noise", "noise-free-0002"),
        ("speech", "speech-libri-0003"),
    ):
        record(root / "musan" / part / "free-sound" / f"{name}.wav")
    write(root / "musan" / "noise" / "free-sound" / "LICENSE", "public domain")


@builds("esc50")
def esc50(root: Path) -> None:
    rows = (
        "1-10-A-0.wav,1,0,dog,True,10,A",
        "1-10-B-0.wav,1,0,dog,True,10,B",
        "2-11-A-36.wav,2,36,vacuum_cleaner,False,11,A",
    )
    write(
        root / "meta" / "esc50.csv", "filename,fold,target,category,esc10,src_file,take\n" + "\n".join(rows)
    )
    for row in rows:
        record(root / "audio" / row.partition(",")[0])


@builds("demand")
def demand(root: Path) -> None:
    for place in ("DKITCHEN", "TBUS"):
        for channel in ("ch01", "ch02"):
            record(root / place / f"{channel}.wav")


@builds("rooms")
def rooms(root: Path) -> None:
    for name in (
        "simulated_rirs/smallroom/Room001/Room001-00001.wav",
        "simulated_rirs/smallroom/Room001/Room001-00002.wav",
        "real_rirs_isotropic_noises/RVB2014_type1_rir_largeroom1_far_angla.wav",
        "real_rirs_isotropic_noises/RVB2014_type1_noise_largeroom1_1.wav",
        "pointsource_noises/noise-free-sound-0000.wav",
    ):
        record(root / name)


@builds("table")
def table(root: Path) -> None:
    path = record(root / "audio" / "a.wav")
    write_manifest(
        root / "audio" / "manifest.tsv", [Clip(path, "c", "dev", "word", "yes", "ann", 9.0, "test")]
    )


@pytest.fixture
def found(tmp_path: Path) -> Callable[[str], list[Clip]]:
    def found(layout: str) -> list[Clip]:
        BUILDERS[layout](tmp_path)
        return list(clips_in(layout, tmp_path))

    return found


def facts(clips: list[Clip]) -> set[tuple[str, ...]]:
    return {(c.path.name, c.kind, c.label, c.speaker, c.split) for c in clips}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_names_recordings_that_are_there(
    layout: str, found: Callable[[str], list[Clip]]
) -> None:
    clips = found(layout)
    assert clips
    assert [clip.path for clip in clips if not clip.path.is_file()] == []
    assert {clip.kind for clip in clips} <= set(KINDS)
    assert {clip.split for clip in clips} <= {"", *SPLITS}
    assert {clip.licence for clip in clips} <= set(LICENCES)
    assert {clip.seconds for clip in clips} == {0.0}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_folder_is_refused_by_name(layout: str, tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(SourceError, match=str(tmp_path)):
            list(clips_in(layout, folder))


def test_speech_commands(found: Callable[[str], list[Clip]]) -> None:
    assert facts(found("speech-commands")) == {
        ("aa_nohash_0.wav", "word", "yes", "aa", "train"),
        ("bb_nohash_0.wav", "word", "yes", "bb", "dev"),
        ("cc_nohash_1.wav", "word", "no", "cc", "test"),
        ("pink_noise.wav", "noise", "pink_noise", "pink_noise", ""),
    }


def test_common_voice_keeps_the_splits_of_speakers(found: Callable[[str], list[Clip]]) -> None:
    assert facts(found("common-voice")) == {
        ("ann1.mp3", "sentence", 'He said "1.', "ann", "train"),
        ("ann2.mp3", "sentence", 'He said "2.', "ann", "train"),
        ("bob1.mp3", "sentence", 'He said "1.', "bob", "dev"),
        ("cyd1.mp3", "sentence", 'He said "1.', "cyd", ""),
    }


def test_common_voice_without_validated(tmp_path: Path) -> None:
    common_voice(tmp_path)
    (tmp_path / "en" / "validated.tsv").unlink()
    assert {clip.path.name for clip in clips_in("common-voice", tmp_path)} == {"ann1.mp3", "bob1.mp3"}


def test_a_table_without_a_needed_column_is_refused(tmp_path: Path) -> None:
    common_voice(tmp_path)
    write(tmp_path / "en" / "validated.tsv", "path\tsentence\na.mp3\tyes\n")
    with pytest.raises(SourceError, match=r"validated\.tsv: column client_id"):
        list(clips_in("common-voice", tmp_path))


def test_librispeech(found: Callable[[str], list[Clip]]) -> None:
    assert facts(found("librispeech")) == {
        ("19-198-0000.flac", "sentence", "northanger abbey", "19", "train"),
        ("84-198-0000.flac", "sentence", "northanger abbey", "84", "dev"),
    }


def test_a_chapter_alone_has_no_split(tmp_path: Path) -> None:
    librispeech(tmp_path)
    (tmp_path / "LibriSpeech" / "dev-clean").rename(tmp_path / "mine")
    assert {clip.split for clip in clips_in("librispeech", tmp_path / "mine")} == {""}


def test_precise(found: Callable[[str], list[Clip]]) -> None:
    assert facts(found("precise")) == {
        ("1.wav", "wakeword", "hey computer", "", ""),
        ("2.wav", "speech", "", "", ""),
        ("3.wav", "wakeword", "hey computer", "", "test"),
        ("4.wav", "speech", "", "", "test"),
    }


def test_labels(found: Callable[[str], list[Clip]]) -> None:
    assert facts(found("labels")) == {
        ("1.wav", "word", "light on", "ann", ""),
        ("1.wav", "word", "light on", "bob", ""),
        ("aa_nohash_0.wav", "word", "stop", "aa", ""),
        ("2.wav", "word", "stop", "", ""),
        ("fan.wav", "noise", "noise", "fan", ""),
    }


def test_musan(found: Callable[[str], list[Clip]]) -> None:
    assert {(c.kind, c.label, c.speaker) for c in found("musan")} == {
        ("noise", "music", "music-rfm-0001"),
        ("noise", "noise", "noise-free-0002"),
        ("speech", "", "speech-libri-0003"),
    }


def test_esc50_keeps_clips_of_one_recording_together(found: Callable[[str], list[Clip]]) -> None:
    assert [(c.label, c.speaker, c.licence) for c in found("esc50")] == [
        ("dog", "freesound-10", "ship"),
        ("dog", "freesound-10", "ship"),
        ("vacuum cleaner", "freesound-11", "test"),
    ]


def test_demand_takes_one_microphone_a_place(found: Callable[[str], list[Clip]]) -> None:
    assert [(c.path.name, c.speaker) for c in found("demand")] == [
        ("ch01.wav", "DKITCHEN"),
        ("ch01.wav", "TBUS"),
    ]


def test_rooms_tell_responses_from_noise(found: Callable[[str], list[Clip]]) -> None:
    clips = found("rooms")
    assert [c.path.name for c in clips if c.kind == "noise"] == [
        "noise-free-sound-0000.wav",
        "RVB2014_type1_noise_largeroom1_1.wav",
    ]
    assert {c.speaker for c in clips if c.kind == "room"} == {"Room001", "RVB2014_type1_rir_largeroom1"}


def test_a_table_is_taken_as_it_stands(found: Callable[[str], list[Clip]]) -> None:
    (clip,) = found("table")
    assert (clip.corpus, clip.split, clip.licence, clip.speaker) == ("c", "dev", "test", "ann")
