"""The chapter on where the time goes: its parts are those of the run that it takes apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kws
from benchmarks import limit, run_profile, stages
from benchmarks.cost import minute
from benchmarks.run_profile import PARTS, WHOLE, WORD
from kws.bench import write_wav
from kws.bundle import find_bundle
from kws.encoders.logmel import LogMel
from kws.encoders.rows import EmbeddingRows


def test_the_parts_are_those_of_what_hears_by_default() -> None:
    (word,) = kws.load(WORD).wake_words
    assert word.bundle == run_profile.proposer(find_bundle(WORD))
    assert isinstance(kws.load(WORD).front_ends[word.bundle.front_end], EmbeddingRows)
    audio = minute()[:16_000]
    together = EmbeddingRows().push(audio)
    apart = run_profile.encoder_of_rows().push(LogMel().push(audio))
    assert len(apart) == 12
    assert np.array_equal(together, apart)


def test_without_its_second_stage_a_run_still_proposes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = minute()[: 8 * 16_000]
    write_wav(tmp_path / "a.wav", audio)
    heard: list[str] = []
    monkeypatch.setattr(run_profile.Collector, "emit", lambda self, event: heard.append(event.name))
    work = run_profile.in_two_stages(tmp_path / "a.wav", audio)
    assert set(PARTS) < set(work)
    for title in (WHOLE, run_profile.FIRST):
        heard.clear()
        work[title]()
        assert heard == [WORD]
    heard.clear()
    run_profile.in_one_stage(tmp_path / "a.wav", audio)[WHOLE]()
    assert heard == [WORD]


def test_multiplications_of_a_matrix_product_are_counted() -> None:
    assert limit.model_macs(limit.int8_product(8)) == 8**3


def test_resetting_is_measured_on_a_model_that_has_heard_something(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    model = find_bundle(WORD).open_model()
    new = model._replace_interpreter
    monkeypatch.setattr(model, "_replace_interpreter", lambda: (made.append(1), new()))
    monkeypatch.setattr(
        stages, "find_bundle", lambda word: type("B", (), {"open_model": lambda self: model})()
    )
    stages._reset_seconds(1)
    assert len(made) == 1 + stages.RESETS


def test_shares_and_limits_follow_from_what_was_measured() -> None:
    two = {
        "all of it": 0.004,
        "without its second stage": 0.001,
        "reading the file": 0.0,
        "log-mel rows": 0.0003,
        "speech embedding on these, int8": 0.0005,
        "head of the word": 0.0001,
        "detector": 0.0,
        "without its second stage, in blocks of 40 ms": 0.002,
    }
    one = {"all of it": 0.002, "in it, the package's C functions alone": 0.0005}
    peaks = {"peak": 1e9, "int8 peak": 1e10}
    macs = {
        "log-mel rows": 1e5,
        "speech embedding on these, int8": 9e5,
        "head of the word": 1e5,
        "micro front end": 1e5,
        "model of the word for devices": 0.0,
    }
    text = " ".join(
        stages.section(
            {
                "rounds": 1,
                "two stages": {title: spread_of(value) for title, value in two.items()},
                "one stage": {title: spread_of(value) for title, value in one.items()},
                "stages": {},
                "reset": spread_of(0.0003),
                "limit": peaks | macs,
            }
        ).split()
    )
    assert "is 75 % of the whole. What is left, 0.00100, is" in text
    assert "30 % of it are the log-mel rows, by numpy, 50 % the encoder's graph" in text
    assert "and 10 % is in none of the parts. In blocks of 40 ms it takes 2.0 times as long" in text
    # 1e5 / 1e9 + 1e6 / 1e10 s
    assert "would take 0.000200 CPU s; it takes 5.0 times as long" in text
    assert "alone 0.000100 CPU s, and it takes 20 times as long. 25 % of that" in text
    assert "0.30 ms" in text


def spread_of(value: float) -> dict[str, float]:
    return dict.fromkeys(("median", "low", "high"), value)
