"""The trial of wildcards: its commands are the grammar's by hassil's own account, and rightly counted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")

from hassil import Intents, recognize

from kws.events import HeardWord, Slots, Transcript
from training.understanding import wildcards
from training.understanding.dev_speech import path_of
from training.understanding.wildcards import Command, Understood, command_text, understood


def test_its_commands_are_sentences_of_the_grammar() -> None:
    with path_of(wildcards.GRAMMAR).open() as file:
        intents = Intents.from_yaml(file)
    rng = np.random.default_rng(1)
    for text, intent, slots in (command_text(rng) for _ in range(60)):
        found = recognize(text, intents)
        assert found is not None, text
        assert found.intent.name == intent
        assert set(found.entities) == set(slots)


class Ears:
    """A Listener that tells what it is given."""

    cpu, audio = 3.0, 60.0

    def transcripts(self, heard: Transcript) -> list[Transcript]:
        return [heard]


def command(item: str, heard: str, *, voice: str = "a", accepted: bool = True, sure: float = 0.5) -> Command:
    words = tuple(HeardWord(word, 0.0, 1.0, sure) for word in heard.split())
    answer = Transcript(
        heard, 0.9, 0.0, 1.0, words=words, in_grammar=accepted, intent="AddItem", slots=Slots(item=heard)
    )
    return Command(f"add {item}", "AddItem", {"item": item}, voice, answer)  # type: ignore[arg-type]


def test_what_is_counted() -> None:
    said = [
        command("oat milk", "oat milk", sure=0.9),
        command("oat milk", "old milk", sure=0.3),
        command("bread", "bread", voice="b", accepted=False),
    ]
    found: Understood = understood(Ears(), said)  # type: ignore[arg-type]
    assert (found.accepted.count, found.accepted.total) == (2, 3)
    assert (found.right.count, found.right.total) == (1, 2)
    assert (found.errors.errors, found.errors.words) == ((1, 1), (4, 1))
    assert found.sure == pytest.approx((0.9, 0.3))
    assert found.cpu == pytest.approx(0.05)
    assert wildcards.row(2.0, found, None).startswith("| 2 | 66.7 %")
