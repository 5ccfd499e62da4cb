"""Which weight of letters the speakers choose for each other, from clips that are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from spoken import random_steps, saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.understanding.letters_choice
from kws.recognition.bundle import find_recognizer
from kws.recognition.tokens import CHARACTERS
from training.data.manifest import Clip
from training.understanding.letters_choice import GRID, Candidates, Setting, candidates, report


def clip(label: str, speaker: str, corpus: str = "gsc-test-v0.02") -> Clip:
    return Clip(Path(f"{label}.opus"), corpus, "dev", "word", label, speaker, 1.0, "test")


def torn(speaker: str, right_by_letters: bool) -> Candidates:
    """Phones are for the first, letters more strongly for the second."""
    letters = np.array([-10.0, 0.0])
    wrong = [1, 0] if right_by_letters else [0, 1]
    return Candidates(
        clip("go", speaker),
        np.array([0.0, -5.0]),
        dict.fromkeys({setting.exponent for setting in GRID}, letters),
        np.array([2.0, 2.0]),
        np.array([*wrong, 1]),
    )


def test_a_setting_weighs_both() -> None:
    one = torn("a", right_by_letters=True)
    assert one.wrong(Setting(0.0, 0.0, 0.0)) == 1
    assert one.wrong(Setting(1.0, 0.0, 0.0)) == 0


def test_nobody_has_a_say_in_the_setting_that_he_is_judged_by() -> None:
    """Three are understood by letters, one is not: he is judged by the three, each of them by the others."""
    found = {"commands": [torn(name, name != "d") for name in "abcd"]}
    *rows, last, chosen = report(found)
    assert rows[0] == "| weight | exponent | a phone | commands, of 4 |"
    assert rows[2].endswith("| 0.2 | 0 | 0 | 3 |")
    assert last == "| by the other speakers | | | 1 |"
    assert chosen == f"{GRID[8]}: chosen for 4 of 4 speakers"


def test_the_sentences_of_a_grammar_are_judged(
    english: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training.understanding.letters_choice, "AcousticModel", Says)
    phones = saying("three")
    sound = np.hstack([phones, random_steps(1, len(phones), len(CHARACTERS))])
    bundle = find_recognizer(english)
    (found,) = candidates(bundle, "digit", [(clip("three", "a", "fsdd"), sound)])
    assert found.wrong(Setting(0.0, 0.0, 0.0)) == found.errors[0] == 0
    assert found.errors[1] > 0
    assert found.tokens[0] == 3
    assert len(found.phones) == len(found.letters[0.4]) == len(found.errors) - 1
    (deaf,) = candidates(bundle, "digit", [(clip("three", "a", "fsdd"), sound[:1])])
    assert deaf.wrong(GRID[0]) == 1
