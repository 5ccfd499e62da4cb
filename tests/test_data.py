"""Manifests, samples of any rate, splits by speaker, the scan, and `kws data`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_data_layouts import record, speech_commands

from kws.errors import KwsError, SourceError
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.data.command import data
from training.data.layouts import clips_in
from training.data.manifest import (
    COLUMNS,
    Clip,
    read_manifest,
    recordings_manifest,
    write_manifest,
)
from training.data.scan import scan, tally
from training.data.splits import assign_splits, split_of
from training.material.ingredients import trainable

CLIP = Clip(Path("a.wav"), "mine", "", "word", "yes", "ann", 0.0, "ship")


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    inside, outside = tmp_path / "set" / "a.wav", tmp_path / "b.wav"
    clips = [
        replace(CLIP, path=inside, seconds=1.25, split="dev"),
        replace(CLIP, path=outside, label='ja, "natürlich"', split="test", licence="test"),
    ]
    table = tmp_path / "set" / "manifest.tsv"
    table.parent.mkdir()
    write_manifest(table, clips)
    assert read_manifest(table) == clips
    assert "\na.wav\t" in table.read_text(encoding="utf-8")


def test_tabs_and_lines_in_a_label_do_not_break_the_table(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.tsv", [replace(CLIP, label="a\tb\nc")])
    assert [clip.label for clip in read_manifest(tmp_path / "m.tsv")] == ["a b c"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("path\tcorpus\na\tb\n", "split"),
        ("\t".join(COLUMNS) + "\na.wav\tc\ttrain\tword\tyes\tann\tlong\tship\n", "line 2"),
        ("\t".join(COLUMNS) + "\na.wav\tc\ttrain\tword\tyes\n", "line 2"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, text: str, named: str) -> None:
    table = tmp_path / "m.tsv"
    table.write_text(text)
    with pytest.raises(SourceError, match=named) as caught:
        read_manifest(table)
    assert str(table) in str(caught.value)


def test_a_table_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.tsv").write_bytes(b"path\tcorpus\xff\n")
    with pytest.raises(SourceError, match=r"m\.tsv: not a table in UTF-8"):
        read_manifest(tmp_path / "m.tsv")


@pytest.mark.recordings
def test_the_table_of_the_recordings_survives_a_round_trip(tmp_path: Path) -> None:
    clips = read_manifest(recordings_manifest())
    write_manifest(tmp_path / "m.tsv", clips)
    assert read_manifest(tmp_path / "m.tsv") == [replace(c, path=c.path.resolve()) for c in clips]


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(48_000, 2, "PCM_16"), (8_000, 1, "PCM_16"), (16_000, 1, "FLOAT"), (44_100, 1, "PCM_24")],
)
def test_samples_of_any_rate_keep_their_tone_and_level(
    tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    time = np.arange(rate) / rate
    tone = np.repeat(0.25 * np.sin(2 * np.pi * 440 * time)[:, None], channels, axis=1)
    soundfile.write(tmp_path / "tone.wav", tone, rate, subtype)
    samples = read_samples(tmp_path / "tone.wav")
    assert abs(len(samples) - SAMPLE_RATE) <= 1
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    assert abs(int(np.argmax(spectrum)) * SAMPLE_RATE / len(samples) - 440) < 1
    # RMS of a sine of a quarter of full scale; its ends are cut by the resampler's filter.
    assert np.std(samples[2000:-2000].astype(float)) == pytest.approx(8192 / np.sqrt(2), rel=0.01)


def test_unreadable_samples_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    for name in ("text.wav", "missing.wav"):
        with pytest.raises(SourceError, match=name):
            read_samples(tmp_path / name)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "train", "dev", "test"])), max_size=30)
)
def test_a_speaker_is_never_on_two_sides(rows: list[tuple[str, str]]) -> None:
    placed = assign_splits([replace(CLIP, speaker=who, split=split) for who, split in rows])
    sides = {(clip.speaker, clip.split) for clip in placed}
    assert len(sides) == len({speaker for speaker, _ in sides})
    assert all(split for _, split in sides)


def test_splits_of_a_corpus_are_kept() -> None:
    rows = [("a", "dev"), ("b", "test"), ("c", "train")]
    placed = assign_splits([replace(CLIP, speaker=who, split=split) for who, split in rows])
    assert [(clip.speaker, clip.split) for clip in placed] == rows


def test_shares_are_met_by_many_speakers() -> None:
    count = 4000
    splits = [split_of(f"speaker {n}", dev_share=0.2, test_share=0.1) for n in range(count)]
    # Five standard deviations of a binomial share.
    for split, share in (("dev", 0.2), ("test", 0.1)):
        assert abs(splits.count(split) / count - share) < 5 * (share * (1 - share) / count) ** 0.5


def test_more_speakers_do_not_move_those_already_there() -> None:
    few = [replace(CLIP, speaker=f"{n}") for n in range(20)]
    many = [replace(CLIP, speaker=f"{n}") for n in range(500)]
    assert assign_splits(many)[:20] == assign_splits(few)


def test_unknown_speakers_are_trained_on() -> None:
    assert [
        c.split for c in assign_splits([replace(CLIP, speaker="", path=Path(f"{n}")) for n in range(50)])
    ] == ["train"] * 50


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Speech Commands with three damaged files in it."""
    speech_commands(tmp_path / "sc")
    (tmp_path / "sc" / "yes" / "text_nohash_0.wav").write_text("no audio")
    (tmp_path / "sc" / "yes" / "empty_nohash_0.wav").touch()
    whole = record(tmp_path / "sc" / "yes" / "cut_nohash_0.wav", 1.0)
    os.truncate(whole, 9_000)
    return tmp_path / "sc"


