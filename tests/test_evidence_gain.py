"""What rival and letters gain, from paths that are made up, and from sound through the grammars."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from spoken import saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.understanding.evidence_gain
from kws.evaluation.intervals import Proportion
from kws.recognition.bundle import find_recognizer
from training.data.manifest import Clip
from training.understanding.decoding_fit import FITTED_ON, Judged
from training.understanding.dev_speech import FREE
from training.understanding.evidence_gain import (
    HEAD,
    KINDS,
    Paths,
    cost,
    heard_by_grammars,
    judged_by_others,
    rows,
)


def clip(label: str, corpus: str = "gsc-test-v0.02", kind: str = "word") -> Clip:
    return Clip(Path(f"{label}.opus"), corpus, "dev", kind, label, "", 2.0, "test")


SENTENCE = clip("he came home", "libri-test-clean", "sentence")


def paths(of: Clip, number: int, margin: float, doubt: float, *, right: bool) -> list[Judged]:
    """So many by as many speakers, alike in nats whatever they are."""
    return [
        Judged((-0.1 * n, -0.1 * n, 1.0, margin, doubt), right, replace(of, speaker=str(n)))
        for n in range(number)
    ]


def told_apart_by(margin: float, doubt: float) -> Paths:
    """What is right, of which nothing else is likelier; and what is wrong, as far behind it as this."""
    stop, bird, noise = clip("stop"), clip("bird"), clip("", kind="noise")
    three, order = clip("three", "fsdd"), clip("{}", "picovoice-coffee", "speech-slots")
    return {
        "commands": [
            *paths(stop, 10, 0.0, 0.0, right=True),
            *paths(bird, 10, margin, doubt, right=False),
            *paths(noise, 10, margin, doubt, right=False),
        ],
        **{
            grammar: [
                *paths(said, 10, 0.0, 0.0, right=True),
                *paths(SENTENCE, 10, margin, doubt, right=False),
            ]
            for grammar, said in (("digits", three), ("coffee", order))
        },
    }


@pytest.mark.parametrize(("margin", "doubt", "tell"), [(-3.0, 0.0, "rival"), (0.0, -3.0, "letters")])
def test_what_tells_them_apart_is_a_gain(margin: float, doubt: float, tell: str) -> None:
    heard = {"commands": [(clip("stop"), None)] * 12, "libri": [(SENTENCE, None)] * 10, "ocean": []}
    commands, *free = rows(told_apart_by(margin, doubt), heard)  # type: ignore[arg-type]
    for place, kind in enumerate(KINDS):
        assert (commands.found[place] == Proportion(10, 12)) == (kind in (tell, "both"))
        assert all((row.found[place] == Proportion(0, 10)) == (kind in (tell, "both")) for row in free)
    assert all(str(row).count("|") == HEAD.splitlines()[0].count("|") for row in (commands, *free))


def test_nobody_is_judged_by_a_curve_that_knows_them() -> None:
    """Of two who say the same, one is always wrong: a curve that knew them would say so."""
    same = (-1.0, -1.0, 1.0, 0.0, 0.0)
    one, other = (replace(clip("stop"), speaker=name) for name in ("0", "1"))
    judged = judged_by_others(
        {
            "commands": [
                Judged(same, right, who) for who, right in ((one, True), (other, False)) for _ in "abc"
            ]
            + paths(clip("stop"), 10, 0.0, 0.0, right=True)
            + paths(clip("bird"), 10, -3.0, 0.0, right=False)
        },
        KINDS["both"],
    )["commands"]
    assert judged[0].path.clip.speaker == "0"
    assert judged[0].confidence < judged[3].confidence


def test_free_sentences_are_heard_by_digits_and_orders(
    english: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training.understanding.evidence_gain, "AcousticModel", Says)
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
