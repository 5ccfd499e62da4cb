"""What the rival gains, from paths that are made up, and from sound through the grammars."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from spoken import saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.rival_gain
from kws.evaluation.intervals import Proportion
from kws.recognition.bundle import find_recognizer
from training.data.manifest import Clip
from training.decoding_fit import FITTED_ON, Judged
from training.dev_speech import FREE
from training.rival_gain import HEAD, cost, heard_by_grammars, rows


def clip(label: str, corpus: str = "gsc-test-v0.02", kind: str = "word") -> Clip:
    return Clip(Path(f"{label}.opus"), corpus, "dev", kind, label, "", 2.0, "test")


SENTENCE = clip("he came home", "libri-test-clean", "sentence")


def paths(of: Clip, *numbers: tuple[float, float], right: bool) -> list[Judged]:
    """By the nats of the whole and the rival's margin."""
    return [Judged((nats, nats, 1.0, margin), right, of) for nats, margin in numbers]


def test_a_margin_that_tells_what_nats_do_not_is_a_gain() -> None:
    """Ten of each: alike in nats, apart in the margin."""
    nats = [-0.1 * number for number in range(10)]
    near, far = [(one, 0.0) for one in nats], [(one, -3.0) for one in nats]
    found = {
        "commands": [
            *paths(clip("stop"), *near, right=True),
            *paths(clip("bird"), *far, right=False),
            *paths(clip("", kind="noise"), *far, right=False),
        ],
        "digits": [
            *paths(clip("three", "fsdd"), *near, right=True),
            *paths(SENTENCE, *far, right=False),
        ],
        "coffee": [
            *paths(clip("{}", "picovoice-coffee", "speech-slots"), *near, right=True),
            *paths(SENTENCE, *far, right=False),
        ],
    }
    heard = {"commands": [(clip("stop"), None)] * 12, "libri": [(SENTENCE, None)] * 10, "ocean": []}
    table = list(rows(found, heard))  # type: ignore[arg-type]
    assert [row.beside for row in table] == [Proportion(10, 12), *[Proportion(0, 10)] * 3]
    # Without it 3 silences and 6 other words are above the fourth and the seventh best: 3 commands are too.
    assert [row.without for row in table] == [Proportion(3, 12), *[Proportion(10, 10)] * 3]
    assert all(str(row).count("|") == HEAD.splitlines()[0].count("|") for row in table)


def test_free_sentences_are_heard_by_digits_and_orders(
    english: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training.rival_gain, "AcousticModel", Says)
    texts = {"commands": "stop", "digit": "three", "libri": "he came home"}
    names = {name for sets in FITTED_ON.values() for name in sets} | set(FREE)
    clips = {"commands": clip("stop"), "digit": clip("three", "fsdd"), "libri": SENTENCE}
    heard = {name: [(clips[name], saying(texts[name]))] if name in texts else [] for name in names}
    found = heard_by_grammars(find_recognizer(english), heard)
    labels = {grammar: Counter(path.clip.label for path in some) for grammar, some in found.items()}
    assert labels["commands"] == {"stop": 1}
    assert labels["digits"] == {"three": 1, "he came home": 1}
    assert labels["coffee"] == {"he came home": 1}
    assert found["digits"][0].right
    assert not found["digits"][1].right
    assert found["digits"][0].features[3] > found["digits"][1].features[3]
    assert cost(find_recognizer(english), heard["libri"]) > 0
