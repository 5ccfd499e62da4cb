"""Several models of one word measured together: their mean logit, and what cannot be averaged."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import kws.selftest
from kws.bundle import find_bundle
from kws.errors import KwsError
from kws.evaluation import Occurrence
from kws.evaluation.streams import Layout, RowStream, Segment
from kws.frontends import MICRO, new_front_end
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.accuracy.dev_streams import SPEECH
from training.accuracy.together import main, mean_of, rows_of


def outputs(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)[:, None]


def test_the_mean_is_of_logits() -> None:
    alone = mean_of([outputs(0, 127, 128, 255)])
    assert alone == pytest.approx((np.array([0, 127, 128, 255]) + 0.5) / 256)
    both = mean_of([outputs(255, 255, 3), outputs(0, 255, 3)])
    assert both == pytest.approx([0.5, 511 / 512, 3.5 / 256])  # sure and sure of the opposite: nobody knows


def test_models_that_cannot_be_averaged_are_refused() -> None:
    computer, alexa = find_bundle("computer"), find_bundle("alexa")
    for other in (alexa, dataclasses.replace(computer, window=computer.window + 1)):
        with pytest.raises(KwsError, match="models of one word"):
            next(rows_of([computer, other]))
    done = CliRunner().invoke(main, ["nosuch"])
    assert done.exit_code == 1
    assert "nosuch" in done.output


def test_one_model_together_with_itself_misses_what_it_misses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.accuracy.together.dev_stream", selftest_stream)
    bundle = find_bundle("computer")
    head, _, *rows = rows_of([bundle, bundle])
    assert "at most 0.5 an hour: clean, amid talk, 10 dB" in head
    assert [row.split("|")[1] for row in rows] == [" 1 ", " 2 ", " 1 and 2 "]
    assert len({row.split("|", 2)[2] for row in rows}) == 1
    assert rows[0].count("0 of ") == 12  # four rates, three conditions


def selftest_stream(word: str, name: str) -> RowStream:
    """Its calls with the words in them, or noise without any."""
    folder = Path(kws.selftest.__file__).parent
    scene = "noise" if name == SPEECH else "calls"
    samples = read_samples(folder / f"{scene}.flac")
    lines = (folder / f"{scene}.words.jsonl").read_text().splitlines()
    words = [Occurrence(one["start"], one["end"]) for one in map(json.loads, lines) if one["name"] == word]
    segments = [Segment(said.start, said.end, "", "", scene, said) for said in words]
    whole = Segment(0.0, len(samples) / SAMPLE_RATE, "", "", scene)
    return RowStream(new_front_end(MICRO).push(samples), Layout(tuple(segments) or (whole,)))
