"""Whose fault the recognizer's mistakes are, on transcripts whose faults are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from spoken import saying

from kws.evaluation.speech_trial import analysed
from kws.grammar.compile import compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.build import grammar_score
from kws.recognition.confidence import Calibration
from kws.recognition.grammar_decoder import GrammarDecoder
from kws.recognition.graph_beam import BeamConfig
from kws.recognition.tokens import BLANK, PHONES, LogProbs
from training.data.manifest import Clip
from training.understanding.dev_speech import path_of
from training.understanding.error_analysis import _heard, report
from training.understanding.listener import Listener

STEP = 0.04


def clip(text: str) -> Clip:
    return Clip(Path("a.wav"), "made", "dev", "speech", text, "a", 1.0, "ship")


def quiet(steps: int) -> LogProbs:
    row = np.full((steps, len(PHONES)), np.log(0.001 / len(PHONES)), np.float32)
    row[:, BLANK] = np.log(0.999)
    return row


def listener(threshold: float, beam: BeamConfig | None = None, name: str = "digits") -> Listener:
    graph = compile_grammar(read_grammar(path_of(name)), PHONES)
    return Listener(
        GrammarDecoder(graph, STEP, calibration=Calibration(threshold=threshold), beam=beam), STEP
    )


def test_each_fault_is_counted_and_each_mistake_named() -> None:
    said = [
        (clip("one two"), saying("one two")),
        (clip("ONE TWO"), saying("one three")),
        (clip("lights"), saying("one")),
        (clip("nine"), quiet(60)),
    ]
    score = grammar_score("english", path_of("digits"))
    found = analysed(list(_heard(listener(0.0), said)), score)
    rejected = analysed(list(_heard(listener(1.0), said[:1])), score)
    lines = report({"all": found, "sure": rejected}, {"all": found, "sure": rejected}).splitlines()
    assert lines[2].startswith("| all | 4 | 3 | 0 (0 %) | 1 (33 %) | 1 (33 %) | 0 (0 %) | 1 (33 %) | ")
    assert lines[2].endswith(" of 3 |")
    assert lines[3].startswith("| sure | 1 | 1 | 0 (0 %) | 0 (0 %) | 0 (0 %) | 1 (100 %) | 0 (0 %) | ")
    assert lines[7] == "| all | 2: two → three 1, lights → one 1 | 1: nine 1 | none |"
    assert lines[8] == "| sure | none | 2: one 1, two 1 | none |"


def test_a_pause_that_ends_a_sentence_too_soon_is_no_fault_of_the_search() -> None:
    paused = np.concatenate([saying("on"), quiet(60), saying("off")])
    score = grammar_score("english", path_of("commands"))
    for threshold, heard in ((0.0, "on off"), (1.0, "")):
        found = analysed(list(_heard(listener(threshold, name="commands"), [(clip("on"), paused)])), score)
        assert found.heard[0].text == heard
        assert found.blame
        assert found.blame.pause == found.blame.wrong == 1


def test_a_search_that_drops_what_is_likelier_is_at_fault() -> None:
    """It keeps one node at every step, so that what begins badly is lost."""
    begins, ends = saying("up")[:7], saying("off")
    begins = np.log(0.55 * np.exp(begins) + 0.45 * np.exp(ends[:7]))
    said = [(clip("off"), np.concatenate([begins, ends[7:], quiet(30)]))]
    score = grammar_score("english", path_of("commands"))
    wide = analysed(list(_heard(listener(0.0, name="commands"), said)), score)
    narrow = analysed(list(_heard(listener(0.0, BeamConfig(width=0.1, nodes=1), "commands"), said)), score)
    assert wide.heard[0].text == "off"
    assert narrow.heard[0].text == "up"
    assert narrow.blame
    assert narrow.blame.search == narrow.blame.wrong == 1