def test_broken_files_are_listed_and_left_out(corpus: Path) -> None:
    done = scan(clips_in("speech-commands", corpus))
    assert {entry.path.name for entry in done.broken} == {
        f"{name}_nohash_0.wav" for name in ("text", "empty", "cut")
    }
    assert len(done.clips) == 4
    assert {clip.seconds for clip in done.clips} == {0.1}


def test_tally_counts_speakers_and_hours() -> None:
    clips = [
        replace(CLIP, split=s, speaker=w, seconds=900.0)
        for s, w in (("dev", "a"), ("train", "b"), ("train", "b"))
    ]
    assert [(t.split, t.kind, t.clips, t.speakers, t.hours) for t in tally(clips)] == [
        ("train", "word", 2, 1, 0.5),
        ("dev", "word", 1, 1, 0.25),
    ]


def test_data_writes_the_table_and_counts(corpus: Path, tmp_path: Path) -> None:
    table = tmp_path / "out" / "manifest.tsv"
    done = CliRunner().invoke(
        data, ["speech-commands", str(corpus), "-o", str(table), "--corpus", "mine"], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["split", "kind", "clips", "speakers", "hours"]
    assert ["train", "word", "1", "1", "0.00"] in [line.split() for line in done.stdout.splitlines()]
    clips = read_manifest(table)
    assert {clip.corpus for clip in clips} == {"mine"}
    assert [read_samples(clip.path).size for clip in clips] == [1_600] * 4
    listed = (table.parent / "manifest.tsv.broken.txt").read_text().splitlines()
    assert len(listed) == 3
    assert "3 left out" in done.stderr


def test_speakers_are_found_in_paths(tmp_path: Path) -> None:
    for who in ("ann", "bob"):
        record(tmp_path / "yes" / f"{who}-1.wav")
    table = tmp_path / "m.tsv"
    arguments = [
        "labels",
        str(tmp_path),
        "-o",
        str(table),
        "--speaker",
        r"(\w+)-\d+\.wav$",
        "--kind",
        "wakeword",
        "--label",
        "yes sir",
    ]
    assert CliRunner().invoke(data, arguments, catch_exceptions=False).exit_code == 0
    assert {(c.speaker, c.kind, c.label) for c in read_manifest(table)} == {
        ("ann", "wakeword", "yes sir"),
        ("bob", "wakeword", "yes sir"),
    }


def test_a_table_keeps_its_splits_unless_told(tmp_path: Path) -> None:
    paths = [record(tmp_path / f"{n}.wav") for n in range(2)]
    write_manifest(
        tmp_path / "manifest.tsv",
        [replace(CLIP, path=p, split=s) for p, s in zip(paths, ("train", "dev"), strict=True)],
    )
    for extra, splits in (([], {"train", "dev"}), (["--resplit"], {split_of("ann")})):
        out = tmp_path / "again.tsv"
        assert (
            CliRunner()
            .invoke(data, ["table", str(tmp_path), "-o", str(out), *extra], catch_exceptions=False)
            .exit_code
            == 0
        )
        assert {clip.split for clip in read_manifest(out)} == splits


@pytest.mark.parametrize("pattern", ["(", "no-group"])
def test_an_unusable_pattern_is_named(tmp_path: Path, pattern: str) -> None:
    record(tmp_path / "yes" / "1.wav")
    with pytest.raises(KwsError, match="--speaker"):
        CliRunner().invoke(
            data,
            ["labels", str(tmp_path), "-o", str(tmp_path / "m"), "--speaker", pattern],
            catch_exceptions=False,
        )


def test_a_training_takes_its_recordings_from_all_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KWS_DATA", str(tmp_path))
    assert trainable() == []
    (tmp_path / "audio").mkdir()
    one, other, kept = (
        Clip(tmp_path / "audio" / f"{name}.wav", "mine", split, "word", name, "anna", 1.0, licence)
        for name, split, licence in (
            ("tea", "train", "ship"),
            ("milk", "train", "ship"),
            ("coffee", "dev", "ship"),
        )
    )
    write_manifest(tmp_path / "audio" / "manifest.tsv", [one, kept])
    write_manifest(
        tmp_path / "audio" / "more.tsv", [one, other, replace(other, path=kept.path, licence="test")]
    )
    assert [clip.label for clip in trainable()] == ["tea", "milk"]
